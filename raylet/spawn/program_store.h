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
// there, and is durable; (2) only a hash names a file: no path comes in from
// outside.
// Failure: a sentence that names the path.
#ifndef MOBULA_RAYLET_SPAWN_PROGRAM_STORE_H_
#define MOBULA_RAYLET_SPAWN_PROGRAM_STORE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "base/strand.h"
#include "base/unique_fd.h"

namespace mobula::raylet {

class ProgramStore {
 public:
  // The hash; "", and why, where it cannot be kept.
  using KeptFn = std::function<void(std::string hash, std::string reason)>;

  struct Limits {
    std::size_t count_max = 256;
    std::uint64_t bytes_max = std::uint64_t{16} << 30;
  };

  ProgramStore(base::Strand& strand, std::string folder)
      : ProgramStore(strand, std::move(folder), Limits()) {}
  ProgramStore(base::Strand& strand, std::string folder, Limits limits);
  ~ProgramStore();
  ProgramStore(const ProgramStore&) = delete;
  ProgramStore& operator=(const ProgramStore&) = delete;

  // Never calls `kept` before it returns, nor after the store is gone.
  void Keep(base::UniqueFd program, KeptFn kept);
  // For execution; nothing, and why, if there is no such program.
  [[nodiscard]] base::UniqueFd Open(const std::string& hash,
                                    std::string* error) const;
  // Removes what is not among these hashes, and copies that a process which has
  // ended was making.
  void ForgetBut(const std::set<std::string>& needed) const;

 private:
  class Reading;

  void Continue(std::shared_ptr<Reading> reading);

  base::Strand& strand_;
  const std::string folder_;
  const Limits limits_;
  std::uint64_t copies_ = 0;
  // Readings in the strand's queue hold it weakly.
  std::shared_ptr<const bool> alive_;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SPAWN_PROGRAM_STORE_H_
