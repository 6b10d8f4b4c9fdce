#include "examples/pipeline/text.h"

#include <array>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace pipeline {
namespace {

constexpr std::array<std::string_view, 16> kParts = {
    "ma", "ri", "no", "ta", "lu", "se", "ko", "vi",
    "da", "pe", "fo", "ze", "ha", "bu", "gi", "na"};
constexpr std::uint64_t kWords = 4'096;

// Steele, Lea and Flood, "Fast splittable pseudorandom number generators"
// (2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t Next() {
    std::uint64_t x = state_ += 0x9E3779B97F4A7C15ull;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ x >> 27) * 0x94D049BB133111EBull;
    return x ^ x >> 31;
  }

 private:
  std::uint64_t state_;
};

// Low numbers are common, as in languages.
void AppendWord(Random& random, std::string* text) {
  const std::uint64_t range = 1 + random.Next() % kWords;
  std::uint64_t word = random.Next() % range;
  do {
    *text += kParts[word % kParts.size()];
    word /= kParts.size();
  } while (word > 0);
}

void AppendLine(Random& random, std::string* text) {
  const std::uint64_t words = 4 + random.Next() % 12;
  for (std::uint64_t i = 0; i < words; ++i) {
    AppendWord(random, text);
    *text += i + 1 < words ? ' ' : '\n';
  }
}

}  // namespace

mobula::Generator<std::string> Blocks(Source source) {
  std::string block;
  if (source.file.empty()) {
    Random random(source.seed);
    for (std::uint64_t line = 0; line < source.lines; ++line) {
      AppendLine(random, &block);
      if (block.size() < kBlockBytes) continue;
      co_yield std::exchange(block, std::string());
    }
  } else {
    std::ifstream file(source.file);
    if (!file) throw std::runtime_error("cannot read " + source.file);
    std::string line;
    while (std::getline(file, line)) {
      block += line;
      block += '\n';
      if (block.size() < kBlockBytes) continue;
      co_yield std::exchange(block, std::string());
    }
    if (file.bad()) throw std::runtime_error("cannot read " + source.file);
  }
  if (!block.empty()) co_yield std::move(block);
}

}  // namespace pipeline
