#include "examples/index/indexer.h"

#include <algorithm>
#include <cstdio>

#include "examples/index/tokenize.h"

namespace indexer {
namespace {

// A worker has one task to run and one that waits for it.
constexpr std::size_t kTasksInFlightPerWorker = 2;
// No new tasks while so many parts wait for their shards.
constexpr std::size_t kBacklogPerShardMax = 16;
// The same task may be hit again and again; a file that kills every worker
// that reads it ends the program, though.
constexpr int kRetriesMax = 20;
constexpr std::chrono::milliseconds kPoll(20);

}  // namespace

Indexer::Indexer(const Options& options, std::vector<FoundFile> files)
    : options_(options),
      files_(std::move(files)),
      batches_(MakeBatches(files_, options.workers, options.shards)),
      start_(std::chrono::steady_clock::now()),
      chaos_(options, start_, &Chaos::KillOwn),
      reports_(files_.size()) {
  for (std::uint32_t shard = 0; shard < options_.shards; ++shard) {
    feeds_.push_back(std::make_unique<ShardFeed>(
        [this, shard](int pid) { chaos_.SawShard(shard, pid); }));
  }
}

std::uint32_t Indexer::ShardOfWord(std::string_view word) const {
  return ShardOf(word, options_.shards);
}

void Indexer::Run() {
  Progress progress(stderr, "indexed", files_.size());
  while (!IsDone()) {
    SpawnTasks();
    WaitForSome();
    for (const auto& feed : feeds_) feed->Pump();
    KillIfDue();
    Show(progress);
  }
}

bool Indexer::IsDone() const {
  return batches_done_ == batches_.size() && Backlog() == 0 && !chaos_.Owes();
}

std::size_t Indexer::Backlog() const {
  std::size_t backlog = 0;
  for (const auto& feed : feeds_) backlog += feed->Backlog();
  return backlog;
}

void Indexer::SpawnTasks() {
  const std::size_t tasks_max = kTasksInFlightPerWorker * options_.workers;
  while (batches_spawned_ < batches_.size() && tasks_.size() < tasks_max &&
         Backlog() < kBacklogPerShardMax * feeds_.size()) {
    tasks_.push_back(
        mobula::Spawn<CountBatch>(mobula::TaskOptions().Retries(kRetriesMax),
                                  batches_[batches_spawned_]));
    ++batches_spawned_;
  }
}

void Indexer::WaitForSome() {
  if (tasks_.empty()) {
    const auto behind =
        std::find_if(feeds_.begin(), feeds_.end(),
                     [](const auto& feed) { return !feed->IsWhole(); });
    if (behind != feeds_.end()) (*behind)->WaitForAnswer(kPoll);
    return;
  }
  auto [ready, not_ready] = mobula::Wait(tasks_, 1, kPoll);
  tasks_ = std::move(not_ready);
  for (const TaskRef& task : ready) Take(mobula::Get(task));
}

void Indexer::Take(BatchResult result) {
  ++batches_done_;
  files_done_ += result.files.size();
  task_retries_ += static_cast<std::uint64_t>(result.attempt - 1);
  task_pids_.insert(result.pid);
  chaos_.SawTask(result.pid);
  for (FileReport& report : result.files) {
    text_bytes_ += report.text_bytes;
    reports_.at(report.file) = std::move(report);
  }
  for (std::size_t shard = 0; shard < feeds_.size(); ++shard) {
    ShardPart& part = result.parts.at(shard);
    if (part.files.empty()) continue;
    feeds_[shard]->Offer(result.number, mobula::Put(part));
  }
}

void Indexer::KillIfDue() {
  chaos_.Tick(batches_done_, batches_.size(), Chaos::Clock::now());
}

void Indexer::Show(Progress& progress) const {
  const std::chrono::duration<double> time =
      std::chrono::steady_clock::now() - start_;
  char note[80];
  std::snprintf(note, sizeof(note), "%zu files, %.1f MB/s, %zu to be stored",
                static_cast<std::size_t>(files_done_),
                static_cast<double>(text_bytes_) / 1e6 / time.count(),
                Backlog());
  progress.Show(files_done_, note);
}

IndexTotals Indexer::Totals() const {
  IndexTotals totals;
  for (const FileReport& report : reports_) {
    if (report.problem != Problem::kNone) continue;
    ++totals.files;
    totals.words += report.words;
    totals.text_bytes += report.text_bytes;
  }
  totals.retries = task_retries_;
  totals.kills = chaos_.kills();
  totals.task_pids = task_pids_;
  for (const auto& feed : feeds_) {
    totals.retries += feed->calls_repeated();
    totals.restarts += feed->restarts();
    totals.parts_fed_again += feed->parts_fed_again();
    totals.shard_pids.insert(feed->pids().begin(), feed->pids().end());
  }
  return totals;
}

}  // namespace indexer
