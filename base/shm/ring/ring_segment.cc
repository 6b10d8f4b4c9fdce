#include "base/shm/ring/ring_segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/error_text.h"

// Newer than the headers of the systems that we build on.
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

namespace mobula::base {
namespace {

constexpr std::uint32_t kMagic = 0x52424f4d;  // "MOBR"
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kRingBytesMin = 4096;
constexpr std::size_t kRingBytesMax = std::size_t{16} << 20;
constexpr std::size_t kIndexAt = kRingLineBytes;
constexpr std::size_t kBytesAt = 4096;
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW;

static_assert(sizeof(RingSegmentHeader) <= kIndexAt);
static_assert(kIndexAt + 2 * sizeof(RingIndex) <= kBytesAt);

bool IsRingSize(std::uint64_t ring_bytes) {
  return std::has_single_bit(ring_bytes) && ring_bytes >= kRingBytesMin &&
         ring_bytes <= kRingBytesMax;
}

std::size_t SegmentBytes(std::size_t ring_bytes) {
  return kBytesAt + 2 * ring_bytes;
}

UniqueFd NewMemory() {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  UniqueFd fd(::memfd_create("mobula-ring", kFlags | MFD_NOEXEC_SEAL));
  if (fd.valid() || errno != EINVAL) return fd;
  return UniqueFd(::memfd_create("mobula-ring", kFlags));  // before Linux 6.3
}

// Empty where the system refuses.
std::span<char> Map(const UniqueFd& fd, std::size_t byte_count,
                    std::string* error) {
  void* const start = ::mmap(nullptr, byte_count, PROT_READ | PROT_WRITE,
                             MAP_SHARED, fd.get(), 0);
  if (start == MAP_FAILED) {
    *error = WithErrorText("cannot map shared memory");
    return {};
  }
  // A child that wrote would write in its parent's name.
  if (::madvise(start, byte_count, MADV_DONTFORK) != 0) {
    *error = WithErrorText("cannot keep shared memory from children");
    ::munmap(start, byte_count);
    return {};
  }
  return {static_cast<char*>(start), byte_count};
}

// What came is a segment of that epoch; its size, or 0.
std::size_t CheckedSize(const UniqueFd& fd, std::uint64_t epoch,
                        std::string* error) {
  if (!fd.valid()) {
    *error = "the shared memory did not arrive: no free descriptor";
    return 0;
  }
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals) {
    *error = "what came is no sealed memory: it could end under its reader";
    return 0;
  }
  struct stat state{};
  RingSegmentHeader header{};
  if (::fstat(fd.get(), &state) != 0 ||
      ::pread(fd.get(), &header, sizeof header, 0) != sizeof header) {
    *error = WithErrorText("cannot look at shared memory");
    return 0;
  }
  if (header.magic != kMagic || header.version != kVersion ||
      header.epoch != epoch) {
    *error = "what came is no segment of this pair: magic " +
             std::to_string(header.magic) + ", version " +
             std::to_string(header.version) + ", epoch " +
             std::to_string(header.epoch) + ", not " + std::to_string(epoch);
    return 0;
  }
  if (!IsRingSize(header.ring_bytes) ||
      state.st_size != static_cast<off_t>(SegmentBytes(header.ring_bytes))) {
    *error = "a segment of " + std::to_string(state.st_size) +
             " bytes with rings of " + std::to_string(header.ring_bytes);
    return 0;
  }
  return header.ring_bytes;
}

}  // namespace

std::unique_ptr<RingSegment> RingSegment::Make(std::size_t ring_bytes,
                                               std::uint64_t epoch,
                                               UniqueFd* fd,
                                               std::string* error) {
  MOBULA_CHECK(IsRingSize(ring_bytes)) << ring_bytes;
  const std::size_t byte_count = SegmentBytes(ring_bytes);
  UniqueFd made = NewMemory();
  if (!made.valid() ||
      ::ftruncate(made.get(), static_cast<off_t>(byte_count)) != 0 ||
      ::fcntl(made.get(), F_ADD_SEALS, kSeals) != 0) {
    *error = WithErrorText("cannot make shared memory");
    return nullptr;
  }
  const std::span<char> memory = Map(made, byte_count, error);
  if (memory.empty()) return nullptr;
  const RingSegmentHeader header{kMagic, kVersion, epoch, ring_bytes};
  std::memcpy(memory.data(), &header, sizeof header);
  *fd = std::move(made);
  return std::unique_ptr<RingSegment>(
      new RingSegment(memory, ring_bytes, /*is_maker=*/true));
}

std::unique_ptr<RingSegment> RingSegment::Open(const UniqueFd& fd,
                                               std::uint64_t epoch,
                                               std::string* error) {
  const std::size_t ring_bytes = CheckedSize(fd, epoch, error);
  if (ring_bytes == 0) return nullptr;
  const std::span<char> memory = Map(fd, SegmentBytes(ring_bytes), error);
  if (memory.empty()) return nullptr;
  return std::unique_ptr<RingSegment>(
      new RingSegment(memory, ring_bytes, /*is_maker=*/false));
}

RingSegment::~RingSegment() {
  MOBULA_CHECK(::munmap(memory_.data(), memory_.size()) == 0);
}

RingWriter RingSegment::Writer() {
  const int ring = is_maker_ ? 0 : 1;
  return RingWriter(index(ring), bytes(ring));
}

RingReader RingSegment::Reader() {
  const int ring = is_maker_ ? 1 : 0;
  return RingReader(index(ring), bytes(ring));
}

RingIndex& RingSegment::index(int ring) const {
  MOBULA_CHECK(ring == 0 || ring == 1);
  // Fresh memory is zero, which is what an empty ring's indices are.
  char* const at = memory_.data() + kIndexAt +
                   static_cast<std::size_t>(ring) * sizeof(RingIndex);
  return *reinterpret_cast<RingIndex*>(at);
}

std::span<char> RingSegment::bytes(int ring) const {
  MOBULA_CHECK(ring == 0 || ring == 1);
  return memory_.subspan(
      kBytesAt + static_cast<std::size_t>(ring) * ring_bytes_, ring_bytes_);
}

}  // namespace mobula::base
