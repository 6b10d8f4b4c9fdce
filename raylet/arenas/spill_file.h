// SpillFile holds the live extents of one arena on disk, with a checksum each
// (docs/formats/spill_file.md). It has no name: it goes with its descriptor.
//
//   auto file = SpillFile::Make(folder, &error);
//   file->Add(extent, bytes, &error);               // for each
//   switch (file->Read(extent, sink, &error)) ...  // slice by slice
//   file->Free(extent);                             // it is not read any more
// Threading: one thread at a time.
// Failure: false, kFailed or nothing, and `error` names the folder and what the
// system said; kWrong where the bytes are not those that were written, which is
// known when all slices have been handed over: they must not be used then.
#ifndef MOBULA_RAYLET_ARENAS_SPILL_FILE_H_
#define MOBULA_RAYLET_ARENAS_SPILL_FILE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"
#include "base/value.h"

namespace mobula::raylet {

// What a file is called for the moment in which it has a name, where the file
// system must give it one.
inline constexpr char kSpillFilePrefix[] = "mobula-spill-";

class SpillFile {
 public:
  enum class Was { kRead, kWrong, kFailed };

  static std::optional<SpillFile> Make(const std::string& folder,
                                       std::string* error);

  // `bytes`: the extent with its header, as they lie in the arena.
  [[nodiscard]] bool Add(const base::Extent& extent, std::string_view bytes,
                         std::string* error);
  // Takes the extent's bytes, header first: where a slice begins among them,
  // and the slice. False ends the reading, with kFailed.
  using Sink = std::function<bool(std::uint64_t at, std::string_view slice)>;
  static constexpr std::uint64_t kSliceBytesMax = std::uint64_t{1} << 20;
  // Of an extent that was added.
  [[nodiscard]] Was Read(const base::Extent& extent, const Sink& sink,
                         std::string* error) const;

  // Gives back what only free extents lie on, where the file system can; until
  // then it goes with the file. No effect on what was not added.
  void Free(const base::Extent& extent);
  // What the disk gives for the file.
  [[nodiscard]] std::uint64_t DiskBytes() const;

  // For tests of what disks do.
  [[nodiscard]] int descriptor() const { return fd_.get(); }

 private:
  struct Record {
    std::uint64_t position = 0;
    std::uint64_t byte_count = 0;  // with the extent's header
  };

  SpillFile(base::UniqueFd fd, std::string folder)
      : fd_(std::move(fd)), folder_(std::move(folder)) {}

  base::UniqueFd fd_;
  std::string folder_;
  std::uint64_t end_ = 0;
  std::map<std::uint64_t, Record> records_;      // by the extent's offset
  std::map<std::uint64_t, std::uint64_t> used_;  // of the file: begin, end
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_ARENAS_SPILL_FILE_H_
