// The coroutines and generators in a slot: who goes on when one waits, how they
// are stopped.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/ids.h"
#include "runtime/core/events.h"
#include "runtime/executor/current.h"
#include "runtime/executor/slot_thread.h"
#include "runtime/executor/testing/slot_functions.h"
#include "runtime/executor/testing/slot_runs.h"

namespace mobula::runtime::slot_testing {
namespace {

using base::Bytes;
using base::FailureCode;

TEST(SlotThread, ACoroutineThatWaitsLetsOthersRun) {
  Story().clear();
  const std::vector<Executed> done = RunInTurn(
      {Pausing(1), Pausing(2, "at once"), Pausing(3), Work(4, kLetGo)});
  ASSERT_EQ(done.size(), 4u);
  EXPECT_EQ(Story(), (std::vector<std::string>{"aside 1", "done 2", "aside 3",
                                               "done 4", "done 1", "done 3"}));
  EXPECT_EQ(Value(done[0]), "went on Pause");
  EXPECT_EQ(Value(done[2]), "went on Pause");
  EXPECT_EQ(Current(), nullptr);
}

TEST(SlotThread, LendsItsCpuWhileAllThatHasBegunWaits) {
  std::vector<bool> lent;
  const std::vector<Executed> done = RunInTurn({Pausing(1), Pausing(2)}, &lent);
  EXPECT_EQ(done.size(), 2u);
  EXPECT_EQ(lent, (std::vector<bool>{true, false}));
}

Execute Holding(Execute work) {
  work.args = {Bytes::Own("")};
  return work;
}

TEST(SlotThread, WhatHoldsItsSlotIsNotSetAsideAndLendsTheCpu) {
  Story().clear();
  std::vector<bool> lent;
  const std::vector<Executed> done =
      RunInTurn({Holding(Work(1, kHeldPause)), Pausing(2, "at once")}, &lent);
  EXPECT_EQ(done.size(), 2u);
  EXPECT_EQ(Story(), (std::vector<std::string>{"done 1", "done 2"}));
  EXPECT_EQ(lent, (std::vector<bool>{true, false}));
}

TEST(SlotThread, AnActorsSlotIsNotHeld) {
  Story().clear();
  const std::vector<Executed> done =
      RunInTurn({ActorWork(1, kConstruct), Holding(ActorWork(2, kHeldPause)),
                 ActorWork(3, kLetGo)});
  EXPECT_EQ(done.size(), 3u);
  EXPECT_EQ(Story(), (std::vector<std::string>{"done 1", "aside 2", "done 3",
                                               "done 2", "destroyed 0"}));
}

TEST(SlotThread, StopEndsWhatHoldsItsSlot) {
  std::vector<Executed> done;
  SlotThread* running = nullptr;
  SlotThread slot(
      SlotFunctions(), nullptr,
      {.done = [&](Executed executed) { done.push_back(std::move(executed)); },
       .aside = [](SetAside) { ADD_FAILURE() << "it holds its slot"; },
       .lend =
           [&](bool blocked) {
             if (blocked) running->Stop();
           }});
  running = &slot;
  slot.Push(Holding(Work(1, kHeldPause)));
  slot.Run();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(Fails(done[0]).message, "stopped");
  ForgetPauses();
}

TEST(SlotThread, AGeneratorYieldsAsFarAsItHasCredit) {
  const base::ProcessId self{1, 3};
  std::vector<std::string> story;
  SlotThread* running = nullptr;
  SlotThread slot(
      SlotFunctions(), nullptr,
      {.done =
           [&](Executed executed) {
             story.push_back("done " + std::to_string(executed.task.lo));
             running->Stop();
           },
       .aside =
           [&](SetAside aside) {
             story.emplace_back("aside");
             running->Grant({base::TaskId{7, 9}, 0, 9, false});
             running->Grant({aside.task, 0, 3, false});
           },
       .streams = {self,
                   [&](StreamBegun begun) {
                     story.push_back("begun " + std::to_string(begun.task.lo));
                   },
                   [&](Yielded yielded) {
                     story.push_back(std::string(yielded.value.view()));
                   }}});
  running = &slot;
  slot.Push(Work(5, kYield));
  slot.Run();
  EXPECT_EQ(story, (std::vector<std::string>{"begun 5", "0", "aside", "1", "2",
                                             "done 5"}));
  running->Grant({base::TaskId{7, 5}, 0, 9, false});  // it has ended
}

TEST(SlotThread, StopEndsWhatWaits) {
  std::vector<Executed> done;
  SlotThread* running = nullptr;
  SlotThread slot(
      SlotFunctions(), nullptr,
      {.done = [&](Executed executed) { done.push_back(std::move(executed)); },
       .aside = [&](SetAside) { running->Stop(); }});
  running = &slot;
  slot.Push(Pausing(1));
  slot.Run();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(Fails(done[0]).message, "stopped");
  ForgetPauses();
}

TEST(SlotThread, OneIsStoppedByItsTask) {
  std::vector<Executed> done;
  SlotThread* running = nullptr;
  SlotThread slot(SlotFunctions(), nullptr,
                  {.done =
                       [&](Executed executed) {
                         done.push_back(std::move(executed));
                         running->Stop();
                       },
                   .aside =
                       [&](SetAside aside) {
                         if (aside.task.lo == 2) running->StopRun({7, 1});
                       }});
  running = &slot;
  slot.Push(Pausing(1));
  slot.Push(Pausing(2));
  slot.StopRun({7, 9});
  slot.Run();
  ASSERT_EQ(done.size(), 2u);
  EXPECT_EQ(done[0].task.lo, 1u);
  ForgetPauses();
}

TEST(SlotThread, AnActorThatExitsStopsItsOtherCoroutinesFirst) {
  Story().clear();
  Execute waits = ActorWork(2, kPause);
  waits.args = {Bytes::Own("")};
  Execute leaves = ActorWork(3, kPause);
  leaves.args = {Bytes::Own("leave")};
  // Only the last one is let go.
  const std::vector<Executed> done = RunInTurn(
      {ActorWork(1, kConstruct), waits, leaves, ActorWork(4, kLetLastGo)});
  ASSERT_EQ(done.size(), 4u);
  EXPECT_EQ(Story(),
            (std::vector<std::string>{"done 1", "aside 2", "aside 3", "done 4",
                                      "done 2", "destroyed 0", "done 3"}));
  EXPECT_EQ(Fails(done[2]).code, FailureCode::kActorDied);
  EXPECT_TRUE(done[3].exit_actor);
  EXPECT_FALSE(done[2].exit_actor);
  ForgetPauses();
}

}  // namespace
}  // namespace mobula::runtime::slot_testing
