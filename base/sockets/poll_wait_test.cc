#include "base/sockets/poll_wait.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "base/clock.h"
#include "base/unique_fd.h"

namespace mobula::base {
namespace {

TEST(PollTimeoutTest, IsRoundedUpAndBounded) {
  EXPECT_EQ(PollTimeout(BootTime::Never()), -1);
  EXPECT_EQ(PollTimeout(BootNow()), 0);
  EXPECT_GE(PollTimeout(BootNow() + std::chrono::hours(1)), 3'599'000);
  EXPECT_GT(PollTimeout(BootNow() + std::chrono::hours(24 * 365)), 0)
      << "more milliseconds than an int holds";
}

TEST(WaitReadableTest, TellsWhatIsReadableFromWhatIsNot) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const UniqueFd read(ends[0]);
  UniqueFd write(ends[1]);
  EXPECT_FALSE(WaitReadable(read.get(), BootNow()));
  EXPECT_FALSE(
      WaitReadable(read.get(), BootNow() + std::chrono::milliseconds(5)));
  ASSERT_EQ(::write(write.get(), "x", 1), 1);
  EXPECT_TRUE(WaitReadable(read.get(), BootTime::Never()));
  char byte = 0;
  ASSERT_EQ(::read(read.get(), &byte, 1), 1);
  write.Reset();
  EXPECT_TRUE(WaitReadable(read.get(), BootTime::Never())) << "its end";
}

}  // namespace
}  // namespace mobula::base
