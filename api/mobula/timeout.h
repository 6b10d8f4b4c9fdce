// Timeout is how long to wait at most: any std::chrono duration, or nothing for
// no limit.
//
//   mobula::Get(ref, std::chrono::seconds(5));
//   mobula::Get(ref, 0s);                       // only looks
//
// A negative one counts as zero; one beyond 292 years as no limit.
// Threading: a value.
#ifndef MOBULA_API_MOBULA_TIMEOUT_H_
#define MOBULA_API_MOBULA_TIMEOUT_H_

#include <chrono>

namespace mobula {

class Timeout {
 public:
  // No limit.
  constexpr Timeout() = default;

  template <class Rep, class Period>
  constexpr Timeout(std::chrono::duration<Rep, Period> time) {  // NOLINT
    using Seconds = std::chrono::duration<long double>;
    if (!(time > time.zero())) {
      left_ = left_.zero();
    } else if (Seconds(time) < Seconds(left_)) {
      left_ = std::chrono::duration_cast<std::chrono::nanoseconds>(time);
    }
  }

  [[nodiscard]] constexpr bool IsInfinite() const {
    return left_ == left_.max();
  }
  // nanoseconds::max() if infinite.
  [[nodiscard]] constexpr std::chrono::nanoseconds nanoseconds() const {
    return left_;
  }

 private:
  std::chrono::nanoseconds left_ = std::chrono::nanoseconds::max();
};

// One Timeout spent over several waits.
class Deadline {
 public:
  explicit Deadline(Timeout timeout)
      : timeout_(timeout), start_(std::chrono::steady_clock::now()) {}

  // What is left of it.
  [[nodiscard]] Timeout Left() const {
    if (timeout_.IsInfinite()) return timeout_;
    return timeout_.nanoseconds() - (std::chrono::steady_clock::now() - start_);
  }

 private:
  Timeout timeout_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_TIMEOUT_H_
