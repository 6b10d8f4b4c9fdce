#include "runtime/control/control_calls.h"

#include <chrono>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"
#include "runtime/core/emit.h"

namespace mobula::runtime {
namespace {

using base::Failure;
using base::FailureCode;

// Asking it twice changes nothing.
bool IsQuestion(const base::ControlRequest& body) {
  return std::holds_alternative<base::GetKey>(body) ||
         std::holds_alternative<base::ListKeys>(body) ||
         std::holds_alternative<base::FindActor>(body) ||
         std::holds_alternative<base::ListNodes>(body) ||
         std::holds_alternative<base::ListJobs>(body) ||
         std::holds_alternative<base::ListActors>(body) ||
         std::holds_alternative<base::ListObjects>(body) ||
         std::holds_alternative<base::FindPublished>(body) ||
         std::holds_alternative<base::ListPublished>(body) ||
         std::holds_alternative<base::GetStatus>(body);
}

std::string InSeconds(base::Duration duration) {
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  if (ms % 1'000 == 0) return std::to_string(ms / 1'000) + " s";
  return std::to_string(ms) + " ms";
}

}  // namespace

void ControlCalls::Joined(base::ProcessId raylet, Effects& effects) {
  MOBULA_CHECK(raylet_.IsNil() && !raylet.IsNil());
  raylet_ = raylet;
  for (auto& [number, entry] : entries_) {
    if (!entry.given_up) SendOut(entry, effects);
  }
}

void ControlCalls::Ask(AskControl ask, base::BootTime now, Effects& effects) {
  MOBULA_CHECK(!ask.request.IsNil());
  Entry entry;
  entry.asked = ask.request;
  entry.is_question = IsQuestion(ask.body);
  entry.unsent = std::move(ask.body);
  entry.timeout = ask.timeout;
  entry.deadline = now + ask.timeout;
  if (raylet_lost_) {
    Fail(entry, *raylet_lost_, effects);
    return;
  }
  if (entries_.size() >= kPendingMax) {
    Fail(entry,
         base::MakeFailure(
             FailureCode::kLimit, base::Executed::kMaybe,
             "too many requests of this process wait for the control "
             "store: at most " +
                 std::to_string(kPendingMax)),
         effects);
    return;
  }
  entry.request = ids_.Next<base::RequestId>();
  const Number number = entry.request.lo;
  const auto [it, is_new] = entries_.emplace(number, std::move(entry));
  MOBULA_CHECK(is_new, "ids only grow");
  ++waiting_;
  deadlines_.Add(it->second.deadline, number);
  if (!raylet_.IsNil()) SendOut(it->second, effects);
}

void ControlCalls::SendOut(Entry& entry, Effects& effects) {
  MOBULA_CHECK(entry.unsent.has_value());
  base::ControlCall call;
  call.request = entry.request;
  call.from = self_;
  call.done_below = entries_.begin()->first;
  call.body = std::move(*entry.unsent);
  entry.unsent.reset();
  SendTo(effects, raylet_, std::move(call));
}

void ControlCalls::Answered(base::ControlAnswer answer, Effects& effects) {
  const auto it = entries_.find(answer.request.lo);
  if (it == entries_.end() || it->second.request != answer.request) return;
  const Entry& entry = it->second;
  if (entry.unsent.has_value()) return;  // it answers what was not asked
  if (!entry.given_up) {
    --waiting_;
    deadlines_.Remove(entry.deadline, it->first);
    Emit(effects, ControlReady{entry.asked, std::move(answer.body)});
  }
  entries_.erase(it);
}

void ControlCalls::Tick(base::BootTime now, Effects& effects) {
  while (const std::optional<Number> number = deadlines_.PopDue(now)) {
    const auto it = entries_.find(*number);
    MOBULA_CHECK(it != entries_.end());
    Entry& entry = it->second;
    --waiting_;
    Fail(entry,
         base::MakeFailure(
             FailureCode::kControlAway, base::Executed::kMaybe,
             "the control store did not answer within " +
                 InSeconds(entry.timeout) +
                 "; what lives goes on without it, ask again later"),
         effects);
    if (entry.unsent.has_value()) {
      entries_.erase(it);
    } else {
      entry.given_up = true;
    }
  }
}

void ControlCalls::Fail(const Entry& entry, Failure failure,
                        Effects& effects) const {
  const bool certain = entry.is_question || entry.unsent.has_value();
  failure.executed = certain ? base::Executed::kNo : base::Executed::kMaybe;
  Emit(effects, ControlReady{entry.asked, std::move(failure)});
}

void ControlCalls::RayletLost(const Failure& failure, Effects& effects) {
  if (raylet_lost_) return;
  raylet_lost_ = failure;
  for (const auto& [number, entry] : entries_) {
    if (!entry.given_up) Fail(entry, failure, effects);
  }
  entries_.clear();
  waiting_ = 0;
  deadlines_.Clear();
}

}  // namespace mobula::runtime
