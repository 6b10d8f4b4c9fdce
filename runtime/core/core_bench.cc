// What the steps of a core cost, without any shell: the events are made up on
// the spot and the effects thrown away.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/scheduling/resource_vector.h"
#include "runtime/core/core.h"
#include "runtime/core/events.h"

namespace mobula::runtime {
namespace {

constexpr base::ProcessId kRaylet{1, 2};
constexpr base::ProcessId kWorker{1, 3};
constexpr base::ActorId kActor{8, 1};

// A driver's core with one worker that answers at once.
class Bench {
 public:
  Bench() : core_(MakeOptions(), base::IdSource(42)) {
    Feed(Received{kRaylet, base::Registered{kRaylet,
                                            base::NodeId{2, 2},
                                            "host",
                                            base::ResourceVector::Cpus(1),
                                            {}}});
  }

  // Feeds the event, and the answers to what it sent, until nothing is sent.
  void Run(Event event) {
    Feed(std::move(event));
    while (answered_ < asked_.size()) {
      base::Message answer = std::move(asked_[answered_].second);
      const base::ProcessId from = asked_[answered_].first;
      ++answered_;
      Feed(Received{from, std::move(answer)});
    }
    asked_.clear();
    answered_ = 0;
  }
  // Feeds the event; what it sends is answered by the next Run.
  void Feed(Event event) {
    effects_.clear();
    now_ = now_ + std::chrono::nanoseconds(100);
    core_.Step(std::move(event), now_, effects_);
    for (Effect& effect : effects_) {
      if (auto* send = std::get_if<Send>(&effect)) Answer(send->message);
      if (std::holds_alternative<Ready>(effect)) ++ready_;
    }
  }

  Submit NextSubmit() {
    Submit submit;
    submit.task = {5, ++last_};
    submit.result = {6, last_};
    submit.function = {7, 7};
    submit.function_name = "Square";
    submit.args.push_back({base::ObjectId(), value_});
    submit.resources = shape_;
    return submit;
  }
  Call NextCall() {
    Call call;
    call.actor = kActor;
    call.task = {5, ++last_};
    call.result = {6, last_};
    call.method = {7, 8};
    call.method_name = "Index::Add";
    call.args.push_back({base::ObjectId(), value_});
    return call;
  }
  [[nodiscard]] std::uint64_t last() const { return last_; }
  [[nodiscard]] std::uint64_t ready() const { return ready_; }

 private:
  static Core::Options MakeOptions() {
    Core::Options options;
    options.self = {1, 1};
    options.job = {9, 9};
    return options;
  }

  void Answer(const base::Message& message) {
    if (const auto* run = std::get_if<base::RunTask>(&message)) {
      base::TaskDone done;
      done.task = run->task;
      done.attempt = run->attempt;
      done.outcome = value_;
      done.run_ns = 1'000;
      asked_.emplace_back(kWorker, std::move(done));
    } else if (const auto* call = std::get_if<base::CallActor>(&message)) {
      base::TaskDone done;
      done.task = call->task;
      done.outcome = value_;
      done.incarnation = 1;
      asked_.emplace_back(kWorker, std::move(done));
    } else if (const auto* create = std::get_if<base::CreateActor>(&message)) {
      base::TaskDone done;
      done.task = create->task;
      done.outcome = value_;
      done.incarnation = create->incarnation;
      asked_.emplace_back(kWorker, std::move(done));
    } else if (const auto* ask = std::get_if<base::RequestLease>(&message)) {
      if (granted_) return;
      granted_ = true;
      asked_.emplace_back(kRaylet, base::LeaseGranted{ask->lease, kWorker, 1});
    }
  }

  Core core_;
  base::BootTime now_;
  Effects effects_;
  std::vector<std::pair<base::ProcessId, base::Message>> asked_;
  std::size_t answered_ = 0;
  bool granted_ = false;
  std::uint64_t last_ = 0;
  std::uint64_t ready_ = 0;
  const base::Bytes value_ = base::Bytes::Own("value");
  const base::ResourceVector shape_ = base::ResourceVector::Cpus(1);
};

// Submit, Watch, TaskDone, Ready, DropObject.
void BM_TaskOneAtATime(benchmark::State& state) {
  Bench bench;
  for (auto _ : state) {
    Submit submit = bench.NextSubmit();
    const base::ObjectId result = submit.result;
    bench.Run(std::move(submit));
    bench.Run(Watch{result});
    bench.Run(DropObject{result});
  }
  MOBULA_CHECK(bench.ready() == bench.last());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_TaskOneAtATime);

// As many at once as the argument says; time and items are of one task.
void BM_TasksInWaves(benchmark::State& state) {
  Bench bench;
  bench.Run(bench.NextSubmit());
  for (auto _ : state) {
    const std::uint64_t first = bench.last() + 1;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      bench.Feed(bench.NextSubmit());
    }
    for (std::uint64_t i = first; i <= bench.last(); ++i) {
      bench.Run(Watch{{6, i}});
      bench.Run(DropObject{{6, i}});
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_TasksInWaves)->Arg(1'000)->Arg(100'000);

void BM_ActorCall(benchmark::State& state) {
  Bench bench;
  Create create;
  create.actor = kActor;
  create.task = {4, 1};
  create.constructor = {7, 9};
  create.class_name = "Index";
  bench.Run(std::move(create));
  for (auto _ : state) {
    Call call = bench.NextCall();
    const base::ObjectId result = call.result;
    bench.Run(std::move(call));
    bench.Run(Watch{result});
    bench.Run(DropObject{result});
  }
  MOBULA_CHECK(bench.ready() == bench.last());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ActorCall);

// One task with that many refs to pending objects as arguments.
void BM_RefsAsArguments(benchmark::State& state) {
  Bench bench;
  bench.Run(bench.NextSubmit());
  for (auto _ : state) {
    const std::uint64_t first = bench.last() + 1;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      bench.Feed(bench.NextSubmit());
    }
    Submit gather = bench.NextSubmit();
    gather.args.clear();
    for (std::uint64_t i = first; i < bench.last(); ++i) {
      gather.args.push_back({{6, i}, base::Bytes()});
    }
    bench.Run(std::move(gather));
    for (std::uint64_t i = first; i <= bench.last(); ++i) {
      bench.Run(DropObject{{6, i}});
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_RefsAsArguments)->Arg(10'000);

}  // namespace
}  // namespace mobula::runtime

BENCHMARK_MAIN();
