// RingLayout is what lies in the memory of a RingSegment: a header, the indices
// of two rings, one for each direction, and their bytes.
//
//   RingSegmentHeader | RingIndex of ring 0 | of ring 1 | page | bytes 0 | 1
// A ring is single-producer, single-consumer. Positions count bytes from the
// ring's beginning and never go back; a position's place is its remainder by
// the ring's size. A record is a length of 32 bits, its bytes, and up to the
// next multiple of eight nothing; it may lie across the ring's end.
// Threading: each field is written by the one side that its comment names, but
// for the two words that say that a side sleeps: one sets, the other clears it.
// Invariant: whoever reads a field that the other side writes takes it for what
// a hostile process has written.
#ifndef MOBULA_BASE_SHM_RING_RING_LAYOUT_H_
#define MOBULA_BASE_SHM_RING_RING_LAYOUT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mobula::base {

// Two lines: the next one is fetched along.
inline constexpr std::size_t kRingLineBytes = 128;
inline constexpr std::size_t kRingRecordAlign = 8;

struct RingIndex {
  // Writer: where the last published record ends.
  alignas(kRingLineBytes) std::atomic<std::uint64_t> published;
  // Reader: up to where it has taken.
  alignas(kRingLineBytes) std::atomic<std::uint64_t> taken;
  // 1: the reader sleeps, or is about to; set by it, cleared by the writer.
  alignas(kRingLineBytes) std::atomic<std::uint32_t> reader_asleep;
  // 1: the writer waits for room; set by it, cleared by the reader.
  alignas(kRingLineBytes) std::atomic<std::uint32_t> writer_asleep;
};

struct RingSegmentHeader {
  std::uint32_t magic;
  std::uint32_t version;
  std::uint64_t epoch;       // of this pair; says that both mean the same one
  std::uint64_t ring_bytes;  // of each; a power of two
};

// The largest record of a ring of `ring_bytes`: a writer that is woken when
// half of it is free has room for one.
constexpr std::size_t RingRecordMax(std::size_t ring_bytes) {
  return ring_bytes / 4 - sizeof(std::uint32_t);
}

// What a record of `byte_count` takes of its ring.
constexpr std::uint64_t RingRecordSpan(std::uint64_t byte_count) {
  return (byte_count + sizeof(std::uint32_t) + kRingRecordAlign - 1) /
         kRingRecordAlign * kRingRecordAlign;
}

static_assert(std::atomic<std::uint64_t>::is_always_lock_free &&
              std::atomic<std::uint32_t>::is_always_lock_free);

}  // namespace mobula::base

#endif  // MOBULA_BASE_SHM_RING_RING_LAYOUT_H_
