// RoomWait is the wait of a generator, which runs for another process, until it
// may make its next item. Not for users.
//
// Threading: as of Wait. Errors: TimeoutError, Cancelled: it was stopped.
#ifndef MOBULA_API_MOBULA_CORO_DETAIL_ROOM_WAIT_H_
#define MOBULA_API_MOBULA_CORO_DETAIL_ROOM_WAIT_H_

#include <cstdint>

#include "api/mobula/coro/detail/wait.h"
#include "base/threads/outcome_watch.h"

namespace mobula::base {
class ItemStream;
}  // namespace mobula::base

namespace mobula::detail {

class RoomWait final : public Wait {
 public:
  RoomWait(base::ItemStream& items, std::uint64_t index);
  ~RoomWait() override;
  void await_resume() { Finish(); }

 private:
  struct Watch : base::OutcomeWatch {
    RoomWait* wait = nullptr;
  };

  bool Enter(bool joins) override;
  void Abandon(End end) noexcept override;

  base::ItemStream& items_;
  const std::uint64_t index_;
  Watch watch_;
};

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_CORO_DETAIL_ROOM_WAIT_H_
