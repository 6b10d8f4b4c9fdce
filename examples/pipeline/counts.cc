#include "examples/pipeline/counts.h"

#include <algorithm>

namespace pipeline {
namespace {

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

Counts CountWords(std::string_view text) {
  Counts counts;
  std::string word;
  for (const char c : text) {
    if (c == '\n') ++counts.lines;
    if (IsLetter(c)) {
      word += c;
    } else if (!word.empty()) {
      ++counts.words[word];
      word.clear();
    }
  }
  if (!word.empty()) ++counts.words[word];
  return counts;
}

void AddTo(Counts* all, const Counts& more) {
  all->lines += more.lines;
  for (const auto& [word, count] : more.words) all->words[word] += count;
}

std::uint64_t WordsIn(const Counts& counts) {
  std::uint64_t words = 0;
  for (const auto& [word, count] : counts.words) words += count;
  return words;
}

std::vector<std::pair<std::string, std::uint64_t>> Frequent(
    const Counts& counts, std::size_t count) {
  std::vector<std::pair<std::string, std::uint64_t>> all(counts.words.begin(),
                                                         counts.words.end());
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.second > b.second;
  });
  all.resize(std::min(count, all.size()));
  return all;
}

}  // namespace pipeline
