// MOBULA_CHECK states what must be true. If it is not, the process prints
// where, what and why to stderr and aborts, in release builds too: a wrong
// program that goes on does more harm than one that stops.
//
//   MOBULA_CHECK(count >= 0);
//   MOBULA_CHECK(count >= 0, "counts never go down");
//   MOBULA_CHECK(count >= 0) << "lease " << lease << " has " << count;
//
// Only for our own mistakes: what the world does wrong (a bad frame, no memory
// for a worker) is a returned error.
// Threading: any. Cost: one predicted branch.
#ifndef MOBULA_BASE_CHECK_H_
#define MOBULA_BASE_CHECK_H_

#include <string_view>

#include "base/text_line.h"

namespace mobula::base {

// Aborts when destroyed; made only where a condition failed.
class CheckFailure {
 public:
  CheckFailure(const char* file, int line, const char* condition,
               std::string_view message = {});
  [[noreturn]] ~CheckFailure();
  CheckFailure(const CheckFailure&) = delete;
  CheckFailure& operator=(const CheckFailure&) = delete;

  template <class T>
  CheckFailure& operator<<(const T& piece) {
    line_ << piece;
    return *this;
  }

 private:
  TextLine line_;
};

}  // namespace mobula::base

// A loop and not an `if`, so that it cannot take the `else` of another one.
#define MOBULA_CHECK(condition, ...)               \
  while (__builtin_expect(!(condition), 0))        \
  ::mobula::base::CheckFailure(__FILE__, __LINE__, \
                               #condition __VA_OPT__(, ) __VA_ARGS__)

#endif  // MOBULA_BASE_CHECK_H_
