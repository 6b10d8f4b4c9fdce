// What tasks and actors are told beside their arguments: the name that options
// gave them, what they hold, and by which name a function is called.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/scheduling/resource_vector.h"
#include "runtime/core/events.h"
#include "runtime/core/testing/core_fixture.h"

namespace mobula::runtime {
namespace {

using base::Assigned;
using base::ResourceVector;

class CoreAssignedTest : public CoreFixture {
 protected:
  static Submit Named(std::uint64_t n, const std::string& name, double cpus) {
    Submit submit = Simple(n);
    submit.name = name;
    submit.resources = ResourceVector::Cpus(cpus);
    return submit;
  }
  [[nodiscard]] base::RunTask TheRun() const {
    const auto runs = Sent<base::RunTask>();
    EXPECT_EQ(runs.size(), 1u);
    return runs.empty() ? base::RunTask() : runs[0];
  }
  // Ends the worker; what it ran is on the other one then.
  void MoveOn(base::LeaseId lease) {
    Do(PeerLost{kWorker});
    Hear(kRaylet, base::LeaseLost{lease, kWorker, Death()});
    const auto requests = Sent<base::RequestLease>();
    ASSERT_EQ(requests.size(), 1u);
    Hear(kRaylet, base::LeaseGranted{requests[0].lease, kOther, 78});
  }
};

TEST_F(CoreAssignedTest, TheUsualIsNotSaid) {
  RunFirst(Simple(1));
  EXPECT_EQ(TheRun().assigned, nullptr);
  EXPECT_EQ(TheRun().called, "");
}

TEST_F(CoreAssignedTest, ANameOrOtherResourcesAreSaid) {
  RunFirst(Named(1, "mine", 1));
  ASSERT_NE(TheRun().assigned, nullptr);
  EXPECT_EQ(*TheRun().assigned, (Assigned{"mine", ResourceVector::Cpus(1)}));
}

TEST_F(CoreAssignedTest, OtherResourcesAreSaid) {
  RunFirst(Named(1, "", 0.5));
  ASSERT_NE(TheRun().assigned, nullptr);
  EXPECT_EQ(*TheRun().assigned, (Assigned{"", ResourceVector::Cpus(0.5)}));
}

TEST_F(CoreAssignedTest, AllAttemptsAreToldTheSame) {
  const base::LeaseId lease = RunFirst(Named(1, "mine", 0.5));
  const base::RunTask first = TheRun();
  MoveOn(lease);
  const base::RunTask second = TheRun();
  EXPECT_EQ(second.attempt, 2);
  EXPECT_EQ(second.result, first.result);
  ASSERT_NE(second.assigned, nullptr);
  EXPECT_EQ(*second.assigned, *first.assigned);
}

TEST_F(CoreAssignedTest, AFailureHasTheTasksNameAndNoOthers) {
  Do(Named(1, "mine", 1));
  Do(Named(2, "other", 1));
  Do(Simple(3));
  Do(PeerLost{kRaylet});
  EXPECT_EQ(FailureOf(1).function, "mine");
  EXPECT_EQ(FailureOf(2).function, "other");
  EXPECT_EQ(FailureOf(3).function, "Square");
}

TEST_F(CoreAssignedTest, AFunctionIsCalledByItsName) {
  Submit submit = Named(1, "mine", 1);
  submit.function_name = "shop.add";
  submit.by_name = true;
  const base::LeaseId lease = RunFirst(submit);
  EXPECT_EQ(TheRun().called, "shop.add");
  MoveOn(lease);
  EXPECT_EQ(TheRun().called, "shop.add");
}

TEST_F(CoreAssignedTest, AnActorIsToldInEachIncarnation) {
  Create create;
  create.actor = base::ActorId{8, 1};
  create.task = base::TaskId{8, 2};
  create.constructor = kFunction;
  create.class_name = "Index";
  create.name = "index";
  create.resources = ResourceVector::Cpus(0.25);
  create.restarts_max = -1;
  Do(create);
  const auto requests = Sent<base::RequestLease>();
  ASSERT_EQ(requests.size(), 1u);
  Hear(kRaylet, base::LeaseGranted{requests[0].lease, kWorker, 77});
  const Assigned index{"index", ResourceVector::Cpus(0.25)};
  ASSERT_EQ(Sent<base::CreateActor>().size(), 1u);
  EXPECT_EQ(Sent<base::CreateActor>()[0].assigned, index);
  base::TaskDone created;
  created.task = create.task;
  created.outcome = base::Bytes();
  created.incarnation = 1;
  Hear(kWorker, created);
  MoveOn(requests[0].lease);
  ASSERT_EQ(Sent<base::CreateActor>().size(), 1u);
  EXPECT_EQ(Sent<base::CreateActor>()[0].incarnation, 2);
  EXPECT_EQ(Sent<base::CreateActor>()[0].assigned, index);
  // By a name, and not.
  created.incarnation = 2;
  Hear(kOther, created);
  Call call;
  call.actor = create.actor;
  call.task = Task(1);
  call.result = Result(1);
  call.method = kFunction;
  call.method_name = "Index.Add";
  call.by_name = true;
  Do(call);
  ASSERT_EQ(Sent<base::CallActor>().size(), 1u);
  EXPECT_EQ(Sent<base::CallActor>()[0].called, "Index.Add");
  call.task = Task(2);
  call.result = Result(2);
  call.by_name = false;
  Do(call);
  ASSERT_EQ(Sent<base::CallActor>().size(), 1u);
  EXPECT_EQ(Sent<base::CallActor>()[0].called, "");
}

class CoreAssignedHostTest : public CoreFixture {
 protected:
  CoreAssignedHostTest() : CoreFixture(base::Role::kWorker) {}
};

TEST_F(CoreAssignedHostTest, WhatIsToldReachesTheSlot) {
  base::RunTask run;
  run.task = Task(1);
  run.result = Result(1);
  run.called = "shop.add";
  run.assigned =
      std::make_shared<Assigned>(Assigned{"mine", ResourceVector::Cpus(2)});
  Hear(kOther, run);
  const auto executes = Of<Execute>();
  ASSERT_EQ(executes.size(), 1u);
  EXPECT_EQ(executes[0].result, Result(1));
  EXPECT_EQ(executes[0].called, "shop.add");
  ASSERT_NE(executes[0].assigned, nullptr);
  EXPECT_EQ(*executes[0].assigned, *run.assigned);
}

}  // namespace
}  // namespace mobula::runtime
