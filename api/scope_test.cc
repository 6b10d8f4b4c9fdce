// Scopes that travel with what is spawned, called and created in them: on
// workers and in local mode.
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "api/test_fifo.h"

namespace scopes {

using namespace std::chrono_literals;
using mobula::Fifo;

constexpr auto kLong = 120s;  // for what is certain to come

// ---- what is run ------------------------------------------------------------

int Seven() { return 7; }

int Sleep(const std::string& begun) {
  mobula::Tell(begun);
  mobula::BlockOn(mobula::SleepFor(24h));
  return 0;
}

mobula::Coro<int> SleepToo(std::string begun) {
  mobula::Tell(begun);
  co_await mobula::SleepFor(24h);
  co_return 0;
}

int Block(const std::string& begun, const std::string& go) {
  mobula::Tell(begun);
  mobula::AwaitOpen(go);
  return 7;
}

mobula::Coro<int> BlockToo(std::string begun, std::string go) {
  co_return Block(begun, go);
}

int Note(const std::string& log, char letter) {
  mobula::NoteIn(log, letter);
  return 0;
}

mobula::Coro<int> NoteToo(std::string log, char letter) {
  mobula::NoteIn(log, letter);
  co_return 0;
}
class Noted {
 public:
  Noted(const std::string& log, char letter) { mobula::NoteIn(log, letter); }
  int Here() { return 1; }
};

// Waits for a child that sleeps.
int Wait(const std::string& begun) {
  return mobula::Spawn<Sleep>(mobula::TaskOptions().Cpus(0.5), begun).Get();
}
mobula::Coro<int> WaitToo(std::string begun) {
  const auto child =
      mobula::Spawn<SleepToo>(mobula::TaskOptions().Cpus(0.5), begun);
  co_return co_await child;
}

// What a function sees of its scope.
struct Seen {
  std::int64_t left_ms = -1;  // -1: for ever
  int priority = 0;
  std::string trace;
  std::string task;
  bool operator==(const Seen&) const = default;
};
Seen Look() {
  Seen seen;
  const mobula::Timeout left = mobula::CurrentTimeLeft();
  if (!left.IsInfinite()) {
    seen.left_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                       left.nanoseconds())
                       .count();
  }
  seen.priority = mobula::CurrentTask().priority;
  seen.trace = mobula::CurrentTask().trace.ToString();
  seen.task = mobula::CurrentTask().task.ToString();
  return seen;
}
std::vector<Seen> LookTwice() {
  std::vector<Seen> seen = {Look()};
  seen.push_back(mobula::Spawn<Look>().Get());
  return seen;
}
mobula::Coro<std::vector<Seen>> LookTwiceToo() {
  std::vector<Seen> seen = {Look()};
  const auto inner = mobula::Spawn<Look>();
  seen.push_back(co_await inner);
  co_return seen;
}
[[noreturn]] void Throw() { throw std::runtime_error("as asked"); }

class Witness {
 public:
  Witness() : at_birth_(Look()) {}
  std::vector<Seen> Tell() const { return {at_birth_, Look()}; }
  int Sleep(const std::string& begun) { return scopes::Sleep(begun); }
  mobula::Coro<int> SleepToo(std::string begun) {
    const auto sleep = scopes::SleepToo(std::move(begun));
    co_return co_await sleep;
  }
  int Block(const std::string& begun, const std::string& go) {
    return scopes::Block(begun, go);
  }
  int Add(int n) { return sum_ += n; }
  int Throw() const { scopes::Throw(); }

 private:
  Seen at_birth_;
  int sum_ = 0;
};

// ---- how it ended -----------------------------------------------------------

template <class T>
mobula::Executed EndedAs(const mobula::Ref<T>& ref, mobula::ErrorCode code) {
  const auto result = ref.TryGet(kLong);
  if (result.ok()) {
    ADD_FAILURE() << "it gave a value";
    return mobula::Executed::kYes;
  }
  EXPECT_EQ(result.error().code(), code) << result.error().what();
  return result.error().executed();
}
template <class T>
mobula::Executed TimedOut(const mobula::Ref<T>& ref) {
  return EndedAs(ref, mobula::ErrorCode::kTimeout);
}
template <class T>
mobula::Executed Cancelled(const mobula::Ref<T>& ref) {
  return EndedAs(ref, mobula::ErrorCode::kCancelled);
}

std::string ReadAll(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class Scopes : public testing::TestWithParam<bool> {
 protected:
  [[nodiscard]] std::string Path(const std::string& name) const {
    return folder_.Path(name);
  }
  static mobula::InitOptions Cpus(double cpus) {
    return mobula::InitOptions().Cpus(cpus);
  }
  // Nothing runs or waits that takes of the node's cpus.
  static void ExpectIdle(double cpus) {
    const auto all = mobula::TaskOptions().Cpus(cpus);
    EXPECT_EQ(mobula::Spawn<Seven>(all).Get(kLong), 7);
  }

  mobula::TestFolder folder_;
};

// On workers, and in local mode.
class ScopesEverywhere : public Scopes {
 protected:
  static mobula::InitOptions Options() {
    mobula::InitOptions options = Cpus(2);
    if (GetParam()) options.Local();
    return options;
  }
};

INSTANTIATE_TEST_SUITE_P(Workers, ScopesEverywhere, testing::Values(false));
INSTANTIATE_TEST_SUITE_P(Local, ScopesEverywhere, testing::Values(true));

TEST_P(ScopesEverywhere, TheBudgetThePriorityAndTheTraceTravel) {
  const mobula::Runtime runtime = mobula::Init(Options());
  const mobula::TraceId trace{0x1234, 0x5678};
  const mobula::Scope scope(
      mobula::ScopeOptions().Timeout(1h).Priority(3).Trace(trace));
  const auto witness = mobula::Create<Witness>();
  const std::vector<std::vector<Seen>> all = {
      mobula::Spawn<LookTwice>().Get(), mobula::Spawn<LookTwiceToo>().Get(),
      witness.Call<&Witness::Tell>().Get()};
  for (const std::vector<Seen>& seen : all) {
    ASSERT_EQ(seen.size(), 2u);
    for (const Seen& one : seen) {
      EXPECT_GT(one.left_ms, 0);
      EXPECT_LE(one.left_ms, 3'600'000);
      EXPECT_EQ(one.priority, 3);
      EXPECT_EQ(one.trace, trace.ToString());
    }
  }
  EXPECT_LE(all[0][1].left_ms, all[0][0].left_ms);
}

TEST_P(ScopesEverywhere, TheTimeoutOfATaskTravelsToo) {
  const mobula::Runtime runtime = mobula::Init(Options());
  const auto options = mobula::TaskOptions().Timeout(1h);
  const auto seen = mobula::Spawn<LookTwice>(options).Get();
  EXPECT_GT(seen.at(1).left_ms, 0);
  EXPECT_LE(seen.at(1).left_ms, seen.at(0).left_ms);
  const auto seen_too = mobula::Spawn<LookTwiceToo>(options).Get();
  EXPECT_GT(seen_too.at(1).left_ms, 0);
  EXPECT_LE(seen_too.at(1).left_ms, seen_too.at(0).left_ms);
}

TEST_P(ScopesEverywhere, TheTimeoutOfACallTravelsToo) {
  const mobula::Runtime runtime = mobula::Init(Options());
  const auto witness = mobula::Create<Witness>();
  const auto hour = mobula::CallOptions().Timeout(1h);
  const auto seen = witness.Call<&Witness::Tell>(hour).Get();
  EXPECT_EQ(seen.at(0).left_ms, -1) << "nor is it its constructor's";
  EXPECT_GT(seen.at(1).left_ms, 0);
  EXPECT_LE(seen.at(1).left_ms, 3'600'000);
  EXPECT_EQ(witness.Call<&Witness::Tell>().Get().at(1).left_ms, -1);
}

TEST_P(ScopesEverywhere, WithoutAScopeATaskIsItsOwnTrace) {
  const mobula::Runtime runtime = mobula::Init(Options());
  const auto seen = mobula::Spawn<LookTwiceToo>().Get();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].left_ms, -1);
  EXPECT_EQ(seen[0].trace, seen[0].task);
  EXPECT_EQ(seen[1].trace, seen[0].task);
  EXPECT_NE(seen[1].task, seen[0].task);
}

TEST_P(ScopesEverywhere, AScopeInsideOfNoOtherMakesATrace) {
  const mobula::Runtime runtime = mobula::Init(Options());
  EXPECT_TRUE(mobula::CurrentTrace().IsNil());
  std::string first;
  {
    const mobula::Scope scope;
    first = mobula::CurrentTrace().ToString();
    const mobula::Scope inner(mobula::ScopeOptions().Shielded());
    EXPECT_EQ(mobula::Spawn<Look>().Get().trace, first);
  }
  const mobula::Scope scope;
  EXPECT_NE(mobula::CurrentTrace().ToString(), first);
}

TEST_P(ScopesEverywhere, AnErrorSaysItsTrace) {
  const mobula::Runtime runtime = mobula::Init(Options());
  const mobula::Scope scope;
  const auto result = mobula::Spawn<Throw>().TryGet(kLong);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().trace(), mobula::CurrentTrace());
  EXPECT_NE(std::string(result.error().what())
                .find("trace " + mobula::CurrentTrace().ToString()),
            std::string::npos)
      << result.error().what();
}

TEST_P(ScopesEverywhere, AnErrorOfAMethodSaysItsTrace) {
  const mobula::Runtime runtime = mobula::Init(Options());
  const auto witness = mobula::Create<Witness>();
  const auto seen = witness.Call<&Witness::Tell>().Get();
  EXPECT_EQ(seen.at(1).trace, seen.at(1).task) << "each call is its own";
  const mobula::Scope scope;
  const auto result = witness.Call<&Witness::Throw>().TryGet(kLong);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().trace(), mobula::CurrentTrace());
}

TEST_P(ScopesEverywhere, WhatIsTooLateNeverStarts) {
  const mobula::Runtime runtime = mobula::Init(Options());
  const auto witness = mobula::Create<Witness>();
  witness.Call<&Witness::Add>(1).Get(kLong);
  std::vector<mobula::Ref<int>> late;
  {
    const mobula::Scope scope(mobula::ScopeOptions().Timeout(0s));
    late.push_back(mobula::Spawn<Note>(Path("log"), 'x'));
    late.push_back(mobula::Spawn<SleepToo>(Path("none")));
    late.push_back(witness.Call<&Witness::Add>(10));
  }
  for (const auto& ref : late) EXPECT_EQ(TimedOut(ref), mobula::Executed::kNo);
  EXPECT_EQ(witness.Call<&Witness::Add>(1).Get(kLong), 2);
  EXPECT_EQ(ReadAll(Path("log")), "");
}

TEST_P(ScopesEverywhere, ADeadlineEndsCoroutinesThatWait) {
  const mobula::Runtime runtime = mobula::Init(Options());
  const Fifo begun(Path("begun"));
  const auto witness = mobula::Create<Witness>();
  std::vector<mobula::Ref<int>> late;
  {
    const mobula::Scope scope(mobula::ScopeOptions().Timeout(200ms));
    late.push_back(mobula::Spawn<WaitToo>(begun.path()));
    late.push_back(witness.Call<&Witness::SleepToo>(begun.path()));
  }
  for (const auto& ref : late) TimedOut(ref);
  EXPECT_EQ(witness.Call<&Witness::Add>(1).Get(kLong), 1);
  ExpectIdle(2);
}

TEST_P(ScopesEverywhere, AStopCancelsWhatWasSpawnedAndAllBelow) {
  const mobula::Runtime runtime = mobula::Init(Options());
  const Fifo begun(Path("begun"));
  const auto witness = mobula::Create<Witness>();
  std::stop_source source;
  mobula::Ref<int> none;
  std::vector<mobula::Ref<int>> stopped;
  {
    const mobula::Scope scope(mobula::ScopeOptions().Stop(source.get_token()));
    stopped.push_back(mobula::Spawn<WaitToo>(begun.path()));
    stopped.push_back(witness.Call<&Witness::SleepToo>(begun.path()));
    for (const auto& ref : stopped) {
      static_cast<void>(ref);
      begun.Await();
    }
    source.request_stop();
    none = mobula::Spawn<Seven>();  // from here on nothing begins
  }
  for (const auto& ref : stopped) Cancelled(ref);
  EXPECT_EQ(Cancelled(none), mobula::Executed::kNo);
  EXPECT_EQ(witness.Call<&Witness::Add>(1).Get(kLong), 1);
  ExpectIdle(2);
}

TEST_P(ScopesEverywhere, WhatAnInnerScopeLeftBehindIsTheOuterOnes) {
  const mobula::Runtime runtime = mobula::Init(Options());
  const Fifo begun(Path("begun"));
  const auto witness = mobula::Create<Witness>();
  std::vector<mobula::Ref<int>> left;
  {
    mobula::Scope outer;
    {
      const mobula::Scope inner(mobula::ScopeOptions().Timeout(1h));
      left.push_back(mobula::Spawn<SleepToo>(begun.path()));
      left.push_back(witness.Call<&Witness::SleepToo>(begun.path()));
    }
    for (int i = 0; i < 2; ++i) begun.Await();
    outer.Stop();
  }
  for (const auto& ref : left) Cancelled(ref);
  ExpectIdle(2);
}

TEST_P(ScopesEverywhere, AShieldKeepsOutBoth) {
  const mobula::Runtime runtime = mobula::Init(Options());
  const Fifo begun(Path("begun"));
  const auto witness = mobula::Create<Witness>();
  mobula::Ref<int> kept;
  mobula::Ref<int> kept_too;
  {
    mobula::Scope outer(mobula::ScopeOptions().Timeout(1h));
    const mobula::Scope shield(mobula::ScopeOptions().Shielded());
    kept = mobula::Spawn<SleepToo>(begun.path());
    kept_too = witness.Call<&Witness::SleepToo>(begun.path());
    EXPECT_EQ(mobula::Spawn<Look>().Get().left_ms, -1);
    for (int i = 0; i < 2; ++i) begun.Await();
    outer.Stop();
    EXPECT_EQ(mobula::Spawn<Seven>().Get(kLong), 7);
  }
  for (const auto& ref : {kept, kept_too}) {
    const auto look = ref.TryGet(0s);
    ASSERT_FALSE(look.ok());
    EXPECT_EQ(look.error().code(), mobula::ErrorCode::kTimeout);
    EXPECT_TRUE(mobula::Cancel(ref));
    Cancelled(ref);
  }
}

mobula::Coro<> FailOnce(const Fifo* begun) {
  begun->Await();
  throw std::runtime_error("as asked");
  co_return;
}
mobula::Coro<> Await(mobula::Ref<int> ref) { co_await ref; }

TEST_P(ScopesEverywhere, AGroupThatFailsCancelsItsTasks) {
  const mobula::Runtime runtime = mobula::Init(Options());
  const Fifo begun(Path("begun"));
  const auto witness = mobula::Create<Witness>();
  std::vector<mobula::Ref<int>> others;
  auto body = [&](mobula::TaskGroup& group) -> mobula::Coro<> {
    others.push_back(mobula::Spawn<SleepToo>(begun.path()));
    others.push_back(witness.Call<&Witness::SleepToo>(begun.path()));
    for (const auto& other : others) group.Start(Await(other));
    group.Start(FailOnce(&begun));
    co_return;
  };
  mobula::Coro<> both = mobula::WithGroup(body);
  EXPECT_THROW(mobula::BlockOn(both), std::runtime_error);
  for (const auto& other : others) Cancelled(other);
  ExpectIdle(2);
}

mobula::Coro<int> SpawnAndAwait(const std::string& begun,
                                mobula::Ref<int>* spawned) {
  *spawned = mobula::Spawn<SleepToo>(begun);
  co_return co_await *spawned;
}

TEST_P(ScopesEverywhere, WithTimeoutEndsWhatItAwaits) {
  const mobula::Runtime runtime = mobula::Init(Options());
  const Fifo begun(Path("begun"));
  mobula::Ref<int> spawned;
  mobula::Coro<int> late =
      mobula::WithTimeout(200ms, SpawnAndAwait(begun.path(), &spawned));
  EXPECT_THROW(mobula::BlockOn(late), mobula::TimeoutError);
  TimedOut(spawned);
  ExpectIdle(2);
}

// ---- on workers alone: functions that wait on a thread ----------------------

TEST_F(Scopes, ADeadlineEndsFunctionsThatWait) {
  const mobula::Runtime runtime = mobula::Init(Cpus(2));
  const Fifo begun(Path("begun"));
  const auto witness = mobula::Create<Witness>();
  std::vector<mobula::Ref<int>> late;
  {
    const mobula::Scope scope(mobula::ScopeOptions().Timeout(500ms));
    late.push_back(mobula::Spawn<Wait>(begun.path()));
    late.push_back(witness.Call<&Witness::Sleep>(begun.path()));
  }
  for (const auto& ref : late) {
    TimedOut(ref);
    EXPECT_NE(ref.TryGet().error().function(), "");
  }
  EXPECT_EQ(witness.Call<&Witness::Add>(1).Get(kLong), 1);
  ExpectIdle(2);
}

TEST_F(Scopes, WhatComputesOnLosesItsRefAndKeepsItsSlot) {
  const mobula::Runtime runtime = mobula::Init(Cpus(1));
  const Fifo begun(Path("begun"));
  const Fifo go(Path("go"));
  mobula::Ref<int> late;
  std::chrono::milliseconds time = 200ms;
  bool has_begun = false;
  int begins = 0;
  for (; !has_begun; ++begins) {  // on a busy machine it may come too late
    const mobula::Scope scope(mobula::ScopeOptions().Timeout(time));
    late = mobula::Spawn<Block>(begun.path(), go.path());
    has_begun = begun.AwaitFor(time);
    time *= 2;
  }
  EXPECT_EQ(TimedOut(late), mobula::Executed::kMaybe);
  const auto behind = mobula::Spawn<Seven>();
  for (; begins > 0; --begins) go.Open();
  EXPECT_EQ(behind.Get(kLong), 7);
}

TEST_F(Scopes, CoroutinesAndMethodsThatComputeOnDoSoToo) {
  const mobula::Runtime runtime = mobula::Init(Cpus(2));
  const auto both = mobula::TaskOptions().Cpus(2);
  const auto witness = mobula::Create<Witness>();
  mobula::Ref<int> late;
  mobula::Ref<int> late_call;
  std::deque<Fifo> fifos;
  std::chrono::milliseconds time = 200ms;
  for (bool have_begun = false; !have_begun; time *= 2) {
    // On a busy machine it may come too late: what began goes, and again.
    for (int i = 0; i < 2 && !fifos.empty(); ++i) fifos.back().Open();
    const std::string n = std::to_string(time.count());
    const Fifo& begun = fifos.emplace_back(Path("begun" + n));
    const Fifo& go = fifos.emplace_back(Path("go" + n));
    const mobula::Scope scope(mobula::ScopeOptions().Timeout(time));
    late = mobula::Spawn<BlockToo>(both, begun.path(), go.path());
    late_call = witness.Call<&Witness::Block>(begun.path(), go.path());
    have_begun = begun.AwaitFor(time) && begun.AwaitFor(time);
  }
  EXPECT_EQ(TimedOut(late), mobula::Executed::kMaybe);
  EXPECT_EQ(TimedOut(late_call), mobula::Executed::kMaybe);
  const auto behind = mobula::Spawn<Seven>(both);
  const auto next = witness.Call<&Witness::Add>(1);
  EXPECT_FALSE(behind.Ready());
  EXPECT_FALSE(next.Ready());
  for (int i = 0; i < 2; ++i) fifos.back().Open();
  EXPECT_EQ(behind.Get(kLong), 7);
  EXPECT_EQ(next.Get(kLong), 1);
}

TEST_F(Scopes, WhatIsQueuedWhenItsTimeIsOverNeverStarts) {
  const mobula::Runtime runtime = mobula::Init(Cpus(1));
  const Fifo begun(Path("begun"));
  const Fifo go(Path("go"));
  const auto first = mobula::Spawn<Block>(begun.path(), go.path());
  begun.Await();
  mobula::Ref<int> late;
  {
    const mobula::Scope scope(mobula::ScopeOptions().Timeout(10ms));
    late = mobula::Spawn<Note>(Path("log"), 'x');
  }
  EXPECT_EQ(TimedOut(late), mobula::Executed::kNo);
  go.Open();
  EXPECT_EQ(first.Get(kLong), 7);
  ExpectIdle(1);
  EXPECT_EQ(ReadAll(Path("log")), "");
}

TEST_F(Scopes, AStopEndsFunctionsThatWaitAndAllBelow) {
  const mobula::Runtime runtime = mobula::Init(Cpus(2));
  const Fifo begun(Path("begun"));
  std::vector<mobula::Ref<int>> stopped;
  {
    mobula::Scope scope;
    for (int i = 0; i < 3; ++i) {
      stopped.push_back(mobula::Spawn<Wait>(begun.path()));
    }
    begun.Await();
    scope.Stop();
  }
  for (const auto& ref : stopped) Cancelled(ref);
  ExpectIdle(2);
}

TEST_F(Scopes, TheHigherPriorityGetsTheSlot) {
  const mobula::Runtime runtime = mobula::Init(Cpus(1));
  const Fifo begun(Path("begun"));
  const Fifo go(Path("go"));
  const auto first = mobula::Spawn<Block>(begun.path(), go.path());
  begun.Await();
  std::vector<mobula::Ref<int>> refs;
  for (const int priority : {0, -1, 2, 1}) {
    const mobula::Scope scope(mobula::ScopeOptions().Priority(priority));
    refs.push_back(
        mobula::Spawn<Note>(Path("log"), static_cast<char>('b' + priority)));
  }
  go.Open();
  for (const auto& ref : refs) ref.Get(kLong);
  EXPECT_EQ(ReadAll(Path("log")), "dcba");
  EXPECT_EQ(first.Get(kLong), 7);
}

TEST_F(Scopes, TheCoroutineOfTheHigherPriorityGetsTheSlot) {
  const mobula::Runtime runtime = mobula::Init(Cpus(1));
  const Fifo begun(Path("begun"));
  const Fifo go(Path("go"));
  const auto first = mobula::Spawn<Block>(begun.path(), go.path());
  begun.Await();
  std::vector<mobula::Ref<int>> refs;
  for (const int priority : {0, -1, 2, 1}) {
    const mobula::Scope scope(mobula::ScopeOptions().Priority(priority));
    refs.push_back(
        mobula::Spawn<NoteToo>(Path("log"), static_cast<char>('b' + priority)));
  }
  go.Open();
  for (const auto& ref : refs) ref.Get(kLong);
  EXPECT_EQ(ReadAll(Path("log")), "dcba");
  EXPECT_EQ(first.Get(kLong), 7);
}

// Each holds the only cpu until its last handle is gone.
TEST_F(Scopes, TheActorOfTheHigherPriorityIsCreatedFirst) {
  const mobula::Runtime runtime = mobula::Init(Cpus(1));
  const Fifo begun(Path("begun"));
  const Fifo go(Path("go"));
  const auto first = mobula::Spawn<Block>(begun.path(), go.path());
  begun.Await();
  std::map<int, mobula::Actor<Noted>, std::greater<>> actors;
  for (const int priority : {0, -1, 2, 1}) {
    const mobula::Scope scope(mobula::ScopeOptions().Priority(priority));
    actors[priority] =
        mobula::Create<Noted>(mobula::ActorOptions().Cpus(1), Path("log"),
                              static_cast<char>('b' + priority));
  }
  go.Open();
  while (!actors.empty()) {
    EXPECT_EQ(actors.begin()->second.Call<&Noted::Here>().Get(kLong), 1);
    actors.erase(actors.begin());
  }
  EXPECT_EQ(ReadAll(Path("log")), "dcba");
  EXPECT_EQ(first.Get(kLong), 7);
}

TEST_F(Scopes, AGroupThatFailsCancelsFunctionsThatWait) {
  const mobula::Runtime runtime = mobula::Init(Cpus(2));
  const Fifo begun(Path("begun"));
  std::vector<mobula::Ref<int>> others;
  auto body = [&](mobula::TaskGroup& group) -> mobula::Coro<> {
    others.push_back(mobula::Spawn<Wait>(begun.path()));
    group.Start(Await(others[0]));
    group.Start(FailOnce(&begun));
    co_return;
  };
  mobula::Coro<> both = mobula::WithGroup(body);
  EXPECT_THROW(mobula::BlockOn(both), std::runtime_error);
  Cancelled(others.at(0));
  ExpectIdle(2);
}

TEST_F(Scopes, FunctionsThatAnInnerScopeLeftBehindAreTheOuterOnes) {
  const mobula::Runtime runtime = mobula::Init(Cpus(2));
  const Fifo begun(Path("begun"));
  mobula::Ref<int> left;
  {
    mobula::Scope outer;
    {
      const mobula::Scope inner(mobula::ScopeOptions().Timeout(1h));
      left = mobula::Spawn<Wait>(begun.path());
    }
    begun.Await();
    outer.Stop();
  }
  Cancelled(left);
  ExpectIdle(2);
}

TEST_F(Scopes, TheDeadlineOfACreationIsItsConstructors) {
  const mobula::Runtime runtime = mobula::Init(Cpus(1));
  const Fifo begun(Path("begun"));
  const Fifo go(Path("go"));
  const auto first = mobula::Spawn<Block>(begun.path(), go.path());
  begun.Await();
  mobula::Actor<Witness> late;
  {
    const mobula::Scope scope(mobula::ScopeOptions().Timeout(0s));
    late = mobula::Create<Witness>(mobula::ActorOptions().Cpus(1));
  }
  const auto call = late.Call<&Witness::Add>(1);
  go.Open();
  EXPECT_EQ(TimedOut(call), mobula::Executed::kNo);
  EXPECT_EQ(first.Get(kLong), 7);
}

}  // namespace scopes
