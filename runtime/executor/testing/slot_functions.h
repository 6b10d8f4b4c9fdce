// What tests let a slot run: functions, an actor's methods, coroutines and a
// generator, and what these tell of themselves.
//
//   slot.Push(Work(1, kEcho));        // slot_runs.h
//   EXPECT_EQ(Story(), ...);
// Owner: tests.   Threading: Story is written by what runs one at a time;
// Meeting from any thread.
#ifndef MOBULA_RUNTIME_EXECUTOR_TESTING_SLOT_FUNCTIONS_H_
#define MOBULA_RUNTIME_EXECUTOR_TESTING_SLOT_FUNCTIONS_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/function_table.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"

namespace mobula::runtime::slot_testing {

// The functions, by the second half of their ids; the first is 1.
enum SlotFunction : std::uint64_t {
  kEcho = 1,        // gives its argument
  kThrows,          // fails with "no"
  kConstruct,       // of a Counter
  kIncrement,       // a method of that: gives the new value
  kLeave,           // a method that ends its actor
  kTellCurrent,     // gives name, attempt and incarnation
  kPrint,           // "buffered", to stdout
  kMention,         // its outcome keeps a Counter
  kConstructAsker,  // of an actor whose destructor tells what it was assigned
  kTellAssigned,
  kOtherMethod,   // of another class than what is there
  kPause,         // a coroutine; its argument: "", "at once" or "leave"
  kLetGo,         // lets all of these go on that wait
  kLetLastGo,     // and only the last
  kHeldPause,     // one that holds its slot
  kYield,         // a generator of three items, their numbers
  kMeet,          // kIncrement, together with others
  kMeetAndLeave,  // then ends its actor; gives "bye"
  kMeetAndWait,   // goes on until it is stopped
  kMeetAndTell,   // gives task and name
  kNoRoom,        // its result has room once its argument was let go
  kUnknown = 99,  // there is none
};

// The table that has them.
const base::FunctionTable& SlotFunctions();

// What happened: "destroyed 2", and what runs add to it ("done 1", "aside 1").
std::vector<std::string>& Story();

// The object of an actor; its end is told.
struct Counter {
  std::atomic<int> value = 0;
  ~Counter();
};

// Where methods wait until so many of them have begun.
class Meeting {
 public:
  static Meeting& Get();
  void Set(int count) MOBULA_EXCLUDES(mutex_);
  void Attend() MOBULA_EXCLUDES(mutex_);
  void AwaitBegun(int count) MOBULA_EXCLUDES(mutex_);

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  int begun_ MOBULA_GUARDED_BY(mutex_) = 0;
  int awaited_ MOBULA_GUARDED_BY(mutex_) = 0;
};

// Lets all coroutines of kPause and kHeldPause go on that wait; or forgets
// them, once they were stopped.
void LetPausesGo();
void ForgetPauses();

}  // namespace mobula::runtime::slot_testing

#endif  // MOBULA_RUNTIME_EXECUTOR_TESTING_SLOT_FUNCTIONS_H_
