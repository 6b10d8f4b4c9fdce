#include "examples/index/report.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <set>

namespace indexer {
namespace {

std::string Fixed(double number, int digits) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", digits, number);
  return text;
}

std::string Pids(const std::set<int>& pids) {
  std::string text;
  for (const int pid : pids) text += " " + std::to_string(pid);
  return text;
}

std::string Files(std::size_t count) {
  return Grouped(count) + (count == 1 ? " file" : " files");
}

}  // namespace

std::string Grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string DescribeLeftOut(const Walk& walk,
                            const std::vector<FileReport>& reports,
                            std::size_t names_max) {
  std::map<Problem, std::vector<NamedProblem>> kinds;
  if (!walk.problems.empty()) kinds[Problem::kUnreadable] = walk.problems;
  for (const FileReport& report : reports) {
    if (report.problem == Problem::kNone) continue;
    kinds[report.problem].push_back(
        {walk.files.at(report.file).path, report.reason});
  }
  std::string text;
  for (const auto& [problem, files] : kinds) {
    text += "left out: " + Files(files.size()) + ", " +
            std::string(ProblemName(problem)) + "\n";
    const std::size_t named = std::min(names_max, files.size());
    for (std::size_t i = 0; i < named; ++i) {
      text += "  " + files[i].path + " (" + files[i].reason + ")\n";
    }
    if (named < files.size()) {
      text += "  and " + Grouped(files.size() - named) +
              " more (--names names them)\n";
    }
  }
  if (walk.links_passed > 0) {
    text += "passed over: " + Grouped(walk.links_passed) + " symbolic links\n";
  }
  return text;
}

std::string DescribeCommonest(const std::vector<WordCount>& words) {
  std::string text = "commonest words:\n";
  for (const WordCount& word : words) {
    const std::string count = Grouped(word.count);
    text += "  " +
            std::string(12 - std::min<std::size_t>(count.size(), 12), ' ') +
            count + "  " + word.word + "\n";
  }
  return text;
}

std::string DescribeWork(const IndexTotals& totals, double seconds,
                         int driver_pid) {
  const double time = std::max(seconds, 1e-9);
  std::string text =
      "time: " + Fixed(seconds, 2) + " s, " +
      Fixed(static_cast<double>(totals.files) / time, 0) + " files/s, " +
      Fixed(static_cast<double>(totals.text_bytes) / 1e6 / time, 1) +
      " MB/s of text\n";
  text += "processes that ran tasks:" + Pids(totals.task_pids) + "\n";
  text += "processes that held shards:" + Pids(totals.shard_pids) + "\n";
  text += "this process: " + std::to_string(driver_pid) + "\n";
  if (totals.restarts > 0) {
    text += "fed again to reborn shards: " + Grouped(totals.parts_fed_again) +
            " parts\n";
  }
  return text;
}

std::string DescribeHits(const std::vector<std::string>& words,
                         const std::vector<Hit>& hits, const Walk& walk,
                         std::size_t hits_max) {
  std::string query;
  for (const std::string& word : words) query += " " + word;
  std::string text = Files(hits.size()) + " with" + query + "\n";
  const std::size_t shown = std::min(hits_max, hits.size());
  for (std::size_t i = 0; i < shown; ++i) {
    text += "  " + Fixed(hits[i].score, 2) + "  " +
            walk.files.at(hits[i].file).path + " (";
    for (std::size_t word = 0; word < words.size(); ++word) {
      text += (word == 0 ? "" : ", ") + words[word] + " " +
              Grouped(hits[i].counts[word]);
    }
    text += ")\n";
  }
  if (shown < hits.size()) {
    text += "  and " + Grouped(hits.size() - shown) + " more\n";
  }
  return text;
}

std::string LastLine(const IndexTotals& totals, std::uint32_t workers,
                     bool is_verified) {
  return "index: " + std::to_string(totals.files) + " files, " +
         std::to_string(totals.words) + " words, " + std::to_string(workers) +
         " workers, " + std::to_string(totals.kills) + " kills, " +
         std::to_string(totals.retries) + " retries, " +
         std::to_string(totals.restarts) + " restarts" +
         (is_verified ? ", verified" : "");
}

}  // namespace indexer
