#include "runtime/refs/arg_waits.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/core/peer_links.h"
#include "runtime/core/produced.h"
#include "runtime/refs/references.h"

namespace mobula::runtime {
namespace {

using base::Bytes;
using base::Failure;
using base::ObjectId;
using base::ProcessId;
using base::TaskId;

constexpr TaskId kTask{5, 1};

ObjectId Object(std::uint64_t n) { return {6, n}; }

class ArgWaitsTest : public testing::Test {
 protected:
  ArgWaitsTest() {
    out_.effects = &effects_;
    refs_.Begin(base::BootTime(), out_);
  }

  std::optional<ResolvedArgs> Settle(ObjectId object, base::Outcome outcome) {
    refs_.Settle(object, std::move(outcome), 0);
    std::optional<ResolvedArgs> last;
    for (const auto& [task, settled] : std::exchange(refs_.woken(), {})) {
      auto resolved = waits_.Wake(task, settled);
      if (resolved.has_value()) {
        EXPECT_FALSE(last.has_value());
        last = std::move(resolved);
      }
    }
    return last;
  }

  Effects effects_;
  Produced out_;
  PeerLinks links_;
  References refs_{ProcessId{1, 1}, links_};
  ArgWaits waits_{refs_};
};

TEST_F(ArgWaitsTest, ValuesAreThereAtOnce) {
  refs_.Put(Object(1), Bytes::Own("b"));
  const auto resolved =
      waits_.Begin(kTask, {{{}, Bytes::Own("a")}, {Object(1), {}}});
  ASSERT_TRUE(resolved.has_value());
  const auto& values = std::get<std::vector<base::Value>>(*resolved);
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(values[0].view(), "a");
  EXPECT_EQ(values[1].view(), "b");
  refs_.Drop(Object(1));
  refs_.Carry();
  EXPECT_EQ(values[1].view(), "b");  // the bytes are shared
}

TEST_F(ArgWaitsTest, WaitsForTheLastOne) {
  refs_.Add(Object(1));
  refs_.Add(Object(2));
  EXPECT_FALSE(waits_
                   .Begin(kTask, {{Object(1), {}},
                                  {Object(2), {}},
                                  {Object(1), {}}})  // twice the same
                   .has_value());
  EXPECT_FALSE(Settle(Object(1), Bytes::Own("a")).has_value());
  const auto resolved = Settle(Object(2), Bytes::Own("b"));
  ASSERT_TRUE(resolved.has_value());
  EXPECT_EQ(std::get<0>(*resolved).size(), 3u);
  EXPECT_EQ(waits_.size(), 0u);
}

TEST_F(ArgWaitsTest, TheFirstFailureIsEnough) {
  refs_.Add(Object(1));
  refs_.Add(Object(2));
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

TEST_F(ArgWaitsTest, AGivenUpCallIsNotWoken) {
  refs_.Add(Object(1));
  EXPECT_FALSE(waits_.Begin(kTask, {{Object(1), {}}}).has_value());
  waits_.Abandon(kTask);
  waits_.Abandon(kTask);
  EXPECT_EQ(waits_.size(), 0u);
  EXPECT_FALSE(Settle(Object(1), Bytes::Own("a")).has_value());
}

TEST_F(ArgWaitsTest, AnUnknownObjectIsABadArgument) {
  const auto resolved = waits_.Begin(kTask, {{Object(9), {}}});
  EXPECT_EQ(std::get<Failure>(*resolved).code, base::FailureCode::kBadArgument);
}

}  // namespace
}  // namespace mobula::runtime
