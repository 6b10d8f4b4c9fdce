// index: an inverted index of a folder of text, made and held by worker
// processes. See README.md beside it.
#include <mobula/mobula.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "examples/index/indexer.h"
#include "examples/index/options.h"
#include "examples/index/query.h"
#include "examples/index/report.h"
#include "examples/index/verify.h"
#include "examples/index/walk.h"

namespace indexer {
namespace {

constexpr std::uint32_t kCommonestWords = 10;
constexpr std::size_t kHitsShown = 10;
constexpr std::size_t kNamesShown = 10;

enum ExitCode : int { kRight = 0, kWrong = 1, kMisused = 2 };

void Print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

void AnswerQuery(Indexer& indexer, const Walk& walk, const std::string& query) {
  const std::vector<std::string> words = QueryWords(query);
  if (words.empty()) return;
  std::vector<std::vector<Posting>> postings;
  for (const std::string& word : words) {
    postings.push_back(
        indexer.Ask<&Shard::Lookup>(indexer.ShardOfWord(word), word));
  }
  const std::vector<Hit> hits = Rank(postings, indexer.Totals().files);
  Print(DescribeHits(words, hits, walk, kHitsShown));
}

// Whether a line can be read now, or the input has ended.
bool InputIsReady() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return ::poll(&input, 1, 0) == 1;
}

// Answers each line. A program that was started to verify does not wait for
// somebody to type.
void AnswerInput(Indexer& indexer, const Walk& walk, bool may_wait) {
  const bool is_terminal = ::isatty(STDIN_FILENO) == 1;
  if (!may_wait && (is_terminal || !InputIsReady())) return;
  char* line = nullptr;
  std::size_t capacity = 0;
  while (true) {
    if (is_terminal) Print("query> ");
    const ssize_t size = ::getline(&line, &capacity, stdin);
    if (size <= 0) break;
    AnswerQuery(indexer, walk,
                std::string(line, static_cast<std::size_t>(size)));
  }
  if (is_terminal) Print("\n");
  std::free(line);
}

void PrintCommonest(Indexer& indexer) {
  std::vector<std::vector<WordCount>> lists;
  for (std::uint32_t shard = 0; shard < indexer.shards(); ++shard) {
    lists.push_back(indexer.Ask<&Shard::Commonest>(shard, kCommonestWords));
  }
  Print(DescribeCommonest(MergeCommonest(lists, kCommonestWords)));
}

// Whether the shards hold as many words as the tasks counted, and whether none
// of the work was done by this process.
bool IsConsistent(Indexer& indexer, const Options& options) {
  const IndexTotals totals = indexer.Totals();
  std::uint64_t held = 0;
  for (std::uint32_t shard = 0; shard < indexer.shards(); ++shard) {
    held += indexer.Ask<&Shard::State>(shard).occurrences;
  }
  if (held != totals.words) {
    Print("WRONG: tasks counted " + Grouped(totals.words) +
          " words, shards hold " + Grouped(held) + "\n");
    return false;
  }
  const int own_pid = ::getpid();
  if (!options.is_local && (totals.task_pids.contains(own_pid) ||
                            totals.shard_pids.contains(own_pid))) {
    Print("WRONG: this process did work of the workers\n");
    return false;
  }
  return true;
}

bool PrintVerdict(Indexer& indexer) {
  const Verdict verdict = Verify(indexer);
  if (verdict.files_changed > 0) {
    Print("changed since they were indexed, and not compared: " +
          Grouped(verdict.files_changed) + " files\n");
  }
  if (!verdict.difference.empty()) {
    Print("WRONG: " + verdict.difference + "\n");
    return false;
  }
  char time[32];
  std::snprintf(time, sizeof(time), "%.2f", verdict.reference_seconds);
  Print("verified: all " + Grouped(verdict.words) +
        " distinct words are in the same files, equally often, as in an "
        "index made by one thread (in " +
        time + " s)\n");
  return true;
}

ExitCode Index(Options options) {
  const auto start = std::chrono::steady_clock::now();
  const Walk walk = WalkFolder(options.folder);
  if (walk.files.empty() && !walk.problems.empty()) {
    const NamedProblem& first = walk.problems.front();
    std::fprintf(stderr, "index: %s: %s\n", first.path.c_str(),
                 first.reason.c_str());
    return kMisused;
  }
  Indexer indexer(options, walk.files);
  indexer.Run();
  const std::chrono::duration<double> time =
      std::chrono::steady_clock::now() - start;

  Print("indexed " + Grouped(indexer.Totals().files) + " of " +
        Grouped(walk.files.size()) + " files of " + walk.root + "\n");
  Print(
      DescribeLeftOut(walk, indexer.reports(),
                      options.names_all ? walk.files.size() + 1 : kNamesShown));
  PrintCommonest(indexer);
  Print(DescribeWork(indexer.Totals(), time.count(), ::getpid()));
  bool is_right = IsConsistent(indexer, options);
  if (options.verify && is_right) is_right = PrintVerdict(indexer);
  if (options.query.empty()) {
    AnswerInput(indexer, walk, !options.verify);
  } else {
    AnswerQuery(indexer, walk, options.query);
  }
  Print(
      LastLine(indexer.Totals(), options.workers, options.verify && is_right) +
      "\n");
  return is_right ? kRight : kWrong;
}

int Main(int argc, char** argv) {
  Options options;
  std::string error;
  if (!ParseOptions(std::vector<std::string>(argv + 1, argv + argc), &options,
                    &error)) {
    std::fprintf(stderr, "index: %s\n%s", error.c_str(), Usage().c_str());
    return kMisused;
  }
  if (options.help) {
    Print(Usage());
    return kRight;
  }
  try {
    mobula::InitOptions init;
    if (options.workers > 0) init.Cpus(options.workers);
    const mobula::Runtime runtime = mobula::Init(argc, argv, init);
    const auto offered =
        std::max(1u, static_cast<std::uint32_t>(runtime.Cpus()));
    options.workers =
        options.workers > 0 ? std::min(options.workers, offered) : offered;
    return Index(std::move(options));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "index: %s\n", e.what());
    return kWrong;
  }
}

}  // namespace
}  // namespace indexer

int main(int argc, char** argv) { return indexer::Main(argc, argv); }
