// ProgramStore keeps executables by their content, so that what was started
// from one can be started again when the program that brought it is gone, or
// has been built anew.
//
//   FOLDER/HASH     0500; HASH is the SHA-256 of the content, in hex
//   FOLDER/.PID.N   a copy that is being made; renamed when it is on disk
// A program is read in slices, one a turn of the strand, so that a large one
// holds nobody up. There are only so many, of so many bytes: another one is
// kept when those that nobody needs have been forgotten.
// Owner: Server.   Threading: the strand's thread.
// Invariants: (1) what lies under a hash had that content when it was put
// there, and is durable; (2) what is opened has been read as a whole since it
// was last written, and has that content; keeping it again mends it where it
// has not; (3) only a hash names a file: no path comes in from outside.
// Failure: a sentence that names the path.
#ifndef MOBULA_RAYLET_SPAWN_PROGRAM_STORE_H_
#define MOBULA_RAYLET_SPAWN_PROGRAM_STORE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strand.h"
#include "base/unique_fd.h"

namespace mobula::raylet {

class ProgramStore {
 public:
  // The hash; "", and why, where it cannot be kept.
  using KeptFn = std::function<void(std::string hash, std::string reason)>;

  // For execution: the program, or why not.
  struct Opened {
    base::UniqueFd program;
    std::string reason;
    // It is not there, or damaged: only keeping it again will help.
    bool is_lacking = false;
  };
  using OpenedFn = std::function<void(Opened opened)>;

  // A program that comes from another node, part by part. Given up before Keep
  // it leaves nothing.
  class Arrival {
   public:
    virtual ~Arrival() = default;
    Arrival(const Arrival&) = delete;
    Arrival& operator=(const Arrival&) = delete;
    // Its next bytes. "", or why they cannot be kept.
    [[nodiscard]] virtual std::string Add(std::string_view bytes) = 0;
    // All has come. "" if it is kept by now; else, and where its content has
    // another hash, why not. Once.
    [[nodiscard]] virtual std::string Keep() = 0;
    [[nodiscard]] virtual std::uint64_t size() const = 0;  // so far

   protected:
    Arrival() = default;
  };

  struct Limits {
    std::size_t count_max = 256;
    std::uint64_t bytes_max = std::uint64_t{16} << 30;
  };

  // 64 lower-case hex digits.
  [[nodiscard]] static bool IsHash(std::string_view text);

  ProgramStore(base::Strand& strand, std::string folder)
      : ProgramStore(strand, std::move(folder), Limits()) {}
  ProgramStore(base::Strand& strand, std::string folder, Limits limits);
  ~ProgramStore();
  ProgramStore(const ProgramStore&) = delete;
  ProgramStore& operator=(const ProgramStore&) = delete;

  // Never calls `kept` before it returns, nor after the store is gone.
  void Keep(base::UniqueFd program, KeptFn kept);
  // Calls `opened` before it returns where it knows; else when it has read the
  // program, unless the store is gone by then.
  void Open(const std::string& hash, OpenedFn opened);
  // Makes room for a program of this hash and size. Null, and why, where there
  // is none. It must not outlive the store.
  std::unique_ptr<Arrival> Receive(const std::string& hash,
                                   std::uint64_t byte_count,
                                   std::string* reason);
  // Removes what is not among these hashes, and copies that a process which has
  // ended was making.
  void ForgetBut(const std::set<std::string>& needed);

 private:
  class Work;
  class Keeping;
  class Checking;
  class Arriving;
  // Device, inode, size and when it was changed: it changes with the content.
  using FileState = std::array<std::int64_t, 7>;
  struct Known {
    FileState state;
    bool is_whole = false;
  };

  // Nothing if it is no file.
  static std::optional<FileState> StateOf(const base::UniqueFd& file);
  static std::int64_t SizeOf(const FileState& state) { return state[2]; }
  // Nothing if nobody has read it since it became so.
  [[nodiscard]] std::optional<bool> IsWhole(const std::string& hash,
                                            const FileState& state) const;
  [[nodiscard]] std::string PathOf(const std::string& hash) const;
  [[nodiscard]] std::string NextCopyPath();
  // Beside what has arrived in part.
  [[nodiscard]] std::string WhyFull(const std::string& hash,
                                    std::uint64_t size) const;
  [[nodiscard]] std::string Damage(const std::string& hash) const;
  void Continue(std::shared_ptr<Work> work);

  base::Strand& strand_;
  const std::string folder_;
  const Limits limits_;
  std::uint64_t copies_ = 0;
  std::size_t arriving_count_ = 0;
  std::uint64_t arriving_bytes_ = 0;    // of all when they are whole
  std::map<std::string, Known> known_;  // by hash
  std::map<std::string, std::vector<OpenedFn>> checking_;  // who waits
  // Readings in the strand's queue hold it weakly.
  std::shared_ptr<const bool> alive_;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SPAWN_PROGRAM_STORE_H_
