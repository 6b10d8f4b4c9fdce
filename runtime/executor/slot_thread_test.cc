#include "runtime/executor/slot_thread.h"

#include <gtest/gtest.h>
#include <stdio_ext.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <typeinfo>
#include <utility>
#include <variant>
#include <vector>

#include "base/frames/message.h"
#include "base/scheduling/resource_vector.h"
#include "base/threads/coroutine_run.h"
#include "base/threads/executor.h"
#include "base/threads/item_stream.h"
#include "base/threads/outcome_watch.h"
#include "base/value.h"
#include "runtime/executor/current.h"

namespace mobula::runtime {
namespace {

using base::Bytes;
using base::Failure;
using base::FailureCode;
using base::FunctionId;

std::vector<std::string>& Story() {
  static std::vector<std::string> story;
  return story;
}

struct Counter {
  std::atomic<int> value = 0;
  ~Counter() { Story().push_back("destroyed " + std::to_string(value)); }
};

base::Outcome Echo(base::Invocation& invocation) { return invocation.args[0]; }

base::Outcome Throws(base::Invocation&) {
  Failure failure;
  failure.executed = base::Executed::kYes;
  failure.message = "no";
  return failure;
}

base::Outcome Construct(base::Invocation& invocation) {
  *invocation.instance = std::make_shared<Counter>();
  return Bytes();
}

base::Outcome Increment(base::Invocation& invocation) {
  auto* counter = static_cast<Counter*>(invocation.instance->get());
  return Bytes::Own(std::to_string(++counter->value));
}

base::Outcome Leave(base::Invocation& invocation) {
  invocation.exit_actor = true;
  return Bytes();
}

base::Outcome Mention(base::Invocation& invocation) {
  invocation.kept = std::make_shared<Counter>();
  return Bytes();
}

base::Outcome TellCurrent(base::Invocation&) {
  const CurrentExecution* current = Current();
  if (current == nullptr) return Bytes();
  return Bytes::Own(std::string(current->function) + " " +
                    std::to_string(current->attempt) + " " +
                    std::to_string(current->incarnation));
}

// A coroutine that waits until it is let go, or stopped; what it gives tells
// which, and what is current when it ends. "at once": it does not wait.
class Pause final : public base::CoroutineRun {
 public:
  Pause(base::Invocation& invocation, base::Executor* executor, Owner& owner)
      : invocation_(invocation), executor_(*executor), owner_(owner) {}

  void Begin() override {
    task_ = Current();
    if (invocation_.args[0].view() == "at once") {
      Conclude("went on");
      return;
    }
    Waiting().push_back(this);
    began_ = true;
    if (stopped_) Go();
  }
  void Stop() noexcept override {
    stopped_ = true;
    if (began_) Go();
  }
  // Once, from any thread.
  void Go() {
    if (std::exchange(gone_, true)) return;
    work_.run = [](base::Work* work) noexcept {
      Pause& self = *static_cast<Resumption*>(work)->pause;
      const ScopedCurrent scope(self.task_);
      if (self.invocation_.args[0].view() == "leave") {
        Current()->invocation->exit_actor = true;
      }
      self.Conclude(self.stopped_ ? "stopped" : "went on");
    };
    work_.pause = this;
    executor_.Post(&work_);
  }

  static std::vector<Pause*>& Waiting() {
    static std::vector<Pause*> waiting;
    return waiting;
  }

 private:
  struct Resumption : base::Work {
    Pause* pause = nullptr;
  };

  void Conclude(const char* how) {
    if (stopped_) {
      owner_.Ended(base::MakeFailure(FailureCode::kUserException,
                                     base::Executed::kYes, how));
      return;
    }
    owner_.Ended(base::Value(
        Bytes::Own(std::string(how) + " " + std::string(Current()->function))));
  }

  base::Invocation& invocation_;
  base::Executor& executor_;
  Owner& owner_;
  const CurrentExecution* task_ = nullptr;
  Resumption work_;
  bool began_ = false;
  bool stopped_ = false;
  bool gone_ = false;
};

std::shared_ptr<base::CoroutineRun> BeginPause(
    base::Invocation& invocation, base::Executor* executor,
    base::CoroutineRun::Owner& owner) {
  return std::make_shared<Pause>(invocation, executor, owner);
}

// A generator of three items, each of which tells its number.
class Yielder final : public base::CoroutineRun {
 public:
  Yielder(base::Invocation& invocation, base::Executor* executor, Owner& owner)
      : items_(*invocation.items), executor_(*executor), owner_(owner) {
    watch_.self = this;
    watch_.ready = [](base::OutcomeWatch* watch) noexcept {
      Yielder& self = *static_cast<Watch*>(watch)->self;
      self.executor_.Post(&self.work_);
    };
    work_.self = this;
    work_.run = [](base::Work* work) noexcept {
      static_cast<Resumption*>(work)->self->GoOn();
    };
  }

  void Begin() override {
    items_.Open();
    GoOn();
  }
  void Stop() noexcept override {}

 private:
  struct Watch : base::OutcomeWatch {
    Yielder* self = nullptr;
  };
  struct Resumption : base::Work {
    Yielder* self = nullptr;
  };

  void GoOn() {
    for (; next_ < 3; ++next_) {
      watch_.state = base::OutcomeWatch::State::kIdle;
      if (!items_.StartWatch(next_, &watch_, /*join=*/true)) return;
      if (items_.IsSkipped(next_)) continue;
      items_.Yield(next_, Bytes::Own(std::to_string(next_)));
    }
    owner_.Ended(base::Value());
  }

  base::ItemStream& items_;
  base::Executor& executor_;
  Owner& owner_;
  Watch watch_;
  Resumption work_;
  std::uint64_t next_ = 0;
};

std::shared_ptr<base::CoroutineRun> BeginYielder(
    base::Invocation& invocation, base::Executor* executor,
    base::CoroutineRun::Owner& owner) {
  return std::make_shared<Yielder>(invocation, executor, owner);
}

void LetGoAll() {
  for (Pause* pause : std::exchange(Pause::Waiting(), {})) pause->Go();
}

base::Outcome LetGo(base::Invocation&) {
  LetGoAll();
  return Bytes();
}

base::Outcome LetLastGo(base::Invocation&) {
  Pause::Waiting().back()->Go();
  return Bytes();
}

base::Outcome Print(base::Invocation&) {
  std::fputs("buffered", stdout);
  return Bytes();
}

std::string AssignedText() {
  const CurrentExecution* current = Current();
  if (current == nullptr || current->assigned == nullptr) return "nothing";
  return current->assigned->name + " " +
         current->assigned->resources.ToString();
}

// Its result has no room while the bytes of its argument are held.
base::Outcome NoRoom(base::Invocation& invocation) {
  invocation.place_later = [&invocation]() -> base::Outcome {
    invocation.digest = 77;
    EXPECT_NE(Current(), nullptr);
    return Bytes::Own(Story().back());
  };
  return base::NotRun(FailureCode::kObjectStoreFull, "no room");
}

struct Asker {
  ~Asker() { Story().push_back("ended as " + AssignedText()); }
};

base::Outcome ConstructAsker(base::Invocation& invocation) {
  *invocation.instance = std::make_shared<Asker>();
  return Bytes();
}

base::Outcome TellAssigned(base::Invocation&) {
  return Bytes::Own(AssignedText());
}

// A method that goes on until so many of it have begun.
struct Meeting {
  std::mutex mutex;
  std::condition_variable changed;
  int begun = 0;
  int awaited = 0;
  static Meeting& Get() {
    static Meeting meeting;
    return meeting;
  }
  void Set(int count) {
    const std::lock_guard lock(mutex);
    begun = 0;
    awaited = count;
  }
  void Attend() {
    std::unique_lock lock(mutex);
    ++begun;
    changed.notify_all();
    changed.wait(lock, [this] { return begun >= awaited; });
  }
  void AwaitBegun(int count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return begun >= count; });
  }
};

base::Outcome Meet(base::Invocation& invocation) {
  Meeting::Get().Attend();
  return Increment(invocation);
}

// Begins with others, and then ends its actor.
base::Outcome MeetAndLeave(base::Invocation& invocation) {
  Meeting::Get().Attend();
  invocation.exit_actor = true;
  return Bytes::Own("bye");
}

// Begins with others, and goes on until it is stopped.
base::Outcome MeetAndWait(base::Invocation& invocation) {
  std::mutex mutex;
  std::condition_variable changed;
  bool stopped = false;
  const std::stop_callback callback(Current()->stop, [&] {
    const std::lock_guard lock(mutex);
    stopped = true;
    changed.notify_all();
  });
  Meeting::Get().Attend();
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return stopped; });
  return Meet(invocation);
}

base::Outcome MeetAndTell(base::Invocation&) {
  Meeting::Get().Attend();
  return Bytes::Own(std::to_string(Current()->task.lo) + " " +
                    std::string(Current()->function));
}

const base::FunctionEntry kEntries[] = {
    {FunctionId{1, 1}, "echo", "Echo", &Echo},
    {FunctionId{1, 2}, "throws", "Throws", &Throws},
    {FunctionId{1, 3}, "construct", "Counter::Counter", &Construct},
    {FunctionId{1, 4}, "increment", "Counter::Increment", &Increment},
    {FunctionId{1, 5}, "leave", "Counter::Leave", &Leave},
    {FunctionId{1, 6}, "tell", "TellCurrent", &TellCurrent},
    {FunctionId{1, 7}, "print", "Print", &Print},
    {FunctionId{1, 8}, "mention", "Mention", &Mention},
    {FunctionId{1, 9}, "asker", "Asker", &ConstructAsker},
    {FunctionId{1, 10}, "assigned", "TellAssigned", &TellAssigned},
    {FunctionId{1, 11}, "method", "Other::Method", &Increment, "",
     &typeid(int)},
    {FunctionId{1, 12}, "pause", "Pause", nullptr, "", nullptr, &BeginPause},
    {FunctionId{1, 13}, "let go", "LetGo", &LetGo},
    {FunctionId{1, 14}, "let last go", "LetLastGo", &LetLastGo},
    {FunctionId{1, 15}, "held", "Held", nullptr, "", nullptr, &BeginPause,
     false, /*holds_slot=*/true},
    {FunctionId{1, 16}, "yield", "Yielder", nullptr, "", nullptr, &BeginYielder,
     /*is_generator=*/true, false},
    {FunctionId{1, 17}, "meet", "Meet", &Meet},
    {FunctionId{1, 18}, "meet and leave", "MeetAndLeave", &MeetAndLeave},
    {FunctionId{1, 19}, "meet and wait", "MeetAndWait", &MeetAndWait},
    {FunctionId{1, 20}, "meet and tell", "MeetAndTell", &MeetAndTell},
    {FunctionId{1, 21}, "no room", "NoRoom", &NoRoom},
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

Execute Work(std::uint64_t task, std::uint64_t function) {
  Execute work;
  work.task = base::TaskId{7, task};
  work.function = FunctionId{1, function};
  return work;
}

Execute ActorWork(std::uint64_t task, std::uint64_t function) {
  Execute work = Work(task, function);
  work.actor = base::ActorId{8, 1};
  work.incarnation = 2;
  work.is_constructor = function == 3 || function == 9;
  return work;
}

// Runs all of `works`, then stops.
std::vector<Executed> RunAll(const std::vector<Execute>& works,
                             SlotThread::MapFn map = nullptr) {
  std::vector<Executed> done;
  SlotThread* running = nullptr;
  SlotThread slot(
      Table(), nullptr,
      {.done =
           [&](Executed executed) {
             done.push_back(std::move(executed));
             Story().push_back("done " + std::to_string(done.back().task.lo));
             if (done.size() == works.size()) running->Stop();
           },
       .map = std::move(map)});
  running = &slot;
  slot.SetNode("here");
  for (const Execute& work : works) slot.Push(work);
  slot.Run();
  return done;
}

std::string Value(const Executed& executed) {
  const auto* bytes = std::get_if<base::Value>(&executed.outcome);
  return bytes == nullptr ? "failure" : std::string(bytes->view());
}

const Failure& Fails(const Executed& executed) {
  return std::get<Failure>(executed.outcome);
}

TEST(SlotThread, RunsInOrderAndReportsEachOnce) {
  std::vector<Execute> works;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    works.push_back(Work(i, 1));
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

// ---- coroutines -------------------------------------------------------------

Execute Pausing(std::uint64_t task, const std::string& how = "") {
  Execute work = Work(task, 12);
  work.args = {Bytes::Own(how)};
  return work;
}

// Pushes each when the one before has ended or waits, as the core does, and
// stops when all have ended.
std::vector<Executed> RunInTurn(const std::vector<Execute>& works,
                                std::vector<bool>* lent = nullptr) {
  std::vector<Executed> done;
  std::size_t next = 0;
  SlotThread* running = nullptr;
  base::TaskId last;
  const auto go_on = [&](base::TaskId task) {
    if (task != last || next == works.size()) return;
    last = works[next].task;
    running->Push(works[next++]);
  };
  SlotThread slot(
      Table(), nullptr,
      {.done =
           [&](Executed executed) {
             const base::TaskId task = executed.task;
             Story().push_back("done " + std::to_string(task.lo));
             done.push_back(std::move(executed));
             if (done.size() == works.size()) running->Stop();
             go_on(task);
           },
       .aside =
           [&](SetAside aside) {
             EXPECT_GE(aside.run_ns, 0);
             Story().push_back("aside " + std::to_string(aside.task.lo));
             go_on(aside.task);
           },
       .lend =
           [&](bool blocked) {
             if (lent == nullptr) return;
             lent->push_back(blocked);
             if (blocked) LetGoAll();
           }});
  running = &slot;
  last = works[0].task;
  running->Push(works[next++]);
  slot.Run();
  return done;
}

TEST(SlotThread, ACoroutineThatWaitsLetsOthersRun) {
  Story().clear();
  const std::vector<Executed> done =
      RunInTurn({Pausing(1), Pausing(2, "at once"), Pausing(3), Work(4, 13)});
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
      RunInTurn({Holding(Work(1, 15)), Pausing(2, "at once")}, &lent);
  EXPECT_EQ(done.size(), 2u);
  EXPECT_EQ(Story(), (std::vector<std::string>{"done 1", "done 2"}));
  EXPECT_EQ(lent, (std::vector<bool>{true, false}));
}

TEST(SlotThread, AnActorsSlotIsNotHeld) {
  Story().clear();
  const std::vector<Executed> done =
      RunInTurn({ActorWork(1, 3), Holding(ActorWork(2, 15)), ActorWork(3, 13)});
  EXPECT_EQ(done.size(), 3u);
  EXPECT_EQ(Story(), (std::vector<std::string>{"done 1", "aside 2", "done 3",
                                               "done 2", "destroyed 0"}));
}

TEST(SlotThread, StopEndsWhatHoldsItsSlot) {
  std::vector<Executed> done;
  SlotThread* running = nullptr;
  SlotThread slot(
      Table(), nullptr,
      {.done = [&](Executed executed) { done.push_back(std::move(executed)); },
       .aside = [](SetAside) { ADD_FAILURE() << "it holds its slot"; },
       .lend =
           [&](bool blocked) {
             if (blocked) running->Stop();
           }});
  running = &slot;
  slot.Push(Holding(Work(1, 15)));
  slot.Run();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(Fails(done[0]).message, "stopped");
  Pause::Waiting().clear();
}

TEST(SlotThread, AGeneratorYieldsAsFarAsItHasCredit) {
  const base::ProcessId self{1, 3};
  std::vector<std::string> story;
  SlotThread* running = nullptr;
  SlotThread slot(
      Table(), nullptr,
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
  slot.Push(Work(5, 16));
  slot.Run();
  EXPECT_EQ(story, (std::vector<std::string>{"begun 5", "0", "aside", "1", "2",
                                             "done 5"}));
  running->Grant({base::TaskId{7, 5}, 0, 9, false});  // it has ended
}

TEST(SlotThread, StopEndsWhatWaits) {
  std::vector<Executed> done;
  SlotThread* running = nullptr;
  SlotThread slot(
      Table(), nullptr,
      {.done = [&](Executed executed) { done.push_back(std::move(executed)); },
       .aside = [&](SetAside) { running->Stop(); }});
  running = &slot;
  slot.Push(Pausing(1));
  slot.Run();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(Fails(done[0]).message, "stopped");
  Pause::Waiting().clear();
}

TEST(SlotThread, OneIsStoppedByItsTask) {
  std::vector<Executed> done;
  SlotThread* running = nullptr;
  SlotThread slot(Table(), nullptr,
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
  Pause::Waiting().clear();
}

TEST(SlotThread, AnActorThatExitsStopsItsOtherCoroutinesFirst) {
  Story().clear();
  Execute waits = ActorWork(2, 12);
  waits.args = {Bytes::Own("")};
  Execute leaves = ActorWork(3, 12);
  leaves.args = {Bytes::Own("leave")};
  // Only the last one is let go.
  const std::vector<Executed> done =
      RunInTurn({ActorWork(1, 3), waits, leaves, ActorWork(4, 14)});
  ASSERT_EQ(done.size(), 4u);
  EXPECT_EQ(Story(),
            (std::vector<std::string>{"done 1", "aside 2", "aside 3", "done 4",
                                      "done 2", "destroyed 0", "done 3"}));
  EXPECT_EQ(Fails(done[2]).code, FailureCode::kActorDied);
  EXPECT_TRUE(done[3].exit_actor);
  EXPECT_FALSE(done[2].exit_actor);
  Pause::Waiting().clear();
}

TEST(SlotThread, UnknownFunctionIsAFailureThatDidNotRun) {
  const std::vector<Executed> done = RunAll({Work(1, 99)});
  EXPECT_EQ(Fails(done[0]).code, FailureCode::kNoSuchFunction);
  EXPECT_EQ(Fails(done[0]).executed, base::Executed::kNo);
}

TEST(SlotThread, WhatIsStoppedBeforeItsTurnIsNotRun) {
  std::vector<Executed> done;
  SlotThread* running = nullptr;
  SlotThread slot(Table(), nullptr, {.done = [&](Executed executed) {
                    done.push_back(std::move(executed));
                    if (done.size() == 2) running->Stop();
                  }});
  running = &slot;
  for (std::uint64_t n = 1; n <= 2; ++n) {
    Execute work = Work(n, 1);
    work.args = {Bytes::Own("ran")};
    slot.Push(std::move(work));
  }
  slot.StopRun({7, 1});
  slot.Run();
  EXPECT_EQ(Fails(done[0]).code, FailureCode::kCancelled);
  EXPECT_EQ(Fails(done[0]).executed, base::Executed::kNo);
  EXPECT_EQ(Value(done[1]), "ran");
}

base::Value StoredAt(std::uint64_t place) {
  return base::Value::Stored({base::ObjectId{5, place}, {6, 1}},
                             {base::ArenaId{4, 1}, place, 9, 1});
}

// What lies at 64 is there; the rest is lost, and made again as "made".
std::variant<base::Value, Failure> MapSome(const base::Value& stored,
                                           bool remade,
                                           base::Duration /*patience*/) {
  if (stored.extent().offset == 64) {
    return stored.WithBytes(Bytes::Own("there"));
  }
  if (remade) return base::Value(Bytes::Own("made"));
  return base::NotRun(FailureCode::kObjectLost, "lost");
}

TEST(SlotThread, ATaskThatMissesArgumentsDoesNotRunAndNamesAllOfThem) {
  Execute work = Work(1, 1);
  work.args = {StoredAt(64), StoredAt(128), StoredAt(192)};
  Execute good = Work(2, 1);
  good.args = {StoredAt(64)};
  const std::vector<Executed> done = RunAll({work, good}, &MapSome);
  EXPECT_EQ(Fails(done[0]).code, FailureCode::kObjectLost);
  EXPECT_EQ(Fails(done[0]).executed, base::Executed::kNo);
  ASSERT_EQ(done[0].lost.size(), 2u);
  EXPECT_EQ(done[0].lost[0].object, StoredAt(128).name());
  EXPECT_EQ(done[0].lost[1].extent, StoredAt(192).extent());
  EXPECT_EQ(Value(done[1]), "there");
  EXPECT_TRUE(done[1].lost.empty());
}

TEST(SlotThread, AnActorWaitsForWhatIsMadeAgain) {
  Execute call = ActorWork(2, 1);
  call.args = {StoredAt(128)};
  const std::vector<Executed> done = RunAll({ActorWork(1, 3), call}, &MapSome);
  EXPECT_EQ(Value(done[1]), "made");
  EXPECT_TRUE(done[1].lost.empty());
}

// What lies at 64 is there and held while somebody reads it; what lies at 128
// has room only while that is not held, or after long.
class ScarceStore {
 public:
  std::variant<base::Value, Failure> Map(const base::Value& stored,
                                         base::Duration patience) {
    if (stored.extent().offset == 64) {
      // Between two tries nothing is kept.
      EXPECT_TRUE(held_.expired());
      auto bytes = std::make_shared<std::string>("there");
      held_ = bytes;
      return stored.WithBytes(Bytes::Share(bytes, *bytes));
    }
    patiences_.push_back(patience);
    if (patiences_.size() < 4) {
      return base::NotRun(FailureCode::kTimeout, "it does not come");
    }
    return stored.WithBytes(Bytes::Own("late"));
  }

  [[nodiscard]] const std::vector<base::Duration>& patiences() const {
    return patiences_;
  }

 private:
  std::weak_ptr<std::string> held_;
  std::vector<base::Duration> patiences_;
};

TEST(SlotThread, WhileAnArgumentDoesNotComeTheOthersAreLetGo) {
  ScarceStore store;
  Execute work = Work(1, 1);
  work.args = {StoredAt(64), StoredAt(128)};
  const std::vector<Executed> done =
      RunAll({work}, [&store](const base::Value& stored, bool /*remade*/,
                              base::Duration patience) {
        return store.Map(stored, patience);
      });
  EXPECT_EQ(Value(done[0]), "there");
  const std::vector<base::Duration>& patiences = store.patiences();
  ASSERT_EQ(patiences.size(), 4u);
  for (std::size_t i = 1; i < patiences.size(); ++i) {
    EXPECT_GT(patiences[i], patiences[0] / 2 * (1 << i));
  }
}

TEST(SlotThread, AResultWithoutRoomIsPlacedWhenTheArgumentsAreLetGo) {
  Story().clear();
  Execute work = Work(1, 21);
  work.args = {StoredAt(64)};
  const std::vector<Executed> done =
      RunAll({work}, [](const base::Value& stored, bool, base::Duration) {
        auto held = std::make_shared<Counter>();
        const auto bytes = stored.WithBytes(Bytes::Share(held, "there"));
        return std::variant<base::Value, Failure>(bytes);
      });
  EXPECT_EQ(Value(done[0]), "destroyed 0");
  EXPECT_EQ(done[0].digest, 77u);
}

TEST(SlotThread, NoRoomAtAllIsTheOutcome) {
  Execute work = Work(1, 1);
  work.args = {StoredAt(64)};
  const std::vector<Executed> done =
      RunAll({work}, [](const base::Value&, bool, base::Duration) {
        return std::variant<base::Value, Failure>(
            base::NotRun(FailureCode::kObjectStoreFull, "pinned"));
      });
  EXPECT_EQ(Fails(done[0]).code, FailureCode::kObjectStoreFull);
  EXPECT_EQ(Fails(done[0]).executed, base::Executed::kNo);
}

TEST(SlotThread, FailureSaysWhereItHappened) {
  Execute work = Work(1, 2);
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
      RunAll({ActorWork(1, 3), ActorWork(2, 4), ActorWork(3, 4)});
  EXPECT_EQ(Value(done[2]), "2");
  EXPECT_EQ(Story(), (std::vector<std::string>{"done 1", "done 2", "done 3",
                                               "destroyed 2"}));
}

TEST(SlotThread, ExitActorDestroysBeforeItIsReported) {
  Story().clear();
  const std::vector<Executed> done =
      RunAll({ActorWork(1, 3), ActorWork(2, 5), ActorWork(3, 4)});
  // What stood behind it is turned away first.
  EXPECT_TRUE(done[1].never_began);
  EXPECT_EQ(Fails(done[1]).code, FailureCode::kActorDied);
  EXPECT_TRUE(done[2].exit_actor);
  EXPECT_EQ(Story(), (std::vector<std::string>{"done 1", "done 3",
                                               "destroyed 0", "done 2"}));
}

TEST(SlotThread, WhatAnOutcomeMentionsStaysUntilItIsReported) {
  Story().clear();
  RunAll({Work(1, 8), Work(2, 6)});
  EXPECT_EQ(Story(),
            (std::vector<std::string>{"done 1", "destroyed 0", "done 2"}));
}

TEST(SlotThread, MethodOfAnAbsentActorFails) {
  const std::vector<Executed> done = RunAll({ActorWork(1, 4)});
  EXPECT_EQ(Fails(done[0]).code, FailureCode::kActorDied);
  EXPECT_EQ(Fails(done[0]).executed, base::Executed::kNo);
}

TEST(SlotThread, CurrentIsSetInsideAndNullOutside) {
  EXPECT_EQ(Current(), nullptr);
  Execute work = Work(1, 6);
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
  Execute construct = ActorWork(1, 9);
  construct.assigned = Given("index", 0.5);
  Execute task = Work(4, 10);
  task.assigned = Given("mine", 2);
  const std::vector<Executed> done =
      RunAll({construct, ActorWork(2, 10), ActorWork(3, 5), task, Work(5, 10)});
  EXPECT_EQ(Value(done[1]), "index {cpu: 0.5}");
  EXPECT_EQ(Value(done[3]), "mine {cpu: 2}");
  EXPECT_EQ(Value(done[4]), "nothing");
  EXPECT_EQ(Story().at(2), "ended as index {cpu: 0.5}");
}

TEST(SlotThread, WhatIsCalledByANameFailsUnderIt) {
  Execute work = Work(1, 2);
  work.called = "test.throws";
  EXPECT_EQ(Fails(RunAll({work})[0]).function, "test.throws");
  work.assigned = Given("mine", 1);
  EXPECT_EQ(Fails(RunAll({work})[0]).function, "mine");
}

TEST(SlotThread, WhatCannotBeRunWhereItIsAskedForIsRefused) {
  Execute named = Work(1, 99);
  named.called = "shop.add";
  Execute method = Work(2, 11);  // as a task
  const std::vector<Executed> done =
      RunAll({named, method, ActorWork(3, 3), ActorWork(4, 11)});
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
  SlotThread slot(Table(), nullptr, {.done = [&](Executed) {
                    pending = ::__fpending(stdout);
                    running->Stop();
                  }});
  running = &slot;
  slot.Push(Work(1, 7));
  slot.Run();
  EXPECT_EQ(pending, 0u);
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "buffered");
}

TEST(SlotThread, PageNamesWhatRuns) {
  auto page = std::make_unique<base::WorkerPage>();
  SlotThread* running = nullptr;
  std::vector<std::string> names;
  SlotThread slot(Table(), page.get(), {.done = [&](Executed) {
                    names.push_back(page->Running());
                    if (names.size() == 3) running->Stop();
                  }});
  running = &slot;
  for (std::uint64_t function : {6, 6, 2}) slot.Push(Work(1, function));
  slot.Run();
  EXPECT_EQ(names,
            (std::vector<std::string>{"TellCurrent", "TellCurrent", "Throws"}));
}

TEST(SlotThread, NothingRunsWhileItWaits) {
  auto page = std::make_unique<base::WorkerPage>();
  SlotThread slot(Table(), page.get(), {.done = [](Executed) {}});
  std::thread runner([&slot] { slot.Run(); });
  for (int i = 0; i < 2; ++i) {
    slot.Push(Work(1, 6));
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
  SlotThread slot(Table(), nullptr, {.done = [&](Executed) {
                    if (++done == kThreads * kEach) running->Stop();
                  }});
  running = &slot;
  std::vector<std::thread> pushers;
  for (int i = 0; i < kThreads; ++i) {
    pushers.emplace_back([&slot] {
      for (std::uint64_t n = 0; n < kEach; ++n) slot.Push(Work(n, 6));
    });
  }
  slot.Run();
  for (std::thread& pusher : pushers) pusher.join();
  EXPECT_EQ(done.load(), kThreads * kEach);
}

TEST(SlotThread, StopDropsWhatHasNotStarted) {
  int done = 0;
  SlotThread* running = nullptr;
  SlotThread slot(Table(), nullptr, {.done = [&](Executed) {
                    ++done;
                    running->Stop();
                  }});
  running = &slot;
  for (std::uint64_t n = 0; n < 10; ++n) slot.Push(Work(n, 6));
  slot.Run();
  EXPECT_EQ(done, 1);
}

// An actor in a slot that runs so many of its methods at the same time.
class Concurrent : public testing::Test {
 protected:
  Concurrent()
      : slot_(Table(), &page_,
              {.done = [this](Executed executed) { Done(std::move(executed)); },
               .aside = [](SetAside) {},
               .lend =
                   [this](bool lends) {
                     const std::lock_guard lock(mutex_);
                     lends_.push_back(lends);
                     changed_.notify_all();
                   }}) {
    Story().clear();
    Execute constructor = ActorWork(100, 3);
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
  for (const std::uint64_t n : {1, 2, 3}) slot_.Push(ActorWork(n, 20));
  const auto done = Await(4);
  for (const std::uint64_t n : {1, 2, 3}) {
    EXPECT_EQ(Value(done.at(n)), std::to_string(n) + " MeetAndTell");
  }
  EXPECT_EQ(page_.Last(), "MeetAndTell");
}

TEST_F(Concurrent, CoroutinesTakeTurnsBesideThem) {
  Meeting::Get().Set(2);
  slot_.Push(ActorWork(1, 17));
  Execute pause = ActorWork(2, 12);
  pause.args = {Bytes::Own("at once")};
  slot_.Push(pause);
  EXPECT_EQ(Value(Await(2).at(2)), "went on Pause")
      << "another thread is taken";
  slot_.Push(ActorWork(3, 17));
  Await(4);
}

TEST_F(Concurrent, TheActorEndsWhenAllThatRanHasEnded) {
  Meeting::Get().Set(3);
  slot_.Push(ActorWork(1, 19));
  slot_.Push(ActorWork(3, 19));
  Meeting::Get().AwaitBegun(2);
  slot_.Push(ActorWork(2, 18));
  // More than there are threads: it does not begin.
  slot_.Push(ActorWork(4, 17));
  const auto done = Await(5);
  EXPECT_TRUE(done.at(2).exit_actor);
  EXPECT_EQ(Value(done.at(2)), "bye");
  EXPECT_NE(Value(done.at(1)), "failure") << "it was stopped, and ended";
  EXPECT_NE(Value(done.at(3)), "failure");
  ASSERT_GE(Story().size(), 2u);
  EXPECT_EQ(Story().back(), "done 2");
  EXPECT_EQ(Story()[Story().size() - 2].substr(0, 9), "destroyed");
  slot_.Push(ActorWork(5, 17));
  slot_.Push(ActorWork(6, 12));
  const auto late = Await(7);
  EXPECT_TRUE(late.at(5).never_began);
  EXPECT_TRUE(late.at(6).never_began);
}

TEST_F(Concurrent, OfSeveralThatEndItTheFirstDoes) {
  Meeting::Get().Set(3);
  for (const std::uint64_t n : {1, 2, 3}) slot_.Push(ActorWork(n, 18));
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
  slot_.Push(ActorWork(1, 17));
  Await(2);
  End();
  EXPECT_EQ(Story().back(), "destroyed 1");
}

TEST_F(Concurrent, TheCpuIsLentWhileAllOfThemAreBlocked) {
  Meeting::Get().Set(3);
  slot_.Push(ActorWork(1, 17));
  slot_.Push(ActorWork(2, 17));
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
}  // namespace mobula::runtime
