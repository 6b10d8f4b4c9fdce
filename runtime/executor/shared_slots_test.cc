#include "runtime/executor/shared_slots.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <semaphore>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/function_table.h"
#include "base/ids.h"
#include "base/shm/worker_page.h"
#include "base/threads/futex.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/executor/current.h"
#include "runtime/executor/host_threads.h"
#include "runtime/executor/running_tasks.h"
#include "runtime/executor/slot_thread.h"
#include "runtime/memory/lent_wait.h"

namespace mobula::runtime {
namespace {

using base::ActorId;
using base::Bytes;
using base::FailureCode;
using base::FunctionId;
using base::ObjectId;
using base::TaskId;

std::counting_semaphore<> gate(0);
std::atomic<int> entered{0};  // Block and Outer, how often
std::atomic<int> destroyed{0};
std::atomic<std::uint32_t> inner_ran{0};
std::atomic<std::thread::id> inner_thread;

struct Counter {
  int value = 0;
  ~Counter() { destroyed.fetch_add(1); }
};

base::Outcome Construct(base::Invocation& invocation) {
  *invocation.instance = std::make_shared<Counter>();
  return Bytes();
}

base::Outcome Increment(base::Invocation& invocation) {
  auto* counter = static_cast<Counter*>(invocation.instance->get());
  return Bytes::Own(std::to_string(++counter->value));
}

void Enter() {
  entered.fetch_add(1);
  entered.notify_all();
}

base::Outcome Block(base::Invocation&) {
  Enter();
  gate.acquire();
  return Bytes();
}

constexpr ObjectId kInner{9, 2};

void LetGo() {
  inner_ran.store(1);
  base::FutexWake(&inner_ran);
}

// Waits as Get does, for what Inner gives.
base::Outcome Outer(base::Invocation&) {
  Enter();
  const LentWait::Awaiting awaiting({&kInner, 1});
  const LentWait::BlockedFn blocked = &HostThreads::BlockedHere;
  LentWait wait(base::BootTime::Never(), blocked);
  while (inner_ran.load() == 0) {
    const auto pause = wait.Next();
    if (pause) base::FutexWait(&inner_ran, *pause);
  }
  return Bytes::Own(
      inner_thread.load() == std::this_thread::get_id() ? "same" : "other");
}

base::Outcome Inner(base::Invocation&) {
  inner_thread.store(std::this_thread::get_id());
  LetGo();
  return Bytes();
}

base::Outcome Crash(base::Invocation&) { std::abort(); }

const base::FunctionEntry kEntries[] = {
    {FunctionId{2, 1}, "construct", "Counter::Counter", &Construct},
    {FunctionId{2, 2}, "increment", "Counter::Increment", &Increment},
    {FunctionId{2, 3}, "block", "Counter::Block", &Block},
    {FunctionId{2, 4}, "outer", "Counter::Outer", &Outer},
    {FunctionId{2, 5}, "inner", "Counter::Inner", &Inner},
    {FunctionId{2, 6}, "crash", "Counter::Crash", &Crash},
};

const base::FunctionTable& Table() {
  static const bool registered = [] {
    for (const base::FunctionEntry& entry : kEntries) {
      base::FunctionTable::Get().Register(&entry);
    }
    return true;
  }();
  EXPECT_TRUE(registered);
  return base::FunctionTable::Get();
}

ActorId Actor(std::uint64_t n) { return {8, n}; }

// The slots, and what they have said.
class Host {
 public:
  explicit Host(HostThreads::Options threads = {.threads_max = 2},
                base::WorkerPage* page = nullptr)
      : slots_({Table(), page, MakeHooks(),
                [this](ActorId actor) {
                  const std::lock_guard<std::mutex> lock(mutex_);
                  ended_.insert(actor);
                  changed_.notify_all();
                },
                running_, threads}) {}

  TaskId Push(std::uint64_t actor, std::uint64_t function,
              ObjectId result = {}) {
    Execute work;
    work.task = TaskId{7, ++tasks_};
    work.result = result;
    work.actor = Actor(actor);
    work.incarnation = 1;
    work.is_constructor = function == 1;
    work.function = FunctionId{2, function};
    work.shared = true;
    const TaskId task = work.task;
    slots_.Push(std::move(work));
    return task;
  }
  // Of Block or Outer; returns when it runs.
  TaskId Enter(std::uint64_t actor, std::uint64_t function) {
    const int before = entered.load();
    const TaskId task = Push(actor, function);
    entered.wait(before);
    return task;
  }
  Executed Await(TaskId task) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return done_.contains(task); });
    return done_.at(task);
  }
  std::string Value(TaskId task) {
    const Executed executed = Await(task);
    const auto* value = std::get_if<base::Value>(&executed.outcome);
    return value == nullptr ? "failure" : std::string(value->view());
  }
  void AwaitEnd(std::uint64_t actor) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return ended_.contains(Actor(actor)); });
  }
  SharedSlots& slots() { return slots_; }

 private:
  SlotThread::Hooks MakeHooks() {
    SlotThread::Hooks hooks;
    hooks.done = [this](Executed executed) {
      const std::lock_guard<std::mutex> lock(mutex_);
      const TaskId task = executed.task;
      done_.emplace(task, std::move(executed));
      changed_.notify_all();
    };
    return hooks;
  }

  RunningTasks running_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<TaskId, Executed> done_;
  std::set<ActorId> ended_;
  std::uint64_t tasks_ = 0;
  SharedSlots slots_;
};

TEST(SharedSlots, EachHasAnOrderAndAStateOfItsOwn) {
  Host host;
  std::vector<TaskId> last(50);
  for (std::uint64_t actor = 0; actor < 50; ++actor) host.Push(actor, 1);
  for (int i = 0; i < 100; ++i) {
    for (std::uint64_t actor = 0; actor < 50; ++actor) {
      last[actor] = host.Push(actor, 2);
    }
  }
  for (const TaskId task : last) EXPECT_EQ(host.Value(task), "100");
  EXPECT_EQ(host.slots().actors(), 50u);
}

TEST(SharedSlots, OneThatEndsIsDestroyedAndTheOthersStay) {
  destroyed.store(0);
  Host host;
  host.Push(1, 1);
  host.Await(host.Push(2, 1));
  host.Await(host.Push(1, 2));
  host.slots().End(Actor(1));
  host.AwaitEnd(1);
  EXPECT_EQ(destroyed.load(), 1);
  EXPECT_EQ(host.Value(host.Push(2, 2)), "1");
  // One of which nothing ever ran.
  host.slots().End(Actor(3));
  host.AwaitEnd(3);
}

TEST(SharedSlots, AllEndWithTheWorker) {
  destroyed.store(0);
  {
    Host host;
    for (std::uint64_t actor = 0; actor < 20; ++actor) {
      host.Await(host.Push(actor, 1));
    }
    host.slots().Stop();
    host.slots().Join();
    EXPECT_EQ(destroyed.load(), 20);
  }
}

TEST(SharedSlots, OneThatIsBlockedDoesNotHoldUpAnother) {
  Host host({.threads_max = 1});
  host.Push(1, 1);
  host.Push(2, 1);
  const TaskId blocked = host.Push(1, 3);
  EXPECT_EQ(host.Value(host.Push(2, 2)), "1");
  gate.release();
  host.Await(blocked);
}

TEST(SharedSlots, WhatNoThreadCanRunFailsAndHasNotRun) {
  Host host({.threads_max = 1,
             .extra_max = 0,
             .patience = std::chrono::milliseconds(1)});
  host.Push(1, 1);
  host.Await(host.Push(2, 1));
  const TaskId blocked = host.Enter(1, 3);
  const Executed refused = host.Await(host.Push(2, 2));
  EXPECT_TRUE(refused.never_began);
  const auto& failure = std::get<base::Failure>(refused.outcome);
  EXPECT_EQ(failure.code, FailureCode::kLimit);
  EXPECT_EQ(failure.executed, base::Executed::kNo);
  gate.release();
  host.Await(blocked);
  EXPECT_EQ(host.Value(host.Push(2, 2)), "1") << "it goes on";
}

TEST(SharedSlots, WhoWaitsForACallRunsItWhereNoThreadCan) {
  inner_ran.store(0);
  Host host(
      {.threads_max = 1, .extra_max = 0, .patience = std::chrono::hours(1)});
  host.Push(1, 1);
  host.Await(host.Push(2, 1));
  host.slots().NoteCall(kInner, Actor(2));
  const TaskId outer = host.Enter(1, 4);
  host.Push(2, 5, kInner);
  EXPECT_EQ(host.Value(outer), "same");
}

TEST(SharedSlots, ButNotWhatItDoesNotWaitFor) {
  inner_ran.store(0);
  Host host({.threads_max = 1,
             .extra_max = 0,
             .patience = std::chrono::milliseconds(100)});
  host.Push(1, 1);
  host.Await(host.Push(2, 1));
  const TaskId outer = host.Enter(1, 4);
  const Executed refused = host.Await(host.Push(2, 5, kInner));
  EXPECT_TRUE(refused.never_began);
  LetGo();
  host.Await(outer);
}

// In a child: the page is what is left of it.
TEST(SharedSlots, AFaultIsOfWhoRanThere) {
  void* const memory = ::mmap(nullptr, 4'096, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto* const page = new (memory) base::WorkerPage();
  const pid_t child = ::fork();
  if (child == 0) {
    Host host({.threads_max = 2}, page);
    host.Push(1, 1);
    host.Push(2, 1);
    host.Await(host.Push(2, 2));
    host.Push(1, 6);
    host.Await(TaskId{7, 99});
    std::_Exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGABRT);
  EXPECT_EQ(page->Charged(), Actor(1));
  EXPECT_EQ(page->Last(), "Counter::Crash");
  ::munmap(memory, 4'096);
}

}  // namespace
}  // namespace mobula::runtime
