// Renewal decides when a certificate that ends is asked for anew.
//
//   Renewal renewal(begins_s, ends_s, seed);
//   wait until renewal.next_s(); ask; renewal.Failed(now_s) or a new Renewal.
// It asks first when two thirds of the life are over, up to a tenth of the life
// later by chance, so that many nodes do not ask at once; after a failure again
// in a sixtieth of the life, at least a second.
// Threading: none. Times are seconds of the wall clock.
// Invariants: of a life of 300 s or more the first try, and ten more where
// those fail, come before the end.
#ifndef MOBULA_BASE_SECURITY_RENEWAL_H_
#define MOBULA_BASE_SECURITY_RENEWAL_H_

#include <algorithm>
#include <cstdint>

namespace mobula::base {

class Renewal {
 public:
  Renewal(std::int64_t begins_s, std::int64_t ends_s, std::uint64_t seed)
      : life_s_(std::max<std::int64_t>(ends_s - begins_s, 1)),
        next_s_(begins_s + life_s_ * 2 / 3 +
                static_cast<std::int64_t>(
                    seed % static_cast<std::uint64_t>(life_s_ / 10 + 1))) {}

  [[nodiscard]] std::int64_t next_s() const { return next_s_; }
  void Failed(std::int64_t now_s) {
    next_s_ = now_s + std::max<std::int64_t>(life_s_ / 60, 1);
  }

 private:
  const std::int64_t life_s_;
  std::int64_t next_s_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SECURITY_RENEWAL_H_
