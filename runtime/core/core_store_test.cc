// What a core says to the node's store: what it stored, and what is free.
#include <gtest/gtest.h>

#include <cstdint>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/frames/message.h"
#include "base/frames/object_message.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/core/testing/core_fixture.h"

namespace mobula::runtime {
namespace {

using base::Extent;
using base::FreedObject;
using base::ObjectId;
using base::ObjectName;
using base::Value;

constexpr base::ArenaId kArena{4, 4};

Extent Place(std::uint64_t n) { return {kArena, n * 64, 10'000, 1}; }

class CoreStoreTest : public CoreFixture {
 protected:
  static Value Stored(std::uint64_t n, std::uint64_t place) {
    return Value::Stored({Result(n), kSelf}, Place(place));
  }
  static base::TaskDone AnswerStored(std::uint64_t n, std::uint64_t place,
                                     std::int32_t attempt = 1) {
    base::TaskDone done = Answer(n, "", attempt);
    done.outcome = Stored(n, place);
    return done;
  }
  // All that was freed last.
  [[nodiscard]] std::vector<FreedObject> Freed() const {
    std::vector<FreedObject> freed;
    for (const auto& free : Sent<base::FreeObjects>()) {
      freed.insert(freed.end(), free.objects.begin(), free.objects.end());
    }
    return freed;
  }
  void ExpectFreed(ObjectId object, const Extent& extent) {
    const auto freed = Freed();
    ASSERT_EQ(freed.size(), 1u);
    EXPECT_EQ(freed[0].object, object);
    EXPECT_EQ(freed[0].extent, extent);
  }
};

TEST_F(CoreStoreTest, APutIsRegisteredAndFreedWithItsLastReference) {
  Do(Put{Result(1), Stored(1, 5)});
  const auto stored = Sent<base::ObjectStored>();
  ASSERT_EQ(stored.size(), 1u);
  EXPECT_EQ(stored[0].object, (ObjectName{Result(1), kSelf}));
  EXPECT_EQ(stored[0].extent, Place(5));
  Do(HoldObject{{Result(1), kSelf}});
  Do(DropObject{Result(1)});
  EXPECT_TRUE(Freed().empty());
  Do(DropObject{Result(1)});
  ExpectFreed(Result(1), Place(5));
  EXPECT_EQ(core_.Count().objects, 0u);
}

TEST_F(CoreStoreTest, AnInlineValueIsNoAffairOfTheStore) {
  Do(Put{Result(1), base::Bytes::Own("small")});
  EXPECT_TRUE(Sent<base::ObjectStored>().empty());
  Do(DropObject{Result(1)});
  EXPECT_TRUE(Freed().empty());
}

TEST_F(CoreStoreTest, AResultIsNamedInItsTaskAndPassedOnAsItIs) {
  RunFirst(Simple(1));
  ASSERT_EQ(Sent<base::RunTask>().size(), 1u);
  EXPECT_EQ(Sent<base::RunTask>()[0].result, Result(1));
  Hear(kWorker, AnswerStored(1, 5));
  EXPECT_TRUE(Sent<base::ObjectStored>().empty());  // the worker says so
  Submit second = Simple(2);
  second.args = {{Result(1), {}}};
  Do(second);
  const auto runs = Sent<base::RunTask>();
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0].args.at(0), Stored(1, 5));
}

TEST_F(CoreStoreTest, AResultThatNobodyWaitsForIsFreedWhenItComes) {
  RunFirst(Simple(1));
  Do(DropObject{Result(1)});
  EXPECT_TRUE(Freed().empty());
  Hear(kWorker, AnswerStored(1, 5));
  ExpectFreed(Result(1), Place(5));
  Hear(kWorker, AnswerStored(1, 6));  // of no task in flight
  ExpectFreed(Result(1), Place(6));
}

TEST_F(CoreStoreTest, WhatADeadWorkerMayHaveStoredIsFreedToo) {
  const base::LeaseId lease = RunFirst(Simple(1));
  Do(PeerLost{kWorker});
  Hear(kRaylet, base::LeaseLost{lease, kWorker, Death()});
  EXPECT_TRUE(Freed().empty());  // its object still lives
  const auto requests = Sent<base::RequestLease>();
  ASSERT_EQ(requests.size(), 1u);
  Hear(kRaylet, base::LeaseGranted{requests[0].lease, kOther, 78});
  Hear(kOther, AnswerStored(1, 7, 2));
  Do(DropObject{Result(1)});
  const auto freed = Freed();
  ASSERT_EQ(freed.size(), 2u);
  EXPECT_EQ(freed[0].extent, Place(7));
  EXPECT_EQ(freed[1].object, Result(1));
  EXPECT_TRUE(freed[1].extent.arena.IsNil());
}

TEST_F(CoreStoreTest, OfAForgottenResultADeadWorkersValueIsFreedAtOnce) {
  const base::LeaseId lease = RunFirst(Simple(1));
  Do(DropObject{Result(1)});
  Do(PeerLost{kWorker});
  Hear(kRaylet, base::LeaseLost{lease, kWorker, Death()});
  ExpectFreed(Result(1), Extent());
}

class CoreStoreHostTest : public CoreFixture {
 protected:
  CoreStoreHostTest() : CoreFixture(base::Role::kWorker) {}
};

TEST_F(CoreStoreHostTest, AWorkerStoresAResultUnderItsOwnersName) {
  base::RunTask run;
  run.task = Task(1);
  run.result = Result(1);
  run.function = kFunction;
  Hear(kOther, run);
  const auto executes = Of<Execute>();
  ASSERT_EQ(executes.size(), 1u);
  EXPECT_EQ(executes[0].result, Result(1));
  EXPECT_EQ(executes[0].owner, kOther);
  const Value value = Value::Stored({Result(1), kOther}, Place(5));
  Executed executed;
  executed.task = Task(1);
  executed.outcome = value;
  Do(executed);
  const auto stored = Sent<base::ObjectStored>();
  ASSERT_EQ(stored.size(), 1u);
  EXPECT_EQ(stored[0].object, (ObjectName{Result(1), kOther}));
  const auto done = Sent<base::TaskDone>();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(std::get<Value>(done[0].outcome), value);
}

}  // namespace
}  // namespace mobula::runtime
