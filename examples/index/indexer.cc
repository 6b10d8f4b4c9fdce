#include "examples/index/indexer.h"

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
    feeds_.push_back(
        std::make_unique<ShardFeed>(turns_, [this, shard](int pid) {
          chaos_.SawShard(shard, pid);
          answered_.Set();
        }));
  }
}

std::uint32_t Indexer::ShardOfWord(std::string_view word) const {
  return ShardOf(word, options_.shards);
}

void Indexer::Run() {
  Progress progress(stderr, "indexed", files_.size());
  mobula::BlockOn(MakeIndex(progress));
}

mobula::Coro<> Indexer::MakeIndex(Progress& progress) {
  const auto make = [&](mobula::TaskGroup& group) -> mobula::Coro<> {
    group.Start(Watch(progress));
    mobula::Coro<> count = CountAll();
    co_await count;
    while (true) {
      for (const auto& feed : feeds_) {
        mobula::Coro<> whole = feed->MakeWhole();
        co_await whole;
      }
      bool owes = false;
      {
        const Turn turn = co_await turns_.Lock();
        owes = chaos_.Owes();
      }
      if (!owes) break;
      co_await mobula::SleepFor(kPoll);
    }
    group.Stop();
  };
  mobula::Coro<> made = mobula::WithGroup(make);
  co_await made;
}

mobula::Coro<> Indexer::CountAll() {
  const auto count = [&](mobula::TaskGroup& group) -> mobula::Coro<> {
    const std::size_t tasks_max = kTasksInFlightPerWorker * options_.workers;
    for (std::size_t i = 0; i < tasks_max; ++i) {
      group.Start(CountBatches(group));
    }
    co_return;
  };
  mobula::Coro<> counted = mobula::WithGroup(count);
  co_await counted;
}

mobula::Coro<> Indexer::CountBatches(mobula::TaskGroup& group) {
  Turn turn = co_await turns_.Lock();
  while (batches_begun_ < batches_.size()) {
    if (Backlog() >= kBacklogPerShardMax * feeds_.size()) {
      answered_.Reset();
      {
        const Turn given_up = std::move(turn);
      }
      co_await answered_.Wait();
      turn = co_await turns_.Lock();
      continue;
    }
    const Batch& batch = batches_[batches_begun_++];
    const auto result = mobula::Spawn<CountBatch>(
        mobula::TaskOptions().Retries(kRetriesMax), batch);
    mobula::Coro<BatchResult> await_result = AwaitOutside(turns_, turn, result);
    Take(co_await await_result, group);
    KillIfDue();
  }
}

mobula::Coro<> Indexer::Watch(Progress& progress) {
  while (true) {
    {
      const Turn turn = co_await turns_.Lock();
      KillIfDue();
      Show(progress);
    }
    co_await mobula::SleepFor(kPoll);
  }
}

std::size_t Indexer::Backlog() const {
  std::size_t backlog = 0;
  for (const auto& feed : feeds_) backlog += feed->Backlog();
  return backlog;
}

void Indexer::Take(BatchResult result, mobula::TaskGroup& group) {
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
    feeds_[shard]->Pump(group);
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
