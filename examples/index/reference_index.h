// ReferenceIndex is the same index made in the plainest way: one thread, one
// map, no batches, no shards. --verify compares the distributed one with it.
// Threading: none.
#ifndef MOBULA_EXAMPLES_INDEX_REFERENCE_INDEX_H_
#define MOBULA_EXAMPLES_INDEX_REFERENCE_INDEX_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "examples/index/shard.h"
#include "examples/index/tokenize.h"

namespace indexer {

class ReferenceIndex {
 public:
  using Words = WordMap<std::vector<Posting>>;

  // Files come in the order of their numbers.
  void Add(std::uint32_t file, std::string_view text);

  // Each word with its postings by file.
  [[nodiscard]] const Words& words() const { return words_; }
  // Those of one of `shards` shards, in byte order.
  [[nodiscard]] std::vector<const Words::value_type*> OfShard(
      std::uint32_t shard, std::uint32_t shards) const;

 private:
  Words words_;
};

// Compares the pages of one shard, in order, with what it should hold.
//
//   ShardComparison comparison(reference, shard, shards, ignored_files);
//   for (each page) comparison.See(page);
//   comparison.End();
//   if (!comparison.difference().empty()) ...
//
// Postings of `ignored` files (they changed meanwhile) are left out on both
// sides. Threading: none.
class ShardComparison {
 public:
  ShardComparison(const ReferenceIndex& reference, std::uint32_t shard,
                  std::uint32_t shards, std::vector<bool> ignored);

  void See(const std::vector<WordPostings>& page);
  void End();

  // The first difference, for people; empty while there is none.
  [[nodiscard]] const std::string& difference() const { return difference_; }
  [[nodiscard]] std::uint64_t words_compared() const { return compared_; }

 private:
  [[nodiscard]] std::vector<Posting> Kept(
      const std::vector<Posting>& postings) const;
  void SeeWord(const WordPostings& found);
  // Passes over expected words before `word`; all of them if it is null.
  void ExpectNothingBefore(const std::string* word);
  void Differ(const std::string& difference);

  std::vector<const ReferenceIndex::Words::value_type*> expected_;
  std::vector<bool> ignored_;
  std::size_t next_ = 0;
  std::uint64_t compared_ = 0;
  std::string difference_;
};

}  // namespace indexer

#endif  // MOBULA_EXAMPLES_INDEX_REFERENCE_INDEX_H_
