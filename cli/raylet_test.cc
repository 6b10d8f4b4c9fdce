// `mobula raylet` as a process, spoken to as the library does.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/control/control_request.h"
#include "base/failure.h"
#include "base/scheduling/resource_vector.h"
#include "cli/fake_driver.h"
#include "raylet/spawn/process_tree.h"
#include "raylet/spawn/runtime_folder.h"

namespace mobula::cli {
namespace {

using base::FailureCode;
using base::ResourceVector;

constexpr char kMark[] = "STAND_IN_MARK";

FakeDriver::Options OptionsFor(std::vector<std::string> arguments) {
  FakeDriver::Options options;
  options.mobula = "cli/mobula";
  options.worker = "cli/stand_in";
  options.arguments = std::move(arguments);
  return options;
}

bool IsRunning(pid_t pid) {
  const auto stat = raylet::ReadProcessStat(pid);
  return stat && stat->state != 'Z';
}

class RayletTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "mobulaXXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    ::setenv("XDG_RUNTIME_DIR", folder.c_str(), 1);
    mark_ = std::to_string(base::RandomBits());
    ::setenv(kMark, mark_.c_str(), 1);
  }
  void TearDown() override {
    EXPECT_TRUE(raylet::ListSessions(folder_ + "/mobula").empty());
    for (const pid_t pid : raylet::AllProcesses()) {
      if (pid == ::getpid()) continue;
      EXPECT_NE(raylet::EnvironmentOf(pid, kMark), mark_) << pid;
    }
  }
  std::string folder_;
  std::string mark_;  // of every process that the test causes
};

TEST_F(RayletTest, AWorkerIsStartedAsItShouldBe) {
  FakeDriver driver(OptionsFor({"--cpus", "1"}));
  ASSERT_TRUE(driver.Register());
  const auto lease = driver.Ask(ResourceVector::Cpus(1));
  ASSERT_TRUE(lease);
  EXPECT_EQ(driver.Run(*lease, "pid"), std::to_string(lease->pid));
  EXPECT_EQ(driver.Run(*lease, "sid"), std::to_string(lease->pid));
  // 0 to 4, and what the worker itself opened: strand (3) and its link's.
  EXPECT_TRUE(driver.Run(*lease, "fds")->starts_with("0 1 2 3 4 "));
  EXPECT_EQ(driver.Run(*lease, "status SigBlk"), "0000000000000000");
  EXPECT_FALSE(driver.Run(*lease, "env MOBULA_SESSION")->empty());
  EXPECT_EQ(driver.End(), 0);
}

TEST_F(RayletTest, ASecondTaskRunsInTheSameWorker) {
  FakeDriver driver(OptionsFor({"--cpus", "1"}));
  ASSERT_TRUE(driver.Register());
  const auto first = driver.Ask(ResourceVector::Cpus(1));
  ASSERT_TRUE(first);
  driver.Send(base::ReturnLease{first->lease, false});
  const auto second = driver.Ask(ResourceVector::Cpus(1));
  ASSERT_TRUE(second);
  EXPECT_EQ(first->pid, second->pid);
  EXPECT_EQ(driver.Run(*second, "pid"), std::to_string(second->pid));
}

TEST_F(RayletTest, OutputComesAsLinesWithTheFunctionThatRan) {
  FakeDriver driver(OptionsFor({"--cpus", "1"}));
  ASSERT_TRUE(driver.Register());
  const auto lease = driver.Ask(ResourceVector::Cpus(1));
  ASSERT_TRUE(lease);
  driver.Begin(*lease, "complain of the weather");
  const auto output = driver.WaitFor<base::WorkerOutput>(
      [](const base::WorkerOutput& m) { return !m.lines.empty(); });
  ASSERT_TRUE(output);
  EXPECT_EQ(output->lines[0], "of the weather");
  EXPECT_TRUE(output->is_stderr);
  EXPECT_EQ(output->pid, lease->pid);
}

TEST_F(RayletTest, AFloodIsCutAndCounted) {
  FakeDriver driver(OptionsFor({"--cpus", "1"}));
  ASSERT_TRUE(driver.Register());
  const auto lease = driver.Ask(ResourceVector::Cpus(1));
  ASSERT_TRUE(lease);
  driver.Begin(*lease, "flood 20000");
  std::uint64_t lines = 0;
  std::uint64_t omitted = 0;
  while (lines + omitted < 20000) {
    const auto output = driver.WaitFor<base::WorkerOutput>(
        [](const base::WorkerOutput&) { return true; });
    ASSERT_TRUE(output);
    lines += output->lines.size();
    omitted += output->omitted;
  }
  EXPECT_EQ(lines + omitted, 20000u);
  EXPECT_GT(omitted, 0u);
}

TEST_F(RayletTest, ADeathIsToldWithItsStory) {
  FakeDriver driver(OptionsFor({"--cpus", "1"}));
  ASSERT_TRUE(driver.Register());
  const auto lease = driver.Ask(ResourceVector::Cpus(1));
  ASSERT_TRUE(lease);
  driver.Begin(*lease, "print last words");
  driver.Begin(*lease, "crash " + std::to_string(SIGABRT));
  const auto lost = driver.WaitFor<base::LeaseLost>(
      [](const base::LeaseLost&) { return true; });
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->failure.code, FailureCode::kWorkerDied);
  EXPECT_EQ(lost->failure.pid, lease->pid);
  EXPECT_EQ(lost->failure.signal, SIGABRT);
  EXPECT_EQ(lost->failure.log_tail, std::vector<std::string>{"last words"});
  const auto again = driver.Ask(ResourceVector::Cpus(1));
  ASSERT_TRUE(again);
  EXPECT_NE(again->pid, lease->pid);
}

TEST_F(RayletTest, AnExitIsADeathToo) {
  FakeDriver driver(OptionsFor({"--cpus", "1"}));
  ASSERT_TRUE(driver.Register());
  const auto lease = driver.Ask(ResourceVector::Cpus(1));
  ASSERT_TRUE(lease);
  driver.Begin(*lease, "exit 0");
  const auto lost = driver.WaitFor<base::LeaseLost>(
      [](const base::LeaseLost&) { return true; });
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->failure.exit_code, 0);
  EXPECT_EQ(lost->failure.signal, 0);
}

TEST_F(RayletTest, WhatAWorkerLeavesBehindEndsWithIt) {
  FakeDriver driver(OptionsFor({"--cpus", "2"}));
  ASSERT_TRUE(driver.Register());
  const auto first = driver.Ask(ResourceVector::Cpus(1));
  const auto second = driver.Ask(ResourceVector::Cpus(1));
  ASSERT_TRUE(first && second);
  const pid_t fled = std::stoi(*driver.Run(*first, "flee"));
  const pid_t kept = std::stoi(*driver.Run(*second, "flee"));
  std::vector<base::UniqueFd> end;
  end.push_back(raylet::OpenPidfd(fled));
  ASSERT_TRUE(end[0].valid());
  ::kill(first->pid, SIGKILL);
  for (int i = 0; i < 2000 && IsRunning(fled); ++i) raylet::WaitForOne(end);
  EXPECT_FALSE(IsRunning(fled));
  EXPECT_TRUE(IsRunning(kept)) << "its worker lives";
}

TEST_F(RayletTest, AProgramThatCannotStartFailsWhoWaits) {
  FakeDriver::Options options = OptionsFor({"--cpus", "1"});
  options.environment = {"STAND_IN_START=7"};
  FakeDriver driver(options);
  ASSERT_TRUE(driver.Register());
  const base::LeaseId lease = driver.Request(ResourceVector::Cpus(1));
  const auto refused = driver.WaitFor<base::LeaseRefused>(
      [lease](const base::LeaseRefused& m) { return m.lease == lease; });
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->failure.code, FailureCode::kWorkerStart);
  EXPECT_EQ(refused->failure.exit_code, 7);
  EXPECT_EQ(refused->failure.log_tail,
            std::vector<std::string>{"cannot start today"});
}

TEST_F(RayletTest, AProgramThatIsNoneFailsToo) {
  const std::string file = folder_ + "/text";
  ASSERT_EQ(std::system(("echo text > " + file).c_str()), 0);
  FakeDriver::Options options = OptionsFor({"--cpus", "1"});
  options.worker = file;
  FakeDriver driver(options);
  ASSERT_TRUE(driver.Register());
  const base::LeaseId lease = driver.Request(ResourceVector::Cpus(1));
  const auto refused = driver.WaitFor<base::LeaseRefused>(
      [lease](const base::LeaseRefused& m) { return m.lease == lease; });
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->failure.code, FailureCode::kWorkerStart);
  EXPECT_NE(refused->failure.message.find(file), std::string::npos);
}

TEST_F(RayletTest, ItLogsAsItIsTold) {
  FakeDriver driver(OptionsFor({"--log-json", "--log-level", "debug"}));
  ASSERT_TRUE(driver.Register());
  const auto sessions = raylet::ListSessions(folder_ + "/mobula");
  ASSERT_EQ(sessions.size(), 1u);
  std::ifstream log(sessions[0].path + "/raylet.log");
  std::string line;
  ASSERT_TRUE(std::getline(log, line));
  EXPECT_TRUE(line.starts_with("{\"time\":")) << line;
  EXPECT_NE(line.find("\"name\":\"raylet\""), std::string::npos) << line;
}

// The control store's program is not there, and says so itself.
// The control store's program is not there, and says so itself.
TEST_F(RayletTest, AControlStoreThatCannotStartSaysWhy) {
  FakeDriver::Options options = OptionsFor({"--cpus", "1"});
  const std::string programs = folder_ + "/programs";
  std::filesystem::create_directory(programs);
  options.mobula = programs + "/mobula";
  std::filesystem::copy_file("cli/mobula", options.mobula);
  FakeDriver driver(options);
  ASSERT_TRUE(driver.Register());
  const auto reply = driver.AskControl(base::GetStatus());
  ASSERT_TRUE(reply);
  const auto* failure = std::get_if<base::Failure>(&*reply);
  ASSERT_NE(failure, nullptr);
  EXPECT_EQ(failure->code, FailureCode::kControlAway);
  EXPECT_NE(failure->message.find("cannot execute " + programs +
                                  "/mobula-gcs: No such file or directory"),
            std::string::npos)
      << failure->message;
}

TEST_F(RayletTest, EndJobEndsStubbornWorkersToo) {
  FakeDriver driver(OptionsFor({"--cpus", "1"}));
  ASSERT_TRUE(driver.Register());
  const auto lease = driver.Ask(ResourceVector::Cpus(1));
  ASSERT_TRUE(lease);
  ASSERT_TRUE(driver.Run(*lease, "stubborn"));
  driver.Send(base::EndJob{driver.job()});
  EXPECT_TRUE(driver.WaitFor<base::JobEnded>(
      [](const base::JobEnded&) { return true; }));
  EXPECT_FALSE(raylet::ReadProcessStat(lease->pid));
  EXPECT_EQ(driver.End(), 0);
}

TEST_F(RayletTest, ADriverThatSaysNothingEndsItToo) {
  FakeDriver driver(OptionsFor({}));
  EXPECT_EQ(driver.End(), 0);
}

TEST_F(RayletTest, ResourcesOfTheCommandLineAreOffered) {
  FakeDriver driver(OptionsFor(
      {"--cpus", "1.5", "--resource", "gpu=2", "--memory", "1000000"}));
  ASSERT_TRUE(driver.Register());
  EXPECT_TRUE(driver.Ask(ResourceVector::Cpus(1.5).With("gpu", 2)));
  const base::LeaseId lease =
      driver.Request(ResourceVector().With("memory", 2e6));
  const auto refused = driver.WaitFor<base::LeaseRefused>(
      [lease](const base::LeaseRefused& m) { return m.lease == lease; });
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->failure.code, FailureCode::kInfeasible);
}

}  // namespace
}  // namespace mobula::cli
