#include "runtime/process/process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/value.h"
#include "runtime/process/worker_exit.h"
#include "runtime/transport/fake_peer.h"

namespace mobula::runtime {
namespace {

using base::BootTime;
using base::Bytes;
using base::FailureCode;
using base::FunctionId;
using base::ObjectId;
using base::ProcessId;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr ProcessId kSelf{1, 1};
constexpr ProcessId kRaylet{2, 1};
constexpr ProcessId kOther{3, 1};
constexpr base::JobId kJob{4, 1};
constexpr BootTime kPast;
const BootTime kNever = BootTime::Never();

base::Registered Welcome() {
  base::Registered registered;
  registered.raylet = kRaylet;
  registered.node_name = "host";
  registered.total = base::ResourceVector::Cpus(2);
  return registered;
}

// A raylet that registers, grants every lease on a worker of its own that
// echoes the first argument of every task, and ends jobs.
class FakeNode {
 public:
  struct Ways {
    bool answers_end = true;
    bool grants = true;
  };
  FakeNode(base::UniqueFd socket, Ways ways)
      : ways_(ways),
        raylet_(std::move(socket), kRaylet, base::Role::kRaylet,
                [this](FakePeer& peer, const base::Message& message) {
                  Answer(peer, message);
                }) {}

  FakePeer& raylet() { return raylet_; }

 private:
  void Answer(FakePeer& peer, const base::Message& message) {
    if (std::holds_alternative<base::Register>(message)) peer.Send(Welcome());
    if (const auto* end = std::get_if<base::EndJob>(&message)) {
      if (ways_.answers_end) peer.Send(base::JobEnded{end->job});
    }
    const auto* request = std::get_if<base::RequestLease>(&message);
    if (request == nullptr || !ways_.grants) return;
    const ProcessId id{kOther.hi, 100 + workers_.size()};
    workers_.push_back(std::make_unique<FakePeer>(
        peer.Attach(id), id, base::Role::kWorker,
        [](FakePeer& self, const base::Message& work) {
          const auto* run = std::get_if<base::RunTask>(&work);
          if (run == nullptr) return;
          base::TaskDone done;
          done.task = run->task;
          done.attempt = run->attempt;
          done.outcome = run->args.at(0);
          self.Send(done);
        }));
    peer.Send(base::LeaseGranted{request->lease, id, 77});
  }

  const Ways ways_;
  std::vector<std::unique_ptr<FakePeer>> workers_;
  FakePeer raylet_;
};

Process::Options DriverOptions(base::UniqueFd socket) {
  Process::Options options;
  options.whoami.process = kSelf;
  options.whoami.role = base::Role::kDriver;
  options.whoami.job = kJob;
  options.whoami.program = "test";
  options.raylet_socket = std::move(socket);
  return options;
}

BootTime Soon() { return base::BootNow() + seconds(10); }

// A started driver and its node.
struct Driver {
  explicit Driver(FakeNode::Ways ways = FakeNode::Ways()) {
    auto [ours, theirs] = SocketPair();
    node = std::make_unique<FakeNode>(std::move(theirs), ways);
    Process::Options options = DriverOptions(std::move(ours));
    options.on_output = [this](const base::WorkerOutput& output) {
      lines.push_back(output.lines.at(0));
    };
    process = std::make_unique<Process>(std::move(options));
    const auto error = process->Start(Soon());
    EXPECT_FALSE(error.has_value()) << error->message;
  }

  ObjectId Spawn(const std::string& argument) {
    Submit submit;
    submit.task = process->NewId<base::TaskId>();
    submit.result = process->NewId<ObjectId>();
    submit.function = FunctionId{1, 1};
    submit.args = {Arg{ObjectId(), Bytes::Own(argument)}};
    submit.resources = base::ResourceVector::Cpus(1);
    const ObjectId result = submit.result;
    process->Post(std::move(submit));
    return result;
  }

  ObjectId PutText(const std::string& text) {
    const auto object = process->NewId<ObjectId>();
    process->Post(Put{object, Bytes::Own(text)});
    return object;
  }

  std::vector<std::string> lines;  // on the strand, until Shutdown
  std::unique_ptr<FakeNode> node;
  std::unique_ptr<Process> process;
};

std::string TextOf(const std::optional<Backend::Settled>& settled) {
  if (!settled) return "(nothing)";
  if (const auto* bytes = std::get_if<base::Value>(&settled->outcome)) {
    return std::string(bytes->view());
  }
  return std::string(
      base::FailureCodeName(std::get<base::Failure>(settled->outcome).code));
}

TEST(DriverProcess, RegistersAndKnowsItsNode) {
  Driver driver;
  const auto asked = driver.node->raylet().Expect<base::Register>();
  EXPECT_EQ(asked.process, kSelf);
  EXPECT_EQ(asked.job, kJob);
  EXPECT_EQ(asked.role, base::Role::kDriver);
  EXPECT_EQ(driver.process->node().name, "host");
  EXPECT_EQ(driver.process->self(), kSelf);
}

TEST(DriverProcess, ATaskGoesToTheWorkerAndComesBack) {
  Driver driver;
  EXPECT_EQ(TextOf(driver.process->Await(driver.Spawn("hello"), kNever)),
            "hello");
}

TEST(DriverProcess, PutIsSeenByTheNextLook) {
  Driver driver;
  const ObjectId object = driver.PutText("here");
  EXPECT_EQ(TextOf(driver.process->Await(object, kPast)), "here");
  driver.process->Post(DropObject{object});
  EXPECT_EQ(TextOf(driver.process->Await(object, kNever)), "BadArgument");
}

TEST(DriverProcess, WaitsForSome) {
  Driver driver;
  std::vector<ObjectId> objects;
  for (int i = 0; i < 20; ++i) objects.push_back(driver.Spawn("x"));
  const auto all = driver.process->AwaitSome(objects, 20, kNever);
  EXPECT_EQ(all, std::vector<bool>(20, true));
}

TEST(DriverProcess, ManyThreadsGetTheirOwnResults) {
  Driver driver;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&driver, thread] {
      for (int i = 0; i < 200; ++i) {
        const std::string text =
            std::to_string(thread) + "." + std::to_string(i);
        const ObjectId object = driver.Spawn(text);
        EXPECT_EQ(TextOf(driver.process->Await(object, kNever)), text);
        driver.process->Post(DropObject{object});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// The strand is held up between two messages that have come together.
TEST(DriverProcess, WhatIsAskedForBeforeASlotComesFreeMayGetIt) {
  std::unique_ptr<FakePeer> worker;
  auto [ours, theirs] = SocketPair();
  FakePeer raylet(
      std::move(theirs), kRaylet, base::Role::kRaylet,
      [&worker](FakePeer& peer, const base::Message& message) {
        if (std::holds_alternative<base::Register>(message)) {
          peer.Send(Welcome());
        }
        if (const auto* end = std::get_if<base::EndJob>(&message)) {
          peer.Send(base::JobEnded{end->job});
        }
        const auto* request = std::get_if<base::RequestLease>(&message);
        if (request == nullptr || worker != nullptr) return;
        worker = std::make_unique<FakePeer>(peer.Attach(kOther), kOther,
                                            base::Role::kWorker);
        peer.Send(base::WorkerOutput{5, "f", false, {"hold on"}, 0, ""});
        peer.Send(base::LeaseGranted{request->lease, kOther, 77});
      });
  std::promise<void> held_up;
  std::promise<void> go;
  Process::Options options = DriverOptions(std::move(ours));
  options.on_output = [&](const base::WorkerOutput&) {
    held_up.set_value();
    go.get_future().wait();
  };
  Process process(std::move(options));
  ASSERT_FALSE(process.Start(Soon()).has_value());
  const auto spawn = [&process](std::int32_t priority) {
    Submit submit;
    submit.task = process.NewId<base::TaskId>();
    submit.result = process.NewId<ObjectId>();
    submit.function = FunctionId{1, 1};
    submit.resources = base::ResourceVector::Cpus(1);
    submit.scope.priority = priority;
    const base::TaskId task = submit.task;
    process.Post(std::move(submit));
    return task;
  };
  spawn(0);
  raylet.Expect<base::RequestLease>();
  held_up.get_future().wait();
  const base::TaskId urgent = spawn(5);
  go.set_value();
  EXPECT_EQ(worker->Expect<base::RunTask>().task, urgent);
}

TEST(DriverProcess, AfterTheRayletIsLostEverythingSettles) {
  Driver driver;
  driver.node->raylet().Close();
  EXPECT_EQ(TextOf(driver.process->Await(driver.Spawn("x"), kNever)),
            "RayletDied");
  driver.process->Shutdown();  // does not wait for an answer
}

// As the raylet does it for `mobula kill JOB`.
TEST(DriverProcess, AJobThatIsEndedByRequestSaysSo) {
  Driver driver({.grants = false});
  const ObjectId pending = driver.Spawn("never granted");
  driver.node->raylet().Expect<base::RequestLease>();
  driver.node->raylet().Send(base::JobEnded{kJob});
  driver.node->raylet().Close();
  for (const ObjectId object : {pending, driver.Spawn("late")}) {
    const auto settled = driver.process->Await(object, kNever);
    EXPECT_EQ(TextOf(settled), "RuntimeClosed");
    const auto& failure = std::get<base::Failure>(settled->outcome);
    EXPECT_NE(failure.message.find("mobula kill"), std::string::npos);
    EXPECT_EQ(failure.executed, base::Executed::kNo);
  }
  driver.process->Shutdown();  // there is nothing to ask for
}

TEST(DriverProcess, ShutdownEndsTheJobAndSettlesTheRest) {
  Driver driver({.grants = false});
  const ObjectId pending = driver.Spawn("never granted");
  driver.node->raylet().Expect<base::RequestLease>();
  std::thread waiter([&driver, &pending] {
    EXPECT_EQ(TextOf(driver.process->Await(pending, kNever)), "RuntimeClosed");
  });
  driver.node->raylet().Send(
      base::WorkerOutput{5, "f", false, {"last"}, 0, ""});
  driver.process->Shutdown();
  driver.process->Shutdown();
  waiter.join();
  EXPECT_EQ(driver.node->raylet().Expect<base::EndJob>().job, kJob);
  EXPECT_EQ(driver.lines, (std::vector<std::string>{"last"}));
  driver.node->raylet().WaitClosed();
  EXPECT_EQ(TextOf(driver.process->Await(driver.Spawn("late"), kNever)),
            "RuntimeClosed");
}

TEST(DriverProcess, ShutdownGivesUpOnASilentRaylet) {
  Driver driver({.answers_end = false});
  driver.process->Shutdown();
  driver.node->raylet().WaitClosed();
}

TEST(DriverProcess, AsksTheControlStoreThroughTheRaylet) {
  Driver driver;
  EXPECT_EQ(driver.process->home().raylet, kRaylet);
  EXPECT_EQ(driver.process->home().job, kJob);
  base::ControlReply reply;
  std::thread asker(
      [&] { reply = driver.process->Ask(base::GetStatus{}, seconds(10)); });
  const auto call = driver.node->raylet().Expect<base::ControlCall>();
  EXPECT_EQ(call.from, kSelf);
  base::KeyAnswer answer;
  answer.version = 7;
  driver.node->raylet().Send(
      base::ControlAnswer{call.request, call.from, answer});
  asker.join();
  EXPECT_EQ(std::get<base::KeyAnswer>(reply).version, 7u);
}

TEST(DriverProcess, AQuestionEndsAtItsTimeoutAndWithTheRuntime) {
  Driver driver;
  const auto late = driver.process->Ask(base::GetStatus{}, milliseconds(1));
  EXPECT_EQ(std::get<base::Failure>(late).code, FailureCode::kControlAway);
  base::ControlReply reply;
  std::thread asker([&] {
    reply = driver.process->Ask(base::GetStatus{}, base::Duration::max());
  });
  driver.node->raylet().Expect<base::ControlCall>();
  driver.node->raylet().Expect<base::ControlCall>();
  driver.process->Shutdown();
  asker.join();
  EXPECT_EQ(std::get<base::Failure>(reply).code, FailureCode::kShutdown);
  reply = driver.process->Ask(base::GetStatus{}, seconds(1));
  EXPECT_EQ(std::get<base::Failure>(reply).code, FailureCode::kShutdown);
}

TEST(DriverProcess, AForkedChildIsInert) {
  Driver driver;
  const ObjectId object = driver.PutText("parent's");
  const pid_t child = ::fork();
  if (child == 0) {
    const bool is_inert =
        TextOf(driver.process->Await(object, kNever)) == "RuntimeClosed";
    driver.process->Shutdown();
    driver.process.reset();
    ::_exit(is_inert ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(TextOf(driver.process->Await(object, kNever)), "parent's");
}

TEST(DriverStart, SaysThatTheRayletClosed) {
  auto [ours, theirs] = SocketPair();
  Process process(DriverOptions(std::move(ours)));
  theirs.Reset();
  const auto error = process.Start(Soon());
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, StartError::Code::kHeadFailed);
}

TEST(DriverStart, GivesUpAtTheDeadline) {
  auto [ours, theirs] = SocketPair();
  Process process(DriverOptions(std::move(ours)));
  const auto error = process.Start(base::BootNow() + milliseconds(5));
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, StartError::Code::kTimeout);
}

// ---- worker -----------------------------------------------------------------

std::atomic<Process*> worker_process{nullptr};

base::Outcome Echo(base::Invocation& invocation) { return invocation.args[0]; }

// Asks for a task of its own and waits for it.
base::Outcome Nested(base::Invocation&) {
  Process& process = *worker_process.load();
  Submit submit;
  submit.task = process.NewId<base::TaskId>();
  submit.result = process.NewId<ObjectId>();
  submit.function = FunctionId{9, 1};
  const ObjectId result = submit.result;
  process.Post(std::move(submit));
  return Bytes::Own(TextOf(process.Await(result, kNever)));
}

const base::FunctionEntry kEcho{FunctionId{9, 1}, "echo", "Echo", &Echo};
const base::FunctionEntry kNested{FunctionId{9, 2}, "nested", "Nested",
                                  &Nested};

// A worker that serves on a thread of its own.
struct Worker {
  Worker() {
    static const bool registered = [] {
      base::FunctionTable::Get().Register(&kEcho);
      base::FunctionTable::Get().Register(&kNested);
      return true;
    }();
    EXPECT_TRUE(registered);
    auto [ours, theirs] = SocketPair();
    raylet = std::make_unique<FakePeer>(
        std::move(theirs), kRaylet, base::Role::kRaylet,
        [](FakePeer& peer, const base::Message& message) {
          if (std::holds_alternative<base::Register>(message)) {
            peer.Send(Welcome());
          }
        });
    Process::Options options = DriverOptions(std::move(ours));
    options.whoami.role = base::Role::kWorker;
    options.raylet = kRaylet;
    options.functions = &base::FunctionTable::Get();
    process = std::make_unique<Process>(std::move(options));
    worker_process = process.get();
    const auto error = process->Start(Soon());
    EXPECT_FALSE(error.has_value());
    owner = std::make_unique<FakePeer>(raylet->Attach(kOther), kOther,
                                       base::Role::kDriver);
    slot = std::thread([this] { process->Serve(); });
  }
  ~Worker() {
    raylet->Send(base::Retire());
    slot.join();
    process.reset();
  }

  base::TaskDone Run(std::uint64_t function) {
    base::RunTask run;
    run.task = base::TaskId{5, ++tasks};
    run.function = FunctionId{9, function};
    run.args = {Bytes::Own("argument")};
    owner->Send(run);
    return owner->Expect<base::TaskDone>();
  }

  std::uint64_t tasks = 0;
  std::unique_ptr<FakePeer> raylet;
  std::unique_ptr<FakePeer> owner;
  std::unique_ptr<Process> process;
  std::thread slot;
};

TEST(WorkerProcess, RunsWhatAnOwnerPushes) {
  Worker worker;
  for (int i = 0; i < 100; ++i) {
    const base::TaskDone done = worker.Run(1);
    EXPECT_EQ(done.task.lo, worker.tasks);
    ASSERT_TRUE(std::holds_alternative<base::Value>(done.outcome));
    EXPECT_EQ(std::get<base::Value>(done.outcome).view(), "argument");
  }
}

TEST(WorkerProcess, FailuresNameTheNode) {
  Worker worker;
  const base::TaskDone done = worker.Run(77);
  const auto& failure = std::get<base::Failure>(done.outcome);
  EXPECT_EQ(failure.code, FailureCode::kNoSuchFunction);
  EXPECT_EQ(failure.node, "host");
}

TEST(WorkerProcess, LendsItsSlotWhileAFunctionWaits) {
  Worker worker;
  base::RunTask run;
  run.task = base::TaskId{5, 1000};
  run.function = FunctionId{9, 2};
  worker.owner->Send(run);
  const auto request = worker.raylet->Expect<base::RequestLease>();
  EXPECT_TRUE(worker.raylet->Expect<base::TaskBlocked>().blocked);
  base::Failure failure;
  failure.code = FailureCode::kInfeasible;
  worker.raylet->Send(base::LeaseRefused{request.lease, failure});
  EXPECT_FALSE(worker.raylet->Expect<base::TaskBlocked>().blocked);
  const auto done = worker.owner->Expect<base::TaskDone>();
  EXPECT_EQ(std::get<base::Value>(done.outcome).view(), "Infeasible");
}

TEST(WorkerProcess, GoesAtOnceWhenItsRayletIsGone) {
  const pid_t child = ::fork();
  if (child == 0) {
    Worker worker;
    worker.raylet->Close();
    while (true) ::pause();
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), kWorkerRayletGone);
}

}  // namespace
}  // namespace mobula::runtime
