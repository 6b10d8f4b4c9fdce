#include "runtime/core/core.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
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
#include "runtime/core/events.h"

namespace mobula::runtime {
namespace {

using base::BootTime;
using base::Bytes;
using base::Failure;
using base::FailureCode;
using base::LeaseId;
using base::ObjectId;
using base::ProcessId;
using base::TaskId;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr ProcessId kSelf{1, 1};
constexpr ProcessId kRaylet{1, 2};
constexpr ProcessId kWorker{1, 3};
constexpr base::FunctionId kFunction{7, 7};

// A driver's core, driven by hand.
class CoreTest : public testing::Test {
 protected:
  explicit CoreTest(base::Role role = base::Role::kDriver)
      : core_({kSelf, role, base::JobId{9, 9}, 1, 1'000}, base::IdSource(42)) {}

  void SetUp() override {
    Message(kRaylet, base::Registered{kRaylet, base::NodeId{2, 2}, "host",
                                      base::ResourceVector::Cpus(2)});
  }

  Effects& Do(Event event) {
    effects_.clear();
    core_.Step(std::move(event), now_, effects_);
    return effects_;
  }
  template <class M>
  Effects& Message(ProcessId from, M message) {
    return Do(Received{from, base::Message(std::move(message))});
  }
  Effects& Later(base::Duration duration) {
    now_ = now_ + duration;
    return Do(Tick{});
  }

  // The messages of that kind among the last effects.
  template <class M>
  std::vector<M> Sent() const {
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
  std::vector<E> Of() const {
    std::vector<E> found;
    for (const Effect& effect : effects_) {
      if (const auto* one = std::get_if<E>(&effect)) found.push_back(*one);
    }
    return found;
  }

  // Number n's ids.
  static TaskId Task(std::uint64_t n) { return {5, n}; }
  static ObjectId Result(std::uint64_t n) { return {6, n}; }
  static Submit Simple(std::uint64_t n) {
    Submit submit;
    submit.task = Task(n);
    submit.result = Result(n);
    submit.function = kFunction;
    submit.function_name = "Square";
    submit.resources = base::ResourceVector::Cpus(1);
    return submit;
  }
  static base::TaskDone Answer(std::uint64_t n, std::string value,
                               std::int32_t attempt = 1) {
    base::TaskDone done;
    done.task = Task(n);
    done.attempt = attempt;
    done.outcome = Bytes::Own(std::move(value));
    done.run_ns = 10'000;
    return done;
  }

  BootTime now_ = BootTime::FromSinceBoot(seconds(1));
  Core core_;
  Effects effects_;
};

TEST_F(CoreTest, TaskRunsFromSubmitToReady) {
  Do(Simple(1));
  const auto requests = Sent<base::RequestLease>();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].function, "Square");
  Do(Watch{Result(1)});
  Message(kRaylet, base::LeaseGranted{requests[0].lease, kWorker, 77});
  const auto runs = Sent<base::RunTask>();
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0].task, Task(1));
  EXPECT_EQ(runs[0].attempt, 1);
  Message(kWorker, Answer(1, "49"));
  const auto ready = Of<Ready>();
  ASSERT_EQ(ready.size(), 1u);
  EXPECT_EQ(std::get<Bytes>(ready[0].outcome).view(), "49");
  // The idle lease goes back after 50 ms, the object with its last reference.
  Later(milliseconds(60));
  EXPECT_EQ(Sent<base::ReturnLease>().size(), 1u);
  Do(DropObject{Result(1)});
  const Core::Census census = core_.Count();
  EXPECT_EQ(census.objects + census.tasks + census.leases, 0u);
}

}  // namespace
}  // namespace mobula::runtime
