#include "api/mobula/coro/detail/room_wait.h"

#include "base/threads/item_stream.h"

namespace mobula::detail {

RoomWait::RoomWait(base::ItemStream& items, std::uint64_t index)
    : Wait(Timeout()), items_(items), index_(index) {
  watch_.wait = this;
  watch_.ready = [](base::OutcomeWatch* watch) noexcept {
    RoomWait* const wait = static_cast<Watch*>(watch)->wait;
    wait->EndAs(End::kGranted);
    wait->Wake();
  };
}

RoomWait::~RoomWait() = default;

bool RoomWait::Enter(bool joins) {
  if (!items_.StartWatch(index_, &watch_, joins)) return false;
  if (watch_.state == base::OutcomeWatch::State::kReady) {
    EndAs(End::kGranted);
  }
  return true;
}

void RoomWait::Abandon(End end) noexcept {
  switch (items_.StopWatch(&watch_)) {
    case base::OutcomeWatch::State::kReady:
    case base::OutcomeWatch::State::kGivenUp:
      return;  // over
    case base::OutcomeWatch::State::kIdle:
      EndAs(end);  // it has not joined yet, and will not
      return;
    case base::OutcomeWatch::State::kWaiting:
      EndAs(end);
      Wake();
  }
}

}  // namespace mobula::detail
