// ForEachWord finds the words of a text.
//
//   ForEachWord("Don't panic", [](std::string_view word) { ... });
//   // "don", "t", "panic"
//
// A word is a run of letters and digits; ASCII letters become small ones, and
// every byte of a multi-byte UTF-8 character counts as a letter. Runs of more
// than kWordBytesMax bytes are data, not language, and are left out.
// Threading: pure.
#ifndef MOBULA_EXAMPLES_INDEX_TOKENIZE_H_
#define MOBULA_EXAMPLES_INDEX_TOKENIZE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace indexer {

inline constexpr std::size_t kWordBytesMax = 40;

// The small letter, digit or byte that `c` is in a word; 0 if it is in none.
constexpr char WordByte(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  const bool is_part = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       static_cast<unsigned char>(c) >= 0x80;
  return is_part ? c : '\0';
}

// Calls `visit` with each word in turn; the view is valid during the call.
template <class Visit>
void ForEachWord(std::string_view text, Visit&& visit) {
  std::array<char, kWordBytesMax> word;
  std::size_t size = 0;
  for (const char c : text) {
    const char byte = WordByte(c);
    if (byte != '\0') {
      if (size < kWordBytesMax) word[size] = byte;
      ++size;
      continue;
    }
    if (size > 0 && size <= kWordBytesMax) {
      visit(std::string_view(word.data(), size));
    }
    size = 0;
  }
  if (size > 0 && size <= kWordBytesMax) {
    visit(std::string_view(word.data(), size));
  }
}

// Lets a map of words be searched without making a string.
struct WordHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view word) const {
    return std::hash<std::string_view>()(word);
  }
};

template <class Value>
using WordMap =
    std::unordered_map<std::string, Value, WordHash, std::equal_to<>>;

// A number that is the same for the same bytes in every process (FNV-1a).
constexpr std::uint64_t Fingerprint(std::string_view bytes) {
  std::uint64_t hash = 14695981039346656037ull;
  for (const char c : bytes) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  }
  return hash;
}

// Which of `shards` shards holds the word. The product spreads the low bits,
// which differ most between short words, over the high ones.
constexpr std::uint32_t ShardOf(std::string_view word, std::uint32_t shards) {
  const std::uint64_t spread = Fingerprint(word) * 0x9E3779B97F4A7C15ull;
  return static_cast<std::uint32_t>((spread >> 32) % shards);
}

}  // namespace indexer

#endif  // MOBULA_EXAMPLES_INDEX_TOKENIZE_H_
