#include "runtime/refs/references.h"

#include <utility>
#include <variant>

#include "base/check.h"
#include "runtime/core/emit.h"
#include "runtime/refs/claim_batches.h"
#include "runtime/refs/inside.h"

namespace mobula::runtime {
namespace {

base::Failure Lost() {
  return base::NotRun(base::FailureCode::kObjectLost,
                      "the object was freed before this process could say "
                      "that it has a ref");
}

const base::Value* ValueIn(const base::Outcome& outcome) {
  return std::get_if<base::Value>(&outcome);
}

// Calls `each` with each value that travels in the message, and whether it is
// the answer of who was asked to make it.
template <class F>
void ForEachValue(const base::Message& message, F&& each) {
  const std::vector<base::Value>* args = nullptr;
  if (const auto* run = std::get_if<base::RunTask>(&message)) {
    args = &run->args;
  } else if (const auto* call = std::get_if<base::CallActor>(&message)) {
    args = &call->args;
  } else if (const auto* create = std::get_if<base::CreateActor>(&message)) {
    args = &create->args;
  } else if (const auto* done = std::get_if<base::TaskDone>(&message)) {
    if (const auto* value = ValueIn(done->outcome)) each(*value, true);
  } else if (const auto* item = std::get_if<base::StreamItem>(&message)) {
    each(item->value, true);
  } else if (const auto* is = std::get_if<base::ObjectIs>(&message)) {
    if (const auto* value = ValueIn(is->outcome)) each(*value, false);
  }
  if (args == nullptr) return;
  for (const base::Value& value : *args) each(value, false);
}

}  // namespace

void References::Joined(base::ProcessId raylet) {
  raylet_ = raylet;
  borrowed_.Joined(raylet);
}

void References::Begin(base::BootTime now, Produced& out) {
  MOBULA_CHECK(own_.unused().empty() && outbox_.empty());
  now_ = now;
  out_ = &out;
  looked_at_ = out.effects->size();
}

void References::Carry() {
  for (;;) {
    for (; looked_at_ < out_->effects->size(); ++looked_at_) {
      // By index: to lend is to send more.
      const auto* send = std::get_if<Send>(&(*out_->effects)[looked_at_]);
      if (send != nullptr) LookAt(*send);
    }
    if (own_.tellings().empty()) break;
    TellBorrowers();
  }
  Sweep();
  borrowed_.Ask(now_, *out_);
}

void References::End() {
  MOBULA_CHECK(woken().empty() && own_.tellings().empty());
  outbox_.Flush(*out_->effects);
  out_ = nullptr;
}

void References::LookAt(const Send& send) {
  // What a process sends to itself stays in the tables that it is in.
  if (send.to == raylet_ || send.to == self_) return;
  ForEachValue(send.message, [&](const base::Value& value, bool as_answer) {
    if (!value.is_stored() && value.refs().empty()) return;
    // What is sent to who has ended arrives nowhere.
    if (links_.Has(send.to)) Mention(value, send.to, as_answer);
  });
}

void References::Mention(const base::Value& value, base::ProcessId to,
                         bool as_answer) {
  ForEachMention(value, [&](const base::ObjectName& name, bool as_ref) {
    // Who answers does not borrow what it was asked to make.
    if (as_answer && !as_ref && name.owner == to) return;
    if (name.owner == self_) {
      own_.Lend(name.object, to, as_ref);
    } else {
      borrowed_.Hold(name);
      handed_.Hand(to, name.object);
    }
  });
}

void References::Received(base::ProcessId from, const base::Message& message) {
  // Nobody keeps anything for the arguments of a detached actor.
  if (std::holds_alternative<base::CreateActor>(message) && from == raylet_) {
    return;
  }
  ForEachValue(message, [&](const base::Value& value, bool as_answer) {
    Mentioned(value, from, as_answer);
  });
}

void References::Mentioned(const base::Value& value, base::ProcessId from,
                           bool as_answer) {
  ForEachMention(value, [&](const base::ObjectName& name, bool as_ref) {
    if (as_answer && !as_ref && name.owner == self_) return;
    if (name.owner != self_) {
      borrowed_.Mentioned(name, from);
    } else if (from != raylet_) {
      outbox_.Taken(from, name.object);
    }
  });
}

void References::TellBorrowers() {
  for (const ObjectTable::Telling& telling :
       std::exchange(own_.tellings(), {})) {
    MOBULA_CHECK(own_.Has(telling.object), "what is lent is not forgotten");
    const base::Outcome* outcome = own_.Find(telling.object);
    if (outcome == nullptr) continue;  // lost meanwhile: it is told anew
    out_->SendTo(telling.to,
                 base::ObjectIs{telling.object, *outcome,
                                own_.IncarnationOf(telling.object)});
  }
}

// What is let go may be the last that held something else.
void References::Sweep() {
  for (;;) {
    own_.Sweep();
    borrowed_.Sweep();
    if (own_.released().empty() && borrowed_.released().empty()) return;
    for (const auto* released : {&own_.released(), &borrowed_.released()}) {
      for (const base::ObjectName& name : *released) Release(name);
    }
    own_.released().clear();
    borrowed_.released().clear();
  }
}

void References::Put(base::ObjectId object, base::Outcome outcome) {
  const std::vector<base::ObjectName> inside = Inside(object, outcome);
  own_.Put(object, std::move(outcome));
  HoldAll(inside);
}

void References::Settle(base::ObjectId object, base::Outcome outcome,
                        std::int64_t incarnation) {
  const std::vector<base::ObjectName> inside = Inside(object, outcome);
  woken_.clear();
  const bool is_kept = own_.Settle(object, std::move(outcome), incarnation,
                                   *out_->effects, woken_);
  if (is_kept) HoldAll(inside);
  for (const base::TaskId task : woken_) woken().emplace_back(task, object);
}

void References::HoldAll(const std::vector<base::ObjectName>& names) {
  for (const base::ObjectName& name : names) Hold(name);
}

void References::Hold(const base::ObjectName& name) {
  if (name.owner != self_) {
    borrowed_.Hold(name);
  } else if (!own_.Hold(name.object)) {
    own_.Put(name.object, Lost());
  }
}

void References::Release(const base::ObjectName& name) {
  if (name.owner == self_) {
    own_.Release(name.object);
  } else {
    borrowed_.Release(name.object);
  }
}

void References::Drop(base::ObjectId object) {
  own_.Drop(object);
  borrowed_.Drop(object);
}

void References::Watch(base::ObjectId object) {
  if (borrowed_.Has(object)) {
    borrowed_.Watch(object, *out_->effects);
  } else {
    own_.Watch(object, *out_->effects);
  }
}

void References::AddDependent(base::ObjectId object, base::TaskId task) {
  if (borrowed_.Has(object)) {
    borrowed_.AddDependent(object, task);
  } else {
    own_.AddDependent(object, task);
  }
}

const base::Outcome* References::Find(base::ObjectId object) const {
  const base::Outcome* outcome = own_.Find(object);
  return outcome != nullptr ? outcome : borrowed_.Find(object);
}

std::optional<base::ObjectName> References::NameOf(
    base::ObjectId object) const {
  if (own_.Has(object)) return base::ObjectName{object, self_};
  if (!borrowed_.Has(object)) return std::nullopt;
  return base::ObjectName{object, borrowed_.OwnerOf(object)};
}

void References::On(base::ProcessId from, const base::BorrowObjects& borrow) {
  for (const base::ObjectId object : borrow.objects) {
    if (own_.Has(object)) {
      own_.Lend(object, from, /*as_ref=*/true);
      outbox_.Borrowed(from, object);
    } else {
      outbox_.Gone(from, object);
    }
  }
}

void References::On(base::ProcessId from,
                    const base::ObjectsBorrowed& borrowed) {
  borrowed_.Borrowed(from, borrowed, *out_->effects);
}

void References::On(base::ProcessId from, const base::ObjectsTaken& taken) {
  for (const base::ObjectId object : taken.objects) {
    if (handed_.Take(from, object)) borrowed_.Release(object);
  }
}

void References::On(base::ProcessId from, const base::ReturnObjects& returned) {
  for (const base::ReturnedObject& one : returned.objects) {
    own_.Return(from, one.object, one.lent_count);
  }
}

void References::On(base::ProcessId from, const base::WantObjects& want) {
  for (const base::ObjectId object : want.objects) Want(from, object);
}

void References::Want(base::ProcessId from, base::ObjectId object) {
  if (!own_.Want(from, object)) Refuse(from, object);
}

void References::LoseBorrowed(const base::ObjectName& name,
                              const base::Extent& extent) {
  borrowed_.LoseBytes(name, extent, *out_->effects);
}

// Who waits for what is not lent to it must not wait for ever.
void References::Refuse(base::ProcessId borrower, base::ObjectId object) {
  out_->SendTo(borrower, base::ObjectIs{object, Lost(), 0});
}

void References::On(base::ProcessId from, const base::ObjectIs& is) {
  if (!borrowed_.Is(from, is, *out_->effects)) return;
  HoldAll(Inside(is.object, is.outcome));
}

void References::On(const base::OwnerGone& gone) {
  borrowed_.OwnerGone(gone.owner, now_, *out_);
}

void References::PeerLost(base::ProcessId peer) {
  own_.LoseBorrower(peer);
  for (const base::ObjectId object : handed_.Lose(peer)) {
    borrowed_.Release(object);
  }
  borrowed_.LinkEnded(peer, now_, *out_);
}

void References::FailAll(const base::Failure& failure) {
  borrowed_.FailAll(failure, *out_->effects);
}

void References::ClaimOwn(Effects& effects) const {
  const std::vector<base::ObjectId> lent = own_.Lent();
  if (lent.empty()) return;
  ClaimBatches claims(raylet_, self_, effects);
  for (const base::ObjectId object : lent)
    claims.Add(object, own_.Find(object));
  claims.Finish();
}

std::vector<ObjectRow> References::Rows() const {
  std::vector<ObjectRow> rows = own_.Rows(self_);
  const std::vector<ObjectRow> borrowed = borrowed_.Rows();
  rows.insert(rows.end(), borrowed.begin(), borrowed.end());
  return rows;
}

ObjectRow References::RowOf(base::ObjectId object) const {
  return own_.Has(object) ? own_.RowOf(object, self_) : borrowed_.RowOf(object);
}

std::vector<ObjectGlance> References::Glance() const {
  std::vector<ObjectGlance> glances;
  glances.reserve(own_.size() + borrowed_.size());
  own_.Glance(self_, glances);
  borrowed_.Glance(glances);
  return glances;
}

}  // namespace mobula::runtime
