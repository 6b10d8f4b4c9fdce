#include "examples/parameter_server/digits.h"

#include <algorithm>
#include <array>
#include <random>
#include <string_view>

namespace digits {
namespace {

constexpr std::size_t kGlyphWidth = 5;
constexpr std::size_t kGlyphHeight = 6;
// Of all pixels, how many are of the other colour.
constexpr float kDirt = 0.03F;

// Rows of kGlyphWidth, one after another.
constexpr std::array<std::string_view, kClasses> kGlyphs = {
    " ### "
    "#   #"
    "#   #"
    "#   #"
    "#   #"
    " ### ",
    "  #  "
    " ##  "
    "# #  "
    "  #  "
    "  #  "
    "#####",
    " ### "
    "#   #"
    "   # "
    "  #  "
    " #   "
    "#####",
    "#### "
    "    #"
    " ### "
    "    #"
    "    #"
    "#### ",
    "   # "
    "  ## "
    " # # "
    "#####"
    "   # "
    "   # ",
    "#####"
    "#    "
    "#### "
    "    #"
    "    #"
    "#### ",
    "  ## "
    " #   "
    "#### "
    "#   #"
    "#   #"
    " ### ",
    "#####"
    "    #"
    "   # "
    "  #  "
    " #   "
    " #   ",
    " ### "
    "#   #"
    " ### "
    "#   #"
    "#   #"
    " ### ",
    " ### "
    "#   #"
    " ####"
    "    #"
    "   # "
    " ##  ",
};

// Chance that is the same with every standard library.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}
  // From 0 to 1, without 1.
  float Fraction() { return static_cast<float>(random_() >> 40) * 0x1p-24F; }
  std::size_t Below(std::size_t limit) { return random_() % limit; }

 private:
  std::mt19937_64 random_;
};

// Adds the pixels of one digit.
void Draw(std::size_t label, Chance& chance, std::vector<float>* pixels) {
  // Somewhere about the middle.
  const std::size_t left = 1 + chance.Below(2);
  const std::size_t top = 1 + chance.Below(2);
  const float ink = 0.6F + 0.4F * chance.Fraction();
  for (std::size_t row = 0; row < kSide; ++row) {
    for (std::size_t column = 0; column < kSide; ++column) {
      const bool is_inside = row >= top && row < top + kGlyphHeight &&
                             column >= left && column < left + kGlyphWidth;
      bool is_ink =
          is_inside &&
          kGlyphs[label][(row - top) * kGlyphWidth + column - left] == '#';
      if (chance.Fraction() < kDirt) is_ink = !is_ink;
      const float shade = 0.2F * chance.Fraction();
      pixels->push_back(is_ink ? std::max(0.0F, ink - shade) : shade);
    }
  }
}

}  // namespace

Digits MakeDigits(std::uint64_t seed, std::uint32_t count) {
  Chance chance(seed);
  Digits made;
  for (std::uint32_t i = 0; i < count; ++i) {
    made.labels.push_back(static_cast<std::uint8_t>(i % kClasses));
  }
  for (std::size_t i = count; i > 1; --i) {
    std::swap(made.labels[i - 1], made.labels[chance.Below(i)]);
  }
  made.pixels.reserve(std::size_t{count} * kPixels);
  for (const std::uint8_t label : made.labels) {
    Draw(label, chance, &made.pixels);
  }
  return made;
}

}  // namespace digits
