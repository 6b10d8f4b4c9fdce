#include "api/compat/ray/api/metric.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <stdexcept>
#include <thread>
#include <vector>

namespace ray {
namespace {

TEST(MetricTest, KeepsWhatIsRecorded) {
  Gauge gauge("depth", "of the queue", "entries", {"shard"});
  EXPECT_EQ(gauge.GetName(), "depth");
  gauge.Set(3, {{"shard", "a"}});
  gauge.Set(2, {{"shard", "a"}});
  gauge.Set(9, {{"shard", "b"}});
  EXPECT_EQ(gauge.Recorded({{"shard", "a"}}).value, 2);
  EXPECT_EQ(gauge.Recorded({{"shard", "b"}}).value, 9);
  EXPECT_EQ(gauge.Recorded().count, 0U);
  EXPECT_THROW(gauge.Set(1, {{"colour", "red"}}), std::invalid_argument);

  Counter counter("calls", "", "");
  counter.Inc(2);
  counter.Inc(1.5);
  EXPECT_EQ(counter.Recorded().value, 3.5);

  Histogram histogram("latency", "", "ms", {1, 10});
  for (const double value : {0.5, 1.0, 5.0, 100.0}) histogram.Observe(value);
  EXPECT_EQ(histogram.Recorded().buckets,
            (std::vector<std::uint64_t>{2, 1, 1}));
  EXPECT_EQ(histogram.Recorded().count, 4U);

  Sum sum("bytes", "", "");
  sum.Record(1, {});
  sum.Record(2, {});
  EXPECT_EQ(sum.Recorded().value, 3);
}

TEST(MetricTest, IsRecordedByManyThreads) {
  Counter counter("calls", "", "");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&counter] {
      for (int n = 0; n < 1000; ++n) counter.Inc();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.Recorded().value, 4000);
}

}  // namespace
}  // namespace ray
