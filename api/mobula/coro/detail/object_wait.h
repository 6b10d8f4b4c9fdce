// ObjectWait is the wait for the outcome of a Ref, without a thread. Not for
// users.
//
// The runtime keeps a link to it until the outcome is there, or the wait is
// given up because the scope was stopped.
// Threading: as of Wait. Errors: BadArgument, RuntimeClosed, and what the scope
// throws.
#ifndef MOBULA_API_MOBULA_CORO_DETAIL_OBJECT_WAIT_H_
#define MOBULA_API_MOBULA_CORO_DETAIL_OBJECT_WAIT_H_

#include <memory>

#include "api/mobula/coro/detail/wait.h"
#include "api/mobula/timeout.h"
#include "base/failure.h"
#include "base/threads/outcome_watch.h"

namespace mobula::runtime {
class Backend;
}  // namespace mobula::runtime

namespace mobula::detail {

class ObjectHandle;
using ObjectPtr = std::shared_ptr<const ObjectHandle>;

class ObjectWait : public Wait {
 public:
  explicit ObjectWait(ObjectPtr object, Timeout timeout = {});
  ~ObjectWait() override;

 protected:
  // Once it was granted.
  base::Outcome TakeOutcome();
  [[nodiscard]] const ObjectPtr& object() const { return object_; }

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
