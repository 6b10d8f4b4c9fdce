// Eventually waits until something holds that no event tells of: what /proc
// says, files, what another program has come to.
//
//   EXPECT_TRUE(Eventually([&] { return head.Left().empty(); }, seconds(8)));
// Threading: any.
#ifndef MOBULA_TESTS_INTEGRATION_EVENTUALLY_H_
#define MOBULA_TESTS_INTEGRATION_EVENTUALLY_H_

#include <chrono>
#include <functional>

namespace mobula::test {

// False if it does not hold within the patience.
bool Eventually(const std::function<bool()>& holds,
                std::chrono::seconds patience);

}  // namespace mobula::test

#endif  // MOBULA_TESTS_INTEGRATION_EVENTUALLY_H_
