// Streams: a generator's items on their way to who called it, in one core.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/frames/stream_message.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/core.h"
#include "runtime/core/events.h"
#include "runtime/core/testing/core_fixture.h"

namespace mobula::runtime {
namespace {

using base::Executed;
using base::FailureCode;
using base::LeaseId;
using base::ObjectId;
using base::ProcessId;

// The caller: number 1 is a generator that runs in kWorker.
class StreamCallerTest : public CoreFixture {
 protected:
  static ObjectId Cell(std::uint64_t n) { return {2, n + 1}; }
  static ObjectId Item(std::uint64_t index, ProcessId from = kWorker,
                       std::int32_t attempt = 1) {
    return base::ItemId(Result(1), from, attempt, index);
  }
  static base::Value Stored(ObjectId object) {
    return base::Value::Stored({object, kSelf}, {{8, 8}, 64, 5'000, 1});
  }
  LeaseId RunGenerator(std::int32_t retries_max = 3) {
    Submit submit = Simple(1);
    submit.items_max = 2;
    submit.retries_max = retries_max;
    const LeaseId lease = RunFirst(std::move(submit));
    Hear(kRaylet, base::Attach{kWorker});
    Open();
    return lease;
  }
  void Open(ProcessId from = kWorker, std::int32_t attempt = 1) {
    Hear(from, base::StreamOpened{Task(1), Result(1), attempt});
  }
  void Arrive(std::uint64_t index, const base::Value& value,
              ProcessId from = kWorker, std::int32_t attempt = 1) {
    Hear(from, base::StreamItem{Task(1), Result(1), attempt, index, value});
  }
  void Arrive(std::uint64_t index) {
    Arrive(index, base::Bytes::Own(std::to_string(index)));
  }
  // The outcome of a new cell; nothing if it has none yet.
  std::optional<base::Outcome> Next(std::uint64_t n) {
    Do(StreamNext{Result(1), Cell(n)});
    return OutcomeOfCell(n);
  }
  std::optional<base::Outcome> OutcomeOfCell(std::uint64_t n) {
    Do(Watch{Cell(n)});
    const auto ready = Of<Ready>();
    if (ready.empty()) return std::nullopt;
    return ready[0].outcome;
  }
  // Takes an item as the API does: with a handle of its own.
  ObjectId Take(std::uint64_t n, const std::optional<base::Outcome>& outcome) {
    const auto* value =
        outcome.has_value() ? std::get_if<base::Value>(&*outcome) : nullptr;
    if (value == nullptr || value->refs().size() != 1) {
      ADD_FAILURE() << "no item";
      return {};
    }
    const base::ObjectName name = value->refs()[0];
    Do(HoldObject{name});
    Do(DropObject{Cell(n)});
    Do(StreamTaken{Result(1)});
    return name.object;
  }
  // The worker has ended; all that it sent has been read.
  void Lose(LeaseId lease) {
    Do(PeerLost{kWorker});
    Hear(kRaylet, base::LeaseLost{lease, kWorker, Death()});
  }
};

TEST_F(StreamCallerTest, ItemsAreObjectsOfTheCallers) {
  RunGenerator();
  const auto credits = Sent<base::StreamCredit>();
  ASSERT_EQ(credits.size(), 1u);
  EXPECT_EQ(credits[0].limit, 2u);
  EXPECT_FALSE(credits[0].closed);
  EXPECT_FALSE(Next(0).has_value());
  Arrive(0);
  const ObjectId item = Take(0, OutcomeOfCell(0));
  EXPECT_EQ(item, Item(0));
  Do(Watch{item});
  ASSERT_EQ(Of<Ready>().size(), 1u);
  EXPECT_EQ(std::get<base::Value>(Of<Ready>()[0].outcome).view(), "0");
  Do(DropObject{item});
  EXPECT_EQ(core_.Count().objects, 1u) << "the stream's end";
}

TEST_F(StreamCallerTest, CreditComesWithWhatIsTaken) {
  RunGenerator();
  Arrive(0);
  Arrive(1);
  const auto first = Next(0);
  EXPECT_TRUE(Sent<base::StreamCredit>().empty());
  Take(0, first);
  const auto credits = Sent<base::StreamCredit>();
  ASSERT_EQ(credits.size(), 1u);
  EXPECT_EQ(credits[0].task, Task(1));
  EXPECT_EQ(credits[0].limit, 3u);
}

TEST_F(StreamCallerTest, TheEndComesBehindTheItems) {
  RunGenerator();
  Arrive(0);
  Hear(kWorker, Answer(1, ""));
  Take(0, Next(0));
  for (std::uint64_t n = 1; n < 3; ++n) {
    const auto end = Next(n);
    ASSERT_TRUE(end.has_value());
    EXPECT_TRUE(std::get<base::Value>(*end).refs().empty());
  }
}

TEST_F(StreamCallerTest, AnExceptionComesBehindTheItemsOnce) {
  RunGenerator();
  Arrive(0);
  Hear(kWorker, AnswerFailure(1, FailureCode::kUserException, Executed::kYes));
  Take(0, Next(0));
  EXPECT_TRUE(std::holds_alternative<base::Failure>(*Next(1)));
  EXPECT_TRUE(std::holds_alternative<base::Value>(*Next(2)));
}

TEST_F(StreamCallerTest, ADeathIsRetriedAndWhatIsHereIsSkipped) {
  const LeaseId lease = RunGenerator();
  Arrive(0);
  Lose(lease);
  const auto requests = Sent<base::RequestLease>();
  ASSERT_EQ(requests.size(), 1u);
  Hear(kRaylet, base::Attach{kOther});
  Hear(kRaylet, base::LeaseGranted{requests[0].lease, kOther, 78});
  const auto runs = Sent<base::RunTask>();
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0].attempt, 2);
  Open(kOther, 2);
  ASSERT_EQ(Sent<base::StreamCredit>().size(), 1u);
  EXPECT_EQ(Sent<base::StreamCredit>()[0].skip, 1u);
  EXPECT_EQ(Sent<base::StreamCredit>()[0].limit, 2u);
  Arrive(1, base::Bytes::Own("again"), kOther, 2);
  EXPECT_EQ(Take(0, Next(0)), Item(0));
  EXPECT_EQ(Take(1, Next(1)), Item(1, kOther, 2));
}

TEST_F(StreamCallerTest, WhenRetriesAreSpentTheErrorComesBehindTheItems) {
  const LeaseId lease = RunGenerator(/*retries_max=*/0);
  Arrive(0);
  Lose(lease);
  Take(0, Next(0));
  const auto last = Next(1);
  ASSERT_TRUE(last.has_value());
  const auto* failure = std::get_if<base::Failure>(&*last);
  ASSERT_NE(failure, nullptr);
  EXPECT_EQ(failure->code, FailureCode::kWorkerDied);
  EXPECT_EQ(failure->executed, Executed::kMaybe);
  EXPECT_EQ(failure->signal, 9);
}

TEST_F(StreamCallerTest, WhatADeadWorkerMayHaveStoredIsFreed) {
  const LeaseId lease = RunGenerator(/*retries_max=*/0);
  Arrive(0, Stored(Item(0)));
  Lose(lease);
  // Item 1 had leave; the end has no bytes anywhere, but might have.
  std::vector<ObjectId> freed;
  for (const auto& free : Sent<base::FreeObjects>()) {
    for (const auto& one : free.objects) {
      freed.push_back(one.object);
      EXPECT_TRUE(one.extent.arena.IsNil());
    }
  }
  EXPECT_EQ(freed, std::vector<ObjectId>{Item(1)});
}

TEST_F(StreamCallerTest, ADroppedStreamIsCancelledAndWhatNobodyTookIsFreed) {
  RunGenerator();
  Arrive(0, Stored(Item(0)));
  Arrive(1, Stored(Item(1)));
  const ObjectId taken = Take(0, Next(0));
  Do(DropStream{Result(1)});
  EXPECT_EQ(Sent<base::StopTask>().size(), 1u);
  auto frees = Sent<base::FreeObjects>();
  ASSERT_EQ(frees.size(), 1u);
  ASSERT_EQ(frees[0].objects.size(), 1u);
  EXPECT_EQ(frees[0].objects[0].object, Item(1));
  Do(DropObject{Result(1)});
  Hear(kWorker, base::TaskStopping{Task(1)});
  // It was on its way, and is not wanted any more.
  Arrive(2, Stored(Item(2)));
  frees = Sent<base::FreeObjects>();
  ASSERT_EQ(frees.size(), 1u);
  EXPECT_EQ(frees[0].objects[0].object, Item(2));
  EXPECT_EQ(core_.Count().streams, 1u);
  Hear(kWorker, AnswerFailure(1, FailureCode::kUserException, Executed::kYes));
  EXPECT_EQ(core_.Count().streams, 0u);
  EXPECT_EQ(core_.Count().tasks, 0u);
  EXPECT_EQ(core_.Count().objects, 1u) << "the item that was taken";
  Do(DropObject{taken});
  EXPECT_EQ(core_.Count().objects, 0u);
}

TEST_F(StreamCallerTest, WhatIsDroppedBeforeItStartsNeverStarts) {
  Submit submit = Simple(1);
  submit.items_max = 2;
  Do(std::move(submit));
  Do(DropStream{Result(1)});
  Do(DropObject{Result(1)});
  EXPECT_EQ(core_.Count().tasks, 0u);
  EXPECT_EQ(core_.Count().streams, 0u);
  EXPECT_EQ(core_.Count().objects, 0u);
}

TEST_F(StreamCallerTest, ARefusedTaskIsTheStreamsEnd) {
  Do(PeerLost{kRaylet});
  Submit submit = Simple(1);
  submit.items_max = 2;
  Do(std::move(submit));
  const auto outcome = Next(0);
  ASSERT_TRUE(outcome.has_value());
  const auto* failure = std::get_if<base::Failure>(&*outcome);
  ASSERT_NE(failure, nullptr);
  EXPECT_EQ(failure->code, FailureCode::kRayletDied);
}

TEST_F(StreamCallerTest, WhatIsNoStreamSaysSo) {
  RunFirst(Simple(1));
  Hear(kRaylet, base::Attach{kWorker});
  Open();
  ASSERT_EQ(Sent<base::StreamCredit>().size(), 1u);
  EXPECT_TRUE(Sent<base::StreamCredit>()[0].closed);
  const auto outcome = Next(0);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(std::get<base::Failure>(*outcome).code, FailureCode::kBadArgument);
}

TEST_F(StreamCallerTest, RefsInsideOfItemsAreHeldWhileTheItemIs) {
  RunGenerator();
  const base::ObjectName inner{{9, 1}, kSelf};
  Do(Put{inner.object, base::Bytes::Own("inner")});
  Arrive(0, base::Value(base::Bytes::Own("outer"), {inner}));
  Do(DropObject{inner.object});
  EXPECT_EQ(core_.Count().objects, 3u) << "the end, the item and what it names";
  const ObjectId item = Take(0, Next(0));
  EXPECT_EQ(core_.Count().objects, 3u);
  Do(DropObject{item});
  EXPECT_EQ(core_.Count().objects, 1u);
}

// Who runs it: a worker, for kOther.
class StreamHostTest : public CoreFixture {
 protected:
  StreamHostTest() : CoreFixture(base::Role::kWorker) {}

  void SetUp() override {
    CoreFixture::SetUp();
    Hear(kRaylet, base::Attach{kOther});
    base::RunTask run;
    run.task = Task(1);
    run.result = Result(1);
    run.function = kFunction;
    Hear(kOther, run);
    EXPECT_EQ(Of<Execute>().size(), 1u);
  }
};

TEST_F(StreamHostTest, ItOpensYieldsAndHearsOfItsCredit) {
  Do(StreamBegun{Task(1)});
  ASSERT_EQ(Sent<base::StreamOpened>().size(), 1u);
  EXPECT_EQ(Sent<base::StreamOpened>()[0].stream, Result(1));
  Do(Yielded{Task(1), 0, base::Bytes::Own("a")});
  ASSERT_EQ(Sent<base::StreamItem>().size(), 1u);
  EXPECT_EQ(Sent<base::StreamItem>()[0].index, 0u);
  Hear(kOther, base::StreamCredit{Task(1), 0, 7, false});
  ASSERT_EQ(Of<GiveCredit>().size(), 1u);
  EXPECT_EQ(Of<GiveCredit>()[0].credit.limit, 7u);
  Do(SetAside{Task(1), 5});
  Hear(kOther, base::StreamCredit{Task(1), 0, 9, false});
  EXPECT_EQ(Of<GiveCredit>().size(), 1u) << "also of what waits";
  Do(Yielded{Task(1), 1, base::Bytes::Own("b")});
  EXPECT_EQ(Sent<base::StreamItem>().size(), 1u);
}

TEST_F(StreamHostTest, OnlyItsCallerGivesItCreditWhileItRuns) {
  Hear(kOther, base::StreamCredit{Task(1), 0, 7, false});
  EXPECT_TRUE(Of<GiveCredit>().empty()) << "it has not begun";
  Do(StreamBegun{Task(1)});
  Hear(kWorker, base::StreamCredit{Task(1), 0, 7, false});
  EXPECT_TRUE(Of<GiveCredit>().empty());
  runtime::Executed executed;
  executed.task = Task(1);
  executed.outcome = base::Bytes();
  Do(std::move(executed));
  Hear(kOther, base::StreamCredit{Task(1), 0, 7, false});
  EXPECT_TRUE(Of<GiveCredit>().empty());
}

TEST_F(StreamHostTest, TheStoreHearsOfAnItemBeforeItsCaller) {
  Do(StreamBegun{Task(1)});
  const base::ObjectName name{base::ItemId(Result(1), kSelf, 1, 0), kOther};
  Do(Yielded{Task(1), 0, base::Value::Stored(name, {{8, 8}, 64, 5'000, 1})});
  ASSERT_EQ(Sent<base::ObjectStored>().size(), 1u);
  EXPECT_EQ(Sent<base::ObjectStored>()[0].object, name);
  EXPECT_EQ(Sent<base::StreamItem>().size(), 1u);
}

TEST_F(StreamHostTest, ItIsStoppedWhenItsCallerIsGone) {
  Do(StreamBegun{Task(1)});
  Do(PeerLost{kOther});
  EXPECT_EQ(Of<StopExecution>().size(), 1u);
  Do(Yielded{Task(1), 0, base::Bytes::Own("a")});
  EXPECT_TRUE(Sent<base::StreamItem>().empty());
}

TEST_F(StreamHostTest, AlsoWhenThatWasSoBeforeItBegan) {
  Do(PeerLost{kOther});
  EXPECT_TRUE(Of<StopExecution>().empty()) << "a plain task runs to its end";
  Do(StreamBegun{Task(1)});
  EXPECT_EQ(Of<StopExecution>().size(), 1u);
  EXPECT_TRUE(Sent<base::StreamOpened>().empty());
}

}  // namespace
}  // namespace mobula::runtime
