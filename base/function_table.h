// The table of registered functions: every function and method that this
// program can be asked to run, known before main begins.
//
// api/ puts entries in by static initialisation (one writable Entry for each
// function, so that code folding cannot merge two); workers look them up by id.
// Two entries with one id are refused: the first stays, and Init or the
// worker's start reports both. A function may be in it twice, by its key and by
// a stable name (MOBULA_REMOTE).
// Threading: Register during static initialisation or dlopen, guarded; Find
// from any thread.
#ifndef MOBULA_BASE_FUNCTION_TABLE_H_
#define MOBULA_BASE_FUNCTION_TABLE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <typeinfo>
#include <vector>

#include "base/failure.h"
#include "base/ids.h"
#include "base/threads/coroutine_run.h"
#include "base/value.h"

namespace mobula::base {

class ItemStream;

// One run of a function.
struct Invocation {
  std::span<const Value> args;
  // The actor's object: a constructor's invoker sets it, a method's reads it;
  // empty for a task.
  std::shared_ptr<void>* instance = nullptr;
  // Set by the invoker when the user's code called ExitActor.
  bool exit_actor = false;
  // The object that is to hold what the function returns; nil where that does
  // not lie in the store.
  ObjectName result;
  // Set by the invoker: what the outcome mentions, to be kept until the outcome
  // has been handed on.
  std::shared_ptr<const void> kept;
  // Set by the invoker: of a result that lies in the store (value_digest.h).
  std::uint64_t digest = 0;
  // Where a generator hands its items on; null for what is none.
  ItemStream* items = nullptr;
  // Set by the invoker where the store had no room for the result: finds it,
  // and gives the outcome, which then is not the one that was returned. To be
  // called when the arguments' bytes are let go, since they may be in the way;
  // may wait, never throws.
  std::function<Outcome()> place_later = nullptr;
};

// Decodes the arguments, calls the user's function, encodes its result. Turns
// every exception into a Failure; never throws.
using Invoker = Outcome (*)(Invocation& invocation);

class Executor;

// Prepares a run of a coroutine. The invocation, and who is told of the end,
// stay until then. `executor`: where it goes on after each wait; null for the
// process's pool. Never throws: what is wrong with the arguments is an outcome.
using Beginner = std::shared_ptr<CoroutineRun> (*)(Invocation& invocation,
                                                   Executor* executor,
                                                   CoroutineRun::Owner& owner);

// Either `invoke` or `begin` is there.
struct FunctionEntry {
  FunctionId id;
  std::string key;   // what the id is the hash of
  std::string name;  // for people: "Index::Add"; the stable name if it is that
  Invoker invoke = nullptr;
  // Where `name` is a stable one: what the function is called, for people.
  std::string named_function = "";
  // Of a constructor and a method: the class of the object that Invocation's
  // instance holds. A method of another one must not be invoked.
  const std::type_info* actor_class = nullptr;
  Beginner begin = nullptr;  // of a coroutine
  // It gives one item after the other (Invocation::items), and runs as a
  // coroutine does.
  bool is_generator = false;
  // A generator that may block its thread: as a task it does not share its slot
  // while it waits.
  bool holds_slot = false;

  [[nodiscard]] bool is_coroutine() const { return begin != nullptr; }
};

class FunctionTable {
 public:
  // The program's own table.
  static FunctionTable& Get();

  // `entry` must live as long as the program (or its shared library).
  void Register(const FunctionEntry* entry);
  [[nodiscard]] const FunctionEntry* Find(FunctionId id) const;
  // One line for each clash of two different keys or addresses under one id.
  [[nodiscard]] std::vector<std::string> Clashes() const;
  // The stable names, in order.
  [[nodiscard]] std::vector<std::string> Names() const;

 private:
  FunctionTable();
  struct State;
  State* state_;  // never freed: used during static destruction too
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_FUNCTION_TABLE_H_
