// Bytes are lost: what a core does to have them made again.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/frames/object_message.h"
#include "base/ids.h"
#include "base/scheduling/resource_vector.h"
#include "base/value.h"
#include "runtime/core/core.h"
#include "runtime/core/events.h"
#include "runtime/core/testing/core_fixture.h"

namespace mobula::runtime {
namespace {

using base::Extent;
using base::ObjectId;
using base::ObjectName;
using base::Value;

constexpr base::ArenaId kArena{4, 4};

Extent Place(std::uint64_t n) { return {kArena, n * 64, 10'000, 1}; }

class CoreLineageTest : public CoreFixture {
 protected:
  void SetUp() override {
    CoreFixture::SetUp();
    Hear(kRaylet, base::Attach{kWorker});
    Hear(kRaylet, base::Attach{kOther});
  }

  static ObjectName Own(std::uint64_t n) { return {Result(n), kSelf}; }
  static ObjectName Others(std::uint64_t n) { return {{66, n}, kOther}; }
  static Value Stored(const ObjectName& name, std::uint64_t place) {
    return Value::Stored(name, Place(place));
  }
  static Submit With(std::uint64_t n, std::vector<Arg> args) {
    Submit submit = Simple(n);
    submit.args = std::move(args);
    return submit;
  }

  // Grants what was asked for last.
  void Grant() {
    for (const auto& request : Sent<base::RequestLease>()) {
      Hear(kRaylet, base::LeaseGranted{request.lease, kWorker, 77});
      return;
    }
  }
  // What was pushed last, by the object that it is for.
  [[nodiscard]] base::RunTask Run(std::uint64_t n) const {
    for (const auto& run : Sent<base::RunTask>()) {
      if (run.result == Result(n)) return run;
    }
    ADD_FAILURE() << n << " does not run";
    return {};
  }
  void Finish(const base::RunTask& run, std::uint64_t place,
              std::uint64_t digest = 5) {
    base::TaskDone done;
    done.task = run.task;
    done.attempt = run.attempt;
    done.outcome = Stored({run.result, kSelf}, place);
    done.digest = digest;
    done.run_ns = 10'000;
    // It has let its arguments go.
    base::ReturnObjects returned;
    for (const base::Value& arg : run.args) {
      if (!arg.is_stored() || arg.name().owner != kSelf) continue;
      returned.objects.push_back({arg.name().object, 1});
    }
    if (!returned.objects.empty()) Hear(kWorker, returned);
    Hear(kWorker, done);
  }
  // The result of task n lies in that place.
  void Make(Submit submit, std::uint64_t place) {
    const std::uint64_t n = submit.result.lo;
    Do(std::move(submit));
    if (Sent<base::RunTask>().empty()) Grant();
    Finish(Run(n), place);
  }
  void Lose(std::uint64_t n, std::uint64_t place) {
    Do(ReportLost{Own(n), Place(place)});
  }
  [[nodiscard]] std::vector<Extent> Freed() const {
    std::vector<Extent> freed;
    for (const auto& free : Sent<base::FreeObjects>()) {
      for (const auto& one : free.objects) freed.push_back(one.extent);
    }
    return freed;
  }
  void ExpectReady(std::uint64_t n, const base::Outcome& outcome) {
    const auto ready = Of<Ready>();
    ASSERT_EQ(ready.size(), 1u);
    EXPECT_EQ(ready[0].object, Result(n));
    EXPECT_EQ(ready[0].outcome, outcome);
  }
  void ExpectLost(const std::string& part) {
    const auto ready = Of<Ready>();
    ASSERT_EQ(ready.size(), 1u);
    const auto* failure = std::get_if<base::Failure>(&ready[0].outcome);
    ASSERT_NE(failure, nullptr);
    EXPECT_EQ(failure->code, base::FailureCode::kObjectLost);
    EXPECT_NE(failure->message.find(part), std::string::npos)
        << failure->message;
  }
};

TEST_F(CoreLineageTest, ALostResultIsMadeAgainAndItsReaderIsToldWhere) {
  Make(With(1, {{{}, base::Bytes::Own("small")}}), 5);
  Lose(1, 5);
  EXPECT_TRUE(Of<Ready>().empty());
  EXPECT_EQ(Freed(), std::vector<Extent>{Place(5)});
  const base::RunTask run = Run(1);
  EXPECT_NE(run.task, Task(1));
  EXPECT_EQ(run.attempt, 2);
  ASSERT_EQ(run.args.size(), 1u);
  EXPECT_EQ(run.args[0].view(), "small");
  Finish(run, 6);
  ExpectReady(1, Stored(Own(1), 6));
  const auto remade = Of<Remade>();
  ASSERT_EQ(remade.size(), 1u);
  EXPECT_FALSE(remade[0].differs);
  EXPECT_EQ(remade[0].function, "Square");
  EXPECT_EQ(core_.Count().remade, 1u);
  EXPECT_EQ(core_.Count().differing, 0u);
  Do(DropObject{Result(1)});
  EXPECT_EQ(Freed(), std::vector<Extent>{Place(6)});
  EXPECT_EQ(core_.Count().objects, 0u);
  EXPECT_EQ(core_.Count().lineage, 0u);
}

TEST_F(CoreLineageTest, WhatIsMadeAgainIsHeldByThat) {
  Make(Simple(1), 5);
  Lose(1, 5);
  const auto counts = [this] {
    for (const base::HeldObject& row : core_.DescribeRefs(10).objects) {
      if (row.name == Own(1)) return row.counts;
    }
    return base::RefCounts();
  };
  EXPECT_EQ(counts().handles, 1);
  EXPECT_EQ(counts().remaking, 1);
  Finish(Run(1), 6);
  EXPECT_EQ(counts().handles, 1);
  EXPECT_EQ(counts().remaking, 0);
}

TEST_F(CoreLineageTest, ManyReportsAreOneRunAndAnOldOneIsNone) {
  Make(Simple(1), 5);
  Lose(1, 5);
  const base::RunTask run = Run(1);
  Lose(1, 5);
  EXPECT_TRUE(Sent<base::RunTask>().empty());
  EXPECT_EQ(core_.Count().tasks, 1u);
  Finish(run, 6);
  EXPECT_EQ(Of<Ready>().size(), 1u);
  Lose(1, 5);
  ExpectReady(1, Stored(Own(1), 6));
  EXPECT_EQ(core_.Count().tasks, 0u);
}

TEST_F(CoreLineageTest, AnotherResultIsReportedAndCounted) {
  Make(Simple(1), 5);
  Lose(1, 5);
  Finish(Run(1), 6, /*digest=*/9);
  const auto remade = Of<Remade>();
  ASSERT_EQ(remade.size(), 1u);
  EXPECT_TRUE(remade[0].differs);
  EXPECT_EQ(remade[0].before.digest, 5u);
  EXPECT_EQ(remade[0].now.digest, 9u);
  EXPECT_EQ(core_.Count().differing, 1u);
  // A short one too.
  Lose(1, 6);
  base::TaskDone done;
  done.task = Run(1).task;
  done.attempt = 3;
  done.outcome = Value(base::Bytes::Own("short"));
  Hear(kWorker, done);
  ExpectReady(1, Value(base::Bytes::Own("short")));
  EXPECT_EQ(core_.Count().differing, 2u);
}

TEST_F(CoreLineageTest, WhatCannotBeMadeAgainFailsAndSaysWhy) {
  Submit once = Simple(1);
  once.retries_max = 0;
  Make(once, 5);
  Lose(1, 5);
  ExpectLost("Retries(0)");
  EXPECT_EQ(Freed(), std::vector<Extent>{Place(5)});
  Do(Put{Result(2), Stored(Own(2), 7)});
  Lose(2, 7);
  ExpectLost("it was Put");
  Submit twice = Simple(3);
  twice.retries_max = 1;
  Make(twice, 8);
  Lose(3, 8);
  Finish(Run(3), 9);
  Lose(3, 9);
  ExpectLost("has run 2 times");
  // Nobody reads otherwise ever after.
  EXPECT_EQ(FailureOf(3).code, base::FailureCode::kObjectLost);
}

TEST_F(CoreLineageTest, AFailureOfTheNewRunIsTheOutcome) {
  Make(Simple(1), 5);
  Lose(1, 5);
  base::TaskDone done =
      AnswerFailure(1, base::FailureCode::kUserException, base::Executed::kYes);
  done.task = Run(1).task;
  Hear(kWorker, done);
  EXPECT_EQ(FailureOf(1).code, base::FailureCode::kUserException);
  Do(DropObject{Result(1)});
  EXPECT_EQ(core_.Count().lineage, 0u);
}

TEST_F(CoreLineageTest, WhatIsMadeAgainIsToldWhatItWasTold) {
  Submit mine = Simple(1);
  mine.name = "mine";
  mine.resources = base::ResourceVector::Cpus(0.5);
  Make(mine, 5);
  Lose(1, 5);
  // Another task, for the same result: what an idempotency key names.
  const base::RunTask run = Run(1);
  EXPECT_NE(run.task, Task(1));
  ASSERT_NE(run.assigned, nullptr);
  EXPECT_EQ(*run.assigned,
            (base::Assigned{"mine", base::ResourceVector::Cpus(0.5)}));
}

TEST_F(CoreLineageTest, AFreeArgumentIsMadeAgainFirst) {
  Make(Simple(1), 5);
  Make(With(2, {{Result(1), {}}}), 6);
  Do(DropObject{Result(1)});
  EXPECT_EQ(Freed(), std::vector<Extent>{Place(5)});
  EXPECT_EQ(core_.Count().objects, 1u);
  EXPECT_EQ(core_.Count().lineage, 2u);
  Lose(2, 6);
  const base::RunTask first = Run(1);
  EXPECT_EQ(Sent<base::RunTask>().size(), 1u);
  Finish(first, 7);
  const base::RunTask second = Run(2);
  EXPECT_EQ(second.args.at(0), Stored(Own(1), 7));
  Finish(second, 8);
  ExpectReady(2, Stored(Own(2), 8));
  // It was made for that alone.
  EXPECT_EQ(Freed(), std::vector<Extent>{Place(7)});
  EXPECT_EQ(core_.Count().objects, 1u);
  EXPECT_EQ(core_.Count().lineage, 2u);
  Do(DropObject{Result(2)});
  EXPECT_EQ(core_.Count().lineage, 0u);
}

TEST_F(CoreLineageTest, AFreeArgumentThatWasPutIsNamed) {
  Do(Put{Result(1), Stored(Own(1), 5)});
  Make(With(2, {{Result(1), {}}}), 6);
  Do(DropObject{Result(1)});
  Lose(2, 6);
  ExpectLost("argument 1 of Square is free");
  // A short one travels with the task.
  Do(Put{Result(3), Value(base::Bytes::Own("short"))});
  Make(With(4, {{Result(3), {}}}), 7);
  Do(DropObject{Result(3)});
  Lose(4, 7);
  EXPECT_EQ(Run(4).args.at(0).view(), "short");
}

TEST_F(CoreLineageTest, AWorkerThatMissesAnArgumentIsNotKeptWaiting) {
  Make(Simple(1), 5);
  Do(With(2, {{Result(1), {}}}));
  const base::RunTask run = Run(2);
  base::TaskDone missed =
      AnswerFailure(2, base::FailureCode::kObjectLost, base::Executed::kNo);
  missed.lost = {{Own(1), Place(5)}};
  Hear(kWorker, missed);
  Finish(Run(1), 6);
  const base::RunTask again = Run(2);
  EXPECT_EQ(again.task, run.task);
  EXPECT_EQ(again.attempt, 1) << "it has not run";
  EXPECT_EQ(again.args.at(0), Stored(Own(1), 6));
  // It may be lost while another one is awaited.
  Hear(kWorker, missed);  // of the old place
  EXPECT_EQ(Run(2).args.at(0), Stored(Own(1), 6));
  Finish(Run(2), 7);
  EXPECT_EQ(core_.Count().tasks, 0u);
}

TEST_F(CoreLineageTest, AnArgumentLostForGoodFailsTheTask) {
  Do(Put{Result(1), Stored(Own(1), 5)});
  Do(With(2, {{Result(1), {}}}));
  Grant();
  base::TaskDone missed =
      AnswerFailure(2, base::FailureCode::kObjectLost, base::Executed::kNo);
  missed.lost = {{Own(1), Place(5)}};
  Hear(kWorker, missed);
  EXPECT_EQ(FailureOf(2).code, base::FailureCode::kObjectLost);
  EXPECT_EQ(core_.Count().tasks, 0u);
}

TEST_F(CoreLineageTest, ACallThatWaitsForTwoMeetsTheLossOfTheOneThatWasThere) {
  Make(Simple(1), 5);
  Do(Simple(2));
  const base::RunTask slow = Run(2);
  Do(With(3, {{Result(1), {}}, {Result(2), {}}}));
  Lose(1, 5);
  const base::RunTask remade = Run(1);
  Finish(slow, 6);
  for (const auto& run : Sent<base::RunTask>()) {
    EXPECT_NE(run.result, Result(3)) << "its first argument is not there";
  }
  Finish(remade, 7);
  EXPECT_EQ(Run(3).args.at(0), Stored(Own(1), 7));
}

TEST_F(CoreLineageTest, BorrowersReportAndAllOfThemAreTold) {
  Make(Simple(1), 5);
  Hear(kOther, base::BorrowObjects{{Result(1)}});
  Hear(kWorker, base::BorrowObjects{{Result(1)}});
  const base::ObjectsLost lost{{{Own(1), Place(5)}}};
  Hear(kOther, lost);
  const base::RunTask run = Run(1);
  EXPECT_TRUE(Sent<base::ObjectIs>().empty());
  Hear(kWorker, lost);
  EXPECT_TRUE(Sent<base::RunTask>().empty());
  Finish(run, 6);
  ASSERT_EQ(Sent<base::ObjectIs>().size(), 2u);
  EXPECT_EQ(Sent<base::ObjectIs>()[0].outcome,
            base::Outcome(Stored(Own(1), 6)));
  // Who is late is told at once.
  Hear(kOther, lost);
  ASSERT_EQ(Sent<base::ObjectIs>().size(), 1u);
  // Nobody waits for ever, whatever is asked.
  Hear(kOther, base::ObjectsLost{{{Own(9), Place(9)}}});
  ASSERT_EQ(Sent<base::ObjectIs>().size(), 1u);
  Hear(kOther, base::ObjectsLost{{{Own(1), Place(5)}, {Own(1), Place(6)}}});
  EXPECT_EQ(core_.Count().tasks, 1u);
}

TEST_F(CoreLineageTest, TheRayletsWordIsEnough) {
  Make(Simple(1), 5);
  Hear(kRaylet, base::ObjectsLost{{{Own(1), Place(5)}}});
  Finish(Run(1), 6);
  EXPECT_TRUE(Sent<base::ObjectIs>().empty());
  EXPECT_EQ(OutcomeOf(1), base::Outcome(Stored(Own(1), 6)));
}

TEST_F(CoreLineageTest, ALossOfAnothersObjectIsItsOwnersAffair) {
  Do(HoldObject{Others(1)});
  Hear(kOther, base::ObjectsBorrowed{{Others(1).object}, {}});
  Hear(kOther, base::ObjectIs{Others(1).object, Stored(Others(1), 5)});
  Do(ReportLost{Others(1), Place(5)});
  const auto lost = Sent<base::ObjectsLost>();
  ASSERT_EQ(lost.size(), 1u);
  ASSERT_EQ(lost[0].objects.size(), 1u);
  EXPECT_EQ(lost[0].objects[0].object, Others(1));
  EXPECT_EQ(lost[0].objects[0].extent, Place(5));
  Do(ReportLost{Others(1), Place(5)});
  EXPECT_TRUE(Sent<base::ObjectsLost>().empty()) << "it has been said";
  Hear(kOther, base::ObjectIs{Others(1).object, Stored(Others(1), 6)});
  ASSERT_EQ(Of<Ready>().size(), 1u);
  EXPECT_EQ(Of<Ready>()[0].outcome, base::Outcome(Stored(Others(1), 6)));
  // Others found it lost: its owner tells without being asked.
  Hear(kOther, base::ObjectIs{Others(1).object, Stored(Others(1), 7)});
  Do(ReportLost{Others(1), Place(6)});
  ASSERT_EQ(Of<Ready>().size(), 1u);
  EXPECT_EQ(Of<Ready>()[0].outcome, base::Outcome(Stored(Others(1), 7)));
  Do(DropObject{Others(1).object});
  // As often as it was named: by the answer, and by each outcome.
  const auto returned = Sent<base::ReturnObjects>();
  ASSERT_EQ(returned.size(), 1u);
  EXPECT_EQ(returned[0].objects.at(0).lent_count, 4);
}

// Its bytes came with a call, and the word where they are is still under way.
TEST_F(CoreLineageTest, AnAnswerFromBeforeTheLossIsNone) {
  Do(HoldObject{Others(1)});
  Hear(kOther, base::ObjectsBorrowed{{Others(1).object}, {}});
  Do(ReportLost{Others(1), Place(5)});
  ASSERT_EQ(Sent<base::ObjectsLost>().size(), 1u);
  Hear(kOther, base::ObjectIs{Others(1).object, Stored(Others(1), 5)});
  EXPECT_TRUE(Of<Ready>().empty()) << "those bytes are gone";
  Hear(kOther, base::ObjectIs{Others(1).object, Stored(Others(1), 6)});
  ASSERT_EQ(Of<Ready>().size(), 1u);
  EXPECT_EQ(Of<Ready>()[0].outcome, base::Outcome(Stored(Others(1), 6)));
}

TEST_F(CoreLineageTest, WhatIsDroppedWhileItIsMadeIsFreeInTheEnd) {
  Make(Simple(1), 5);
  Make(With(2, {{Result(1), {}}}), 6);
  Do(DropObject{Result(1)});
  Lose(2, 6);
  const base::RunTask first = Run(1);
  Do(DropObject{Result(2)});
  Finish(first, 7);
  Finish(Run(2), 8);
  const auto freed = Freed();
  EXPECT_EQ(freed.size(), 2u);
  EXPECT_EQ(core_.Count().objects, 0u);
  EXPECT_EQ(core_.Count().lineage, 0u);
  EXPECT_EQ(core_.Count().tasks, 0u);
}

TEST_F(CoreLineageTest, WhatADeadAttemptLeftDoesNotTakeTheNewValueAway) {
  Do(Simple(1));
  const auto requests = Sent<base::RequestLease>();
  ASSERT_EQ(requests.size(), 1u);
  Hear(kRaylet, base::LeaseGranted{requests[0].lease, kOther, 78});
  Do(PeerLost{kOther});
  Hear(kRaylet, base::LeaseLost{requests[0].lease, kOther, Death()});
  Grant();
  Finish(Run(1), 5);
  Make(With(2, {{Result(1), {}}}), 6);
  Do(DropObject{Result(1)});
  EXPECT_EQ(Freed(), std::vector<Extent>{Place(5)}) << "not by its name alone";
  Lose(2, 6);
  Finish(Run(1), 7);
  EXPECT_TRUE(Freed().empty());
  Finish(Run(2), 8);
  EXPECT_EQ(Freed(), std::vector<Extent>{Place(7)});
  Do(DropObject{Result(2)});
  EXPECT_EQ(Freed().size(), 2u);
  EXPECT_TRUE(Freed()[1] == Extent() || Freed()[0] == Extent());
}

TEST_F(CoreLineageTest, TenThousandDeepIsMadeAgainWithoutAStack) {
  constexpr std::uint64_t kDepth = 10'000;
  Make(Simple(1), 1);
  for (std::uint64_t n = 2; n <= kDepth; ++n) {
    Make(With(n, {{Result(n - 1), {}}}), n);
    Do(DropObject{Result(n - 1)});
  }
  EXPECT_EQ(core_.Count().objects, 1u);
  EXPECT_EQ(core_.Count().lineage, kDepth);
  Lose(kDepth, kDepth);
  EXPECT_EQ(core_.Count().tasks, kDepth);
  for (std::uint64_t n = 1; n <= kDepth; ++n) {
    // One at a time: it is admitted as any task.
    ASSERT_EQ(Sent<base::RunTask>().size(), 1u) << n;
    Finish(Run(n), kDepth + n);
  }
  ExpectReady(kDepth, Stored(Own(kDepth), 2 * kDepth));
  EXPECT_EQ(core_.Count().objects, 1u);
  Do(DropObject{Result(kDepth)});
  EXPECT_EQ(core_.Count().lineage, 0u);
  EXPECT_EQ(core_.Count().objects, 0u);
}

}  // namespace
}  // namespace mobula::runtime
