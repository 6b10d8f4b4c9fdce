#include "examples/index/verify.h"

#include <chrono>
#include <cstdio>
#include <utility>
#include <vector>

#include "examples/index/progress.h"
#include "examples/index/reference_index.h"
#include "examples/index/tokenize.h"

namespace indexer {
namespace {

constexpr std::uint32_t kPagePostings = 50'000;

// Marks files whose text is not what the task read.
ReferenceIndex MakeReference(const Indexer& indexer,
                             std::vector<bool>* changed) {
  const std::vector<FoundFile>& files = indexer.files();
  Progress progress(stderr, "read again by one thread", files.size());
  ReferenceIndex reference;
  for (std::uint32_t i = 0; i < files.size(); ++i) {
    const FileReport& report = indexer.reports()[i];
    const FileText read = ReadText(files[i].path);
    if (read.problem != report.problem ||
        (read.problem == Problem::kNone &&
         Fingerprint(read.text) != report.fingerprint)) {
      (*changed)[i] = true;
    } else {
      reference.Add(i, read.text);
    }
    progress.Show(i, "");
  }
  return reference;
}

}  // namespace

Verdict Verify(Indexer& indexer) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<bool> changed(indexer.files().size(), false);
  const ReferenceIndex reference = MakeReference(indexer, &changed);
  Verdict verdict;
  verdict.reference_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  for (const bool is_changed : changed) {
    verdict.files_changed += is_changed ? 1 : 0;
  }
  for (std::uint32_t shard = 0; shard < indexer.shards(); ++shard) {
    ShardComparison comparison(reference, shard, indexer.shards(), changed);
    std::string after;
    while (true) {
      const std::vector<WordPostings> page =
          indexer.Ask<&Shard::Page>(shard, after, kPagePostings);
      if (page.empty()) break;
      comparison.See(page);
      after = page.back().word;
    }
    comparison.End();
    verdict.words += comparison.words_compared();
    if (verdict.difference.empty()) {
      verdict.difference = comparison.difference();
    }
  }
  return verdict;
}

}  // namespace indexer
