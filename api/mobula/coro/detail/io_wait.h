// IoWait is one operation on a descriptor that may have to wait: read, write,
// accept, connect, the end of a process. Not for users.
//
// A class derives from it and makes the attempt in Try. It is tried at once
// where it is awaited, and only if the descriptor is not ready does the io
// thread try it again, whenever it may be: so what is there already costs no
// switch of threads, and one that was stopped has done nothing since its last
// attempt.
// Threading: as of Wait; Try with the descriptor's lock held, or before it
// waits. Errors: BadArgument where the descriptor is of the process that
// forked; what the scope throws.
#ifndef MOBULA_API_MOBULA_CORO_DETAIL_IO_WAIT_H_
#define MOBULA_API_MOBULA_CORO_DETAIL_IO_WAIT_H_

#include <cstdint>
#include <memory>

#include "api/mobula/coro/detail/wait.h"
#include "api/mobula/timeout.h"
#include "base/threads/io_watch.h"

namespace mobula::runtime {
class IoDescriptor;
}  // namespace mobula::runtime

namespace mobula::detail {

class IoWait : public Wait {
 protected:
  using Direction = base::IoWatch::Direction;
  using Attempt = base::IoWatch::Attempt;

  // `of` is kept until the end.
  IoWait(std::shared_ptr<runtime::IoDescriptor> of, Direction direction,
         Timeout timeout, bool can_stop = true);
  ~IoWait() override;

  virtual Attempt Try() noexcept = 0;
  // Before the first attempt, on the thread that waits; may throw.
  virtual void Begin() {}

  [[nodiscard]] int fd() const;
  [[nodiscard]] runtime::IoDescriptor& descriptor() const { return *of_; }

 private:
  struct Watch : base::IoWatch {
    IoWait* wait = nullptr;
  };

  bool Enter(bool joins) final;
  void Abandon(End end) noexcept final;

  const std::shared_ptr<runtime::IoDescriptor> of_;
  const Direction direction_;
  std::uint32_t times_tried_ = 0;  // the descriptor's, at the first attempt
  Watch watch_;
};

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_CORO_DETAIL_IO_WAIT_H_
