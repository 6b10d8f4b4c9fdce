// ResourceVector: how much of each resource something has or needs.
//
//   ResourceVector need = ResourceVector::Cpus(0.5).With("gpu", 1);
//   if (free.Fits(need)) free.Subtract(need);
//
// Quantities are fixed-point multiples of 1/10,000 (kUnit), so that a thousand
// takes and gives of 0.1 end where they began. "cpu" counts logical
// processors, "memory" bytes; every other name is the user's own. A name that
// is absent counts as 0, and no name is stored with 0.
// Threading: a value.
#ifndef MOBULA_BASE_SCHEDULING_RESOURCE_VECTOR_H_
#define MOBULA_BASE_SCHEDULING_RESOURCE_VECTOR_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace mobula::base {

struct ResourceVector {
  static constexpr std::int64_t kUnit = 10'000;

  // Name to quantity in units of 1/kUnit; ordered, so that everything that
  // iterates is deterministic.
  std::map<std::string, std::int64_t, std::less<>> units;

  // Rounded to the nearest 1/kUnit. CHECKs: 0 <= cpus <= 1e6.
  static ResourceVector Cpus(double cpus);
  // A copy in which `name` has `quantity` (in whole resources, not units).
  // CHECKs: 0 <= quantity <= 9e14.
  [[nodiscard]] ResourceVector With(std::string_view name,
                                    double quantity) const;

  [[nodiscard]] double Get(std::string_view name) const;
  [[nodiscard]] std::int64_t GetUnits(std::string_view name) const;
  [[nodiscard]] bool IsZero() const { return units.empty(); }
  // Whether `need` can be taken out of this.
  [[nodiscard]] bool Fits(const ResourceVector& need) const;
  void Add(const ResourceVector& other);
  // May go below zero (a node can be oversubscribed for a while).
  void Subtract(const ResourceVector& other);
  // "{cpu: 1, gpu: 0.5}"
  [[nodiscard]] std::string ToString() const;

  friend auto operator<=>(const ResourceVector&,
                          const ResourceVector&) = default;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SCHEDULING_RESOURCE_VECTOR_H_
