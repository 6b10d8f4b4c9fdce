#include "examples/index/shard_feed.h"

#include <utility>

namespace indexer {

ShardFeed::ShardFeed(mobula::Mutex& turns, OnAnswer on_answer)
    : turns_(turns),
      on_answer_(std::move(on_answer)),
      actor_(mobula::Create<Shard>(mobula::ActorOptions().MaxRestarts(-1))) {}

void ShardFeed::Offer(std::uint32_t batch, mobula::Ref<ShardPart> part) {
  waiting_.push_back(parts_.size());
  parts_.push_back({batch, std::move(part), 0});
}

void ShardFeed::Pump(mobula::TaskGroup& group) {
  SawIncarnation(actor_.Incarnation());
  for (std::size_t i = 0; i < waiting_.size() && senders_ < kSendersMax; ++i) {
    ++senders_;
    group.Start(SendParts(group));
  }
}

mobula::Coro<> ShardFeed::SendParts(mobula::TaskGroup& group) {
  Turn turn = co_await turns_.Lock();
  while (!waiting_.empty()) {
    const std::size_t part = waiting_.front();
    waiting_.pop_front();
    const mobula::Ref<std::int32_t> answer =
        actor_.Call<&Shard::Add>(parts_[part].batch, parts_[part].part);
    mobula::Coro<std::int32_t> await_pid = AwaitOutside(turns_, turn, answer);
    try {
      TakeAnswer(part, answer, co_await await_pid);
    } catch (const mobula::Error& error) {
      Lost(error);
      waiting_.push_back(part);
    }
    Pump(group);  // a rebirth has many sent again
  }
  --senders_;
}

mobula::Coro<> ShardFeed::MakeWhole() {
  const auto feed = [this](mobula::TaskGroup& group) -> mobula::Coro<> {
    const Turn turn = co_await turns_.Lock();
    Pump(group);
  };
  bool is_whole = false;
  while (!is_whole) {
    mobula::Coro<> fed = mobula::WithGroup(feed);
    co_await fed;
    const Turn turn = co_await turns_.Lock();
    is_whole = IsWhole();
  }
}

void ShardFeed::TakeAnswer(std::size_t part,
                           const mobula::Ref<std::int32_t>& answer,
                           std::int32_t pid) {
  pids_.insert(pid);
  const std::int64_t incarnation = answer.Incarnation();
  SawIncarnation(incarnation);
  if (incarnation < incarnation_) {
    // It was added, but to an incarnation that is gone.
    waiting_.push_back(part);
    ++parts_fed_again_;
  } else {
    parts_[part].acknowledged_by = incarnation;
  }
  on_answer_(pid);
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

mobula::Coro<> ShardFeed::LearnIncarnation() {
  const mobula::Ref<ShardState> state = actor_.Call<&Shard::State>();
  try {
    (void)co_await state;
    SawIncarnation(state.Incarnation());
  } catch (const mobula::Error& error) {
    Lost(error);
  }
}

mobula::CallOptions ShardFeed::OfThisIncarnation() const {
  mobula::CallOptions options;
  // 0: it was never given anything, and any incarnation has all of that.
  if (incarnation_ > 0) options.Incarnation(incarnation_);
  return options;
}

}  // namespace indexer
