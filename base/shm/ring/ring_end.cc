#include "base/shm/ring/ring_end.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "base/clock.h"

namespace mobula::base {
namespace {

std::unique_ptr<RingSegment> SegmentOf(RingEnd::Handles& handles, int side) {
  if (side == 0) return std::move(handles.made);
  std::string error;
  auto segment = RingSegment::Open(handles.memory, RingEnd::kEpoch, &error);
  MOBULA_CHECK(segment != nullptr) << error;
  return segment;
}

}  // namespace

RingEnd::Handles RingEnd::MakeHandles(std::size_t ring_bytes) {
  Handles handles;
  std::string error;
  handles.made = RingSegment::Make(ring_bytes, kEpoch, &handles.memory, &error);
  MOBULA_CHECK(handles.made != nullptr) << error;
  for (UniqueFd& bell : handles.bells) {
    bell.Reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    MOBULA_CHECK(bell.valid());
  }
  return handles;
}

RingEnd::RingEnd(Handles& handles, int side)
    : segment_(SegmentOf(handles, side)),
      writer_(segment_->Writer()),
      reader_(segment_->Reader()),
      own_bell_(handles.bells[static_cast<std::size_t>(side)].get()),
      other_bell_(handles.bells[static_cast<std::size_t>(1 - side)].get()) {}

bool RingEnd::Send(std::string_view record) {
  while (true) {
    switch (writer_.Append(record)) {
      case RingWriter::Put::kDone:
        return true;
      case RingWriter::Put::kBroken:
        return false;
      case RingWriter::Put::kFull:
        Publish();
        if (writer_.AwaitRoom()) Sleep();
    }
  }
}

void RingEnd::Publish() {
  if (writer_.Publish()) Wake();
}

RingReader::Got RingEnd::TryReceive(std::string* record) {
  std::size_t size = 0;
  const RingReader::Got got = reader_.Next(&size);
  if (got == RingReader::Got::kRecord) {
    record->resize(size);
    reader_.Take(record->data());
    return got;
  }
  if (reader_.Release()) Wake();
  return got;
}

bool RingEnd::Receive(std::string* record, int spins) {
  while (true) {
    for (int spin = 0; spin <= spins; ++spin) {
      const RingReader::Got got = TryReceive(record);
      if (got == RingReader::Got::kRecord) return true;
      if (got == RingReader::Got::kBroken) return false;
      if (spins > 0) __builtin_ia32_pause();
    }
    RingReader::Got got = RingReader::Got::kNothing;
    if (LookOn(record, &got)) return got == RingReader::Got::kRecord;
    if (reader_.FallAsleep()) Sleep();
  }
}

bool RingEnd::LookOn(std::string* record, RingReader::Got* got) {
  if (policy_ == nullptr) return false;
  const BootTime now = BootNow();
  if (!policy_->Begin(now, gauge_.Runnable(now))) return false;
  do {
    *got = TryReceive(record);
  } while (*got == RingReader::Got::kNothing && policy_->GoesOn(BootNow()));
  policy_->End(*got != RingReader::Got::kNothing);
  return *got != RingReader::Got::kNothing;
}

void RingEnd::WaitForEither() {
  Publish();
  if (writer_.AwaitRoom() && reader_.FallAsleep()) Sleep();
}

void RingEnd::Sleep() {
  ++sleeps_;
  pollfd bell{own_bell_, POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&bell, 1, kPatienceMs);
  } while (ready < 0 && errno == EINTR);
  if (ready == 0) {
    ++lost_wakes_;
    return;
  }
  std::uint64_t count = 0;
  MOBULA_CHECK(::read(own_bell_, &count, sizeof count) == sizeof count);
}

void RingEnd::Wake() {
  const std::uint64_t one = 1;
  MOBULA_CHECK(::write(other_bell_, &one, sizeof one) == sizeof one);
}

}  // namespace mobula::base
