#include "base/frames/pipes/ring_line.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace mobula::base {
namespace {

// More than this is published at once: the peer may begin. One that sleeps is
// left to it until there is more for it to do.
constexpr std::size_t kUnpublishedBytesMax = 4096;
constexpr std::size_t kUnpublishedAsleepMax = std::size_t{64} << 10;

}  // namespace

RingLine::RingLine(std::unique_ptr<RingSegment> segment)
    : segment_(std::move(segment)),
      ring_bytes_(segment_->bytes(0).size()),
      writer_(segment_->Writer()),
      reader_(segment_->Reader()) {}

void RingLine::SetPeerBell(UniqueFd bell) { peer_bell_ = std::move(bell); }

void RingLine::Write(FrameHeader header, Bytes payload) {
  if (!error().empty()) return;
  MOBULA_CHECK(payload.size() <= kFramePayloadMax);
  header.length = static_cast<std::uint32_t>(payload.size());
  waiting_bytes_ += kFrameHeaderBytes + payload.size();
  Waiting frame{header, std::move(payload)};
  if (!waiting_.empty() || !Put(frame)) waiting_.push_back(std::move(frame));
  if (unpublished_bytes_ < kUnpublishedBytesMax) return;
  if (unpublished_bytes_ < kUnpublishedAsleepMax && writer_.IsReaderAsleep()) {
    return;
  }
  Publish();
}

bool RingLine::Put(Waiting& frame) {
  const std::size_t record_max = writer_.record_max();
  while (!frame.has_begun || frame.done_bytes < frame.payload.size()) {
    std::array<char, kFrameHeaderBytes> bytes;
    std::string_view head;
    if (!frame.has_begun) {
      PutFrameHeader(frame.header, bytes.data());
      head = std::string_view(bytes.data(), bytes.size());
    }
    const std::string_view body =
        frame.payload.view().substr(frame.done_bytes, record_max - head.size());
    if (writer_.Append(head, body) != RingWriter::Put::kDone) return false;
    frame.has_begun = true;
    frame.done_bytes += body.size();
    waiting_bytes_ -= head.size() + body.size();
    unpublished_bytes_ += head.size() + body.size();
  }
  return true;
}

bool RingLine::Flush() {
  while (!waiting_.empty() && Put(waiting_.front())) waiting_.pop_front();
  if (unpublished_bytes_ == 0) return false;
  Publish();
  return true;
}

void RingLine::Publish() {
  unpublished_bytes_ = 0;
  if (writer_.Publish()) Wake();
}

// A bell that takes no more has not been heard yet, and will be.
void RingLine::Wake() {
  MOBULA_CHECK(peer_bell_.valid());
  const std::uint64_t one = 1;
  ssize_t put = 0;
  do {
    put = ::write(peer_bell_.get(), &one, sizeof one);
  } while (put < 0 && errno == EINTR);
}

std::size_t RingLine::Take(std::size_t bytes_max) {
  std::size_t taken = 0;
  while (taken < bytes_max && error_.empty()) {
    std::size_t size = 0;
    const RingReader::Got got = reader_.Next(&size);
    if (got == RingReader::Got::kNothing) break;
    if (got == RingReader::Got::kBroken) {
      error_ = reader_.error();
      break;
    }
    // First what is there goes out, then a new block is taken.
    if (taken > 0 && incoming_.room_left() < size) break;
    if (!TakeRecord(size)) {
      error_ = "bad ring: a record of " + std::to_string(size) +
               " bytes is no part of a frame";
    }
    taken += size;
  }
  if (reader_.Release()) Wake();
  return taken;
}

bool RingLine::TakeRecord(std::size_t size) {
  const std::span<char> room = incoming_.Room(size);
  if (size == 0 || room.size() < size) return false;
  reader_.Take(room.data());
  incoming_.Filled(size);
  return true;
}

bool RingLine::MaySleep(bool reads) {
  if (!error().empty()) return false;
  if (!waiting_.empty()) {
    Publish();
    if (!writer_.AwaitRoom()) return false;
  }
  return !reads || reader_.FallAsleep();
}

}  // namespace mobula::base
