#include "base/session/retryable.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mobula::base {
namespace {

TEST(RetryableTest, ExactlyTheseAre) {
  std::vector<std::string> retryable;
  for (int code = 0; code <= 255; ++code) {
    if (IsRetryable(static_cast<FailureCode>(code))) {
      retryable.emplace_back(FailureCodeName(static_cast<FailureCode>(code)));
    }
  }
  EXPECT_EQ(retryable, (std::vector<std::string>{
                           "WorkerDied", "WorkerStartError", "LimitError",
                           "ControlAway", "DiskFull", "ObjectStoreFull"}));
}

}  // namespace
}  // namespace mobula::base
