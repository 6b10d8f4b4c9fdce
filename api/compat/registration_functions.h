// Functions of registration_test, which two sources register.
// Threading: pure.
#ifndef MOBULA_API_COMPAT_REGISTRATION_FUNCTIONS_H_
#define MOBULA_API_COMPAT_REGISTRATION_FUNCTIONS_H_

#include <ray/api.h>

namespace ray_tests {

inline constexpr int kLineOfOther = 10;

inline int OfHeader(int x) { return x + 1; }
RAY_REMOTE(OfHeader);

int SecondOfTwo();
ray::ObjectRef<int> CallOfHeaderElsewhere(int x);

}  // namespace ray_tests

#endif  // MOBULA_API_COMPAT_REGISTRATION_FUNCTIONS_H_
