#include "examples/index/reference_index.h"

#include <algorithm>
#include <utility>

namespace indexer {

void ReferenceIndex::Add(std::uint32_t file, std::string_view text) {
  ForEachWord(text, [this, file](std::string_view word) {
    auto entry = words_.find(word);
    if (entry == words_.end())
      entry = words_.try_emplace(std::string(word)).first;
    std::vector<Posting>& postings = entry->second;
    if (postings.empty() || postings.back().file != file) {
      postings.push_back({file, 0});
    }
    ++postings.back().count;
  });
}

std::vector<const ReferenceIndex::Words::value_type*> ReferenceIndex::OfShard(
    std::uint32_t shard, std::uint32_t shards) const {
  std::vector<const Words::value_type*> entries;
  for (const Words::value_type& entry : words_) {
    if (ShardOf(entry.first, shards) == shard) entries.push_back(&entry);
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto* a, const auto* b) { return a->first < b->first; });
  return entries;
}

ShardComparison::ShardComparison(const ReferenceIndex& reference,
                                 std::uint32_t shard, std::uint32_t shards,
                                 std::vector<bool> ignored)
    : expected_(reference.OfShard(shard, shards)),
      ignored_(std::move(ignored)) {}

std::vector<Posting> ShardComparison::Kept(
    const std::vector<Posting>& postings) const {
  std::vector<Posting> kept;
  for (const Posting& posting : postings) {
    if (posting.file >= ignored_.size() || !ignored_[posting.file]) {
      kept.push_back(posting);
    }
  }
  return kept;
}

void ShardComparison::Differ(const std::string& difference) {
  if (difference_.empty()) difference_ = difference;
}

void ShardComparison::ExpectNothingBefore(const std::string* word) {
  for (; next_ < expected_.size(); ++next_) {
    const auto& [expected, postings] = *expected_[next_];
    if (word != nullptr && expected >= *word) return;
    if (!Kept(postings).empty()) {
      Differ("\"" + expected + "\" is missing");
    }
  }
}

void ShardComparison::SeeWord(const WordPostings& found) {
  ExpectNothingBefore(&found.word);
  const std::vector<Posting> postings = Kept(found.postings);
  const bool is_expected =
      next_ < expected_.size() && expected_[next_]->first == found.word;
  if (!is_expected) {
    if (!postings.empty()) Differ("\"" + found.word + "\" is in no file");
    return;
  }
  const std::vector<Posting> expected = Kept(expected_[next_]->second);
  ++next_;
  ++compared_;
  if (postings == expected) return;
  Differ("\"" + found.word + "\" is in " + std::to_string(expected.size()) +
         " files; the index has " + std::to_string(postings.size()) +
         (postings.size() == expected.size() ? " others" : ""));
}

void ShardComparison::See(const std::vector<WordPostings>& page) {
  for (const WordPostings& found : page) SeeWord(found);
}

void ShardComparison::End() { ExpectNothingBefore(nullptr); }

}  // namespace indexer
