// An actor whose plain methods run at the same time, in one slot.
#include <gtest/gtest.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/shm/worker_page.h"
#include "runtime/core/events.h"
#include "runtime/executor/slot_thread.h"
#include "runtime/executor/testing/slot_functions.h"
#include "runtime/executor/testing/slot_runs.h"

namespace mobula::runtime::slot_testing {
namespace {

using base::Bytes;

// An actor in a slot that runs so many of its methods at the same time.
class Concurrent : public testing::Test {
 protected:
  Concurrent()
      : slot_(SlotFunctions(), &page_,
              {.done = [this](Executed executed) { Done(std::move(executed)); },
               .aside = [](SetAside) {},
               .lend =
                   [this](bool lends) {
                     const std::lock_guard lock(mutex_);
                     lends_.push_back(lends);
                     changed_.notify_all();
                   }}) {
    Story().clear();
    Execute constructor = ActorWork(100, kConstruct);
    constructor.threads = 3;
    slot_.Push(constructor);
    thread_ = std::thread([this] { slot_.Run(); });
    Await(1);
  }
  ~Concurrent() override { End(); }
  void End() {
    slot_.Stop();
    if (thread_.joinable()) thread_.join();
  }
  void Done(Executed executed) {
    const std::lock_guard lock(mutex_);
    done_.push_back(std::move(executed));
    Story().push_back("done " + std::to_string(done_.back().task.lo));
    changed_.notify_all();
  }
  // Those that are done, but for the constructor; when there are so many.
  std::map<std::uint64_t, Executed> Await(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done_.size() >= count; });
    std::map<std::uint64_t, Executed> found;
    for (const Executed& each : done_) found[each.task.lo] = each;
    found.erase(100);
    return found;
  }

  // Run may still be busy with the constructor's end.
  void AwaitLends(const std::vector<bool>& lends) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return lends_ == lends; });
  }

  base::WorkerPage page_{};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Executed> done_;
  std::vector<bool> lends_;
  SlotThread slot_;
  std::thread thread_;
};

TEST_F(Concurrent, MethodsRunAtTheSameTimeAndKnowWhichTheyAre) {
  Meeting::Get().Set(3);
  for (const std::uint64_t n : {1, 2, 3})
    slot_.Push(ActorWork(n, kMeetAndTell));
  const auto done = Await(4);
  for (const std::uint64_t n : {1, 2, 3}) {
    EXPECT_EQ(Value(done.at(n)), std::to_string(n) + " MeetAndTell");
  }
  EXPECT_EQ(page_.Last(), "MeetAndTell");
}

TEST_F(Concurrent, CoroutinesTakeTurnsBesideThem) {
  Meeting::Get().Set(2);
  slot_.Push(ActorWork(1, kMeet));
  Execute pause = ActorWork(2, kPause);
  pause.args = {Bytes::Own("at once")};
  slot_.Push(pause);
  EXPECT_EQ(Value(Await(2).at(2)), "went on Pause")
      << "another thread is taken";
  slot_.Push(ActorWork(3, kMeet));
  Await(4);
}

TEST_F(Concurrent, TheActorEndsWhenAllThatRanHasEnded) {
  Meeting::Get().Set(3);
  slot_.Push(ActorWork(1, kMeetAndWait));
  slot_.Push(ActorWork(3, kMeetAndWait));
  Meeting::Get().AwaitBegun(2);
  slot_.Push(ActorWork(2, kMeetAndLeave));
  // More than there are threads: it does not begin.
  slot_.Push(ActorWork(4, kMeet));
  const auto done = Await(5);
  EXPECT_TRUE(done.at(2).exit_actor);
  EXPECT_EQ(Value(done.at(2)), "bye");
  EXPECT_NE(Value(done.at(1)), "failure") << "it was stopped, and ended";
  EXPECT_NE(Value(done.at(3)), "failure");
  ASSERT_GE(Story().size(), 2u);
  EXPECT_EQ(Story().back(), "done 2");
  EXPECT_EQ(Story()[Story().size() - 2].substr(0, 9), "destroyed");
  slot_.Push(ActorWork(5, kMeet));
  slot_.Push(ActorWork(6, kPause));
  const auto late = Await(7);
  EXPECT_TRUE(late.at(5).never_began);
  EXPECT_TRUE(late.at(6).never_began);
}

TEST_F(Concurrent, OfSeveralThatEndItTheFirstDoes) {
  Meeting::Get().Set(3);
  for (const std::uint64_t n : {1, 2, 3})
    slot_.Push(ActorWork(n, kMeetAndLeave));
  const auto done = Await(4);
  int exits = 0;
  for (const auto& [task, executed] : done) {
    EXPECT_EQ(Value(executed), "bye");
    exits += executed.exit_actor ? 1 : 0;
  }
  EXPECT_EQ(exits, 1);
}

TEST_F(Concurrent, ItIsDestroyedWhenTheSlotStops) {
  Meeting::Get().Set(1);
  slot_.Push(ActorWork(1, kMeet));
  Await(2);
  End();
  EXPECT_EQ(Story().back(), "destroyed 1");
}

TEST_F(Concurrent, TheCpuIsLentWhileAllOfThemAreBlocked) {
  Meeting::Get().Set(3);
  slot_.Push(ActorWork(1, kMeet));
  slot_.Push(ActorWork(2, kMeet));
  Meeting::Get().AwaitBegun(2);
  slot_.Blocked(true);
  slot_.Blocked(true);
  AwaitLends({true});
  slot_.Blocked(false);
  slot_.Blocked(false);
  AwaitLends({true, false});
  Meeting::Get().Attend();
  Await(3);
}

}  // namespace
}  // namespace mobula::runtime::slot_testing
