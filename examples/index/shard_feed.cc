#include "examples/index/shard_feed.h"

#include <utility>

namespace indexer {
namespace {

constexpr std::chrono::milliseconds kPoll(50);

}  // namespace

ShardFeed::ShardFeed(OnAnswer on_answer)
    : on_answer_(std::move(on_answer)),
      actor_(mobula::Create<Shard>(mobula::ActorOptions().MaxRestarts(-1))) {}

void ShardFeed::Offer(std::uint32_t batch, mobula::Ref<ShardPart> part) {
  waiting_.push_back(parts_.size());
  parts_.push_back({batch, std::move(part), 0});
}

void ShardFeed::Pump() {
  SawIncarnation(actor_.Incarnation());
  // A rebirth can settle a later call before an earlier one.
  std::deque<Call> unanswered;
  while (!in_flight_.empty()) {
    Call call = std::move(in_flight_.front());
    in_flight_.pop_front();
    if (call.answer.Ready()) {
      TakeAnswer(call);
    } else {
      unanswered.push_back(std::move(call));
    }
  }
  in_flight_ = std::move(unanswered);
  while (!waiting_.empty() && in_flight_.size() < kCallsInFlightMax) {
    const std::size_t part = waiting_.front();
    waiting_.pop_front();
    Send(part);
  }
}

void ShardFeed::Send(std::size_t part) {
  in_flight_.push_back(
      {part, actor_.Call<&Shard::Add>(parts_[part].batch, parts_[part].part)});
}

void ShardFeed::TakeAnswer(const Call& call) {
  const mobula::Result<std::int32_t> pid = call.answer.TryGet();
  if (!pid.ok()) {
    Lost(pid.error());
    waiting_.push_back(call.part);
    return;
  }
  pids_.insert(*pid);
  on_answer_(*pid);
  const std::int64_t incarnation = call.answer.Incarnation();
  SawIncarnation(incarnation);
  if (incarnation < incarnation_) {
    // It was added, but to an incarnation that is gone.
    waiting_.push_back(call.part);
    ++parts_fed_again_;
  } else {
    parts_[call.part].acknowledged_by = incarnation;
  }
}

void ShardFeed::SawIncarnation(std::int64_t incarnation) {
  if (incarnation <= incarnation_) return;
  incarnation_ = incarnation;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (parts_[i].acknowledged_by == 0) continue;
    parts_[i].acknowledged_by = 0;
    waiting_.push_back(i);
    ++parts_fed_again_;
  }
}

void ShardFeed::Lost(const mobula::Error& error) {
  const mobula::ErrorCode code = error.code();
  if (code != mobula::ErrorCode::kWorkerDied &&
      code != mobula::ErrorCode::kActorRestarted) {
    error.Throw();
  }
  ++calls_repeated_;
}

void ShardFeed::WaitForAnswer(std::chrono::milliseconds time) const {
  if (in_flight_.empty()) return;
  (void)mobula::Wait(std::vector{in_flight_.front().answer}, 1, time);
}

void ShardFeed::MakeWhole() {
  Pump();
  while (!IsWhole()) {
    WaitForAnswer(kPoll);
    Pump();
  }
}

void ShardFeed::LearnIncarnation() {
  const mobula::Ref<ShardState> state = actor_.Call<&Shard::State>();
  const mobula::Result<ShardState> result = state.TryGet();
  if (result.ok()) {
    SawIncarnation(state.Incarnation());
  } else {
    Lost(result.error());
  }
}

mobula::CallOptions ShardFeed::OfThisIncarnation() const {
  mobula::CallOptions options;
  // 0: it was never given anything, and any incarnation has all of that.
  if (incarnation_ > 0) options.Incarnation(incarnation_);
  return options;
}

}  // namespace indexer
