#include "runtime/executor/testing/slot_runs.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <utility>
#include <variant>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/executor/testing/slot_functions.h"

namespace mobula::runtime::slot_testing {

Execute Work(std::uint64_t task, std::uint64_t function) {
  Execute work;
  work.task = base::TaskId{7, task};
  work.function = base::FunctionId{1, function};
  return work;
}

Execute ActorWork(std::uint64_t task, std::uint64_t function) {
  Execute work = Work(task, function);
  work.actor = base::ActorId{8, 1};
  work.incarnation = 2;
  work.is_constructor = function == kConstruct || function == kConstructAsker;
  return work;
}

std::vector<Executed> RunAll(const std::vector<Execute>& works,
                             SlotThread::MapFn map) {
  std::vector<Executed> done;
  SlotThread* running = nullptr;
  SlotThread slot(
      SlotFunctions(), nullptr,
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

const base::Failure& Fails(const Executed& executed) {
  return std::get<base::Failure>(executed.outcome);
}

Execute Pausing(std::uint64_t task, const std::string& how) {
  Execute work = Work(task, kPause);
  work.args = {base::Bytes::Own(how)};
  return work;
}

std::vector<Executed> RunInTurn(const std::vector<Execute>& works,
                                std::vector<bool>* lent) {
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
      SlotFunctions(), nullptr,
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
             if (blocked) LetPausesGo();
           }});
  running = &slot;
  last = works[0].task;
  running->Push(works[next++]);
  slot.Run();
  return done;
}

}  // namespace mobula::runtime::slot_testing
