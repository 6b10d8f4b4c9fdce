// Runs of a slot for tests: what is pushed, and what came of it.
//
//   const std::vector<Executed> done = RunAll({Work(1, kTellCurrent)});
//   EXPECT_EQ(Value(done[0]), "TellCurrent 1 0");
// Owner: tests.   Threading: the slot runs on the thread that calls.
#ifndef MOBULA_RUNTIME_EXECUTOR_TESTING_SLOT_RUNS_H_
#define MOBULA_RUNTIME_EXECUTOR_TESTING_SLOT_RUNS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/failure.h"
#include "runtime/core/events.h"
#include "runtime/executor/slot_thread.h"

namespace mobula::runtime::slot_testing {

// A task, or a call of the one actor, of a function of SlotFunctions.
Execute Work(std::uint64_t task, std::uint64_t function);
Execute ActorWork(std::uint64_t task, std::uint64_t function);
// The coroutine kPause.
Execute Pausing(std::uint64_t task, const std::string& how = "");

// Runs all of `works`, then stops.
std::vector<Executed> RunAll(const std::vector<Execute>& works,
                             SlotThread::MapFn map = nullptr);
// Pushes each when the one before has ended or waits, as the core does, and
// stops when all have ended. `lent`: what is told of the cpu; while it is lent
// all pauses are let go.
std::vector<Executed> RunInTurn(const std::vector<Execute>& works,
                                std::vector<bool>* lent = nullptr);

// "failure" where it is none.
std::string Value(const Executed& executed);
const base::Failure& Fails(const Executed& executed);

}  // namespace mobula::runtime::slot_testing

#endif  // MOBULA_RUNTIME_EXECUTOR_TESTING_SLOT_RUNS_H_
