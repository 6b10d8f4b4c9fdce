// ObjectWait is the wait for the outcome of a Ref, without a thread. Not for
// users.
//
// The runtime keeps a link to it until the outcome is there, or the wait is
// given up because the scope was stopped.
// Threading: as of Wait. Errors: as of Ref::Get, and what the scope throws.
#ifndef MOBULA_API_MOBULA_CORO_DETAIL_OBJECT_WAIT_H_
#define MOBULA_API_MOBULA_CORO_DETAIL_OBJECT_WAIT_H_

#include "api/mobula/coro/detail/wait.h"
#include "api/mobula/detail/calls.h"
#include "base/threads/outcome_watch.h"
#include "base/value.h"

namespace mobula::runtime {
class Backend;
}  // namespace mobula::runtime

namespace mobula::detail {

class ObjectWait : public Wait {
 public:
  explicit ObjectWait(ObjectPtr object);
  ~ObjectWait() override;

 protected:
  // Once it is over: the value, with its bytes wherever they lie.
  base::Value TakeValue();

 private:
  struct Watch : base::OutcomeWatch {
    ObjectWait* wait = nullptr;
  };

  bool Enter(bool joins) override;
  void Abandon(End end) noexcept override;

  const ObjectPtr object_;
  runtime::Backend* backend_ = nullptr;  // which the handle keeps
  Watch watch_;
};

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_CORO_DETAIL_OBJECT_WAIT_H_
