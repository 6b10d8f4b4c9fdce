// Shared actors on real workers: many in one process, what they share of its
// fate, and a thousand that block on one another.
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace shared {

using namespace std::chrono_literals;
using mobula::Actor;
using mobula::ActorOptions;
using mobula::Ref;

// A sanitizer catches it, tells of it and exits.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kOfSegfault = 0;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr int kOfSegfault = 0;
#else
constexpr int kOfSegfault = SIGSEGV;
#endif
#else
constexpr int kOfSegfault = SIGSEGV;
#endif

// ---- what lives on workers --------------------------------------------------

class Cell {
 public:
  explicit Cell(int number) : number_(number) {}
  int Number() const { return number_; }
  int Pid() const { return ::getpid(); }
  bool Again() const { return mobula::WasRestarted(); }
  void Append(int value) { values_.push_back(value); }
  std::vector<int> Values() const { return values_; }
  // Of a chain: this one waits for the next one.
  int Down(int last) {
    if (number_ == last) return 1;
    const auto next =
        mobula::GetActor<Cell>("cell-" + std::to_string(number_ + 1));
    return 1 + mobula::Get(next.Call<&Cell::Down>(last));
  }
  int Fail() { throw std::out_of_range("not here"); }
  void Leave() { mobula::ExitActor(); }
  int Never() {
    mobula::BlockOn(mobula::SleepFor({}));
    return 0;
  }

 private:
  const int number_;
  std::vector<int> values_;
};

// Ends its process, in several ways.
class Bomb {
 public:
  int Pid() const { return ::getpid(); }
  void Segfault() { *Nowhere() = 1; }
  void Abort() { std::abort(); }
  void Exit() { std::exit(3); }
  int Overflow(int depth) {
    volatile char room[4'096] = {};
    if (depth < 0) return 0;
    room[depth % 4'096] = 1;
    return Overflow(depth + 1) + room[0];
  }
  void Foreign() {
    std::thread([] { throw std::runtime_error("of nobody"); }).join();
  }

 private:
  static volatile int* Nowhere() {
    static volatile std::uintptr_t zero = 0;
    return reinterpret_cast<volatile int*>(zero);
  }
};

// Of the process.
std::atomic<bool> deaf_begun{false};

class Patient {
 public:
  // Heeds its stop token.
  void Wait() {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock<std::mutex> lock(mutex);
    never.wait(lock, mobula::CurrentStopToken(), [] { return false; });
  }
  void Deaf() {
    deaf_begun.store(true);
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock<std::mutex> lock(mutex);
    never.wait(lock, [] { return false; });
  }
  bool DeafBegun() const { return deaf_begun.load(); }
};

class Mortal {
 public:
  explicit Mortal(std::string file) : file_(std::move(file)) {}
  ~Mortal() { std::ofstream(file_, std::ios::app) << "gone\n"; }
  int Pid() const { return ::getpid(); }

 private:
  const std::string file_;
};

// Of the process: its methods block on something that is none of ours.
std::mutex gate_mutex;
std::condition_variable gate_changed;
bool gate_open = false;
int gate_waiting = 0;

class Gate {
 public:
  int Wait(int milliseconds) {
    std::unique_lock<std::mutex> lock(gate_mutex);
    ++gate_waiting;
    gate_changed.notify_all();
    const bool opened =
        gate_changed.wait_for(lock, std::chrono::milliseconds(milliseconds),
                              [] { return gate_open; });
    --gate_waiting;
    return opened ? 1 : 0;
  }
  int Waiting() {
    std::unique_lock<std::mutex> lock(gate_mutex);
    return gate_waiting;
  }
  void Open() {
    std::unique_lock<std::mutex> lock(gate_mutex);
    gate_open = true;
    gate_changed.notify_all();
  }
};

// ---- the driver -------------------------------------------------------------

ActorOptions Shared(int restarts_max = 0) {
  return ActorOptions().Shared().MaxRestarts(restarts_max);
}

class SharedActors : public testing::Test {
 protected:
  SharedActors() : runtime_(mobula::Init(mobula::InitOptions().Cpus(2))) {}

  template <class T>
  static mobula::ErrorCode CodeOf(const Ref<T>& ref) {
    const auto result = ref.TryGet();
    EXPECT_FALSE(result.ok());
    return result.ok() ? mobula::ErrorCode::kUserException
                       : result.error().code();
  }

  mobula::Runtime runtime_;
};

TEST_F(SharedActors, ManyLiveInOneProcess) {
  constexpr int kMany = 200;
  std::vector<Actor<Cell>> cells;
  std::vector<Ref<int>> pids;
  for (int i = 0; i < kMany; ++i) {
    cells.push_back(mobula::Create<Cell>(Shared(), i));
    pids.push_back(cells.back().Call<&Cell::Pid>());
  }
  const std::vector<int> all = mobula::Get(pids);
  EXPECT_EQ(std::set<int>(all.begin(), all.end()).size(), 1u);
  EXPECT_NE(all[0], ::getpid());
  // Each has a state and an order of its own.
  std::vector<int> counted(100);
  std::iota(counted.begin(), counted.end(), 0);
  for (const int value : counted) {
    for (int i = 0; i < 10; ++i) cells[i].Call<&Cell::Append>(value);
  }
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(mobula::Get(cells[i].Call<&Cell::Values>()), counted);
    EXPECT_EQ(mobula::Get(cells[i].Call<&Cell::Number>()), i);
  }
  EXPECT_THROW(mobula::Get(cells[3].Call<&Cell::Fail>()), std::out_of_range);
}

TEST_F(SharedActors, OneThatExitsLeavesTheOthers) {
  auto first = mobula::Create<Cell>(Shared(), 1);
  auto second = mobula::Create<Cell>(Shared(), 2);
  const int pid = mobula::Get(second.Call<&Cell::Pid>());
  mobula::Get(first.Call<&Cell::Leave>());
  EXPECT_EQ(CodeOf(first.Call<&Cell::Number>()), mobula::ErrorCode::kActorDied);
  EXPECT_EQ(mobula::Get(second.Call<&Cell::Pid>()), pid);
  EXPECT_EQ(second.Incarnation(), 1);
}

TEST_F(SharedActors, TheLastHandleRunsTheDestructor) {
  const std::string file =
      testing::TempDir() + "mortal-" + std::to_string(::getpid());
  auto other = mobula::Create<Cell>(Shared(), 1);
  auto mortal = mobula::Create<Mortal>(Shared(), file);
  const int pid = mobula::Get(mortal.Call<&Mortal::Pid>());
  EXPECT_EQ(mobula::Get(other.Call<&Cell::Pid>()), pid);
  mortal = Actor<Mortal>();
  std::string line;
  while (line != "gone") {
    std::ifstream in(file);
    std::getline(in, line);
  }
  EXPECT_EQ(mobula::Get(other.Call<&Cell::Pid>()), pid);
  std::remove(file.c_str());
}

TEST_F(SharedActors, WhoCrashesIsChargedTheOthersAreNot) {
  auto bomb = mobula::Create<Bomb>(Shared(1));
  auto cell = mobula::Create<Cell>(Shared(), 7);
  const int pid = mobula::Get(bomb.Call<&Bomb::Pid>());
  ASSERT_EQ(mobula::Get(cell.Call<&Cell::Pid>()), pid);
  const Ref<int> caught = cell.Call<&Cell::Never>();
  const auto died = bomb.Call<&Bomb::Segfault>().TryGet();
  ASSERT_FALSE(died.ok());
  EXPECT_EQ(died.error().code(), mobula::ErrorCode::kWorkerDied);
  EXPECT_EQ(died.error().signal(), kOfSegfault);
  EXPECT_EQ(CodeOf(caught), mobula::ErrorCode::kCoHosted);
  EXPECT_THROW(mobula::Get(caught), mobula::CoHosted);
  EXPECT_THROW(mobula::Get(caught), mobula::WorkerDied);
  // Both are there again, of whom one had no restart to spare.
  EXPECT_TRUE(mobula::Get(cell.Call<&Cell::Again>()));
  EXPECT_EQ(cell.Incarnation(), 2);
  EXPECT_NE(mobula::Get(bomb.Call<&Bomb::Pid>()), pid);
  // The second time is one too many for it alone.
  EXPECT_EQ(CodeOf(bomb.Call<&Bomb::Abort>()), mobula::ErrorCode::kActorDied);
  EXPECT_EQ(mobula::Get(cell.Call<&Cell::Number>()), 7);
  EXPECT_EQ(cell.Incarnation(), 3);
}

TEST_F(SharedActors, TwiceAndItsClassGetsAProcessOfItsOwn) {
  auto bomb = mobula::Create<Bomb>(Shared(-1));
  auto cell = mobula::Create<Cell>(Shared(), 7);
  EXPECT_EQ(mobula::Get(cell.Call<&Cell::Pid>()),
            mobula::Get(bomb.Call<&Bomb::Pid>()));
  EXPECT_EQ(CodeOf(bomb.Call<&Bomb::Abort>()), mobula::ErrorCode::kWorkerDied);
  EXPECT_EQ(mobula::Get(cell.Call<&Cell::Pid>()),
            mobula::Get(bomb.Call<&Bomb::Pid>()));
  EXPECT_EQ(CodeOf(bomb.Call<&Bomb::Segfault>()),
            mobula::ErrorCode::kWorkerDied);
  const int of_cell = mobula::Get(cell.Call<&Cell::Pid>());
  const int of_bomb = mobula::Get(bomb.Call<&Bomb::Pid>());
  EXPECT_NE(of_cell, of_bomb);
  // One more of that class comes there, and what it does hurts its own kind.
  auto another = mobula::Create<Bomb>(Shared(-1));
  EXPECT_EQ(mobula::Get(another.Call<&Bomb::Pid>()), of_bomb);
  EXPECT_EQ(CodeOf(another.Call<&Bomb::Abort>()),
            mobula::ErrorCode::kWorkerDied);
  EXPECT_GT(mobula::Get(bomb.Call<&Bomb::Pid>()), 0);
  EXPECT_EQ(bomb.Incarnation(), 4);
  EXPECT_EQ(mobula::Get(cell.Call<&Cell::Pid>()), of_cell);
  EXPECT_EQ(cell.Incarnation(), 3);
}

TEST_F(SharedActors, ExitAndAStackThatIsUsedUpAreChargedToo) {
  auto bomb = mobula::Create<Bomb>(Shared());
  auto cell = mobula::Create<Cell>(Shared(), 7);
  ASSERT_EQ(mobula::Get(cell.Call<&Cell::Number>()), 7);
  const auto exited = bomb.Call<&Bomb::Exit>().TryGet();
  ASSERT_FALSE(exited.ok());
  EXPECT_EQ(exited.error().code(), mobula::ErrorCode::kActorDied);
  EXPECT_EQ(mobula::Get(cell.Call<&Cell::Number>()), 7);
  auto deep = mobula::Create<Bomb>(Shared());
  EXPECT_EQ(CodeOf(deep.Call<&Bomb::Overflow>(0)),
            mobula::ErrorCode::kActorDied);
  EXPECT_EQ(mobula::Get(cell.Call<&Cell::Number>()), 7);
}

TEST_F(SharedActors, AThreadOfNobodysIsNobodysDoing) {
  auto bomb = mobula::Create<Bomb>(Shared());
  auto cell = mobula::Create<Cell>(Shared(), 7);
  ASSERT_EQ(mobula::Get(cell.Call<&Cell::Number>()), 7);
  EXPECT_EQ(CodeOf(bomb.Call<&Bomb::Foreign>()), mobula::ErrorCode::kCoHosted);
  EXPECT_EQ(mobula::Get(cell.Call<&Cell::Number>()), 7);
  EXPECT_GT(mobula::Get(bomb.Call<&Bomb::Pid>()), 0);
  EXPECT_EQ(bomb.Incarnation(), 2);
}

TEST_F(SharedActors, KillStopsOneAlone) {
  auto patient = mobula::Create<Patient>(Shared());
  auto cell = mobula::Create<Cell>(Shared(), 7);
  const int pid = mobula::Get(cell.Call<&Cell::Pid>());
  const Ref<void> waits = patient.Call<&Patient::Wait>();
  mobula::Kill(patient);
  EXPECT_EQ(CodeOf(waits), mobula::ErrorCode::kActorDied);
  EXPECT_EQ(mobula::Get(cell.Call<&Cell::Pid>()), pid);
  EXPECT_EQ(cell.Incarnation(), 1);
}

TEST_F(SharedActors, AGracefulKillIsAsAnyOther) {
  auto patient = mobula::Create<Patient>(Shared());
  auto cell = mobula::Create<Cell>(Shared(), 7);
  const int pid = mobula::Get(cell.Call<&Cell::Pid>());
  const Ref<void> waits = patient.Call<&Patient::Wait>();
  mobula::Kill(patient, mobula::KillOptions().Graceful());
  EXPECT_EQ(CodeOf(waits), mobula::ErrorCode::kActorDied);
  EXPECT_EQ(mobula::Get(cell.Call<&Cell::Pid>()), pid);
  EXPECT_EQ(cell.Incarnation(), 1);
}

TEST_F(SharedActors, OneThatIsDeafIsKilledWithItsProcess) {
  auto deaf = mobula::Create<Patient>(Shared().KillGrace(200ms));
  auto cell = mobula::Create<Cell>(Shared(), 7);
  const int pid = mobula::Get(cell.Call<&Cell::Pid>());
  const Ref<void> waits = deaf.Call<&Patient::Deaf>();
  const Ref<int> caught = cell.Call<&Cell::Never>();
  auto other = mobula::Create<Patient>(Shared());
  while (!mobula::Get(other.Call<&Patient::DeafBegun>())) {
  }
  mobula::Kill(deaf);
  EXPECT_EQ(CodeOf(waits), mobula::ErrorCode::kActorDied);
  EXPECT_EQ(CodeOf(caught), mobula::ErrorCode::kCoHosted);
  EXPECT_NE(mobula::Get(cell.Call<&Cell::Pid>()), pid);
  EXPECT_EQ(cell.Incarnation(), 2);
}

TEST_F(SharedActors, ABlockedMethodDoesNotHoldUpOthers) {
  constexpr int kBlocked = 50;
  std::vector<Actor<Gate>> gates;
  std::vector<Ref<int>> waits;
  for (int i = 0; i < kBlocked; ++i) {
    gates.push_back(mobula::Create<Gate>(Shared()));
    waits.push_back(gates.back().Call<&Gate::Wait>(1'000'000));
  }
  auto other = mobula::Create<Gate>(Shared());
  while (mobula::Get(other.Call<&Gate::Waiting>()) < kBlocked) {
  }
  other.Call<&Gate::Open>();
  for (const int opened : mobula::Get(waits)) EXPECT_EQ(opened, 1);
}

// 256 threads in place of those that are blocked, and no more.
TEST_F(SharedActors, BeyondTheMostThreadsACallFails) {
  constexpr int kBlocked = 300;
  std::vector<Actor<Gate>> gates;
  std::vector<Ref<int>> waits;
  for (int i = 0; i < kBlocked; ++i) {
    gates.push_back(mobula::Create<Gate>(Shared()));
    waits.push_back(gates.back().Call<&Gate::Wait>(20'000));
  }
  int waited = 0;
  int refused = 0;
  for (const Ref<int>& wait : waits) {
    const auto result = wait.TryGet();
    if (result.ok()) {
      ++waited;
      continue;
    }
    ++refused;
    EXPECT_EQ(result.error().code(), mobula::ErrorCode::kLimit);
    EXPECT_EQ(result.error().executed(), mobula::Executed::kNo);
  }
  EXPECT_GE(waited, 256);
  EXPECT_GE(refused, 1);
  // Who was refused is there.
  for (const Actor<Gate>& gate : gates) EXPECT_EQ(gate.Incarnation(), 1);
}

TEST_F(SharedActors, AThousandEachBlockOnTheNext) {
  constexpr int kThousand = 1'000;
  std::vector<Actor<Cell>> cells;
  for (int i = 1; i <= kThousand; ++i) {
    cells.push_back(
        mobula::Create<Cell>(Shared().Name("cell-" + std::to_string(i)), i));
  }
  EXPECT_EQ(mobula::Get(cells[0].Call<&Cell::Pid>()),
            mobula::Get(cells[kThousand - 1].Call<&Cell::Pid>()));
  EXPECT_EQ(mobula::Get(cells[0].Call<&Cell::Down>(kThousand)), kThousand);
}

TEST_F(SharedActors, WhatMakesNoSenseIsRefused) {
  EXPECT_THROW(mobula::Create<Cell>(Shared().Cpus(1), 1), mobula::BadArgument);
  EXPECT_THROW(mobula::Create<Cell>(Shared().Name("one").Detached(), 1),
               mobula::BadArgument);
  EXPECT_THROW(ActorOptions().KillGrace(2min), mobula::BadArgument);
  EXPECT_THROW(mobula::Create<Cell>(Shared().MaxConcurrency(2), 1),
               mobula::BadArgument);
  EXPECT_THROW(mobula::Create<Cell>(Shared().ConcurrencyGroup("io", 1), 1),
               mobula::BadArgument);
}

TEST(SharedLocal, AreLikeAnyOther) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Local());
  auto cell = mobula::Create<Cell>(Shared(), 7);
  EXPECT_EQ(mobula::Get(cell.Call<&Cell::Number>()), 7);
  EXPECT_EQ(mobula::Get(cell.Call<&Cell::Pid>()), ::getpid());
}

}  // namespace shared
