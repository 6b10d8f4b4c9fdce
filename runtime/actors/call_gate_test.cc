#include "runtime/actors/call_gate.h"

#include <gtest/gtest.h>

#include "base/scheduling/concurrency.h"

namespace mobula::runtime {
namespace {

TEST(CallGateTest, WhereNothingIsSaidThereIsOneGroup) {
  const CallGate gate;
  EXPECT_FALSE(gate.is_said());
  EXPECT_EQ(gate.threads(), 0);
  EXPECT_EQ(gate.groups(), 1u);
  EXPECT_EQ(gate.GroupOf(""), 0u);
  EXPECT_FALSE(gate.GroupOf("io").has_value());
  EXPECT_NE(gate.WhyUnknown("io").find("ConcurrencyGroup"), std::string::npos);
}

TEST(CallGateTest, EachGroupHasItsOwnRoom) {
  base::Concurrency of;
  of.calls_max = 2;
  of.groups = {{"io", 1}, {"cpu", 3}};
  CallGate gate(of);
  EXPECT_TRUE(gate.is_said());
  EXPECT_EQ(gate.threads(), 6);
  const std::size_t io = *gate.GroupOf("io");
  const std::size_t cpu = *gate.GroupOf("cpu");
  gate.Begin(io);
  EXPECT_FALSE(gate.HasRoom(io));
  gate.Begin(0);
  EXPECT_TRUE(gate.HasRoom(0));
  gate.Begin(0);
  EXPECT_FALSE(gate.HasRoom(0));
  EXPECT_TRUE(gate.HasRoom(cpu));
  gate.End(io);
  EXPECT_TRUE(gate.HasRoom(io));
  EXPECT_FALSE(gate.HasRoom(0));
}

TEST(CallGateTest, OfAnActorWithGroupsOnlyOneOfTheRestRuns) {
  base::Concurrency of;
  of.groups = {{"io", 2}};
  CallGate gate(of);
  EXPECT_TRUE(gate.is_said());
  EXPECT_EQ(gate.threads(), 3);
  gate.Begin(0);
  EXPECT_FALSE(gate.HasRoom(0));
}

TEST(CallGateTest, WhoAsksForAnUnknownGroupHearsOfTheOthers) {
  base::Concurrency of;
  of.groups = {{"io", 2}, {"cpu", 1}};
  EXPECT_EQ(CallGate(of).WhyUnknown("oi"),
            "the actor has no concurrency group 'oi'; it has 'io', 'cpu'");
}

}  // namespace
}  // namespace mobula::runtime
