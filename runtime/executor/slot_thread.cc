#include "runtime/executor/slot_thread.h"

#include <stdio_ext.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <span>
#include <utility>

#include "base/callable.h"
#include "base/check.h"
#include "base/value.h"
#include "runtime/core/cancelled_failure.h"
#include "runtime/executor/current.h"

namespace mobula::runtime {
namespace {

using base::Failure;
using base::FailureCode;

// What a function printed leaves the process before its result does. With
// nothing buffered this costs no system call.
void FlushOutput() {
  std::cout.flush();
  std::clog.flush();
  if (::__fpending(stdout) > 0) std::fflush(stdout);
  if (::__fpending(stderr) > 0) std::fflush(stderr);
}

}  // namespace

SlotThread::SlotThread(const base::FunctionTable& table, base::WorkerPage* page,
                       DoneFn on_done, MapFn map, RunningTasks* running)
    : table_(table),
      page_(page),
      on_done_(std::move(on_done)),
      map_(std::move(map)),
      running_(running) {
  MOBULA_CHECK(on_done_ != nullptr);
}

SlotThread::~SlotThread() = default;

void SlotThread::Push(Execute work) {
  base::MutexLock lock(mutex_);
  if (stopped_) return;
  queue_.push_back(std::move(work));
  changed_.NotifyOne();
}

void SlotThread::Stop() {
  base::MutexLock lock(mutex_);
  stopped_ = true;
  queue_.clear();
  changed_.NotifyAll();
}

void SlotThread::SetNode(std::string name) {
  base::MutexLock lock(mutex_);
  node_ = std::move(name);
}

bool SlotThread::Take(Execute* work) {
  base::MutexLock lock(mutex_);
  if (!stopped_ && queue_.empty() && page_ != nullptr) page_->SetBusy(false);
  while (!stopped_ && queue_.empty()) changed_.Wait(mutex_);
  if (stopped_) return false;
  *work = std::move(queue_.front());
  queue_.pop_front();
  return true;
}

void SlotThread::ShowRunning(const base::FunctionEntry& entry) {
  if (page_ == nullptr) return;
  if (shown_ == &entry) {
    page_->SetBusy(true);
  } else {
    page_->SetRunning(entry.name);
  }
  shown_ = &entry;
}

void SlotThread::Run() {
  Execute work;
  while (Take(&work)) {
    std::shared_ptr<const void> kept;
    on_done_(RunOne(work, &kept));
  }
  // Each actor's destructor may still look at the others' effects, so they go
  // one at a time while the rest of the process is whole.
  while (!actors_.empty()) actors_.erase(actors_.begin());
  FlushOutput();
}

Executed SlotThread::RunOne(const Execute& work,
                            std::shared_ptr<const void>* kept) {
  Executed executed;
  executed.task = work.task;
  const base::FunctionEntry* entry = nullptr;
  if (auto failure = Find(work, &entry)) {
    executed.outcome = *std::move(failure);
    Annotate(work, work.called, &executed.outcome);
    return executed;
  }
  ShowRunning(*entry);
  CurrentExecution current;
  current.task = work.task;
  current.result = work.result;
  current.actor = work.actor;
  current.incarnation = work.incarnation;
  current.attempt = work.attempt;
  current.is_constructor = work.is_constructor;
  current.function = entry->name;
  current.assigned = work.assigned.get();
  if (const auto living = actors_.find(work.actor); living != actors_.end()) {
    current.assigned = living->second.assigned.get();
  }
  if (running_ != nullptr) current.stop = running_->TokenOf(work.task);
  const ScopedCurrent scope(&current);
  const auto begin = std::chrono::steady_clock::now();
  base::Invocation invocation;
  if (current.stop.stop_requested()) {
    executed.outcome = CancelledFailure(base::Executed::kNo);
  } else {
    Perform(work, *entry, &invocation, &executed);
  }
  executed.exit_actor = invocation.exit_actor;
  *kept = std::move(invocation.kept);
  executed.run_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                        std::chrono::steady_clock::now() - begin)
                        .count();
  FlushOutput();
  Annotate(work, entry->name, &executed.outcome);
  return executed;
}

std::optional<Failure> SlotThread::Find(
    const Execute& work, const base::FunctionEntry** entry) const {
  auto failure =
      base::FindCallable(table_, {work.function, work.called}, entry);
  if (failure.has_value() || work.is_constructor) return failure;
  if (work.actor.IsNil()) return base::Misplaced(**entry, nullptr);
  const auto living = actors_.find(work.actor);
  if (living == actors_.end()) return std::nullopt;  // Invoke says so
  return base::Misplaced(**entry, living->second.constructor);
}

void SlotThread::Perform(const Execute& work, const base::FunctionEntry& entry,
                         base::Invocation* invocation, Executed* executed) {
  std::vector<base::Value> mapped;
  if (auto failure = MapArgs(work, &mapped, &executed->lost)) {
    executed->outcome = *std::move(failure);
    return;
  }
  invocation->args = std::span(mapped.empty() ? work.args : mapped);
  invocation->result = base::ObjectName{work.result, work.owner};
  executed->outcome = Invoke(work, entry, invocation);
  executed->digest = invocation->digest;
}

std::optional<Failure> SlotThread::MapArgs(const Execute& work,
                                           std::vector<base::Value>* args,
                                           std::vector<base::LostBytes>* lost) {
  const bool has_stored =
      std::any_of(work.args.begin(), work.args.end(),
                  [](const base::Value& arg) { return arg.is_stored(); });
  if (!has_stored) return std::nullopt;
  *args = work.args;
  std::optional<Failure> why;
  for (base::Value& arg : *args) {
    if (!arg.is_stored()) continue;
    MOBULA_CHECK(map_ != nullptr, "a stored argument where there is no store");
    auto mapped = map_(arg, /*remade=*/!work.actor.IsNil());
    if (auto* failure = std::get_if<Failure>(&mapped)) {
      const bool is_lost = failure->code == FailureCode::kObjectLost;
      why = std::move(*failure);
      why->executed = base::Executed::kNo;
      if (is_lost && work.actor.IsNil()) {
        // The others may be lost too: all are said at once.
        lost->push_back({arg.name(), arg.extent()});
        continue;
      }
      lost->clear();
      return why;
    }
    arg = std::get<base::Value>(std::move(mapped));
  }
  return why;
}

base::Outcome SlotThread::Invoke(const Execute& work,
                                 const base::FunctionEntry& entry,
                                 base::Invocation* invocation) {
  if (work.actor.IsNil()) return entry.invoke(*invocation);
  std::shared_ptr<void> instance;
  const auto found = actors_.find(work.actor);
  if (work.is_constructor) {
    MOBULA_CHECK(found == actors_.end(), "an actor is constructed once")
        << work.actor.ToString();
  } else {
    if (found == actors_.end()) {
      return base::NotRun(FailureCode::kActorDied,
                          "the actor does not live in this worker (any more)");
    }
    instance = found->second.instance;
  }
  invocation->instance = &instance;
  base::Outcome outcome = entry.invoke(*invocation);
  if (invocation->exit_actor) {
    const auto ended = actors_.extract(work.actor);
    instance.reset();
  } else if (work.is_constructor &&
             std::holds_alternative<base::Value>(outcome)) {
    actors_.emplace(work.actor,
                    Living{work.assigned, &entry, std::move(instance)});
  }
  return outcome;
}

void SlotThread::Annotate(const Execute& work, const std::string& function,
                          base::Outcome* outcome) {
  auto* failure = std::get_if<Failure>(outcome);
  if (failure == nullptr) return;
  if (!work.called.empty()) failure->function = work.called;
  if (work.actor.IsNil() && work.assigned != nullptr &&
      !work.assigned->name.empty()) {
    failure->function = work.assigned->name;
  }
  if (failure->function.empty()) failure->function = function;
  if (failure->pid == 0) failure->pid = static_cast<int>(::getpid());
  if (failure->attempt == 0) failure->attempt = work.attempt;
  if (failure->incarnation == 0) failure->incarnation = work.incarnation;
  if (!failure->node.empty()) return;
  base::MutexLock lock(mutex_);
  failure->node = node_;
}

}  // namespace mobula::runtime
