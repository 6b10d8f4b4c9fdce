// RingSegment is the memory of two rings, one for each direction, as one of its
// two processes has it mapped: a sealed memfd without a name, which ends with
// the last process that maps it.
//
//   UniqueFd fd;                                          // to be handed over
//   auto ours = RingSegment::Make(64 << 10, epoch, &fd, &error);
//   auto theirs = RingSegment::Open(fd, epoch, &error);   // in the other one
//   RingWriter writer = ours->Writer();    RingReader reader = ours->Reader();
//
// Whoever made it writes ring 0 and reads ring 1. It cannot shrink, so no
// access is a SIGBUS; it is not there in forked children. Threading: a value
// that is not moved. Failure: null, and `error` says why: the system refused,
// or what came is no segment of ours (another size, version or epoch, not
// sealed).
#ifndef MOBULA_BASE_SHM_RING_RING_SEGMENT_H_
#define MOBULA_BASE_SHM_RING_RING_SEGMENT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/shm/ring/ring_layout.h"
#include "base/shm/ring/ring_reader.h"
#include "base/shm/ring/ring_writer.h"
#include "base/unique_fd.h"

namespace mobula::base {

class RingSegment {
 public:
  // `ring_bytes` of each: a power of two from a page to 16 MiB.
  static std::unique_ptr<RingSegment> Make(std::size_t ring_bytes,
                                           std::uint64_t epoch, UniqueFd* fd,
                                           std::string* error);
  // The descriptor may be closed after.
  static std::unique_ptr<RingSegment> Open(const UniqueFd& fd,
                                           std::uint64_t epoch,
                                           std::string* error);
  ~RingSegment();
  RingSegment(const RingSegment&) = delete;
  RingSegment& operator=(const RingSegment&) = delete;

  // Of this side, once each; they use this memory.
  [[nodiscard]] RingWriter Writer();
  [[nodiscard]] RingReader Reader();

  // Of ring 0 or 1, for tests that scribble.
  [[nodiscard]] RingIndex& index(int ring) const;
  [[nodiscard]] std::span<char> bytes(int ring) const;

 private:
  RingSegment(std::span<char> memory, std::size_t ring_bytes, bool is_maker)
      : memory_(memory), ring_bytes_(ring_bytes), is_maker_(is_maker) {}

  const std::span<char> memory_;
  const std::size_t ring_bytes_;
  const bool is_maker_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SHM_RING_RING_SEGMENT_H_
