#include "examples/index/shard.h"

#include <mobula/mobula.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace indexer {
namespace {

bool IsCommoner(const WordCount& a, const WordCount& b) {
  return a.count != b.count ? a.count > b.count : a.word < b.word;
}

void KeepCommonest(std::size_t words, std::vector<WordCount>* counts) {
  const std::size_t kept = std::min(words, counts->size());
  std::partial_sort(counts->begin(),
                    counts->begin() + static_cast<std::ptrdiff_t>(kept),
                    counts->end(), IsCommoner);
  counts->resize(kept);
}

// Throws unless the columns belong together.
void CheckPart(const ShardPart& part) {
  std::uint64_t counted = 0;
  for (const std::uint32_t size : part.sizes) counted += size;
  const auto words = static_cast<std::uint64_t>(
      std::count(part.words.begin(), part.words.end(), '\n'));
  if (part.files.size() != part.sizes.size() || counted != part.counts.size() ||
      words != part.counts.size()) {
    throw std::invalid_argument("the columns of a part differ in length");
  }
}

}  // namespace

Shard::Entry& Shard::EntryOf(std::string_view word) {
  auto entry = entries_.find(word);
  if (entry == entries_.end()) {
    entry = entries_.try_emplace(std::string(word)).first;
  }
  return entry->second;
}

std::int32_t Shard::Add(std::uint32_t batch, const ShardPart& part) {
  const std::int32_t pid = mobula::CurrentTask().pid;
  CheckPart(part);
  if (!batches_.insert(batch).second) return pid;
  sorted_words_.clear();
  std::size_t next = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < part.files.size(); ++i) {
    for (std::uint32_t left = part.sizes[i]; left > 0; --left, ++next) {
      const std::size_t end = part.words.find('\n', begin);
      Entry& entry =
          EntryOf(std::string_view(part.words).substr(begin, end - begin));
      entry.postings.push_back({part.files[i], part.counts[next]});
      entry.occurrences += part.counts[next];
      occurrences_ += part.counts[next];
      begin = end + 1;
    }
  }
  return pid;
}

ShardState Shard::State() const {
  ShardState state;
  state.pid = mobula::CurrentTask().pid;
  state.was_restarted = mobula::WasRestarted();
  state.batches = batches_.size();
  state.words = entries_.size();
  state.occurrences = occurrences_;
  return state;
}

std::vector<Posting> Shard::Lookup(const std::string& word) const {
  const auto found = entries_.find(word);
  if (found == entries_.end()) return {};
  std::vector<Posting> postings = found->second.postings;
  std::sort(postings.begin(), postings.end());
  return postings;
}

std::vector<WordCount> Shard::Commonest(std::uint32_t words) const {
  std::vector<WordCount> counts;
  counts.reserve(entries_.size());
  for (const auto& [word, entry] : entries_) {
    counts.push_back({word, entry.occurrences});
  }
  KeepCommonest(words, &counts);
  return counts;
}

void Shard::SortWords() const {
  if (sorted_words_.size() == entries_.size()) return;
  sorted_words_.clear();
  for (const auto& [word, entry] : entries_) sorted_words_.push_back(&word);
  std::sort(sorted_words_.begin(), sorted_words_.end(),
            [](const std::string* a, const std::string* b) { return *a < *b; });
}

std::vector<WordPostings> Shard::Page(const std::string& after,
                                      std::uint32_t postings_max) const {
  SortWords();
  auto next =
      std::upper_bound(sorted_words_.begin(), sorted_words_.end(), after,
                       [](const std::string& word, const std::string* other) {
                         return word < *other;
                       });
  std::vector<WordPostings> page;
  std::size_t postings = 0;
  for (; next != sorted_words_.end() && postings < postings_max; ++next) {
    page.push_back({**next, Lookup(**next)});
    postings += page.back().postings.size();
  }
  return page;
}

std::vector<WordCount> MergeCommonest(
    const std::vector<std::vector<WordCount>>& lists, std::size_t words) {
  std::vector<WordCount> merged;
  for (const std::vector<WordCount>& list : lists) {
    merged.insert(merged.end(), list.begin(), list.end());
  }
  KeepCommonest(words, &merged);
  return merged;
}

}  // namespace indexer
