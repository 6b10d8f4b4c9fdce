#include "raylet/channels/channel_flow.h"

#include "base/check.h"

namespace mobula::raylet {

using base::kChannelCredit;

void ChannelFlow::Sent(std::uint64_t byte_count) {
  MOBULA_CHECK(byte_count <= may_send_, "more was sent than may be");
  may_send_ -= byte_count;
}

bool ChannelFlow::Credited(std::uint64_t byte_count) {
  MOBULA_CHECK(!is_ending_, "an end that has ended hears nothing");
  if (byte_count > kChannelCredit - may_send_) return false;
  may_send_ += byte_count;
  return true;
}

void ChannelFlow::Ending() {
  MOBULA_CHECK(!is_ending_, "a process ends once");
  is_ending_ = true;
  may_send_ += kLastBytesMax;
}

// Which of what it sends are its last words it says only after them, so there
// is room for those from the beginning.
bool ChannelFlow::Arrived(std::uint64_t byte_count) {
  const std::uint64_t room = kChannelCredit + kLastBytesMax - waiting_ - owed_;
  if (byte_count > room) return false;
  waiting_ += byte_count;
  return true;
}

std::uint64_t ChannelFlow::Taken(std::uint64_t byte_count) {
  MOBULA_CHECK(byte_count <= waiting_, "more was taken than there was");
  waiting_ -= byte_count;
  owed_ += byte_count;
  if (owed_ < kChannelCredit / 2) return 0;
  const std::uint64_t given = owed_;
  owed_ = 0;
  return given;
}

}  // namespace mobula::raylet
