#include "base/functions/near_names.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace mobula::base {
namespace {

constexpr std::size_t kNameBytesMax = 256;
constexpr std::size_t kPartBytesMin = 3;

std::string Lower(std::string_view name) {
  std::string lower(name.substr(0, kNameBytesMax));
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// Of letters changed, put in, taken out or swapped (optimal string alignment).
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

bool IsPart(std::string_view part, std::string_view whole) {
  return part.size() >= kPartBytesMin && whole.find(part) != whole.npos;
}

// How far it is, nothing if it is not near.
std::optional<std::size_t> HowNear(std::string_view wanted,
                                   std::string_view name) {
  const std::size_t longer = std::max(wanted.size(), name.size());
  const std::size_t shorter = std::min(wanted.size(), name.size());
  const std::size_t limit = std::max<std::size_t>(2, longer / 3);
  if (longer - shorter <= limit) {
    const std::size_t distance = Distance(wanted, name);
    if (distance <= limit && distance < longer) return distance;
  }
  if (IsPart(wanted, name) || IsPart(name, wanted)) return longer;
  return std::nullopt;
}

}  // namespace

std::vector<std::string> NearNames(std::string_view wanted,
                                   std::span<const std::string> names,
                                   std::size_t count_max) {
  const std::string lower = Lower(wanted);
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const std::string& name : names) {
    const std::optional<std::size_t> distance = HowNear(lower, Lower(name));
    if (distance.has_value()) near.emplace_back(*distance, name);
  }
  std::sort(near.begin(), near.end());
  std::vector<std::string> nearest;
  for (auto& [distance, name] : near) {
    if (nearest.size() == count_max) break;
    nearest.push_back(std::move(name));
  }
  return nearest;
}

}  // namespace mobula::base
