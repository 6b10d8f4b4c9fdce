#include "base/shm/ring/ring_writer.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"

namespace mobula::base {

RingWriter::RingWriter(RingIndex& index, std::span<char> bytes)
    : index_(index), bytes_(bytes) {
  MOBULA_CHECK(std::has_single_bit(bytes.size()));
}

RingWriter::Put RingWriter::Append(std::string_view first,
                                   std::string_view second) {
  const std::size_t byte_count = first.size() + second.size();
  MOBULA_CHECK(byte_count <= record_max()) << byte_count;
  const std::uint64_t span = RingRecordSpan(byte_count);
  if (!error_.empty()) return Put::kBroken;
  if (position_ + span - taken_ > bytes_.size()) {
    if (!Refresh()) return Put::kBroken;
    if (position_ + span - taken_ > bytes_.size()) return Put::kFull;
  }
  const auto length = static_cast<std::uint32_t>(byte_count);
  // Records begin at multiples of eight: a length never lies across the end.
  std::memcpy(bytes_.data() + (position_ & (bytes_.size() - 1)), &length,
              sizeof length);
  Copy(position_ + sizeof length, first);
  Copy(position_ + sizeof length + first.size(), second);
  position_ += span;
  return Put::kDone;
}

void RingWriter::Copy(std::uint64_t position, std::string_view bytes) {
  if (bytes.empty()) return;
  const std::size_t begin = position & (bytes_.size() - 1);
  const std::size_t straight = std::min(bytes.size(), bytes_.size() - begin);
  std::memcpy(bytes_.data() + begin, bytes.data(), straight);
  std::memcpy(bytes_.data(), bytes.data() + straight, bytes.size() - straight);
}

// The store and the load after it are sequentially consistent, as are those of
// RingReader::FallAsleep: either the reader sees what is published, or this
// sees that it sleeps. Of those who see it only who clears the word wakes.
bool RingWriter::Publish() {
  if (position_ == published_ || !error_.empty()) return false;
  published_ = position_;
  index_.published.store(position_, std::memory_order_seq_cst);
  return index_.reader_asleep.load(std::memory_order_seq_cst) != 0 &&
         index_.reader_asleep.exchange(0, std::memory_order_seq_cst) != 0;
}

bool RingWriter::AwaitRoom() {
  MOBULA_CHECK(position_ == published_ || !error_.empty(),
               "the reader does not see what it is to make room of");
  index_.writer_asleep.store(1, std::memory_order_seq_cst);
  if (Refresh() && position_ - taken_ > bytes_.size() / 2) return true;
  index_.writer_asleep.store(0, std::memory_order_relaxed);
  return false;
}

bool RingWriter::Refresh() {
  if (!error_.empty()) return false;
  const std::uint64_t taken = index_.taken.load(std::memory_order_seq_cst);
  if (taken < taken_ || taken > published_) {
    error_ = "bad ring: its reader says that it has taken up to " +
             std::to_string(taken) + " of " + std::to_string(published_) +
             ", after " + std::to_string(taken_);
    return false;
  }
  taken_ = taken;
  return true;
}

}  // namespace mobula::base
