// Indexer makes the index: tasks read and count, shards hold what they found.
//
//   Indexer indexer(options, files);
//   indexer.Run();
//   indexer.Ask<&Shard::Lookup>(indexer.ShardOfWord("ray"), "ray");
//
// Work in flight is bounded: so many tasks, and no new ones while shards have
// much to take in.
// Owner: main.   Threading: none.
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
    KillIfDue();
    return feeds_.at(shard)->Ask<kMethod>(arguments...);
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
  using TaskRef = mobula::Ref<BatchResult>;

  [[nodiscard]] bool IsDone() const;
  [[nodiscard]] std::size_t Backlog() const;
  void SpawnTasks();
  void WaitForSome();
  void Take(BatchResult result);
  void Show(Progress& progress) const;
  void KillIfDue();

  const Options options_;
  const std::vector<FoundFile> files_;
  const std::vector<Batch> batches_;
  const std::chrono::steady_clock::time_point start_;
  Chaos chaos_;
  std::vector<std::unique_ptr<ShardFeed>> feeds_;
  std::vector<TaskRef> tasks_;
  std::size_t batches_spawned_ = 0;
  std::size_t batches_done_ = 0;
  std::uint64_t files_done_ = 0;
  std::uint64_t text_bytes_ = 0;
  std::uint64_t task_retries_ = 0;
  std::set<int> task_pids_;
  std::vector<FileReport> reports_;
};

}  // namespace indexer

#endif  // MOBULA_EXAMPLES_INDEX_INDEXER_H_
