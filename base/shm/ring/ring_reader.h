// RingReader is the end of a ring that takes records out.
//
//   std::size_t size;
//   while (reader.Next(&size) == RingReader::Got::kRecord) {
//     reader.Take(room_of(size));                   // copied out of the memory
//   }
//   if (reader.Release()) wake the writer;          // once for a batch
//   if (reader.FallAsleep()) sleep;                 // until the writer wakes
//   us
//
// Everything read from the memory is copied once, then checked, then used: a
// writer that scribbles in it does so in vain.
// Owner: RingPipe, one for each ring.   Threading: one thread at a time.
// Invariants: (1) records come whole, in their order, once; (2) between
// FallAsleep and the next record the writer wakes this side, once.
// Failure: an index or a length that no writer of ours writes is kBroken, for
// ever after; error() says what was wrong. What came before is right.
#ifndef MOBULA_BASE_SHM_RING_RING_READER_H_
#define MOBULA_BASE_SHM_RING_RING_READER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/shm/ring/ring_layout.h"

namespace mobula::base {

class RingReader {
 public:
  enum class Got : std::uint8_t { kRecord, kNothing, kBroken };

  // Of an empty ring, whose size is a power of two.
  RingReader(RingIndex& index, std::span<const char> bytes);

  // The size of the record that is next, if there is one.
  [[nodiscard]] Got Next(std::size_t* size);
  // Copies it out; after a Next that found it.
  void Take(char* out);
  // Gives back the room of what was taken. Whether the caller must wake the
  // writer.
  [[nodiscard]] bool Release();
  // False: there is something already (or the ring is broken); do not sleep.
  [[nodiscard]] bool FallAsleep();
  // Whether the other side has seen that this one sleeps, and is waking it.
  [[nodiscard]] bool IsBeingWoken() const {
    return index_.reader_asleep.load(std::memory_order_seq_cst) == 0;
  }

  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  // Looks at the writer's index again; false if that is broken.
  bool Refresh();
  Got Break(std::string why);
  [[nodiscard]] std::uint32_t LengthAt(std::uint64_t position) const;

  RingIndex& index_;
  const std::span<const char> bytes_;
  std::uint64_t position_ = 0;   // taken up to here
  std::uint64_t released_ = 0;   // and said so up to here
  std::uint64_t published_ = 0;  // as last seen
  std::uint32_t next_bytes_ = 0;
  bool has_next_ = false;
  std::string error_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SHM_RING_RING_READER_H_
