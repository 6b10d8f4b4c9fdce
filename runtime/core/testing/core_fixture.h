// CoreFixture drives one core by hand: a test feeds events and messages and
// looks at the effects of the last one.
//
//   Do(Simple(1));
//   Hear(kRaylet, base::LeaseGranted{...});
//   EXPECT_EQ(Sent<base::RunTask>().size(), 1u);
// Owner: tests.   Threading: none.
#ifndef MOBULA_RUNTIME_CORE_TESTING_CORE_FIXTURE_H_
#define MOBULA_RUNTIME_CORE_TESTING_CORE_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/scheduling/resource_vector.h"
#include "runtime/core/core.h"
#include "runtime/core/events.h"

namespace mobula::runtime {

class CoreFixture : public testing::Test {
 protected:
  static constexpr base::ProcessId kSelf{1, 1};
  static constexpr base::ProcessId kRaylet{1, 2};
  static constexpr base::ProcessId kWorker{1, 3};
  static constexpr base::ProcessId kOther{1, 4};
  static constexpr base::FunctionId kFunction{7, 7};

  explicit CoreFixture(base::Role role = base::Role::kDriver)
      : core_({kSelf, role, base::JobId{9, 9}, 1, 1'000}, base::IdSource(42)) {}

  void SetUp() override {
    Hear(kRaylet, base::Registered{kRaylet,
                                   base::NodeId{2, 2},
                                   "host",
                                   base::ResourceVector::Cpus(2),
                                   {}});
  }

  void Do(Event event) {
    effects_.clear();
    core_.Step(std::move(event), now_, effects_);
  }
  template <class M>
  void Hear(base::ProcessId from, M message) {
    Do(Received{from, base::Message(std::move(message))});
  }
  void Later(base::Duration duration) {
    now_ = now_ + duration;
    Do(Tick{});
  }

  // What was sent last, of one kind, in order.
  template <class M>
  [[nodiscard]] std::vector<M> Sent() const {
    std::vector<M> found;
    for (const Effect& effect : effects_) {
      const auto* send = std::get_if<Send>(&effect);
      if (send == nullptr) continue;
      if (const auto* message = std::get_if<M>(&send->message)) {
        found.push_back(*message);
      }
    }
    return found;
  }
  template <class E>
  [[nodiscard]] std::vector<E> Of() const {
    std::vector<E> found;
    for (const Effect& effect : effects_) {
      if (const auto* one = std::get_if<E>(&effect)) found.push_back(*one);
    }
    return found;
  }
  // The numbers of the tasks that were pushed last.
  [[nodiscard]] std::vector<std::uint64_t> Pushed() const {
    std::vector<std::uint64_t> numbers;
    for (const auto& run : Sent<base::RunTask>()) {
      numbers.push_back(run.task.lo);
    }
    return numbers;
  }
  // The outcome of number n, asked for now.
  [[nodiscard]] base::Outcome OutcomeOf(std::uint64_t n) {
    Do(Watch{Result(n)});
    const auto ready = Of<Ready>();
    if (ready.size() == 1) return ready[0].outcome;
    ADD_FAILURE() << "no outcome of " << n;
    return base::Bytes();
  }
  [[nodiscard]] base::Failure FailureOf(std::uint64_t n) {
    const base::Outcome outcome = OutcomeOf(n);
    if (const auto* failure = std::get_if<base::Failure>(&outcome)) {
      return *failure;
    }
    ADD_FAILURE() << n << " did not fail";
    return {};
  }

  static base::TaskId Task(std::uint64_t n) { return {5, n}; }
  static base::ObjectId Result(std::uint64_t n) { return {6, n}; }
  static Submit Simple(std::uint64_t n) {
    Submit submit;
    submit.task = Task(n);
    submit.result = Result(n);
    submit.function = kFunction;
    submit.function_name = "Square";
    submit.resources = base::ResourceVector::Cpus(1);
    return submit;
  }
  static base::TaskDone Answer(std::uint64_t n, const std::string& value,
                               std::int32_t attempt = 1) {
    base::TaskDone done;
    done.task = Task(n);
    done.attempt = attempt;
    done.outcome = base::Bytes::Own(value);
    done.run_ns = 10'000;
    return done;
  }
  static base::TaskDone AnswerFailure(std::uint64_t n, base::FailureCode code,
                                      base::Executed executed) {
    base::Failure failure;
    failure.code = code;
    failure.executed = executed;
    base::TaskDone done;
    done.task = Task(n);
    done.outcome = failure;
    return done;
  }
  // The story of a worker killed by signal 9.
  static base::Failure Death() {
    base::Failure failure;
    failure.code = base::FailureCode::kWorkerDied;
    failure.signal = 9;
    failure.log_tail = {"last words"};
    return failure;
  }

  // Submits 1 and leases a worker for it, on which it then runs.
  base::LeaseId RunFirst(Submit submit) {
    Do(std::move(submit));
    const auto requests = Sent<base::RequestLease>();
    EXPECT_EQ(requests.size(), 1u);
    if (requests.empty()) return {};
    Hear(kRaylet, base::LeaseGranted{requests[0].lease, kWorker, 77});
    return requests[0].lease;
  }
  // Lets number n, run by RunFirst, teach the core that its function is short.
  base::LeaseId LeaseWithShortTasks() {
    const base::LeaseId lease = RunFirst(Simple(1));
    Hear(kWorker, Answer(1, "1"));
    return lease;
  }

  base::BootTime now_ = base::BootTime::FromSinceBoot(std::chrono::seconds(1));
  Core core_;
  Effects effects_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_CORE_TESTING_CORE_FIXTURE_H_
