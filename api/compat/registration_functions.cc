#include "api/compat/registration_functions.h"

namespace ray_tests {

static_assert(__LINE__ + 5 == kLineOfOther);

int SecondOfTwo() { return 2; }

// The line that the header and the test name.
RAY_REMOTE(SecondOfTwo);

ray::ObjectRef<int> CallOfHeaderElsewhere(int x) {
  return ray::Task(OfHeader).Remote(x);
}

}  // namespace ray_tests
