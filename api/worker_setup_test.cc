// MOBULA_WORKER_SETUP where it fails: whoever waits for a worker is told, with
// what the setup wrote.
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace setup {
namespace {

using std::chrono::seconds;

std::string story = "nothing";

// Workers have the environment of the driver.
void SetUp() {
  const char* const what = std::getenv("SETUP_TEST_DOES");
  const std::string does = what == nullptr ? "" : what;
  if (does.empty()) return;
  std::cout << "setting up" << std::endl;
  if (does == "throw") throw std::runtime_error("no tables today");
  if (does == "throw int") throw 42;  // NOLINT: what users do
  if (does == "exit") std::exit(5);
  if (does == "crash") std::abort();  // the one that no sanitizer catches
  if (does == "ask") {
    try {
      (void)mobula::KvGet<int>("key");
      story = "there is a runtime";
    } catch (const mobula::RuntimeClosed&) {
      story = "no runtime yet";
    }
  }
  if (does == "init") {
    try {
      const mobula::Runtime runtime = mobula::Init(mobula::InitOptions());
      story = "a head in a worker";
    } catch (const mobula::InitError&) {
      story = "no other runtime";
    }
  }
}
MOBULA_WORKER_SETUP(SetUp);

int One() { return 1; }
std::string Story() { return story; }

class Index {
 public:
  int One() { return 1; }
};

class SetupTest : public testing::Test {
 protected:
  ~SetupTest() override { ::unsetenv("SETUP_TEST_DOES"); }

  // The error of a task whose worker does that.
  static mobula::Error ErrorOf(const char* does) {
    ::setenv("SETUP_TEST_DOES", does, 1);
    const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(1));
    const auto one = mobula::Spawn<One>().TryGet(seconds(120));
    EXPECT_FALSE(one.ok());
    return one.error();
  }

  static bool Says(const mobula::Error& error, const std::string& part) {
    const std::vector<std::string>& lines = error.log_lines();
    return std::any_of(lines.begin(), lines.end(),
                       [&part](const std::string& line) {
                         return line.find(part) != line.npos;
                       });
  }
};

TEST_F(SetupTest, WhatItThrowsIsTold) {
  const mobula::Error error = ErrorOf("throw");
  EXPECT_EQ(error.code(), mobula::ErrorCode::kWorkerStart) << error.what();
  EXPECT_EQ(error.executed(), mobula::Executed::kNo);
  EXPECT_TRUE(Says(error, "setting up")) << error.what();
  EXPECT_TRUE(Says(error, "no tables today")) << error.what();
}

TEST_F(SetupTest, SoIsWhatIsNoException) {
  const mobula::Error error = ErrorOf("throw int");
  EXPECT_EQ(error.code(), mobula::ErrorCode::kWorkerStart) << error.what();
  EXPECT_TRUE(Says(error, "MOBULA_WORKER_SETUP")) << error.what();
}

TEST_F(SetupTest, ItsExitIsTold) {
  const mobula::Error error = ErrorOf("exit");
  EXPECT_EQ(error.code(), mobula::ErrorCode::kWorkerStart) << error.what();
  EXPECT_EQ(error.exit_code(), 5);
  EXPECT_TRUE(Says(error, "setting up")) << error.what();
}

TEST_F(SetupTest, ItsCrashIsTold) {
  const mobula::Error error = ErrorOf("crash");
  EXPECT_EQ(error.code(), mobula::ErrorCode::kWorkerStart) << error.what();
  EXPECT_NE(error.pid(), 0);
  EXPECT_TRUE(Says(error, "setting up")) << error.what();
}

TEST_F(SetupTest, AnActorIsToldToo) {
  ::setenv("SETUP_TEST_DOES", "throw", 1);
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(1));
  auto index = mobula::Create<Index>(mobula::ActorOptions().MaxRestarts(-1));
  const auto one = index.Call<&Index::One>().TryGet(seconds(120));
  ASSERT_FALSE(one.ok());
  EXPECT_EQ(one.error().code(), mobula::ErrorCode::kWorkerStart)
      << one.error().what();
  EXPECT_TRUE(Says(one.error(), "no tables today")) << one.error().what();
}

TEST_F(SetupTest, ThereIsNoRuntimeYet) {
  ::setenv("SETUP_TEST_DOES", "ask", 1);
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(1));
  EXPECT_EQ(mobula::Spawn<Story>().Get(seconds(120)), "no runtime yet");
}

TEST_F(SetupTest, NorCanOneBeMade) {
  ::setenv("SETUP_TEST_DOES", "init", 1);
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(1));
  EXPECT_EQ(mobula::Spawn<Story>().Get(seconds(120)), "no other runtime");
}

}  // namespace
}  // namespace setup
