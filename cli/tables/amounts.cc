#include "cli/tables/amounts.h"

#include <array>
#include <cstdio>

namespace mobula::cli {

std::string ShowBytes(std::int64_t bytes) {
  static constexpr std::array<const char*, 6> kUnits = {"KiB", "MiB", "GiB",
                                                        "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  auto amount = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (amount >= 1023.95 && unit + 1 < kUnits.size()) {
    amount /= 1024;
    ++unit;
  }
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.1f %s", amount, kUnits[unit]);
  return text.data();
}

std::string ShowAge(std::int64_t ms) {
  const std::int64_t seconds = ms < 0 ? 0 : ms / 1000;
  const std::int64_t minutes = seconds / 60;
  const std::int64_t hours = minutes / 60;
  const auto two = [](std::int64_t large, char a, std::int64_t small, char b) {
    return std::to_string(large) + a +
           (small == 0 ? "" : std::to_string(small) + b);
  };
  if (minutes == 0) return std::to_string(seconds) + "s";
  if (minutes < 10) return two(minutes, 'm', seconds % 60, 's');
  if (hours == 0) return std::to_string(minutes) + "m";
  if (hours < 24) return two(hours, 'h', minutes % 60, 'm');
  return two(hours / 24, 'd', hours % 24, 'h');
}

std::string ShowCount(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string ShowQuantity(std::int64_t units) {
  constexpr std::int64_t kUnit = base::ResourceVector::kUnit;
  const std::int64_t size = units < 0 ? -units : units;
  std::string text = (units < 0 ? "-" : "") + std::to_string(size / kUnit);
  std::string part = std::to_string(kUnit + size % kUnit).substr(1);
  while (!part.empty() && part.back() == '0') part.pop_back();
  return part.empty() ? text : text + "." + part;
}

std::string ShowResources(const base::ResourceVector& resources) {
  constexpr std::int64_t kUnit = base::ResourceVector::kUnit;
  std::string text;
  for (const auto& [name, units] : resources.units) {
    if (!text.empty()) text += ", ";
    text += name + " ";
    text += name == "memory" ? ShowBytes(units / kUnit) : ShowQuantity(units);
  }
  return text;
}

}  // namespace mobula::cli
