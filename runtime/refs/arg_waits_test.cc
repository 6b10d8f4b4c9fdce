#include "runtime/refs/arg_waits.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/refs/object_table.h"

namespace mobula::runtime {
namespace {

using base::Bytes;
using base::Failure;
using base::ObjectId;
using base::TaskId;

constexpr TaskId kTask{5, 1};

ObjectId Object(std::uint64_t n) { return {6, n}; }

class ArgWaitsTest : public testing::Test {
 protected:
  std::optional<ResolvedArgs> Settle(ObjectId object, base::Outcome outcome) {
    std::vector<TaskId> woken;
    objects_.Settle(object, std::move(outcome), 0, effects_, woken);
    std::optional<ResolvedArgs> last;
    for (const TaskId task : woken) {
      auto resolved = waits_.Wake(task, object);
      if (resolved.has_value()) {
        EXPECT_FALSE(last.has_value());
        last = std::move(resolved);
      }
    }
    return last;
  }

  ObjectTable objects_;
  ArgWaits waits_{objects_};
  Effects effects_;
};

TEST_F(ArgWaitsTest, ValuesAreThereAtOnce) {
  objects_.Put(Object(1), Bytes::Own("b"));
  const auto resolved =
      waits_.Begin(kTask, {{{}, Bytes::Own("a")}, {Object(1), {}}});
  ASSERT_TRUE(resolved.has_value());
  const auto& values = std::get<std::vector<base::Value>>(*resolved);
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(values[0].view(), "a");
  EXPECT_EQ(values[1].view(), "b");
  objects_.Release(Object(1));
  EXPECT_EQ(values[1].view(), "b");  // the bytes are shared
}

TEST_F(ArgWaitsTest, WaitsForTheLastOneAndHoldsThemMeanwhile) {
  objects_.Add(Object(1));
  objects_.Add(Object(2));
  EXPECT_FALSE(waits_
                   .Begin(kTask, {{Object(1), {}},
                                  {Object(2), {}},
                                  {Object(1), {}}})  // twice the same
                   .has_value());
  objects_.Release(Object(1));
  objects_.Release(Object(2));
  EXPECT_FALSE(Settle(Object(1), Bytes::Own("a")).has_value());
  EXPECT_EQ(objects_.size(), 2u);
  const auto resolved = Settle(Object(2), Bytes::Own("b"));
  ASSERT_TRUE(resolved.has_value());
  EXPECT_EQ(std::get<0>(*resolved).size(), 3u);
  EXPECT_EQ(objects_.size(), 0u);
  EXPECT_EQ(waits_.size(), 0u);
}

TEST_F(ArgWaitsTest, TheFirstFailureIsEnough) {
  objects_.Add(Object(1));
  objects_.Add(Object(2));
  EXPECT_FALSE(
      waits_.Begin(kTask, {{Object(1), {}}, {Object(2), {}}}).has_value());
  Failure failure;
  failure.message = "why";
  const auto resolved = Settle(Object(2), failure);
  ASSERT_TRUE(resolved.has_value());
  EXPECT_EQ(std::get<Failure>(*resolved).message, "why");
  EXPECT_FALSE(Settle(Object(1), Bytes::Own("a")).has_value());
  const auto at_once = waits_.Begin(TaskId{5, 2}, {{Object(2), {}}});
  EXPECT_EQ(std::get<Failure>(*at_once).message, "why");
}

TEST_F(ArgWaitsTest, AbandonLetsTheObjectsGo) {
  objects_.Add(Object(1));
  EXPECT_FALSE(waits_.Begin(kTask, {{Object(1), {}}}).has_value());
  waits_.Abandon(kTask);
  waits_.Abandon(kTask);
  EXPECT_FALSE(Settle(Object(1), Bytes::Own("a")).has_value());
  objects_.Release(Object(1));
  EXPECT_EQ(objects_.size(), 0u);
}

TEST_F(ArgWaitsTest, AnUnknownObjectIsABadArgument) {
  const auto resolved = waits_.Begin(kTask, {{Object(9), {}}});
  EXPECT_EQ(std::get<Failure>(*resolved).code, base::FailureCode::kBadArgument);
}

}  // namespace
}  // namespace mobula::runtime
