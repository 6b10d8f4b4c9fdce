#include "raylet/arenas/spill_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <vector>

#include "base/error_text.h"

namespace mobula::raylet {
namespace {

using base::Extent;
using base::UniqueFd;

// "mobulaSP", read as a number.
constexpr std::uint64_t kMagic = 0x5053616c75626f6dULL;
constexpr std::uint32_t kVersion = 1;
// What zlib takes at once.
constexpr std::size_t kZlibBytesMax = std::size_t{1} << 30;

// Of file systems; where it is another one, less is given back.
constexpr std::uint64_t kBlockBytes = 4096;
// Of stat.
constexpr std::uint64_t kCountedBytes = 512;

// Before the bytes of each extent; the byte order is the machine's, which
// alone ever reads it.
struct RecordHeader {
  std::uint64_t magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint32_t generation = 0;
  std::uint64_t arena_hi = 0;
  std::uint64_t arena_lo = 0;
  std::uint64_t offset = 0;
  std::uint64_t byte_count = 0;
  std::uint64_t record_bytes = 0;
  std::uint32_t checksum = 0;  // of the header with nought here, and the bytes
  std::uint32_t unused = 0;
};
static_assert(sizeof(RecordHeader) == 64);

// CRC-32 of what is handed to it, one after the other.
class Checksum {
 public:
  void Add(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t size = std::min(bytes.size(), kZlibBytesMax);
      sum_ = ::crc32(sum_, reinterpret_cast<const Bytef*>(bytes.data()),
                     static_cast<uInt>(size));
      bytes.remove_prefix(size);
    }
  }
  [[nodiscard]] std::uint32_t value() const {
    return static_cast<std::uint32_t>(sum_);
  }

 private:
  uLong sum_ = ::crc32(0, nullptr, 0);
};

std::string_view BytesOf(const RecordHeader& header) {
  return {reinterpret_cast<const char*>(&header), sizeof(header)};
}

// Without the checksum.
RecordHeader HeaderOf(const Extent& extent, std::uint64_t record_bytes) {
  RecordHeader header;
  header.generation = extent.generation;
  header.arena_hi = extent.arena.hi;
  header.arena_lo = extent.arena.lo;
  header.offset = extent.offset;
  header.byte_count = extent.byte_count;
  header.record_bytes = record_bytes;
  return header;
}

bool WriteAt(int fd, std::string_view bytes, std::uint64_t position) {
  while (!bytes.empty()) {
    const ssize_t n =
        ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(position));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    position += static_cast<std::uint64_t>(n);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// How many bytes there are, at most `size`; nothing where the system refused.
std::optional<std::size_t> ReadAt(int fd, char* bytes, std::size_t size,
                                  std::uint64_t position) {
  std::size_t have = 0;
  while (have < size) {
    const ssize_t n = ::pread(fd, bytes + have, size - have,
                              static_cast<off_t>(position + have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  return have;
}

}  // namespace

std::optional<SpillFile> SpillFile::Make(const std::string& folder,
                                         std::string* error) {
  UniqueFd fd(
      ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600));
  if (!fd.valid() &&
      (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
    // The file system has no files without names: one for a moment.
    std::string path = folder + "/" + kSpillFilePrefix + "XXXXXX";
    fd.Reset(::mkostemp(path.data(), O_CLOEXEC));
    if (fd.valid()) ::unlink(path.c_str());
  }
  if (!fd.valid()) {
    *error = base::WithErrorText("no file for spilled values in " + folder);
    return std::nullopt;
  }
  return SpillFile(std::move(fd), folder);
}

bool SpillFile::Add(const Extent& extent, std::string_view bytes,
                    std::string* error) {
  RecordHeader header = HeaderOf(extent, bytes.size());
  Checksum checksum;
  checksum.Add(BytesOf(header));
  checksum.Add(bytes);
  header.checksum = checksum.value();
  const std::string_view head = BytesOf(header);
  if (!WriteAt(fd_.get(), head, end_) ||
      !WriteAt(fd_.get(), bytes, end_ + head.size())) {
    *error = base::WithErrorText("cannot spill into " + folder_);
    return false;
  }
  const std::uint64_t begin = end_;
  end_ += head.size() + bytes.size();
  records_[extent.offset] = {begin, bytes.size()};
  used_[begin] = end_;
  return true;
}

void SpillFile::Free(const Extent& extent) {
  const auto found = records_.find(extent.offset);
  if (found == records_.end()) return;
  const auto used = used_.find(found->second.position);
  records_.erase(found);
  const std::uint64_t before =
      used == used_.begin() ? 0 : std::prev(used)->second;
  const auto next = used_.erase(used);
  // Whole blocks: a part of one would be written anew, and stay.
  const std::uint64_t begin =
      (before + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
  const std::uint64_t end = next == used_.end()
                                ? end_ + kBlockBytes
                                : next->first / kBlockBytes * kBlockBytes;
  if (end <= begin) return;
  // Where there can be no holes nothing is lost but room.
  static_cast<void>(
      ::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  static_cast<off_t>(begin), static_cast<off_t>(end - begin)));
}

std::uint64_t SpillFile::DiskBytes() const {
  struct stat state{};
  if (::fstat(fd_.get(), &state) != 0) return 0;
  return static_cast<std::uint64_t>(state.st_blocks) * kCountedBytes;
}

SpillFile::Was SpillFile::Read(const Extent& extent, const Sink& sink,
                               std::string* error) const {
  const auto found = records_.find(extent.offset);
  if (found == records_.end()) return Was::kWrong;
  const Record& record = found->second;
  const auto failed = [this, error] {
    *error =
        base::WithErrorText("cannot read what was spilled into " + folder_);
    return Was::kFailed;
  };
  RecordHeader header;
  const auto head = ReadAt(fd_.get(), reinterpret_cast<char*>(&header),
                           sizeof(header), record.position);
  if (!head) return failed();
  RecordHeader right = HeaderOf(extent, record.byte_count);
  Checksum checksum;
  checksum.Add(BytesOf(right));
  std::string slice(std::min(record.byte_count, kSliceBytesMax), '\0');
  for (std::uint64_t at = 0; at < record.byte_count; at += slice.size()) {
    slice.resize(std::min(record.byte_count - at, kSliceBytesMax));
    const auto body = ReadAt(fd_.get(), slice.data(), slice.size(),
                             record.position + sizeof(header) + at);
    if (!body) return failed();
    if (*body < slice.size()) return Was::kWrong;
    checksum.Add(slice);
    if (!sink(at, slice)) return Was::kFailed;
  }
  right.checksum = checksum.value();
  const bool is_right =
      *head == sizeof(header) && BytesOf(header) == BytesOf(right);
  return is_right ? Was::kRead : Was::kWrong;
}

}  // namespace mobula::raylet
