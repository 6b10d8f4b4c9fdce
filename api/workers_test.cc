// What only worker processes can show: deaths, retries, output, and that the
// user's main runs in the driver alone.
//
// The program has a main of its own: it counts its runs in a file, so that a
// worker that ran it would be seen.
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace workers {
namespace {

using std::chrono::seconds;

const unsigned kStaticRandom = std::random_device()();

int setups = 0;
void CountSetup() { ++setups; }
MOBULA_WORKER_SETUP(CountSetup);
int Setups() { return setups; }

int Pid() { return ::getpid(); }

int DieOnce() {
  const int attempt = mobula::CurrentTask().attempt;
  if (attempt == 1) ::kill(::getpid(), SIGKILL);
  return attempt;
}

int Die(int signal) {
  std::cout << "about to die\n" << std::flush;
  ::kill(::getpid(), signal);
  return 0;
}

int Leave(int code) {
  std::_Exit(code);
  return 0;
}

void Print(const std::string& text) {
  std::cout << text << std::endl;
  std::cerr << "also " << text << std::endl;
}

bool MainRuns(const std::string& file) { return std::ifstream(file).good(); }

class Fragile {
 public:
  int Add(int by) { return sum_ += by; }
  int Pid() const { return ::getpid(); }
  unsigned StaticRandom() const { return kStaticRandom; }
  bool Reborn() const { return mobula::WasRestarted(); }
  int Crash() {
    std::cerr << "crashing" << std::endl;
    ::kill(::getpid(), SIGKILL);
    return 0;
  }
  int CrashOnce() {
    if (!mobula::WasRestarted()) ::kill(::getpid(), SIGKILL);
    return 7;
  }

 private:
  int sum_ = 0;
};

// What the call of a process that does not own the actor came to.
std::string CrashNamed(const std::string& name) {
  const auto crash =
      mobula::GetActor<Fragile>(name).Call<&Fragile::Crash>().TryGet(
          seconds(60));
  if (crash.ok()) return "it lives";
  const auto& lines = crash.error().log_lines();
  return std::to_string(crash.error().signal()) + " " +
         (lines.empty() ? "silence" : lines.back());
}

class WorkersTest : public testing::Test {
 protected:
  mobula::Runtime runtime_ = mobula::Init(mobula::InitOptions().Cpus(2));
};

TEST_F(WorkersTest, TasksRunInOtherProcesses) {
  const int pid = mobula::Spawn<Pid>().Get();
  EXPECT_NE(pid, ::getpid());
  EXPECT_GT(pid, 0);
}

TEST_F(WorkersTest, AKilledWorkersTaskRunsAgain) {
  EXPECT_EQ(mobula::Spawn<DieOnce>().Get(seconds(60)), 2);
}

TEST_F(WorkersTest, WithoutRetriesTheDeathIsTold) {
  try {
    mobula::Spawn<Die>(mobula::TaskOptions().Retries(0), SIGKILL)
        .Get(seconds(60));
    FAIL();
  } catch (const mobula::WorkerDied& error) {
    EXPECT_EQ(error.signal(), SIGKILL);
    EXPECT_EQ(error.attempt(), 1);
    EXPECT_EQ(error.function(), "Die");
    EXPECT_NE(error.pid(), 0);
    EXPECT_FALSE(error.node().empty());
    ASSERT_FALSE(error.log_lines().empty());
    EXPECT_NE(std::string(error.what()).find("about to die"),
              std::string::npos);
  }
}

TEST_F(WorkersTest, AnExitInATaskIsADeath) {
  const auto gone = mobula::Spawn<Leave>(mobula::TaskOptions().Retries(1), 3)
                        .TryGet(seconds(60));
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().code(), mobula::ErrorCode::kWorkerDied);
  EXPECT_EQ(gone.error().exit_code(), 3);
  EXPECT_EQ(gone.error().attempt(), 2);
}

// Whoever calls a detached actor is told by the node that hosts it.
TEST_F(WorkersTest, TheDeathOfADetachedActorsWorkerIsToldAsAnyOther) {
  mobula::Create<Fragile>(
      mobula::ActorOptions().Name("fragile").Detached().MaxRestarts(-1));
  const auto fragile = mobula::GetActor<Fragile>("fragile");
  const int pid = fragile.Call<&Fragile::Pid>().Get(seconds(60));
  const auto crash = fragile.Call<&Fragile::Crash>().TryGet(seconds(60));
  ASSERT_FALSE(crash.ok());
  EXPECT_EQ(crash.error().code(), mobula::ErrorCode::kWorkerDied);
  EXPECT_EQ(crash.error().signal(), SIGKILL);
  EXPECT_EQ(crash.error().pid(), pid);
  EXPECT_EQ(crash.error().function(), "Fragile::Crash");
  ASSERT_FALSE(crash.error().log_lines().empty());
  EXPECT_EQ(crash.error().log_lines().back(), "crashing");
  EXPECT_NE(fragile.Call<&Fragile::Pid>().Get(seconds(60)), pid);
}

TEST_F(WorkersTest, TheDeathOfANamedActorsWorkerIsToldToWhoBorrowsIt) {
  const auto fragile = mobula::Create<Fragile>(
      mobula::ActorOptions().Name("named").MaxRestarts(-1));
  EXPECT_EQ(mobula::Spawn<CrashNamed>("named").Get(seconds(60)),
            std::to_string(SIGKILL) + " crashing");
}

TEST_F(WorkersTest, ADeadActorFailsWithWhatIsKnown) {
  auto fragile = mobula::Create<Fragile>();
  EXPECT_EQ(fragile.Call<&Fragile::Add>(2).Get(), 2);
  const auto crash = fragile.Call<&Fragile::Crash>();
  const auto behind = fragile.Call<&Fragile::Add>(1);
  EXPECT_THROW(crash.Get(seconds(60)), mobula::ActorDied);
  EXPECT_EQ(crash.TryGet().error().executed(), mobula::Executed::kMaybe);
  EXPECT_THROW(behind.Get(seconds(60)), mobula::ActorDied);
  EXPECT_TRUE(fragile.Dead());
}

TEST_F(WorkersTest, ARestartedActorBeginsAnew) {
  auto fragile = mobula::Create<Fragile>(mobula::ActorOptions().MaxRestarts(2));
  EXPECT_EQ(fragile.Call<&Fragile::Add>(2).Get(), 2);
  const int pid = fragile.Call<&Fragile::Pid>().Get();
  EXPECT_THROW(fragile.Call<&Fragile::Crash>().Get(seconds(60)), mobula::Error);
  const auto sum = fragile.Call<&Fragile::Add>(3);
  EXPECT_EQ(sum.Get(seconds(60)), 3);
  EXPECT_EQ(sum.Incarnation(), 2);
  EXPECT_TRUE(fragile.Call<&Fragile::Reborn>().Get());
  EXPECT_NE(fragile.Call<&Fragile::Pid>().Get(), pid);
  EXPECT_FALSE(fragile.Dead());
}

TEST_F(WorkersTest, ACallWithRetriesOutlivesItsActor) {
  auto fragile = mobula::Create<Fragile>(mobula::ActorOptions().MaxRestarts(1));
  const auto seven =
      fragile.Call<&Fragile::CrashOnce>(mobula::CallOptions().Retries(1));
  EXPECT_EQ(seven.Get(seconds(60)), 7);
  EXPECT_EQ(seven.Incarnation(), 2);
}

TEST_F(WorkersTest, StaticRandomNumbersDiffer) {
  std::set<unsigned> numbers = {kStaticRandom};
  std::vector<mobula::Actor<Fragile>> apart;
  for (int i = 0; i < 3; ++i) {
    apart.push_back(mobula::Create<Fragile>());
    numbers.insert(apart.back().Call<&Fragile::StaticRandom>().Get());
  }
  EXPECT_EQ(numbers.size(), 4u);
}

TEST_F(WorkersTest, SetupRunsOnceInEachWorkerAndNowhereElse) {
  EXPECT_EQ(mobula::Spawn<Setups>().Get(), 1);
  EXPECT_EQ(mobula::Spawn<Setups>().Get(), 1);
  EXPECT_EQ(setups, 0);
}

TEST_F(WorkersTest, ATimeoutIsTold) {
  const auto slow = mobula::Spawn<[] {
    std::mutex mutex;
    std::unique_lock<std::mutex> lock(mutex);
    std::condition_variable().wait_for(lock, seconds(3600),
                                       [] { return false; });
    return 1;
  }>();
  EXPECT_THROW(slow.Get(std::chrono::milliseconds(20)), mobula::TimeoutError);
  EXPECT_FALSE(slow.Ready());
  const auto waited = mobula::Wait(std::vector{slow}, 1, seconds(0));
  EXPECT_EQ(waited.not_ready.size(), 1u);
  const auto late = mobula::Spawn<Pid>(
      mobula::TaskOptions().Cpus(2).Timeout(std::chrono::milliseconds(20)));
  EXPECT_THROW(late.Get(seconds(60)), mobula::TimeoutError);
}

// ---- output -----------------------------------------------------------------

class Collected {
 public:
  void Add(const mobula::WorkerLines& output) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const std::string& line : output.lines) {
      lines_.insert((output.is_stderr ? "err " : "out ") + line);
    }
    functions_.insert(output.function);
    changed_.notify_all();
  }
  bool Await(const std::string& line) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, seconds(60),
                             [&] { return lines_.contains(line); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> lines_;
  std::set<std::string> functions_;
};

TEST(WorkerOutputTest, ArrivesAtTheDriver) {
  Collected collected;
  mobula::Runtime runtime =
      mobula::Init(mobula::InitOptions().Cpus(1).OnWorkerOutput(
          [&collected](const mobula::WorkerLines& output) {
            collected.Add(output);
          }));
  mobula::Spawn<Print>("from a worker").Get(seconds(60));
  EXPECT_TRUE(collected.Await("out from a worker"));
  EXPECT_TRUE(collected.Await("err also from a worker"));
}

// ---- main -------------------------------------------------------------------

std::string MarkFile() {
  return testing::TempDir() + "/main_ran_" + std::to_string(::getpid());
}

TEST_F(WorkersTest, MainRunsInTheDriverOnly) {
  std::set<int> pids;
  std::vector<mobula::Actor<Fragile>> actors;
  for (int i = 0; i < 4; ++i) actors.push_back(mobula::Create<Fragile>());
  for (const auto& actor : actors) {
    pids.insert(actor.Call<&Fragile::Pid>().Get(seconds(60)));
  }
  EXPECT_EQ(pids.size(), 4u);
  EXPECT_FALSE(pids.contains(::getpid()));
  EXPECT_TRUE(MainRuns(MarkFile()));
  for (const int pid : pids) {
    EXPECT_FALSE(
        MainRuns(testing::TempDir() + "/main_ran_" + std::to_string(pid)));
  }
}

}  // namespace
}  // namespace workers

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const std::string mark = workers::MarkFile();
  std::ofstream(mark) << "ran\n";
  const int result = RUN_ALL_TESTS();
  std::remove(mark.c_str());
  return result;
}
