#include "runtime/process/object_waits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/threads/outcome_watch.h"
#include "base/value.h"

namespace mobula::runtime {
namespace {

using base::BootTime;
using base::Bytes;
using base::ObjectId;
using std::chrono::milliseconds;

constexpr BootTime kPast;

ObjectId Object(std::uint64_t n) { return ObjectId{1, n}; }
base::Outcome Text(std::string text) { return Bytes::Own(std::move(text)); }
std::string TextOf(const std::optional<ObjectWaits::Settled>& settled) {
  if (!settled) return "(nothing)";
  const auto* bytes = std::get_if<base::Value>(&settled->outcome);
  return bytes == nullptr ? "(failure)" : std::string(bytes->view());
}

// A core that answers at once, on the asking thread.
struct InstantCore {
  std::set<ObjectId> has;
  std::vector<ObjectId> asked;
  ObjectWaits waits{[this](ObjectId object) {
    asked.push_back(object);
    if (has.contains(object)) waits.Settle(object, Text("value"), 3);
    waits.Looked(object);
  }};
};

TEST(ObjectWaits, AsksOnceAndKeepsTheAnswerUntilDropped) {
  InstantCore core;
  core.has = {Object(1)};
  for (int i = 0; i < 3; ++i) {
    const auto settled = core.waits.Await(Object(1), BootTime::Never(), {});
    EXPECT_EQ(TextOf(settled), "value");
    EXPECT_EQ(settled->incarnation, 3);
  }
  EXPECT_EQ(core.asked.size(), 1u);
  core.waits.Drop(Object(1));
  EXPECT_EQ(core.waits.size(), 0u);
  EXPECT_EQ(TextOf(core.waits.Await(Object(1), BootTime::Never(), {})),
            "value");
  EXPECT_EQ(core.asked.size(), 2u);
}

TEST(ObjectWaits, WhatIsKnownIsNotAskedFor) {
  InstantCore core;
  core.waits.Know(Object(1), Text("put"));
  EXPECT_EQ(TextOf(core.waits.Await(Object(1), kPast, {})), "put");
  const std::vector<ObjectId> objects = {Object(1)};
  EXPECT_EQ(core.waits.AwaitSome(objects, 1, BootTime::Never(), {}),
            std::vector<bool>{true});
  EXPECT_TRUE(core.asked.empty());
  core.waits.Drop(Object(1));
  EXPECT_EQ(core.waits.size(), 0u);
}

TEST(ObjectWaits, WhatWasMadeAgainTakesThePlaceOfWhatWasLost) {
  InstantCore core;
  core.has = {Object(1)};
  EXPECT_EQ(TextOf(core.waits.Await(Object(1), kPast, {})), "value");
  core.waits.Settle(Object(1), Text("made again"), 0);
  EXPECT_EQ(TextOf(core.waits.Await(Object(1), kPast, {})), "made again");
  EXPECT_EQ(core.asked.size(), 1u);
}

TEST(ObjectWaits, LookDoesNotWaitForTheOutcome) {
  InstantCore core;
  EXPECT_EQ(TextOf(core.waits.Await(Object(1), kPast, {})), "(nothing)");
  EXPECT_EQ(TextOf(core.waits.Await(Object(1), kPast, {})), "(nothing)");
  EXPECT_EQ(core.asked.size(), 1u);
  core.waits.Settle(Object(1), Text("late"), 0);
  EXPECT_EQ(TextOf(core.waits.Await(Object(1), kPast, {})), "late");
}

TEST(ObjectWaits, LookSeesWhatTheStrandAnswersLater) {
  std::thread strand;
  ObjectWaits* waits = nullptr;
  ObjectWaits table([&](ObjectId object) {
    strand = std::thread([&waits, object] {
      waits->Settle(object, Text("there"), 0);
      waits->Looked(object);
    });
  });
  waits = &table;
  EXPECT_EQ(TextOf(table.Await(Object(1), kPast, {})), "there");
  strand.join();
}

TEST(ObjectWaits, DeadlineEndsAWait) {
  InstantCore core;
  const BootTime deadline = base::BootNow() + milliseconds(3);
  EXPECT_EQ(TextOf(core.waits.Await(Object(1), deadline, {})), "(nothing)");
  EXPECT_GE(base::BootNow(), deadline);
  core.waits.Settle(Object(1), Text("late"), 0);  // nobody is waiting any more
  EXPECT_EQ(TextOf(core.waits.Await(Object(1), BootTime::Never(), {})), "late");
}

TEST(ObjectWaits, SomeOfMany) {
  InstantCore core;
  core.has = {Object(2), Object(4)};
  const std::vector<ObjectId> objects = {Object(1), Object(2), Object(3),
                                         Object(4)};
  EXPECT_EQ(core.waits.AwaitSome(objects, 2, BootTime::Never(), {}),
            (std::vector<bool>{false, true, false, true}));
  EXPECT_EQ(core.waits.AwaitSome(objects, 4, kPast, {}),
            (std::vector<bool>{false, true, false, true}));
  std::thread strand([&core] {
    core.waits.Settle(Object(3), Text("c"), 0);
    core.waits.Settle(Object(1), Text("a"), 0);
  });
  EXPECT_EQ(core.waits.AwaitSome(objects, 99, BootTime::Never(), {}),
            (std::vector<bool>{true, true, true, true}));
  strand.join();
  EXPECT_TRUE(core.waits.AwaitSome({}, 0, BootTime::Never(), {}).empty());
}

TEST(ObjectWaits, TheSameObjectTwiceCountsTwice) {
  InstantCore core;
  core.has = {Object(1)};
  const std::vector<ObjectId> twice = {Object(1), Object(1)};
  EXPECT_EQ(core.waits.AwaitSome(twice, 2, BootTime::Never(), {}),
            (std::vector<bool>{true, true}));
}

TEST(ObjectWaits, CloseReleasesWaitersAndAnswersTheRest) {
  InstantCore core;
  core.has = {Object(1)};
  EXPECT_EQ(TextOf(core.waits.Await(Object(1), BootTime::Never(), {})),
            "value");
  std::thread closer([&core] {
    base::Failure failure;
    failure.code = base::FailureCode::kShutdown;
    core.waits.Close(failure);
  });
  EXPECT_EQ(TextOf(core.waits.Await(Object(2), BootTime::Never(), {})),
            "(failure)");
  closer.join();
  EXPECT_EQ(TextOf(core.waits.Await(Object(3), BootTime::Never(), {})),
            "(failure)");
  EXPECT_EQ(TextOf(core.waits.Await(Object(1), BootTime::Never(), {})),
            "value");
}

// Another handle of the same object goes while a thread waits with its own.
TEST(ObjectWaits, WhoWaitsIsNotDisturbedByADrop) {
  std::atomic<bool> asked{false};
  ObjectWaits waits([&asked](ObjectId) { asked = true; });
  std::thread waiter([&waits] {
    EXPECT_EQ(TextOf(waits.Await(Object(1), BootTime::Never(), {})), "value");
  });
  while (!asked) std::this_thread::yield();
  waits.Drop(Object(1));
  waits.Settle(Object(1), Text("value"), 0);
  waits.Drop(Object(1));
  waiter.join();
  EXPECT_EQ(waits.size(), 0u);
}

TEST(ObjectWaits, WhatWasDroppedIsAskedForAnewByAnotherHandle) {
  InstantCore core;
  EXPECT_EQ(TextOf(core.waits.Await(Object(1), kPast, {})), "(nothing)");
  core.waits.Drop(Object(1));
  core.waits.Settle(Object(1), Text("to nobody"), 0);
  core.has = {Object(1)};
  EXPECT_EQ(TextOf(core.waits.Await(Object(1), BootTime::Never(), {})),
            "value");
  EXPECT_EQ(core.asked.size(), 2u);
}

// Get of many: one question for each, and one look-up for each call that names
// it, however many there are.
TEST(ObjectWaits, ManyCostNoMoreThanOneAfterTheOther) {
  constexpr std::uint64_t kCount = 10'000;
  InstantCore core;
  std::vector<ObjectId> objects;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    objects.push_back(Object(i));
    core.has.insert(Object(i));
  }
  core.waits.AwaitSome(objects, 0, BootTime::Never(), {});
  EXPECT_EQ(core.asked.size(), kCount);
  EXPECT_EQ(core.waits.lookups(), kCount);
  for (const ObjectId object : objects) {
    EXPECT_EQ(TextOf(core.waits.Await(object, BootTime::Never(), {})), "value");
  }
  EXPECT_EQ(core.asked.size(), kCount);
  EXPECT_EQ(core.waits.lookups(), 2 * kCount);
}

// Wait over many while they are settled one by one: each wakes the waiter once
// at most, and none is looked at again.
TEST(ObjectWaits, AWaitForAllLooksAtEachOnce) {
  constexpr std::uint64_t kCount = 10'000;
  std::atomic<std::uint64_t> asked{0};
  ObjectWaits waits([&asked](ObjectId) { ++asked; });
  std::vector<ObjectId> objects;
  for (std::uint64_t i = 0; i < kCount; ++i) objects.push_back(Object(i));
  std::thread waiter([&] {
    EXPECT_EQ(waits.AwaitSome(objects, kCount, BootTime::Never(), {}),
              std::vector<bool>(kCount, true));
  });
  while (asked < kCount) std::this_thread::yield();
  for (const ObjectId object : objects) waits.Settle(object, Text("x"), 0);
  waiter.join();
  EXPECT_EQ(waits.lookups(), kCount);
}

TEST(ObjectWaits, BlockedIsToldOnceAndTakenBack) {
  ObjectWaits* waits = nullptr;
  std::vector<bool> told;
  ObjectWaits table([](ObjectId) {});
  waits = &table;
  const auto blocked = [&](bool is_blocked) {
    told.push_back(is_blocked);
    if (is_blocked) waits->Settle(Object(1), Text("at last"), 0);
  };
  EXPECT_EQ(TextOf(table.Await(Object(1), BootTime::Never(), blocked)),
            "at last");
  EXPECT_EQ(told, (std::vector<bool>{true, false}));
  EXPECT_EQ(TextOf(table.Await(Object(1), BootTime::Never(), blocked)),
            "at last");
  EXPECT_EQ(told.size(), 2u);
}

// Every object is settled once by one thread while others wait for random sets
// of them with and without deadlines: every wait ends, and no outcome is lost.
TEST(ObjectWaits, ManyWaitersAgainstOneStrand) {
  constexpr std::uint64_t kObjects = 2000;
  constexpr int kThreads = 4;
  std::mutex mutex;
  std::vector<ObjectId> questions;
  ObjectWaits waits([&](ObjectId object) {
    const std::lock_guard lock(mutex);
    questions.push_back(object);
  });
  std::atomic<int> running{kThreads};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&waits, &running, thread] {
      std::mt19937 random(static_cast<unsigned>(thread));
      for (int i = 0; i < 400; ++i) {
        std::vector<ObjectId> some;
        for (int n = 0; n < 5; ++n) some.push_back(Object(random() % kObjects));
        const bool hurried = i % 4 == 0;
        const auto is = waits.AwaitSome(
            some, 1 + random() % 5, hurried ? kPast : BootTime::Never(), {});
        if (!hurried) {
          EXPECT_NE(std::count(is.begin(), is.end(), true), 0);
        }
        EXPECT_EQ(TextOf(waits.Await(some[0], BootTime::Never(), {})),
                  std::to_string(some[0].lo));
      }
      --running;
    });
  }
  std::vector<ObjectId> batch;
  while (running > 0) {
    {
      const std::lock_guard lock(mutex);
      batch.swap(questions);
    }
    for (const ObjectId object : batch) {
      waits.Looked(object);
      waits.Settle(object, Text(std::to_string(object.lo)), 0);
    }
    batch.clear();
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(waits.size(), kObjects);
}

// ---- watches ----------------------------------------------------------------

struct Watcher : base::OutcomeWatch {
  Watcher() {
    ready = [](base::OutcomeWatch* watch) noexcept {
      ++static_cast<Watcher*>(watch)->times;
    };
  }
  std::string Text() const {
    const auto* value = outcome ? std::get_if<base::Value>(&*outcome) : nullptr;
    return value == nullptr ? "(none)" : std::string(value->view());
  }
  int times = 0;
};
using WatchState = base::OutcomeWatch::State;

TEST(ObjectWaits, AWatchIsReadyOnceWithTheOutcome) {
  InstantCore core;
  Watcher first;
  Watcher second;
  EXPECT_FALSE(core.waits.StartWatch(Object(1), &first, /*join=*/false));
  EXPECT_TRUE(core.asked.empty());
  EXPECT_FALSE(core.waits.StartWatch(Object(1), &first, /*join=*/true));
  EXPECT_FALSE(core.waits.StartWatch(Object(1), &second, /*join=*/true));
  EXPECT_EQ(core.asked.size(), 1u);
  core.waits.Drop(Object(1));  // of another handle: they go on waiting
  core.waits.Settle(Object(1), Text("late"), 0);
  EXPECT_EQ(first.times + second.times, 2);
  EXPECT_EQ(first.Text(), "late");
  EXPECT_EQ(second.Text(), "late");
  EXPECT_EQ(core.waits.StopWatch(Object(1), &first), WatchState::kReady);
  EXPECT_EQ(core.waits.size(), 0u);
}

TEST(ObjectWaits, AWatchOfWhatIsThereDoesNotWait) {
  InstantCore core;
  core.waits.Know(Object(1), Text("put"));
  Watcher watch;
  EXPECT_TRUE(core.waits.StartWatch(Object(1), &watch, /*join=*/true));
  EXPECT_EQ(watch.Text(), "put");
  EXPECT_EQ(watch.times, 0);
}

TEST(ObjectWaits, AWatchThatIsGivenUpIsNeverReady) {
  InstantCore core;
  Watcher before;
  EXPECT_EQ(core.waits.StopWatch(Object(1), &before), WatchState::kIdle);
  EXPECT_TRUE(core.waits.StartWatch(Object(1), &before, /*join=*/true));
  EXPECT_EQ(before.Text(), "(none)");
  Watcher after;
  EXPECT_FALSE(core.waits.StartWatch(Object(1), &after, /*join=*/true));
  EXPECT_EQ(core.waits.StopWatch(Object(1), &after), WatchState::kWaiting);
  EXPECT_EQ(core.waits.StopWatch(Object(1), &after), WatchState::kGivenUp);
  core.waits.Settle(Object(1), Text("late"), 0);
  EXPECT_EQ(before.times + after.times, 0);
  core.waits.Drop(Object(1));
  EXPECT_EQ(core.waits.size(), 0u);
}

TEST(ObjectWaits, CloseMakesWatchesReady) {
  InstantCore core;
  Watcher waiting;
  Watcher late;
  EXPECT_FALSE(core.waits.StartWatch(Object(1), &waiting, /*join=*/true));
  core.waits.Close(
      base::NotRun(base::FailureCode::kShutdown, "the runtime has ended"));
  EXPECT_EQ(waiting.times, 1);
  EXPECT_TRUE(core.waits.StartWatch(Object(2), &late, /*join=*/true));
  for (const Watcher* const watch : {&waiting, &late}) {
    ASSERT_TRUE(watch->outcome.has_value());
    EXPECT_TRUE(std::holds_alternative<base::Failure>(*watch->outcome));
  }
}

}  // namespace
}  // namespace mobula::runtime
