#include "raylet/lines/line.h"

#include <algorithm>

#include "base/check.h"

namespace mobula::raylet {
namespace {

using base::BootTime;

constexpr std::array kAllLanes = {Lane::kControl, Lane::kBulk};
// Within lost_after it is looked so often whether something moves.
constexpr int kLooks = 8;

base::BackoffOptions WaitsOf(const Line::Options& options) {
  base::BackoffOptions waits;
  waits.first = options.wait_first;
  waits.max = options.wait_max;
  waits.first_at_once = true;
  return waits;
}

std::string SecondsText(base::Duration duration) {
  return std::to_string(duration / std::chrono::milliseconds(1)) + " ms";
}

}  // namespace

Line::Line(const Options& options)
    : options_(options), life_(options.first_life) {
  for (const Lane lane : kAllLanes) {
    lanes_.emplace_back(base::Backoff(
        WaitsOf(options), options.seed + static_cast<std::uint64_t>(lane)));
  }
}

bool Line::IsNeeded(Lane lane) const {
  return lanes_[At(lane)].wanted || (announce_ && lane == Lane::kControl);
}

void Line::Dial(Lane lane, LineEffects& effects) {
  LaneState& state = lanes_[At(lane)];
  MOBULA_CHECK(known_ && state.state != State::kUp &&
               state.state != State::kDialling);
  state.state = State::kDialling;
  state.retry_at = BootTime::Never();
  effects.dial.push_back(lane);
}

void Line::Know(BootTime now, LineEffects& effects) {
  if (known_) return;
  known_ = true;
  look_at_ = now;
  if (announce_) Dial(Lane::kControl, effects);
}

void Line::Want(Lane lane, BootTime now, LineEffects& effects) {
  MOBULA_CHECK(known_, "there is no line to a node that is not known");
  LaneState& state = lanes_[At(lane)];
  if (!state.wanted) {
    state.wanted = true;
    state.progress_at = now;
    look_at_ = std::max(look_at_, now);
  }
  if (state.state == State::kIdle) Dial(lane, effects);
}

void Line::OnAcked(Lane lane, bool all, BootTime now) {
  LaneState& state = lanes_[At(lane)];
  state.wanted = !all;
  state.progress_at = now;
  state.counted_up = false;
  state.backoff.Reset();
}

void Line::OnMoved(Lane lane, BootTime now) {
  lanes_[At(lane)].progress_at = now;
}

bool Line::OnUp(Lane lane, std::uint64_t theirs, BootTime now,
                LineEffects& effects) {
  LaneState& state = lanes_[At(lane)];
  MOBULA_CHECK(state.state == State::kDialling);
  const LineLife::Verdict verdict = life_.OnWelcome(theirs);
  if (verdict == LineLife::Verdict::kBreak) {
    announce_ = true;  // it is bound to the life that ends here
    End("the other end has begun anew", effects);
    return false;
  }
  if (verdict == LineLife::Verdict::kStale) {
    OnDown(lane, "it answers for a life that is over", now);
    return false;
  }
  announce_ = false;
  state.state = State::kUp;
  // One that comes up again and again and acknowledges nothing makes none.
  if (!state.counted_up) state.progress_at = now;
  state.counted_up = true;
  return true;
}

void Line::OnDown(Lane lane, const std::string& why, BootTime now) {
  LaneState& state = lanes_[At(lane)];
  state.why = why;
  if (!known_ || !IsNeeded(lane)) {
    state.state = State::kIdle;
    return;
  }
  state.state = State::kBackingOff;
  state.retry_at = now + state.backoff.Next();
}

void Line::OnRefused(Lane lane, const NodeWelcome& welcome, BootTime now,
                     LineEffects& effects) {
  if (welcome.refusal == NodeRefusal::kStale) {
    return End("the other end has given the line up", effects);
  }
  OnDown(lane, "it refuses: " + welcome.reason, now);
}

Line::Verdict Line::OnHello(const NodeHello& hello, LineEffects& effects) {
  if (!known_) {
    // What is over need not wait.
    LineLife before = life_;
    const bool stale = before.OnHello(hello.epoch, hello.seen, hello.over) ==
                       LineLife::Verdict::kStale;
    return stale ? Verdict::kStale : Verdict::kWait;
  }
  switch (life_.OnHello(hello.epoch, hello.seen, hello.over)) {
    case LineLife::Verdict::kStale:
      return Verdict::kStale;
    case LineLife::Verdict::kBreak:
      End("the other end has begun anew", effects);
      return Verdict::kWait;
    case LineLife::Verdict::kSame:
      announce_ = false;
      return Verdict::kWelcome;
  }
  MOBULA_CHECK(false, "no verdict");
}

void Line::GiveUp(const std::string& why, LineEffects& effects) {
  if (!known_) return;
  announce_ = true;
  End(why, effects);
}

void Line::End(const std::string& why, LineEffects& effects) {
  MOBULA_CHECK(known_ && !effects.ended);
  known_ = false;
  life_.End();
  for (LaneState& state : lanes_) {
    state.state = State::kIdle;
    state.wanted = false;
    state.counted_up = false;
    state.retry_at = BootTime::Never();
    state.backoff.Reset();
  }
  effects.dial.clear();
  effects.ended = true;
  effects.why = why;
}

void Line::OnTimer(BootTime now, LineEffects& effects) {
  if (!known_) return;
  for (const Lane lane : kAllLanes) {
    const LaneState& state = lanes_[At(lane)];
    if (!state.wanted || now < state.progress_at + options_.lost_after) {
      continue;
    }
    return GiveUp("nothing got through for " +
                      SecondsText(now - state.progress_at) +
                      (state.why.empty() ? "" : "; " + state.why),
                  effects);
  }
  for (const Lane lane : kAllLanes) {
    if (lanes_[At(lane)].retry_at <= now) Dial(lane, effects);
  }
  if (now >= look_at_) look_at_ = now + options_.lost_after / kLooks;
}

BootTime Line::timer() const {
  BootTime at = BootTime::Never();
  if (!known_) return at;
  for (const LaneState& state : lanes_) {
    at = std::min(at, state.retry_at);
    if (!state.wanted) continue;
    at = std::min({at, state.progress_at + options_.lost_after, look_at_});
  }
  return at;
}

}  // namespace mobula::raylet
