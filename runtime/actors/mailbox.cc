#include "runtime/actors/mailbox.h"

#include "base/check.h"

namespace mobula::runtime {

bool Mailbox::Open(base::ProcessId owner, const base::CreateActor& create) {
  if (state_ != State::kNone) return false;
  state_ = State::kConstructing;
  actor_ = create.actor;
  owner_ = owner;
  creation_ = create.task;
  incarnation_ = create.incarnation;
  gate_ = CallGate(create.concurrency);
  return true;
}

void Mailbox::Constructed(bool is_alive) {
  MOBULA_CHECK(state_ == State::kConstructing);
  state_ = is_alive ? State::kAlive : State::kClosed;
}

void Mailbox::Close() {
  MOBULA_CHECK(state_ != State::kNone);
  state_ = State::kClosed;
}

Mailbox::Verdict Mailbox::Admit(base::ProcessId caller,
                                const base::CallActor& call) {
  if (state_ == State::kNone || state_ == State::kClosed) {
    return Verdict::kNoActor;
  }
  if (call.actor != actor_) return Verdict::kNoActor;
  if (call.incarnation != incarnation_) return Verdict::kStale;
  const auto [it, is_new] = last_.try_emplace(caller, call.sequence);
  if (!is_new) {
    if (call.sequence <= it->second) return Verdict::kDuplicate;
    it->second = call.sequence;
  }
  return Verdict::kTake;
}

}  // namespace mobula::runtime
