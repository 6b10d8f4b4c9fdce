#include "runtime/executor/testing/slot_functions.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <stop_token>
#include <typeinfo>
#include <utility>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/threads/coroutine_run.h"
#include "base/threads/executor.h"
#include "base/threads/item_stream.h"
#include "base/threads/outcome_watch.h"
#include "base/value.h"
#include "runtime/executor/current.h"

namespace mobula::runtime::slot_testing {
namespace {

using base::Bytes;
using base::Failure;
using base::FailureCode;
using base::FunctionId;

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

base::Outcome LetGo(base::Invocation&) {
  LetPausesGo();
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
  base::Mutex mutex;
  base::CondVar changed;
  bool stopped = false;
  const std::stop_callback callback(Current()->stop, [&] {
    const base::MutexLock lock(mutex);
    stopped = true;
    changed.NotifyAll();
  });
  Meeting::Get().Attend();
  {
    const base::MutexLock lock(mutex);
    while (!stopped) changed.Wait(mutex);
  }
  return Meet(invocation);
}

base::Outcome MeetAndTell(base::Invocation&) {
  Meeting::Get().Attend();
  return Bytes::Own(std::to_string(Current()->task.lo) + " " +
                    std::string(Current()->function));
}

const base::FunctionEntry kEntries[] = {
    {FunctionId{1, kEcho}, "echo", "Echo", &Echo},
    {FunctionId{1, kThrows}, "throws", "Throws", &Throws},
    {FunctionId{1, kConstruct}, "construct", "Counter::Counter", &Construct},
    {FunctionId{1, kIncrement}, "increment", "Counter::Increment", &Increment},
    {FunctionId{1, kLeave}, "leave", "Counter::Leave", &Leave},
    {FunctionId{1, kTellCurrent}, "tell", "TellCurrent", &TellCurrent},
    {FunctionId{1, kPrint}, "print", "Print", &Print},
    {FunctionId{1, kMention}, "mention", "Mention", &Mention},
    {FunctionId{1, kConstructAsker}, "asker", "Asker", &ConstructAsker},
    {FunctionId{1, kTellAssigned}, "assigned", "TellAssigned", &TellAssigned},
    {FunctionId{1, kOtherMethod}, "method", "Other::Method", &Increment, "",
     &typeid(int)},
    {FunctionId{1, kPause}, "pause", "Pause", nullptr, "", nullptr,
     &BeginPause},
    {FunctionId{1, kLetGo}, "let go", "LetGo", &LetGo},
    {FunctionId{1, kLetLastGo}, "let last go", "LetLastGo", &LetLastGo},
    {FunctionId{1, kHeldPause}, "held", "Held", nullptr, "", nullptr,
     &BeginPause, false, /*holds_slot=*/true},
    {FunctionId{1, kYield}, "yield", "Yielder", nullptr, "", nullptr,
     &BeginYielder,
     /*is_generator=*/true, false},
    {FunctionId{1, kMeet}, "meet", "Meet", &Meet},
    {FunctionId{1, kMeetAndLeave}, "meet and leave", "MeetAndLeave",
     &MeetAndLeave},
    {FunctionId{1, kMeetAndWait}, "meet and wait", "MeetAndWait", &MeetAndWait},
    {FunctionId{1, kMeetAndTell}, "meet and tell", "MeetAndTell", &MeetAndTell},
    {FunctionId{1, kNoRoom}, "no room", "NoRoom", &NoRoom},
};

}  // namespace

std::vector<std::string>& Story() {
  static std::vector<std::string> story;
  return story;
}

Counter::~Counter() { Story().push_back("destroyed " + std::to_string(value)); }

Meeting& Meeting::Get() {
  static Meeting meeting;
  return meeting;
}

void Meeting::Set(int count) {
  const base::MutexLock lock(mutex_);
  begun_ = 0;
  awaited_ = count;
}

void Meeting::Attend() {
  const base::MutexLock lock(mutex_);
  ++begun_;
  changed_.NotifyAll();
  while (begun_ < awaited_) changed_.Wait(mutex_);
}

void Meeting::AwaitBegun(int count) {
  const base::MutexLock lock(mutex_);
  while (begun_ < count) changed_.Wait(mutex_);
}

void LetPausesGo() {
  for (Pause* pause : std::exchange(Pause::Waiting(), {})) pause->Go();
}

void ForgetPauses() { Pause::Waiting().clear(); }

const base::FunctionTable& SlotFunctions() {
  static const bool registered = [] {
    for (const base::FunctionEntry& entry : kEntries) {
      base::FunctionTable::Get().Register(&entry);
    }
    return true;
  }();
  EXPECT_TRUE(registered);
  return base::FunctionTable::Get();
}

}  // namespace mobula::runtime::slot_testing
