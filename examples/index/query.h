// Queries: several words, all of which must be in a file; the files in which
// they say most come first.
//
// A file's score is the sum over the words of
//   log(1 + occurrences in the file) * log(1 + files in all / files with it)
// (tf-idf: a word that is everywhere says little, its tenth occurrence less
// than its first). Equal scores keep the order of the files.
// Threading: pure.
#ifndef MOBULA_EXAMPLES_INDEX_QUERY_H_
#define MOBULA_EXAMPLES_INDEX_QUERY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "examples/index/shard.h"

namespace indexer {

struct Hit {
  std::uint32_t file = 0;
  double score = 0;
  std::vector<std::uint32_t> counts;  // of each word of the query
};

// The words of a query, each once.
std::vector<std::string> QueryWords(std::string_view query);

// `postings` are those of each word, by file. Best first, all of them.
std::vector<Hit> Rank(const std::vector<std::vector<Posting>>& postings,
                      std::uint64_t files);

}  // namespace indexer

#endif  // MOBULA_EXAMPLES_INDEX_QUERY_H_
