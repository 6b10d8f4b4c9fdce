// Indexer makes the index: tasks read and count, shards hold what they found.
//
//   Indexer indexer(options, files);
//   indexer.Run();
//   indexer.Ask<&Shard::Lookup>(indexer.ShardOfWord("ray"), "ray");
//
// Work in flight is bounded: as many tasks as there are coroutines that spawn
// and await them, and no new ones while shards have much to take in.
// Owner: main.   Threading: its coroutines run on any thread of the pool, each
// in its turn.
// Failure: what retries cannot cure is thrown.
#ifndef MOBULA_EXAMPLES_INDEX_INDEXER_H_
#define MOBULA_EXAMPLES_INDEX_INDEXER_H_

#include <mobula/mobula.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "examples/index/batches.h"
#include "examples/index/chaos.h"
#include "examples/index/count_batch.h"
#include "examples/index/options.h"
#include "examples/index/progress.h"
#include "examples/index/shard_feed.h"
#include "examples/index/walk.h"

namespace indexer {

struct IndexTotals {
  std::uint64_t files = 0;  // that were text
  std::uint64_t words = 0;  // each as often as it occurs
  std::uint64_t text_bytes = 0;
  std::uint64_t retries = 0;   // runs of tasks and calls beyond the first
  std::uint64_t restarts = 0;  // of shards
  std::uint64_t parts_fed_again = 0;
  std::uint64_t kills = 0;  // by --kill-every and --kills
  std::set<int> task_pids;
  std::set<int> shard_pids;
};

class Indexer {
 public:
  // `options.workers` is the number there really is.
  Indexer(const Options& options, std::vector<FoundFile> files);

  // Returns when every shard has everything.
  void Run();

  // Asks a shard that has everything (ShardFeed::Ask).
  template <auto kMethod, class... A>
  auto Ask(std::uint32_t shard, const A&... arguments) {
    return mobula::BlockOn(AskHere<kMethod, A...>(shard, arguments...));
  }
  [[nodiscard]] std::uint32_t shards() const { return options_.shards; }
  [[nodiscard]] std::uint32_t ShardOfWord(std::string_view word) const;

  [[nodiscard]] const std::vector<FoundFile>& files() const { return files_; }
  // One for each file.
  [[nodiscard]] const std::vector<FileReport>& reports() const {
    return reports_;
  }
  [[nodiscard]] IndexTotals Totals() const;

 private:
  template <auto kMethod, class... A>
  mobula::Coro<AnswerOf<kMethod, A...>> AskHere(std::uint32_t shard,
                                                A... arguments) {
    KillIfDue();
    auto ask = feeds_.at(shard)->Ask<kMethod, A...>(arguments...);
    co_return co_await ask;
  }

  // Reads and counts everything, and has the shards take it in.
  mobula::Coro<> MakeIndex(Progress& progress);
  mobula::Coro<> CountAll();
  // Counts one batch after the other, until none is left.
  mobula::Coro<> CountBatches(mobula::TaskGroup& group);
  // Kills, and shows how far it is, now and then until it is stopped.
  mobula::Coro<> Watch(Progress& progress);
  [[nodiscard]] std::size_t Backlog() const;
  void Take(BatchResult result, mobula::TaskGroup& group);
  void Show(Progress& progress) const;
  void KillIfDue();

  const Options options_;
  const std::vector<FoundFile> files_;
  const std::vector<Batch> batches_;
  const std::chrono::steady_clock::time_point start_;
  mobula::Mutex turns_;
  Chaos chaos_;
  std::vector<std::unique_ptr<ShardFeed>> feeds_;
  mobula::Event answered_;  // a shard has taken in something
  std::size_t batches_begun_ = 0;
  std::size_t batches_done_ = 0;
  std::uint64_t files_done_ = 0;
  std::uint64_t text_bytes_ = 0;
  std::uint64_t task_retries_ = 0;
  std::set<int> task_pids_;
  std::vector<FileReport> reports_;
};

}  // namespace indexer

#endif  // MOBULA_EXAMPLES_INDEX_INDEXER_H_
