// Shard is the actor class of the index: it holds, for its share of all words,
// in which files each occurs and how often.
//
// Adding a batch twice is adding it once, so whoever is not sure whether a call
// arrived sends it again. A restarted shard is empty, and says so: State() then
// counts no batches, and its answers carry a new incarnation.
// Threading: an actor; one call at a time.
#ifndef MOBULA_EXAMPLES_INDEX_SHARD_H_
#define MOBULA_EXAMPLES_INDEX_SHARD_H_

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "examples/index/count_batch.h"
#include "examples/index/tokenize.h"

namespace indexer {

struct Posting {
  std::uint32_t file = 0;
  std::uint32_t count = 0;
  friend auto operator<=>(const Posting&, const Posting&) = default;
};

struct WordCount {
  std::string word;
  std::uint64_t count = 0;
  friend bool operator==(const WordCount&, const WordCount&) = default;
};

struct WordPostings {
  std::string word;
  std::vector<Posting> postings;  // by file
};

struct ShardState {
  std::int32_t pid = 0;
  bool was_restarted = false;
  std::uint64_t batches = 0;
  std::uint64_t words = 0;        // distinct
  std::uint64_t occurrences = 0;  // of all of them
};

class Shard {
 public:
  // The shard's pid. Throws std::invalid_argument if the part is malformed.
  std::int32_t Add(std::uint32_t batch, const ShardPart& part);

  [[nodiscard]] ShardState State() const;
  [[nodiscard]] std::vector<Posting> Lookup(const std::string& word) const;
  // The commonest first; of equal ones the first in the alphabet.
  [[nodiscard]] std::vector<WordCount> Commonest(std::uint32_t words) const;
  // The next words after `after` in byte order, with at most about
  // `postings_max` postings together; none at the end.
  [[nodiscard]] std::vector<WordPostings> Page(
      const std::string& after, std::uint32_t postings_max) const;

 private:
  struct Entry {
    std::vector<Posting> postings;  // in order of arrival
    std::uint64_t occurrences = 0;
  };
  Entry& EntryOf(std::string_view word);
  void SortWords() const;

  WordMap<Entry> entries_;
  std::set<std::uint32_t> batches_;
  std::uint64_t occurrences_ = 0;
  // The words in order, made when a page is asked for.
  mutable std::vector<const std::string*> sorted_words_;
};

// The commonest of several lists of words that have none in common.
std::vector<WordCount> MergeCommonest(
    const std::vector<std::vector<WordCount>>& lists, std::size_t words);

}  // namespace indexer

#endif  // MOBULA_EXAMPLES_INDEX_SHARD_H_
