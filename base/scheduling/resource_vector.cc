#include "base/scheduling/resource_vector.h"

#include <cmath>

#include "base/check.h"

namespace mobula::base {
namespace {

constexpr double kCpusMax = 1e6;
constexpr double kQuantityMax = 9e14;

std::int64_t ToUnits(double quantity) {
  return static_cast<std::int64_t>(
      std::llround(quantity * static_cast<double>(ResourceVector::kUnit)));
}

// Keeps the rule that no name is stored with 0.
void AddUnits(ResourceVector& vector, const std::string& name,
              std::int64_t units) {
  const auto it = vector.units.try_emplace(name, 0).first;
  it->second += units;
  if (it->second == 0) vector.units.erase(it);
}

// "1", "0.5", "-0.0001": exact, no trailing zeros.
std::string UnitsText(std::int64_t units) {
  const std::int64_t whole = units / ResourceVector::kUnit;
  std::int64_t rest = std::abs(units % ResourceVector::kUnit);
  std::string text = std::to_string(whole);
  if (units < 0 && whole == 0) text.insert(0, "-");
  if (rest == 0) return text;
  text.push_back('.');
  for (std::int64_t place = ResourceVector::kUnit / 10; rest != 0;
       place /= 10) {
    text.push_back(static_cast<char>('0' + rest / place));
    rest %= place;
  }
  return text;
}

}  // namespace

ResourceVector ResourceVector::Cpus(double cpus) {
  MOBULA_CHECK(cpus >= 0 && cpus <= kCpusMax) << cpus << " cpus";
  return ResourceVector().With("cpu", cpus);
}

ResourceVector ResourceVector::With(std::string_view name,
                                    double quantity) const {
  MOBULA_CHECK(quantity >= 0 && quantity <= kQuantityMax)
      << name << " of " << quantity;
  ResourceVector result = *this;
  const std::int64_t count = ToUnits(quantity);
  if (count == 0) {
    if (const auto it = result.units.find(name); it != result.units.end()) {
      result.units.erase(it);
    }
  } else {
    result.units.insert_or_assign(std::string(name), count);
  }
  return result;
}

double ResourceVector::Get(std::string_view name) const {
  return static_cast<double>(GetUnits(name)) / static_cast<double>(kUnit);
}

std::int64_t ResourceVector::GetUnits(std::string_view name) const {
  const auto it = units.find(name);
  return it == units.end() ? 0 : it->second;
}

bool ResourceVector::Fits(const ResourceVector& need) const {
  for (const auto& [name, count] : need.units) {
    if (count > 0 && GetUnits(name) < count) return false;
  }
  return true;
}

void ResourceVector::Add(const ResourceVector& other) {
  if (&other == this) return Add(ResourceVector(other));
  for (const auto& [name, count] : other.units) AddUnits(*this, name, count);
}

void ResourceVector::Subtract(const ResourceVector& other) {
  if (&other == this) return Subtract(ResourceVector(other));
  for (const auto& [name, count] : other.units) AddUnits(*this, name, -count);
}

std::string ResourceVector::ToString() const {
  std::string text = "{";
  for (const auto& [name, count] : units) {
    if (text.size() > 1) text += ", ";
    text += name + ": " + UnitsText(count);
  }
  return text + "}";
}

}  // namespace mobula::base
