// Counts is what is known of a text: its lines, and how often each word occurs.
//
//   Counts counts = CountWords("the cat\nthe dog\n");
//   counts.words["the"] == 2;
//   AddTo(&all, counts);
//
// A word is a run of letters and digits, as it is written.
// Threading: pure.
#ifndef MOBULA_EXAMPLES_PIPELINE_COUNTS_H_
#define MOBULA_EXAMPLES_PIPELINE_COUNTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pipeline {

struct Counts {
  std::uint64_t lines = 0;
  std::map<std::string, std::uint64_t> words;

  friend bool operator==(const Counts&, const Counts&) = default;
};

Counts CountWords(std::string_view text);
void AddTo(Counts* all, const Counts& more);
std::uint64_t WordsIn(const Counts& counts);
// The most frequent ones, those of equal number in order of the alphabet.
std::vector<std::pair<std::string, std::uint64_t>> Frequent(
    const Counts& counts, std::size_t count);

}  // namespace pipeline

#endif  // MOBULA_EXAMPLES_PIPELINE_COUNTS_H_
