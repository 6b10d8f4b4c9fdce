#include "tests/sim/store_audit.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>

#include "base/control/control_codec.h"
#include "base/control/control_message.h"
#include "gcs/core/record.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/ledger.h"
#include "tests/sim/verdict.h"

namespace mobula::sim {
namespace {

using base::ActorState;
using std::chrono::seconds;

const base::ActorId kActor{50, 1};
const base::NodeId kNode{30, 1};
const base::ProcessId kRaylet{10, 1};

class StoreAuditTest : public testing::Test {
 protected:
  void SetUp() override { audit_.OnStart(1, now_); }

  static base::ActorRecord Actor(std::int64_t incarnation,
                                 ActorState state = ActorState::kPending) {
    base::ActorRecord actor;
    actor.actor = kActor;
    actor.ns = "default";
    actor.name = "index";
    actor.detached = true;
    actor.incarnation = incarnation;
    actor.state = state;
    return actor;
  }
  static gcs::Write WriteOf(const base::ActorRecord& actor) {
    return {gcs::RecordKey(gcs::RecordTable::kActor, actor.actor),
            std::string(1, gcs::kRecordVersion) + base::EncodeActor(actor)};
  }
  static gcs::Write WriteOf(base::NodeState state, const std::string& cause) {
    base::NodeRecord node;
    node.node = kNode;
    node.incarnation = 1;
    node.raylet = kRaylet;
    node.state = state;
    node.cause = cause;
    return {gcs::RecordKey(gcs::RecordTable::kNode, kNode),
            std::string(1, gcs::kRecordVersion) + base::EncodeNode(node)};
  }
  void Write(const gcs::Write& write, bool durable = true) {
    audit_.OnWrite(write);
    if (durable) audit_.OnDurable(write);
  }
  void SayHost(std::int64_t incarnation) {
    audit_.OnSend({kRaylet, base::HostActor{Actor(incarnation)}}, now_);
  }
  void Join() {
    base::JoinNode join;
    join.node.node = kNode;
    audit_.OnEvent(gcs::Received{kRaylet, join}, now_);
  }
  // Of what was violated last; "" if nothing was.
  [[nodiscard]] std::string Last() const {
    return verdict_.violations().empty()
               ? ""
               : verdict_.violations().back().invariant;
  }

  EventQueue queue_;
  Verdict verdict_{queue_};
  Ledger ledger_{verdict_};
  StoreAudit audit_{verdict_, ledger_};
  base::BootTime now_ = base::BootTime::FromSinceBoot(seconds(1000));
};

TEST_F(StoreAuditTest, WhatIsSaidIsDurable) {
  Write(WriteOf(Actor(1)));
  SayHost(1);
  EXPECT_EQ(Last(), "");
  Write(WriteOf(Actor(2)), /*durable=*/false);
  SayHost(2);
  EXPECT_EQ(Last(), "I7");
}

TEST_F(StoreAuditTest, WhatWasNotDurableMayBeForgotten) {
  Write(WriteOf(Actor(1)));
  Write(WriteOf(Actor(2)), /*durable=*/false);
  audit_.OnStart(2, now_);
  Write(WriteOf(Actor(1, ActorState::kAlive)));
  EXPECT_EQ(Last(), "");
  audit_.OnStart(2, now_);
  EXPECT_EQ(Last(), "I8") << "the same epoch";
}

TEST_F(StoreAuditTest, IncarnationsGrowAndTheDeadStayDead) {
  Write(WriteOf(Actor(2)));
  Write(WriteOf(Actor(1)));
  EXPECT_EQ(Last(), "I8");
  Write(WriteOf(Actor(3, ActorState::kDead)));
  Write(WriteOf(Actor(3, ActorState::kAlive)));
  EXPECT_EQ(Last(), "I9");
}

TEST_F(StoreAuditTest, ANameIsOfOneLivingActor) {
  Write(WriteOf(Actor(1)));
  base::ActorRecord other = Actor(1);
  other.actor = base::ActorId{50, 2};
  Write(WriteOf(Actor(1, ActorState::kDead)));
  Write(WriteOf(other));
  EXPECT_EQ(Last(), "");
  other.actor = base::ActorId{50, 3};
  Write(WriteOf(other));
  EXPECT_EQ(Last(), "names");
}

TEST_F(StoreAuditTest, NobodyIsDeclaredDeadEarlyOrForNothing) {
  Write(WriteOf(base::NodeState::kAlive, ""));
  Join();
  audit_.Disturb(kNode, now_, seconds(20));
  now_ = now_ + seconds(11);
  audit_.OnEvent(gcs::Tick{}, now_);
  Write(WriteOf(base::NodeState::kDead, "its lease ran out"));
  EXPECT_EQ(Last(), "");
  EXPECT_TRUE(audit_.IsDead(kNode));
  Write(WriteOf(base::NodeState::kAlive, ""));
  EXPECT_EQ(Last(), "I9") << "the dead stay dead";
}

TEST_F(StoreAuditTest, ALeaseIsElevenSeconds) {
  Write(WriteOf(base::NodeState::kAlive, ""));
  Join();
  audit_.Disturb(kNode, now_, seconds(20));
  now_ = now_ + seconds(10);
  audit_.OnEvent(gcs::Tick{}, now_);
  Write(WriteOf(base::NodeState::kDead, "its lease ran out"));
  EXPECT_EQ(Last(), "I9");
}

TEST_F(StoreAuditTest, AHealthyNodeDoesNotDie) {
  Write(WriteOf(base::NodeState::kAlive, ""));
  Join();
  now_ = now_ + seconds(12);
  audit_.OnEvent(gcs::Tick{}, now_);
  Write(WriteOf(base::NodeState::kDead, "its lease ran out"));
  EXPECT_EQ(Last(), "I9");
}

}  // namespace
}  // namespace mobula::sim
