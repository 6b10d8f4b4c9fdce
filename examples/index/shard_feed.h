// ShardFeed keeps one shard fed, whatever happens to its process.
//
// It holds every part that was ever offered (as a Ref: encoded once) and, for
// each, which incarnation of the shard has acknowledged it. When the shard is
// reborn empty, everything that earlier incarnations acknowledged is sent
// again. A call that died with its process is sent again too: adding a part
// twice is adding it once.
// Owner: Indexer, one for each shard.   Threading: none.
// Bound: `kCallsInFlightMax` calls at a time; what is not sent waits here.
// Failure: errors that sending again cannot cure are thrown.
#ifndef MOBULA_EXAMPLES_INDEX_SHARD_FEED_H_
#define MOBULA_EXAMPLES_INDEX_SHARD_FEED_H_

#include <mobula/mobula.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "examples/index/shard.h"

namespace indexer {

class ShardFeed {
 public:
  static constexpr std::size_t kCallsInFlightMax = 4;
  // Told the pid of the shard whenever it answers.
  using OnAnswer = std::function<void(int pid)>;

  // Creates the actor.
  explicit ShardFeed(OnAnswer on_answer);

  void Offer(std::uint32_t batch, mobula::Ref<ShardPart> part);
  // Takes answers in and sends what may be sent. Never waits.
  void Pump();
  // Waits a while for the next answer, if one is to come.
  void WaitForAnswer(std::chrono::milliseconds time) const;

  // Whether the newest incarnation known has acknowledged everything.
  [[nodiscard]] bool IsWhole() const {
    return waiting_.empty() && in_flight_.empty();
  }
  // Parts that are yet to be acknowledged.
  [[nodiscard]] std::size_t Backlog() const {
    return waiting_.size() + in_flight_.size();
  }

  // Calls a method of the shard while it is whole, feeding it as often as that
  // takes; the answer comes from an incarnation that had everything.
  template <auto kMethod, class... A>
  auto Ask(const A&... arguments) {
    while (true) {
      MakeWhole();
      const auto answer =
          actor_.Call<kMethod>(OfThisIncarnation(), arguments...);
      auto result = answer.TryGet();
      if (result.ok()) return std::move(*result);
      Lost(result.error());
      LearnIncarnation();
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
  struct Call {
    std::size_t part = 0;
    mobula::Ref<std::int32_t> answer;
  };

  void Send(std::size_t part);
  void TakeAnswer(const Call& call);
  void SawIncarnation(std::int64_t incarnation);
  // Throws unless the error means that the shard's process died.
  void Lost(const mobula::Error& error);
  void MakeWhole();
  void LearnIncarnation();
  [[nodiscard]] mobula::CallOptions OfThisIncarnation() const;

  OnAnswer on_answer_;
  mobula::Actor<Shard> actor_;
  std::vector<Part> parts_;
  std::deque<std::size_t> waiting_;
  std::deque<Call> in_flight_;
  std::int64_t incarnation_ = 0;
  std::set<int> pids_;
  std::uint64_t calls_repeated_ = 0;
  std::uint64_t parts_fed_again_ = 0;
};

}  // namespace indexer

#endif  // MOBULA_EXAMPLES_INDEX_SHARD_FEED_H_
