#include "examples/index/query.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "examples/index/tokenize.h"

namespace indexer {

std::vector<std::string> QueryWords(std::string_view query) {
  std::vector<std::string> words;
  ForEachWord(query, [&words](std::string_view word) {
    if (std::find(words.begin(), words.end(), word) == words.end()) {
      words.emplace_back(word);
    }
  });
  return words;
}

std::vector<Hit> Rank(const std::vector<std::vector<Posting>>& postings,
                      std::uint64_t files) {
  std::map<std::uint32_t, Hit> hits;
  for (std::size_t word = 0; word < postings.size(); ++word) {
    const double rarity =
        std::log(1.0 + static_cast<double>(files) /
                           static_cast<double>(std::max<std::size_t>(
                               postings[word].size(), 1)));
    for (const Posting& posting : postings[word]) {
      Hit& hit = hits[posting.file];
      hit.file = posting.file;
      // Files that lack an earlier word stay behind in the count.
      if (hit.counts.size() != word) continue;
      hit.counts.push_back(posting.count);
      hit.score += std::log(1.0 + posting.count) * rarity;
    }
  }
  std::vector<Hit> ranked;
  for (auto& [file, hit] : hits) {
    if (hit.counts.size() == postings.size()) ranked.push_back(std::move(hit));
  }
  std::sort(ranked.begin(), ranked.end(), [](const Hit& a, const Hit& b) {
    return a.score != b.score ? a.score > b.score : a.file < b.file;
  });
  return ranked;
}

}  // namespace indexer
