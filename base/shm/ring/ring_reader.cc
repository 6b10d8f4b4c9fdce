#include "base/shm/ring/ring_reader.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace mobula::base {

RingReader::RingReader(RingIndex& index, std::span<const char> bytes)
    : index_(index), bytes_(bytes) {
  MOBULA_CHECK(std::has_single_bit(bytes.size()));
}

RingReader::Got RingReader::Break(std::string why) {
  error_ = "bad ring: " + std::move(why);
  has_next_ = false;
  return Got::kBroken;
}

bool RingReader::Refresh() {
  const std::uint64_t published =
      index_.published.load(std::memory_order_seq_cst);
  if (published < published_ || published - position_ > bytes_.size() ||
      published % kRingRecordAlign != 0) {
    Break("its writer says that it has published up to " +
          std::to_string(published) + ", after " + std::to_string(published_) +
          ", of which " + std::to_string(position_) + " are taken");
    return false;
  }
  published_ = published;
  return true;
}

// Read once, by one load: what was checked is what is used.
std::uint32_t RingReader::LengthAt(std::uint64_t position) const {
  const char* const at = bytes_.data() + (position & (bytes_.size() - 1));
  return __atomic_load_n(reinterpret_cast<const std::uint32_t*>(at),
                         __ATOMIC_RELAXED);
}

RingReader::Got RingReader::Next(std::size_t* size) {
  if (!error_.empty()) return Got::kBroken;
  if (!has_next_) {
    if (position_ == published_ && !Refresh()) return Got::kBroken;
    if (position_ == published_) return Got::kNothing;
    next_bytes_ = LengthAt(position_);
    if (next_bytes_ > RingRecordMax(bytes_.size()) ||
        RingRecordSpan(next_bytes_) > published_ - position_) {
      return Break("a record of " + std::to_string(next_bytes_) +
                   " bytes where " + std::to_string(published_ - position_) +
                   " were published");
    }
    has_next_ = true;
  }
  *size = next_bytes_;
  return Got::kRecord;
}

void RingReader::Take(char* out) {
  MOBULA_CHECK(has_next_, "no record was found");
  const std::size_t begin =
      (position_ + sizeof next_bytes_) & (bytes_.size() - 1);
  const std::size_t straight =
      std::min<std::size_t>(next_bytes_, bytes_.size() - begin);
  std::memcpy(out, bytes_.data() + begin, straight);
  std::memcpy(out + straight, bytes_.data(), next_bytes_ - straight);
  position_ += RingRecordSpan(next_bytes_);
  has_next_ = false;
}

// As with Publish: either the writer sees the room, or this sees that it waits.
// It is woken when half of the ring is free, not for each record: the reader
// comes by here again before it sleeps, and then all of it is.
bool RingReader::Release() {
  if (position_ == released_ || !error_.empty()) return false;
  released_ = position_;
  index_.taken.store(position_, std::memory_order_seq_cst);
  if (index_.writer_asleep.load(std::memory_order_seq_cst) == 0) return false;
  if (!Refresh() || published_ - position_ > bytes_.size() / 2) return false;
  return index_.writer_asleep.exchange(0, std::memory_order_seq_cst) != 0;
}

bool RingReader::FallAsleep() {
  if (!error_.empty() || has_next_ || position_ != published_) return false;
  // Still set where something else has woken this side since.
  if (index_.reader_asleep.load(std::memory_order_seq_cst) == 0) {
    index_.reader_asleep.store(1, std::memory_order_seq_cst);
  }
  // What is there now is read without being woken: the word may stay.
  return Refresh() && position_ == published_;
}

}  // namespace mobula::base
