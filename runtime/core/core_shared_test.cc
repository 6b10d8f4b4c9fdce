// Shared actors, as their owner sees them: the hosts that it leases for them,
// and what becomes of them when a host is lost.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/control/control_message.h"
#include "base/control/records.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "runtime/core/core.h"
#include "runtime/core/events.h"
#include "runtime/core/testing/core_fixture.h"

namespace mobula::runtime {
namespace {

using base::ActorId;
using base::Bytes;
using base::FailureCode;
using base::LeaseId;
using base::ProcessId;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr ProcessId kHost1{1, 101};
constexpr ProcessId kHost2{1, 102};
constexpr ProcessId kHost3{1, 103};

class CoreSharedTest : public CoreFixture {
 protected:
  static ActorId Actor(std::uint64_t n) { return {8, n}; }
  static base::TaskId Creation(std::uint64_t n) { return {9, n}; }
  static Create Shared(std::uint64_t n, std::int32_t restarts_max = 0,
                       const std::string& class_name = "Cell") {
    Create create;
    create.actor = Actor(n);
    create.task = Creation(n);
    create.constructor = kFunction;
    create.class_name = class_name;
    create.restarts_max = restarts_max;
    create.shared = true;
    return create;
  }
  static Call Method(std::uint64_t actor, std::uint64_t n) {
    Call call;
    call.actor = Actor(actor);
    call.task = Task(n);
    call.result = Result(n);
    call.method = kFunction;
    call.method_name = "Cell::Do";
    return call;
  }
  void Created(ProcessId host, std::uint64_t n, std::int64_t incarnation = 1) {
    base::TaskDone done;
    done.task = Creation(n);
    done.outcome = Bytes();
    done.incarnation = incarnation;
    Hear(host, std::move(done));
  }
  void Answered(ProcessId host, std::uint64_t n, std::int64_t incarnation = 1) {
    base::TaskDone done = Answer(n, "v");
    done.incarnation = incarnation;
    Hear(host, std::move(done));
  }
  // Grants the lease that was asked for last; the actors that were sent there.
  std::vector<std::uint64_t> Grant(ProcessId host) {
    const auto requests = Sent<base::RequestLease>();
    EXPECT_EQ(requests.size(), 1u);
    if (requests.size() != 1) return {};
    EXPECT_TRUE(requests[0].for_actor);
    EXPECT_TRUE(requests[0].shape.units.empty());
    leases_[host] = requests[0].lease;
    Hear(kRaylet, base::LeaseGranted{requests[0].lease, host, 77});
    return Constructed();
  }
  [[nodiscard]] std::vector<std::uint64_t> Constructed() const {
    std::vector<std::uint64_t> actors;
    for (const auto& create : Sent<base::CreateActor>()) {
      EXPECT_TRUE(create.shared);
      actors.push_back(create.actor.lo);
    }
    return actors;
  }
  // Three of one host, alive.
  void LiveThree(std::int32_t restarts_max = 0) {
    Do(Shared(1, restarts_max));
    const auto asked = Sent<base::RequestLease>();
    Do(Shared(2, restarts_max, "Other"));
    EXPECT_TRUE(Sent<base::RequestLease>().empty());
    Do(Shared(3, restarts_max));
    ASSERT_EQ(asked.size(), 1u);
    leases_[kHost1] = asked[0].lease;
    Hear(kRaylet, base::LeaseGranted{asked[0].lease, kHost1, 77});
    EXPECT_EQ(Constructed(), (std::vector<std::uint64_t>{1, 2, 3}));
    for (const std::uint64_t n : {1, 2, 3}) Created(kHost1, n);
  }
  // The effects are those of the last word of the loss.
  void Lose(ProcessId host, ActorId charged) {
    Do(PeerLost{host});
    Hear(kRaylet, base::LeaseLost{leases_.at(host), host, Death(), charged});
  }
  [[nodiscard]] base::ActorReport ReportOf(std::uint64_t n) const {
    for (const auto& report : Sent<base::ActorReport>()) {
      if (report.actor == Actor(n)) return report;
    }
    ADD_FAILURE() << "no report of " << n;
    return {};
  }

  std::map<ProcessId, LeaseId> leases_;
};

TEST_F(CoreSharedTest, ManyLiveInOneHost) {
  LiveThree();
  EXPECT_EQ(core_.Count().leases, 1u);
  EXPECT_EQ(core_.Count().actors, 3u);
  // One that comes later is sent there at once.
  Do(Shared(4));
  EXPECT_TRUE(Sent<base::RequestLease>().empty());
  EXPECT_EQ(Constructed(), (std::vector<std::uint64_t>{4}));
  EXPECT_TRUE(ReportOf(4).shared);
  EXPECT_FALSE(ReportOf(4).separated);
}

TEST_F(CoreSharedTest, CallsOfEachHaveAnOrderOfTheirOwn) {
  LiveThree();
  Do(Method(1, 1));
  Do(Method(2, 2));
  ASSERT_EQ(Sent<base::CallActor>().size(), 1u);
  EXPECT_EQ(Sent<base::CallActor>()[0].actor, Actor(2));
  Do(Method(1, 3));
  // Answers of one do not disturb those of another.
  Answered(kHost1, 2);
  Do(Watch{Result(2)});
  EXPECT_EQ(Of<Ready>().size(), 1u);
  Answered(kHost1, 1);
  Answered(kHost1, 3);
  Do(Watch{Result(3)});
  EXPECT_EQ(Of<Ready>().size(), 1u);
}

TEST_F(CoreSharedTest, WhoIsChargedIsCountedTheOthersAreNot) {
  LiveThree(/*restarts_max=*/1);
  Do(Method(1, 1));
  Do(Method(2, 2));
  Do(Method(3, 3));
  Do(Method(3, 4));
  Lose(kHost1, Actor(1));
  EXPECT_EQ(ReportOf(1).restarts, 1);
  EXPECT_EQ(ReportOf(1).cause.code, FailureCode::kWorkerDied);
  for (const std::uint64_t n : {2, 3}) {
    EXPECT_EQ(ReportOf(n).restarts, 0) << n;
    EXPECT_EQ(ReportOf(n).cause.code, FailureCode::kCoHosted) << n;
    EXPECT_NE(ReportOf(n).cause.message.find("class Cell"), std::string::npos);
  }
  EXPECT_EQ(Grant(kHost2), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(Sent<base::CreateActor>()[1].incarnation, 2);
  EXPECT_EQ(FailureOf(1).code, FailureCode::kWorkerDied);
  EXPECT_EQ(FailureOf(2).code, FailureCode::kCoHosted);
  EXPECT_EQ(FailureOf(3).code, FailureCode::kCoHosted);
  EXPECT_EQ(FailureOf(3).executed, base::Executed::kMaybe);
  EXPECT_EQ(FailureOf(3).function, "Cell::Do");
  // What had certainly not begun goes on in the next life.
  Created(kHost2, 3, 2);
  ASSERT_EQ(Sent<base::CallActor>().size(), 1u);
  EXPECT_EQ(Sent<base::CallActor>()[0].task, Task(4));
}

TEST_F(CoreSharedTest, OneWithoutRestartsIsRestartedIfItIsNotItsDoing) {
  LiveThree();
  Lose(kHost1, Actor(1));
  EXPECT_EQ(ReportOf(1).state, base::ActorState::kDead);
  EXPECT_EQ(Grant(kHost2), (std::vector<std::uint64_t>{2, 3}));
}

TEST_F(CoreSharedTest, WhereNobodyIsChargedNobodyIsCounted) {
  LiveThree();
  Lose(kHost1, ActorId());
  for (const std::uint64_t n : {1, 2, 3}) {
    EXPECT_EQ(ReportOf(n).restarts, 0) << n;
    EXPECT_EQ(ReportOf(n).cause.code, FailureCode::kCoHosted) << n;
  }
  EXPECT_EQ(Grant(kHost2), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_F(CoreSharedTest, AClassThatEndsTwoHostsGetsHostsOfItsOwn) {
  LiveThree(/*restarts_max=*/-1);
  Lose(kHost1, Actor(1));
  EXPECT_FALSE(ReportOf(1).separated);
  Grant(kHost2);
  for (const std::uint64_t n : {1, 2, 3}) Created(kHost2, n, 2);
  Later(seconds(2));  // no crash at its start
  Lose(kHost2, Actor(3));
  EXPECT_TRUE(ReportOf(3).separated);
  const auto asked = Sent<base::RequestLease>();
  ASSERT_EQ(asked.size(), 2u);
  const auto of_class = std::find_if(
      asked.begin(), asked.end(),
      [](const auto& each) { return each.function == "shared Cell"; });
  ASSERT_NE(of_class, asked.end());
  Hear(kRaylet, base::LeaseGranted{of_class->lease, kHost3, 78});
  EXPECT_EQ(Constructed(), (std::vector<std::uint64_t>{1, 3}));
  // One more of it comes there too.
  Do(Shared(4));
  EXPECT_EQ(Constructed(), (std::vector<std::uint64_t>{4}));
  EXPECT_TRUE(ReportOf(4).separated);
}

TEST_F(CoreSharedTest, TheLastHandleSendsItAwayAndAnEmptyHostBack) {
  LiveThree();
  Do(DropActor{Actor(1)});
  auto leave = Sent<base::LeaveActor>();
  ASSERT_EQ(leave.size(), 1u);
  EXPECT_FALSE(leave[0].stop);
  EXPECT_TRUE(Sent<base::ReturnLease>().empty());
  Hear(kHost1, base::ActorLeft{Actor(1), 1});
  EXPECT_TRUE(Sent<base::ReturnLease>().empty());
  Do(DropActor{Actor(2)});
  Do(DropActor{Actor(3)});
  Hear(kHost1, base::ActorLeft{Actor(3), 1});
  EXPECT_TRUE(Sent<base::ReturnLease>().empty()) << "one has not left yet";
  Hear(kHost1, base::ActorLeft{Actor(2), 1});
  const auto back = Sent<base::ReturnLease>();
  ASSERT_EQ(back.size(), 1u);
  EXPECT_FALSE(back[0].discard);
  EXPECT_EQ(core_.Count().leases, 0u);
  EXPECT_EQ(core_.Count().actors, 0u);
}

TEST_F(CoreSharedTest, OneThatIsKilledIsStopped) {
  LiveThree();
  Do(Method(1, 1));
  Do(Kill{Actor(1), false});
  const auto leave = Sent<base::LeaveActor>();
  ASSERT_EQ(leave.size(), 1u);
  EXPECT_TRUE(leave[0].stop);
  EXPECT_EQ(FailureOf(1).code, FailureCode::kActorDied);
  Hear(kHost1, base::ActorLeft{Actor(1), 1});
  // In time: its host stays.
  Later(seconds(6));
  EXPECT_TRUE(Sent<base::ReturnLease>().empty());
  EXPECT_EQ(core_.Count().leases, 1u);
}

TEST_F(CoreSharedTest, AGracefulKillStopsItJustSo) {
  LiveThree();
  Do(Method(1, 1));
  Do(Kill{Actor(1), false, /*graceful=*/true});
  const auto leave = Sent<base::LeaveActor>();
  ASSERT_EQ(leave.size(), 1u);
  EXPECT_TRUE(leave[0].stop) << "else what runs would never be told";
  Later(seconds(2));
  ASSERT_EQ(Sent<base::ReturnLease>().size(), 1u);
  EXPECT_TRUE(Sent<base::ReturnLease>()[0].discard);
}

TEST_F(CoreSharedTest, OneThatDoesNotEndTakesItsHostWithIt) {
  LiveThree();
  Do(Method(2, 2));
  Do(Kill{Actor(1), false});
  Later(milliseconds(1'900));
  EXPECT_TRUE(Sent<base::ReturnLease>().empty());
  Later(milliseconds(100));
  const auto back = Sent<base::ReturnLease>();
  ASSERT_EQ(back.size(), 1u);
  EXPECT_TRUE(back[0].discard);
  EXPECT_EQ(ReportOf(2).restarts, 0);
  EXPECT_EQ(ReportOf(2).cause.code, FailureCode::kCoHosted);
  EXPECT_EQ(Grant(kHost2), (std::vector<std::uint64_t>{2, 3}));
  const base::Failure failure = FailureOf(2);
  EXPECT_EQ(failure.code, FailureCode::kCoHosted);
  EXPECT_NE(failure.message.find("did not end in time"), std::string::npos);
}

TEST_F(CoreSharedTest, ARestartWaitsUntilItHasLeftAndGoesElsewhere) {
  LiveThree(/*restarts_max=*/1);
  Do(Kill{Actor(1), true});
  EXPECT_TRUE(Sent<base::RequestLease>().empty());
  Later(seconds(1));
  EXPECT_TRUE(Sent<base::RequestLease>().empty());
  Hear(kHost1, base::ActorLeft{Actor(1), 1});
  EXPECT_EQ(Grant(kHost2), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(Sent<base::CreateActor>()[0].incarnation, 2);
  // What the first one may still say counts no more.
  Created(kHost2, 1, 2);
  Do(Method(1, 1));
  Answered(kHost1, 1, 1);
  Do(Watch{Result(1)});
  EXPECT_TRUE(Of<Ready>().empty());
  Answered(kHost2, 1, 2);
  EXPECT_EQ(Of<Ready>().size(), 1u);
}

TEST_F(CoreSharedTest, AnEndBeforeThereIsAHostTakesTheRequestBack) {
  Do(Shared(1));
  Do(Kill{Actor(1), false});
  EXPECT_EQ(Sent<base::CancelLease>().size(), 1u);
  EXPECT_EQ(core_.Count().leases, 0u);
}

TEST_F(CoreSharedTest, ARefusedHostIsTheEndOfThoseThatWaitForIt) {
  Do(Shared(1, -1));
  const auto asked = Sent<base::RequestLease>();
  Do(Shared(2, -1));
  base::LeaseRefused refused;
  refused.lease = asked.at(0).lease;
  refused.failure = base::NotRun(FailureCode::kLimit, "full");
  Hear(kRaylet, refused);
  EXPECT_EQ(ReportOf(1).state, base::ActorState::kDead);
  EXPECT_EQ(ReportOf(2).cause.code, FailureCode::kLimit);
}

TEST_F(CoreSharedTest, ExitActorEndsOneAlone) {
  LiveThree();
  base::TaskDone done;
  done.task = Creation(2);
  done.outcome = Bytes();
  done.incarnation = 1;
  done.actor_exited = true;
  Hear(kHost1, std::move(done));
  EXPECT_EQ(ReportOf(2).state, base::ActorState::kDead);
  EXPECT_EQ(Sent<base::LeaveActor>().size(), 1u);
  EXPECT_TRUE(Sent<base::ReturnLease>().empty());
}

TEST_F(CoreSharedTest, OneThatCrashesWhileItLeavesIsItsClassesDoing) {
  LiveThree();
  Do(Kill{Actor(1), false});
  Lose(kHost1, Actor(1));
  EXPECT_EQ(ReportOf(2).cause.code, FailureCode::kCoHosted);
  EXPECT_NE(ReportOf(2).cause.message.find("class Cell"), std::string::npos);
}

}  // namespace
}  // namespace mobula::runtime
