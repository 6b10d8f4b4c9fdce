#include "api/mobula/options.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <stdexcept>
#include <string>

#include "api/mobula/error.h"
#include "api/mobula/init_options.h"

namespace mobula {
namespace {

using std::chrono::nanoseconds;

TEST(TimeoutTest, TakesAnyDurationAndSaturates) {
  EXPECT_TRUE(Timeout().IsInfinite());
  EXPECT_EQ(Timeout(std::chrono::seconds(2)).nanoseconds(),
            nanoseconds(2'000'000'000));
  EXPECT_EQ(Timeout(std::chrono::duration<double>(0.5)).nanoseconds(),
            nanoseconds(500'000'000));
  EXPECT_EQ(Timeout(std::chrono::seconds(-2)).nanoseconds(), nanoseconds(0));
  EXPECT_TRUE(Timeout(std::chrono::hours::max()).IsInfinite());
  EXPECT_TRUE(Timeout(std::chrono::duration<double>(1e300)).IsInfinite());
  EXPECT_TRUE(Timeout(nanoseconds::max()).IsInfinite());
  EXPECT_EQ(Timeout(std::chrono::duration<double>(
                        std::numeric_limits<double>::quiet_NaN()))
                .nanoseconds(),
            nanoseconds(0));
}

TEST(TimeoutTest, DeadlinesCountDown) {
  EXPECT_TRUE(Deadline(Timeout()).Left().IsInfinite());
  EXPECT_EQ(Deadline(nanoseconds(0)).Left().nanoseconds(), nanoseconds(0));
  const Deadline hour((std::chrono::hours(1)));
  EXPECT_LE(hour.Left().nanoseconds(), std::chrono::hours(1));
  EXPECT_GT(hour.Left().nanoseconds(), std::chrono::minutes(1));
}

TEST(OptionsTest, DefaultsAreThoseOfTheContract) {
  const TaskOptions task;
  EXPECT_EQ(task.values().resources.Get("cpu"), 1);
  EXPECT_EQ(task.values().retries_max, 3);
  EXPECT_FALSE(task.values().retry_exceptions);
  EXPECT_TRUE(task.values().timeout.IsInfinite());
  const ActorOptions actor;
  EXPECT_TRUE(actor.values().resources.IsZero());
  EXPECT_EQ(actor.values().restarts_max, 0);
  EXPECT_EQ(CallOptions().values().retries_max, 0);
  EXPECT_EQ(CallOptions().values().incarnation, 0);
  EXPECT_FALSE(KillOptions().values().restart);
}

TEST(OptionsTest, SettersChain) {
  const TaskOptions task = TaskOptions()
                               .Cpus(0.5)
                               .Memory(1 << 20)
                               .Resource("gpu", 2)
                               .Retries(-1)
                               .RetryExceptions()
                               .Timeout(std::chrono::seconds(1))
                               .Name("render");
  EXPECT_EQ(task.values().resources.Get("cpu"), 0.5);
  EXPECT_EQ(task.values().resources.Get("memory"), 1 << 20);
  EXPECT_EQ(task.values().resources.Get("gpu"), 2);
  EXPECT_EQ(task.values().retries_max, -1);
  EXPECT_TRUE(task.values().retry_exceptions);
  EXPECT_EQ(task.values().name, "render");
  EXPECT_TRUE(TaskOptions().Cpus(0).values().resources.IsZero());
}

TEST(OptionsTest, NonsenseIsRefused) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(TaskOptions().Cpus(-1), BadArgument);
  try {
    TaskOptions().Cpus(-0.5);
    FAIL() << "it was accepted";
  } catch (const BadArgument& error) {
    EXPECT_EQ(error.message(),
              "resource cpu = -0.5: 0 to 1000000 can be asked for");
  }
  EXPECT_THROW(TaskOptions().Cpus(kNan), std::invalid_argument);
  EXPECT_THROW(TaskOptions().Cpus(1e7), BadArgument);
  EXPECT_THROW(TaskOptions().Memory(-1), BadArgument);
  EXPECT_THROW(TaskOptions().Resource("", 1), BadArgument);
  EXPECT_THROW(TaskOptions().Retries(-2), BadArgument);
  EXPECT_THROW(ActorOptions().MaxRestarts(-2), BadArgument);
  EXPECT_THROW(ActorOptions().MaxPendingCalls(0), BadArgument);
  EXPECT_THROW(CallOptions().Retries(-2), BadArgument);
  EXPECT_THROW(CallOptions().Incarnation(0), BadArgument);
  EXPECT_THROW(InitOptions().Cpus(-1), BadArgument);
  EXPECT_THROW(InitOptions().Memory(-1), BadArgument);
  EXPECT_THROW(InitOptions().Resource("memory", 1), BadArgument);
  EXPECT_THROW(InitOptions().WorkersMax(0), BadArgument);
}

TEST(OptionsTest, ConcurrencyIsBounded) {
  const ActorOptions none;
  EXPECT_FALSE(none.values().concurrency.is_said());
  const ActorOptions some =
      ActorOptions().ConcurrencyGroup("io", 2).MaxConcurrency(4);
  EXPECT_EQ(some.values().concurrency.calls_max, 4);
  EXPECT_EQ(some.values().concurrency.groups.at(0).name, "io");
  EXPECT_EQ(some.values().concurrency.total(), 6);
  EXPECT_THROW(ActorOptions().MaxConcurrency(0), BadArgument);
  EXPECT_THROW(ActorOptions().MaxConcurrency(1'001), BadArgument);
  ActorOptions all;
  all.MaxConcurrency(1'000);
  EXPECT_THROW(all.ConcurrencyGroup("io", 1), BadArgument);
  EXPECT_TRUE(all.values().concurrency.groups.empty()) << "it is as it was";
  EXPECT_THROW(ActorOptions().ConcurrencyGroup("", 1), BadArgument);
  EXPECT_THROW(ActorOptions().ConcurrencyGroup("io", 0), BadArgument);
  EXPECT_THROW(ActorOptions().ConcurrencyGroup(std::string(257, 'x'), 1),
               BadArgument);
  EXPECT_THROW(
      ActorOptions().ConcurrencyGroup("io", 1).ConcurrencyGroup("io", 1),
      BadArgument);
  ActorOptions many;
  for (int i = 0; i < 64; ++i) many.ConcurrencyGroup(std::to_string(i), 1);
  EXPECT_THROW(many.ConcurrencyGroup("one more", 1), BadArgument);
  EXPECT_FALSE(CallOptions().values().group.has_value());
  EXPECT_EQ(CallOptions().Group("").values().group, "");
  EXPECT_THROW(CallOptions().Group(std::string(257, 'x')), BadArgument);
}

}  // namespace
}  // namespace mobula
