#include "runtime/executor/slot_thread.h"

#include <gtest/gtest.h>
#include <stdio_ext.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/scheduling/resource_vector.h"
#include "base/shm/worker_page.h"
#include "runtime/core/events.h"
#include "runtime/executor/current.h"
#include "runtime/executor/testing/slot_functions.h"
#include "runtime/executor/testing/slot_runs.h"

namespace mobula::runtime::slot_testing {
namespace {

using base::Bytes;
using base::FailureCode;

TEST(SlotThread, RunsInOrderAndReportsEachOnce) {
  std::vector<Execute> works;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    works.push_back(Work(i, kEcho));
    works.back().args = {Bytes::Own(std::to_string(i))};
  }
  const std::vector<Executed> done = RunAll(works);
  ASSERT_EQ(done.size(), 1000u);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(done[i].task.lo, i);
    EXPECT_EQ(Value(done[i]), std::to_string(i));
    EXPECT_GE(done[i].run_ns, 0);
  }
}

TEST(SlotThread, UnknownFunctionIsAFailureThatDidNotRun) {
  const std::vector<Executed> done = RunAll({Work(1, kUnknown)});
  EXPECT_EQ(Fails(done[0]).code, FailureCode::kNoSuchFunction);
  EXPECT_EQ(Fails(done[0]).executed, base::Executed::kNo);
}

TEST(SlotThread, WhatIsStoppedBeforeItsTurnIsNotRun) {
  std::vector<Executed> done;
  SlotThread* running = nullptr;
  SlotThread slot(SlotFunctions(), nullptr, {.done = [&](Executed executed) {
                    done.push_back(std::move(executed));
                    if (done.size() == 2) running->Stop();
                  }});
  running = &slot;
  for (std::uint64_t n = 1; n <= 2; ++n) {
    Execute work = Work(n, kEcho);
    work.args = {Bytes::Own("ran")};
    slot.Push(std::move(work));
  }
  slot.StopRun({7, 1});
  slot.Run();
  EXPECT_EQ(Fails(done[0]).code, FailureCode::kCancelled);
  EXPECT_EQ(Fails(done[0]).executed, base::Executed::kNo);
  EXPECT_EQ(Value(done[1]), "ran");
}

TEST(SlotThread, FailureSaysWhereItHappened) {
  Execute work = Work(1, kThrows);
  work.attempt = 3;
  const std::vector<Executed> done = RunAll({work});
  EXPECT_EQ(Fails(done[0]).function, "Throws");
  EXPECT_EQ(Fails(done[0]).node, "here");
  EXPECT_EQ(Fails(done[0]).pid, static_cast<int>(::getpid()));
  EXPECT_EQ(Fails(done[0]).attempt, 3);
  EXPECT_EQ(Fails(done[0]).executed, base::Executed::kYes);
}

TEST(SlotThread, ActorKeepsItsStateAndIsDestroyedAtTheEnd) {
  Story().clear();
  const std::vector<Executed> done =
      RunAll({ActorWork(1, kConstruct), ActorWork(2, kIncrement),
              ActorWork(3, kIncrement)});
  EXPECT_EQ(Value(done[2]), "2");
  EXPECT_EQ(Story(), (std::vector<std::string>{"done 1", "done 2", "done 3",
                                               "destroyed 2"}));
}

TEST(SlotThread, ExitActorDestroysBeforeItIsReported) {
  Story().clear();
  const std::vector<Executed> done =
      RunAll({ActorWork(1, kConstruct), ActorWork(2, kLeave),
              ActorWork(3, kIncrement)});
  // What stood behind it is turned away first.
  EXPECT_TRUE(done[1].never_began);
  EXPECT_EQ(Fails(done[1]).code, FailureCode::kActorDied);
  EXPECT_TRUE(done[2].exit_actor);
  EXPECT_EQ(Story(), (std::vector<std::string>{"done 1", "done 3",
                                               "destroyed 0", "done 2"}));
}

TEST(SlotThread, WhatAnOutcomeMentionsStaysUntilItIsReported) {
  Story().clear();
  RunAll({Work(1, kMention), Work(2, kTellCurrent)});
  EXPECT_EQ(Story(),
            (std::vector<std::string>{"done 1", "destroyed 0", "done 2"}));
}

TEST(SlotThread, MethodOfAnAbsentActorFails) {
  const std::vector<Executed> done = RunAll({ActorWork(1, kIncrement)});
  EXPECT_EQ(Fails(done[0]).code, FailureCode::kActorDied);
  EXPECT_EQ(Fails(done[0]).executed, base::Executed::kNo);
}

TEST(SlotThread, CurrentIsSetInsideAndNullOutside) {
  EXPECT_EQ(Current(), nullptr);
  Execute work = Work(1, kTellCurrent);
  work.attempt = 4;
  EXPECT_EQ(Value(RunAll({work})[0]), "TellCurrent 4 0");
  EXPECT_EQ(Current(), nullptr);
}

std::shared_ptr<const base::Assigned> Given(const std::string& name,
                                            double cpus) {
  return std::make_shared<const base::Assigned>(
      base::Assigned{name, base::ResourceVector::Cpus(cpus)});
}

TEST(SlotThread, WhatAnActorHasIsKnownInItsMethodsAndDestructor) {
  Story().clear();
  Execute construct = ActorWork(1, kConstructAsker);
  construct.assigned = Given("index", 0.5);
  Execute task = Work(4, kTellAssigned);
  task.assigned = Given("mine", 2);
  const std::vector<Executed> done =
      RunAll({construct, ActorWork(2, kTellAssigned), ActorWork(3, kLeave),
              task, Work(5, kTellAssigned)});
  EXPECT_EQ(Value(done[1]), "index {cpu: 0.5}");
  EXPECT_EQ(Value(done[3]), "mine {cpu: 2}");
  EXPECT_EQ(Value(done[4]), "nothing");
  EXPECT_EQ(Story().at(2), "ended as index {cpu: 0.5}");
}

TEST(SlotThread, WhatIsCalledByANameFailsUnderIt) {
  Execute work = Work(1, kThrows);
  work.called = "test.throws";
  EXPECT_EQ(Fails(RunAll({work})[0]).function, "test.throws");
  work.assigned = Given("mine", 1);
  EXPECT_EQ(Fails(RunAll({work})[0]).function, "mine");
}

TEST(SlotThread, WhatCannotBeRunWhereItIsAskedForIsRefused) {
  Execute named = Work(1, kUnknown);
  named.called = "shop.add";
  Execute method = Work(2, kOtherMethod);  // as a task
  const std::vector<Executed> done = RunAll(
      {named, method, ActorWork(3, kConstruct), ActorWork(4, kOtherMethod)});
  EXPECT_EQ(Fails(done[0]).code, FailureCode::kNoSuchFunction);
  EXPECT_EQ(Fails(done[0]).function, "shop.add");
  EXPECT_NE(Fails(done[0]).message.find("\"shop.add\""), std::string::npos);
  for (const int i : {1, 3}) {
    EXPECT_EQ(Fails(done[i]).code, FailureCode::kNoSuchFunction);
    EXPECT_EQ(Fails(done[i]).executed, base::Executed::kNo);
  }
}

TEST(SlotThread, OutputIsFlushedBeforeTheReport) {
  ::testing::internal::CaptureStdout();
  std::size_t pending = 1;
  SlotThread* running = nullptr;
  SlotThread slot(SlotFunctions(), nullptr, {.done = [&](Executed) {
                    pending = ::__fpending(stdout);
                    running->Stop();
                  }});
  running = &slot;
  slot.Push(Work(1, kPrint));
  slot.Run();
  EXPECT_EQ(pending, 0u);
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "buffered");
}

TEST(SlotThread, PageNamesWhatRuns) {
  auto page = std::make_unique<base::WorkerPage>();
  SlotThread* running = nullptr;
  std::vector<std::string> names;
  SlotThread slot(SlotFunctions(), page.get(), {.done = [&](Executed) {
                    names.push_back(page->Running());
                    if (names.size() == 3) running->Stop();
                  }});
  running = &slot;
  for (std::uint64_t function : {kTellCurrent, kTellCurrent, kThrows})
    slot.Push(Work(1, function));
  slot.Run();
  EXPECT_EQ(names,
            (std::vector<std::string>{"TellCurrent", "TellCurrent", "Throws"}));
}

TEST(SlotThread, NothingRunsWhileItWaits) {
  auto page = std::make_unique<base::WorkerPage>();
  SlotThread slot(SlotFunctions(), page.get(), {.done = [](Executed) {}});
  std::thread runner([&slot] { slot.Run(); });
  for (int i = 0; i < 2; ++i) {
    slot.Push(Work(1, kTellCurrent));
    while (page->Last().empty() || !page->Running().empty()) {
      std::this_thread::yield();
    }
    EXPECT_EQ(page->Last(), "TellCurrent");
  }
  slot.Stop();
  runner.join();
}

TEST(SlotThread, ManyPushersAgainstOneSlot) {
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  std::atomic<int> done{0};
  SlotThread* running = nullptr;
  SlotThread slot(SlotFunctions(), nullptr, {.done = [&](Executed) {
                    if (++done == kThreads * kEach) running->Stop();
                  }});
  running = &slot;
  std::vector<std::thread> pushers;
  for (int i = 0; i < kThreads; ++i) {
    pushers.emplace_back([&slot] {
      for (std::uint64_t n = 0; n < kEach; ++n)
        slot.Push(Work(n, kTellCurrent));
    });
  }
  slot.Run();
  for (std::thread& pusher : pushers) pusher.join();
  EXPECT_EQ(done.load(), kThreads * kEach);
}

TEST(SlotThread, StopDropsWhatHasNotStarted) {
  int done = 0;
  SlotThread* running = nullptr;
  SlotThread slot(SlotFunctions(), nullptr, {.done = [&](Executed) {
                    ++done;
                    running->Stop();
                  }});
  running = &slot;
  for (std::uint64_t n = 0; n < 10; ++n) slot.Push(Work(n, kTellCurrent));
  slot.Run();
  EXPECT_EQ(done, 1);
}

}  // namespace
}  // namespace mobula::runtime::slot_testing
