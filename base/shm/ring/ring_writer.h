// RingWriter is the end of a ring that puts records in.
//
//   if (writer.Append(head, body) == RingWriter::Put::kFull) wait for room
//   if (writer.Publish()) wake the reader;          // once for a batch
//
// What was appended becomes visible by one store, all of it or none: a writer
// that dies at any instruction leaves nothing half visible.
// To sleep for want of room: AwaitRoom; if it is true the reader will wake this
// side (RingReader::Release says so there).
// Owner: RingPipe, one for each ring.   Threading: one thread at a time.
// Invariant: its own position is kept here and never read back from the memory.
// Failure: an index that no reader of ours writes is kBroken, for ever after;
// error() says what was wrong.
#ifndef MOBULA_BASE_SHM_RING_RING_WRITER_H_
#define MOBULA_BASE_SHM_RING_RING_WRITER_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/shm/ring/ring_layout.h"

namespace mobula::base {

class RingWriter {
 public:
  enum class Put : std::uint8_t { kDone, kFull, kBroken };

  // Of an empty ring, whose size is a power of two.
  RingWriter(RingIndex& index, std::span<char> bytes);

  // One record of both, one after the other; at most record_max() in all.
  [[nodiscard]] Put Append(std::string_view first,
                           std::string_view second = {});
  // Whether the caller must wake the reader. Without anything new, false.
  [[nodiscard]] bool Publish();
  // After Publish. False: there is room for a record of any size (or the ring
  // is broken); go on and do not sleep.
  [[nodiscard]] bool AwaitRoom();

  // To publish now would wake it.
  [[nodiscard]] bool IsReaderAsleep() const {
    return index_.reader_asleep.load(std::memory_order_relaxed) != 0;
  }

  [[nodiscard]] std::size_t record_max() const {
    return RingRecordMax(bytes_.size());
  }
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  // Looks at the reader's index again; false if that is broken.
  bool Refresh();
  void Copy(std::uint64_t position, std::string_view bytes);

  RingIndex& index_;
  const std::span<char> bytes_;
  std::uint64_t position_ = 0;   // appended up to here
  std::uint64_t published_ = 0;  // visible up to here
  std::uint64_t taken_ = 0;      // as last seen
  std::string error_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SHM_RING_RING_WRITER_H_
