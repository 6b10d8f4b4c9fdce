// ShardFeed keeps one shard fed, whatever happens to its process.
//
// It holds every part that was ever offered (as a Ref: encoded once) and, for
// each, which incarnation of the shard has acknowledged it. When the shard is
// reborn empty, everything that earlier incarnations acknowledged is sent
// again. A call that died with its process is sent again too: adding a part
// twice is adding it once.
// The parts are sent by coroutines, each of which waits for one answer after
// the other.
// Owner: Indexer, one for each shard.   Threading: whoever has the turn; Ask
// and MakeWhole take it, where they need it. Bound: `kSendersMax` calls at a
// time; what is not sent waits here. Failure: errors that sending again cannot
// cure are thrown.
#ifndef MOBULA_EXAMPLES_INDEX_SHARD_FEED_H_
#define MOBULA_EXAMPLES_INDEX_SHARD_FEED_H_

#include <mobula/mobula.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "examples/index/shard.h"

namespace indexer {

// Who may touch what the coroutines share. They give it up while they wait.
using Turn = mobula::Mutex::Guard;

template <class T>
mobula::Coro<T> AwaitOutside(mobula::Mutex& turns, Turn& turn,
                             const mobula::Ref<T>& ref) {
  {
    const Turn given_up = std::move(turn);
  }
  std::optional<T> value;
  std::exception_ptr failure;
  try {
    value = co_await ref;
  } catch (...) {
    failure = std::current_exception();
  }
  turn = co_await turns.Lock();
  if (failure != nullptr) std::rethrow_exception(failure);
  co_return *std::move(value);
}

// What a method of the shard returns.
template <auto kMethod, class... A>
using AnswerOf = decltype(std::declval<const mobula::Actor<Shard>&>()
                              .template Call<kMethod>(std::declval<A>()...)
                              .Get());

class ShardFeed {
 public:
  static constexpr std::size_t kSendersMax = 4;
  // Told the pid of the shard whenever it answers.
  using OnAnswer = std::function<void(int pid)>;

  // Creates the actor.
  ShardFeed(mobula::Mutex& turns, OnAnswer on_answer);

  void Offer(std::uint32_t batch, mobula::Ref<ShardPart> part);
  // Starts senders for what waits, and has been lost. Never waits.
  void Pump(mobula::TaskGroup& group);
  // Until the newest incarnation known has acknowledged everything.
  [[nodiscard]] mobula::Coro<> MakeWhole();

  [[nodiscard]] bool IsWhole() const { return Backlog() == 0; }
  // Parts that are yet to be acknowledged.
  [[nodiscard]] std::size_t Backlog() const {
    return waiting_.size() + senders_;
  }

  // Calls a method of the shard while it is whole, feeding it as often as that
  // takes; the answer comes from an incarnation that had everything.
  template <auto kMethod, class... A>
  mobula::Coro<AnswerOf<kMethod, A...>> Ask(A... arguments) {
    while (true) {
      mobula::Coro<> whole = MakeWhole();
      co_await whole;
      const auto answer =
          actor_.Call<kMethod>(OfThisIncarnation(), arguments...);
      try {
        co_return co_await answer;
      } catch (const mobula::Error& error) {
        Lost(error);
      }
      mobula::Coro<> learn = LearnIncarnation();
      co_await learn;
    }
  }

  [[nodiscard]] const std::set<int>& pids() const { return pids_; }
  [[nodiscard]] std::uint64_t restarts() const {
    return incarnation_ > 1 ? static_cast<std::uint64_t>(incarnation_ - 1) : 0;
  }
  // Calls that died with the shard's process and were made again.
  [[nodiscard]] std::uint64_t calls_repeated() const { return calls_repeated_; }
  // Acknowledged parts that a new incarnation was given again.
  [[nodiscard]] std::uint64_t parts_fed_again() const {
    return parts_fed_again_;
  }

 private:
  struct Part {
    std::uint32_t batch = 0;
    mobula::Ref<ShardPart> part;
    std::int64_t acknowledged_by = 0;  // an incarnation, 0 for none
  };
  // Sends what waits until nothing does.
  mobula::Coro<> SendParts(mobula::TaskGroup& group);
  void TakeAnswer(std::size_t part, const mobula::Ref<std::int32_t>& answer,
                  std::int32_t pid);
  void SawIncarnation(std::int64_t incarnation);
  // Throws unless the error means that the shard's process died.
  void Lost(const mobula::Error& error);
  mobula::Coro<> LearnIncarnation();
  [[nodiscard]] mobula::CallOptions OfThisIncarnation() const;

  mobula::Mutex& turns_;
  OnAnswer on_answer_;
  mobula::Actor<Shard> actor_;
  std::vector<Part> parts_;
  std::deque<std::size_t> waiting_;
  std::size_t senders_ = 0;  // each has a part on its way
  std::int64_t incarnation_ = 0;
  std::set<int> pids_;
  std::uint64_t calls_repeated_ = 0;
  std::uint64_t parts_fed_again_ = 0;
};

}  // namespace indexer

#endif  // MOBULA_EXAMPLES_INDEX_SHARD_FEED_H_
