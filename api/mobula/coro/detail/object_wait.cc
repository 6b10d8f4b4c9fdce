#include "api/mobula/coro/detail/object_wait.h"

#include <utility>

#include "api/mobula/detail/handles.h"
#include "api/mobula/detail/session.h"
#include "api/mobula/error.h"
#include "runtime/process/backend.h"

namespace mobula::detail {

ObjectWait::ObjectWait(ObjectPtr object, Timeout timeout)
    : Wait(timeout), object_(std::move(object)) {
  if (object_ == nullptr) ThrowBadArgument("this Ref refers to nothing");
  watch_.wait = this;
  watch_.ready = [](base::OutcomeWatch* watch) noexcept {
    ObjectWait* const wait = static_cast<Watch*>(watch)->wait;
    wait->EndAs(End::kGranted);
    wait->Wake();
  };
}

ObjectWait::~ObjectWait() = default;

bool ObjectWait::Enter(bool joins) {
  // The first look throws if the runtime has ended. When it ends later the
  // outcome says so.
  if (backend_ == nullptr) backend_ = &object_->session().OpenBackend();
  // Once it has joined this may be gone, and with it the handle: the backend
  // is kept until the call has returned.
  const ObjectPtr kept = object_;
  if (!backend_->StartWatch(kept->id(), &watch_, joins)) return false;
  if (watch_.outcome.has_value()) EndAs(End::kGranted);
  return true;
}

void ObjectWait::Abandon(End end) noexcept {
  switch (backend_->StopWatch(object_->id(), &watch_)) {
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

base::Outcome ObjectWait::TakeOutcome() { return *std::move(watch_.outcome); }

}  // namespace mobula::detail
