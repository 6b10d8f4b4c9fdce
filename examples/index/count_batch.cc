#include "examples/index/count_batch.h"

#include <mobula/mobula.h>

#include <utility>

#include "examples/index/tokenize.h"

namespace indexer {

std::uint64_t CountText(std::uint32_t file, std::string_view text,
                        std::vector<ShardPart>* parts) {
  WordMap<std::uint32_t> counts;
  std::uint64_t total = 0;
  ForEachWord(text, [&counts, &total](std::string_view word) {
    auto entry = counts.find(word);
    if (entry == counts.end()) {
      entry = counts.try_emplace(std::string(word)).first;
    }
    ++entry->second;
    ++total;
  });
  const auto shards = static_cast<std::uint32_t>(parts->size());
  std::vector<std::uint32_t> sizes(shards, 0);
  for (const auto& [word, count] : counts) {
    const std::uint32_t shard = ShardOf(word, shards);
    ShardPart& part = (*parts)[shard];
    part.counts.push_back(count);
    part.words += word;
    part.words += '\n';
    ++sizes[shard];
  }
  for (std::uint32_t shard = 0; shard < shards; ++shard) {
    if (sizes[shard] == 0) continue;
    (*parts)[shard].files.push_back(file);
    (*parts)[shard].sizes.push_back(sizes[shard]);
  }
  return total;
}

BatchResult CountBatch(const Batch& batch) {
  const mobula::TaskContext me = mobula::CurrentTask();
  BatchResult result;
  result.number = batch.number;
  result.pid = me.pid;
  result.attempt = me.attempt;
  result.parts.resize(batch.shards);
  for (std::size_t i = 0; i < batch.files.size(); ++i) {
    FileText read = ReadText(batch.paths.at(i));
    FileReport report;
    report.file = batch.files[i];
    report.problem = read.problem;
    report.reason = std::move(read.reason);
    if (read.problem == Problem::kNone) {
      report.text_bytes = read.text.size();
      report.fingerprint = Fingerprint(read.text);
      report.words = CountText(report.file, read.text, &result.parts);
    }
    result.files.push_back(std::move(report));
  }
  return result;
}

}  // namespace indexer
