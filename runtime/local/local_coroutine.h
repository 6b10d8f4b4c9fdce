// LocalBackend::Coroutine is one coroutine, or generator, of local mode that
// has begun and not ended. Owner: LocalBackend's map, and whoever runs it.
// Threading: its executor's, but for what is of the backend's lock.
#ifndef MOBULA_RUNTIME_LOCAL_LOCAL_COROUTINE_H_
#define MOBULA_RUNTIME_LOCAL_LOCAL_COROUTINE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/function_table.h"
#include "base/ids.h"
#include "base/threads/coroutine_run.h"
#include "base/threads/executor.h"
#include "base/threads/item_stream.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/executor/current.h"
#include "runtime/local/local_backend.h"

namespace mobula::runtime {

struct LocalBackend::Coroutine final
    : base::CoroutineRun::Owner,
      base::ItemStream::Sink,
      std::enable_shared_from_this<LocalBackend::Coroutine> {
  Coroutine(LocalBackend& runs_in, const base::FunctionEntry& runs, Run what)
      : backend(runs_in), entry(runs), run(std::move(what)) {}

  void Ended(base::Outcome outcome) noexcept override {
    backend.Ended(*this, std::move(outcome));
  }
  void Opened() override { backend.OpenItems(shared_from_this()); }
  void Yielded(std::uint64_t index, base::Value value) override {
    backend.TakeItem(*this, index, std::move(value));
  }
  // The object that is to hold what comes of it.
  [[nodiscard]] base::ObjectId result() const {
    return submit.has_value() ? submit->result : call->result;
  }

  LocalBackend& backend;
  const base::FunctionEntry& entry;
  std::string name;  // run.name is this
  Run run;
  std::vector<base::Value> args;
  std::optional<Submit> submit;    // of a task
  std::optional<Call> call;        // of a method
  std::shared_ptr<void> instance;  // the actor's object
  base::Executor* executor = nullptr;
  base::Invocation invocation;
  CurrentExecution current;
  base::BootTime start;
  std::optional<base::ItemStream> items;  // of a generator
  std::shared_ptr<base::CoroutineRun> body;
  // Of the backend's lock.
  bool begins = true;  // whoever runs Begin sees its end
  std::optional<base::Outcome> outcome;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_LOCAL_LOCAL_COROUTINE_H_
