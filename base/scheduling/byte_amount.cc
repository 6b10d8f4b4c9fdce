#include "base/scheduling/byte_amount.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <system_error>

#include "base/check.h"

namespace mobula::base {
namespace {

constexpr std::string_view kWanted =
    "wanted is a number of bytes (1073741824, 512KiB, 32MiB, 2GiB) or a share "
    "(30%)";
// More make no difference to a number of bytes.
constexpr std::size_t kFractionDigitsMax = 15;

// "12.5", taken off the front of a text: 12 and 0.5.
struct Number {
  std::uint64_t whole = 0;
  double fraction = 0;
  bool is_huge = false;  // over what 64 bits hold
};

std::size_t DigitsIn(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), [](char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
  });
  return static_cast<std::size_t>(end - text.begin());
}

std::optional<Number> TakeNumber(std::string_view& text) {
  Number number;
  const std::size_t digits = DigitsIn(text);
  if (digits == 0) return std::nullopt;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + digits, number.whole);
  number.is_huge = error != std::errc();
  text.remove_prefix(digits);
  if (!text.starts_with('.')) return number;
  text.remove_prefix(1);
  const std::size_t decimals = DigitsIn(text);
  if (decimals == 0) return std::nullopt;
  double weight = 1;
  for (const char c : text.substr(0, std::min(decimals, kFractionDigitsMax))) {
    weight /= 10;
    number.fraction += weight * (c - '0');
  }
  text.remove_prefix(decimals);
  return number;
}

// What one of the unit is, 0 for no unit of ours.
std::uint64_t BytesOf(std::string_view unit) {
  constexpr std::string_view kPrefixes = "kmgtp";
  std::string lower(unit);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  if (lower.empty() || lower == "b") return 1;
  const std::size_t power = kPrefixes.find(lower[0]);
  if (power == std::string_view::npos) return 0;
  const std::string rest = lower.substr(1);
  if (!rest.empty() && rest != "b" && rest != "ib") return 0;
  const std::uint64_t step = rest == "b" ? 1000 : 1024;
  std::uint64_t bytes = 1;
  for (std::size_t i = 0; i <= power; ++i) bytes *= step;
  return bytes;
}

}  // namespace

ByteAmount ByteAmount::Bytes(std::uint64_t bytes) {
  MOBULA_CHECK(bytes <= kBytesMax) << bytes;
  ByteAmount amount;
  amount.bytes_ = bytes;
  return amount;
}

std::optional<ByteAmount> ByteAmount::Parse(std::string_view text,
                                            std::string* error) {
  const std::string quoted = "'" + std::string(text) + "'";
  const auto refuse = [&](std::string_view why) -> std::optional<ByteAmount> {
    *error = quoted + " " + std::string(why) + "; " + std::string(kWanted);
    return std::nullopt;
  };
  if (text.starts_with('-')) return refuse("is less than nothing");
  const std::optional<Number> number = TakeNumber(text);
  if (!number) return refuse("is no amount of memory");
  const double value = static_cast<double>(number->whole) + number->fraction;
  ByteAmount amount;
  if (text == "%") {
    if (number->is_huge || value > 100) return refuse("is more than all");
    amount.percent_ = value;
    return amount;
  }
  const std::uint64_t unit = BytesOf(text);
  if (unit == 0) return refuse("has an unknown unit");
  if (number->is_huge || number->whole > kBytesMax / unit) {
    return refuse("is more than any machine has");
  }
  const auto part =
      static_cast<std::uint64_t>(number->fraction * static_cast<double>(unit));
  amount.bytes_ = std::min(number->whole * unit + part, kBytesMax);
  return amount;
}

std::uint64_t ByteAmount::Of(std::uint64_t whole) const {
  if (!is_share()) return bytes_;
  if (percent_ >= 100) return whole;
  const double bytes = static_cast<double>(whole) / 100 * percent_;
  return std::min(whole, static_cast<std::uint64_t>(bytes));
}

std::string ByteAmount::ToString() const {
  if (!is_share()) return std::to_string(bytes_);
  std::array<char, 400> text{};  // the greatest double has 309 digits
  const auto result = std::to_chars(text.data(), text.data() + text.size(),
                                    percent_, std::chars_format::fixed);
  return std::string(text.data(), result.ptr) + "%";
}

}  // namespace mobula::base
