// Each verb that waits, from a thread and from a coroutine, on real workers:
// its value, an exception, a worker's death, a retried one, a deadline, a stop,
// the end of the runtime.
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace failures {

using namespace std::chrono_literals;
using mobula::BlockOn;
using mobula::Coro;
using mobula::Ref;

// ---- what runs on workers ---------------------------------------------------

int Square(int x) { return x * x; }
int Same(int x) { return x; }
int First(int x, int) { return x; }
std::pair<int, int> Twin(int x) { return {x, x}; }
int ThrowsInvalid() { throw std::invalid_argument("bad value"); }
int Die() {
  ::kill(::getpid(), SIGKILL);
  return 0;
}
int DieOnce() { return mobula::CurrentTask().attempt == 1 ? Die() : 9; }
int Never() {
  BlockOn(mobula::SleepFor({}));
  return 0;
}

// ---- the verbs, each of one ref ---------------------------------------------

using Refs = std::vector<Ref<int>>;

struct Verb {
  const char* name;
  int (*on_thread)(const Ref<int>& ref);
  Coro<int> (*in_coroutine)(Ref<int> ref);
};

int GetOnThread(const Ref<int>& ref) { return ref.Get(); }
Coro<int> GetInCoroutine(Ref<int> ref) { co_return co_await ref; }

int AllOnThread(const Ref<int>& ref) {
  return BlockOn(mobula::WhenAll(Refs{ref}))[0];
}
Coro<int> AllInCoroutine(Ref<int> ref) {
  const auto [first, second] = co_await mobula::WhenAll(ref, ref);
  co_return first;
}

int AnyOnThread(const Ref<int>& ref) {
  return BlockOn(mobula::WhenAny(Refs{ref})).Get();
}
Coro<int> AnyInCoroutine(Ref<int> ref) {
  const Refs refs(1, ref);
  const mobula::Settled<int> any = co_await mobula::WhenAny(refs);
  co_return any.Get();
}

int SomeOnThread(const Ref<int>& ref) {
  return mobula::Wait(Refs{ref}, 1).ready.at(0).Get();
}
Coro<int> SomeInCoroutine(Ref<int> ref) {
  const Refs refs(1, ref);
  const mobula::Waited<int> waited = co_await mobula::WhenSome(refs, 1);
  co_return waited.ready.at(0).Get();
}

int CompletedOnThread(const Ref<int>& ref) {
  for (const auto& done : mobula::AsCompleted(Refs{ref})) return done.Get();
  return 0;
}
Coro<int> CompletedInCoroutine(Ref<int> ref) {
  mobula::Completions<int> completions = mobula::AsCompleted(Refs(1, ref));
  const auto done = co_await completions.Next();
  co_return done->Get();
}

int ThenOnThread(const Ref<int>& ref) {
  return BlockOn(mobula::Then(ref, Same));
}
Coro<int> ThenInCoroutine(Ref<int> ref) {
  Coro<int> then = mobula::Then(ref, Same);
  co_return co_await then;
}

int ThenTaskOnThread(const Ref<int>& ref) {
  return mobula::Then<Same>(ref).Get();
}
Coro<int> ThenTaskInCoroutine(Ref<int> ref) {
  co_return co_await mobula::Then<Same>(ref);
}

int BindOnThread(const Ref<int>& ref) {
  return mobula::Bind<Same>(mobula::Bind<Same>(ref)).Spawn().Get();
}
Coro<int> BindInCoroutine(Ref<int> ref) {
  const mobula::BoundCall<int> call = mobula::Bind<Same>(ref);
  co_return co_await call.Spawn();
}

mobula::BoundCall<int> TreeOf(const Ref<int>& ref) {
  const mobula::BoundCall<int> leaf = mobula::Bind<Same>(ref);
  return mobula::Bind<First>(mobula::Bind<First>(leaf, 1), leaf);
}
int TreeOnThread(const Ref<int>& ref) { return TreeOf(ref).Spawn().Get(); }
Coro<int> TreeInCoroutine(Ref<int> ref) {
  const mobula::BoundCall<int> tree = TreeOf(ref);
  co_return co_await tree.Spawn();
}

int RemoteOnThread(const Ref<int>& ref) {
  return mobula::Remote<Same>()(ref).Get();
}
Coro<int> RemoteInCoroutine(Ref<int> ref) {
  const mobula::Remote<Same> same;
  co_return co_await same(ref);
}

int StarmapOnThread(const Ref<int>& ref) {
  const std::vector<std::pair<Ref<int>, int>> pairs(1, {ref, 0});
  return mobula::Get(mobula::Starmap<First>(pairs))[0];
}
Coro<int> StarmapInCoroutine(Ref<int> ref) {
  const std::vector<std::pair<Ref<int>, int>> pairs(1, std::pair(ref, 0));
  const std::vector<int> all =
      co_await mobula::WhenAll(mobula::Starmap<First>(pairs));
  co_return all[0];
}

int MapOnThread(const Ref<int>& ref) {
  return mobula::Get(mobula::Map<Same>(Refs{ref}))[0];
}
Coro<int> MapInCoroutine(Ref<int> ref) {
  const Refs refs(1, ref);
  const std::vector<int> all =
      co_await mobula::WhenAll(mobula::Map<Same>(refs));
  co_return all[0];
}

int OrderedOnThread(const Ref<int>& ref) {
  for (const auto& each : mobula::Stream<Same>(Refs{ref})) return each.Get();
  return 0;
}
Coro<int> OrderedInCoroutine(Ref<int> ref) {
  auto stream = mobula::Stream<Same>(Refs(1, ref));
  const auto each = co_await stream.Next();
  co_return each->Get();
}

int StreamOnThread(const Ref<int>& ref) {
  const auto as_done = mobula::StreamOptions().Ordered(false);
  for (const auto& each : mobula::Stream<Same>(as_done, Refs{ref})) {
    return each.Get();
  }
  return 0;
}
Coro<int> StreamInCoroutine(Ref<int> ref) {
  auto stream = mobula::Stream<Same>(mobula::StreamOptions().Ordered(false),
                                     Refs(1, ref));
  const auto each = co_await stream.Next();
  co_return each->Get();
}

int SplitOnThread(const Ref<int>& ref) {
  return std::get<0>(mobula::Split(mobula::Then<Twin>(ref))).Get();
}
Coro<int> SplitInCoroutine(Ref<int> ref) {
  const auto parts = mobula::Split(mobula::Then<Twin>(ref));
  co_return co_await std::get<1>(parts);
}

constexpr Verb kVerbs[] = {
    {"Get", GetOnThread, GetInCoroutine},
    {"WhenAll", AllOnThread, AllInCoroutine},
    {"WhenAny", AnyOnThread, AnyInCoroutine},
    {"WhenSome", SomeOnThread, SomeInCoroutine},
    {"AsCompleted", CompletedOnThread, CompletedInCoroutine},
    {"Then", ThenOnThread, ThenInCoroutine},
    {"ThenTask", ThenTaskOnThread, ThenTaskInCoroutine},
    {"Bind", BindOnThread, BindInCoroutine},
    {"Tree", TreeOnThread, TreeInCoroutine},
    {"Remote", RemoteOnThread, RemoteInCoroutine},
    {"Starmap", StarmapOnThread, StarmapInCoroutine},
    {"Map", MapOnThread, MapInCoroutine},
    {"StreamOrdered", OrderedOnThread, OrderedInCoroutine},
    {"Stream", StreamOnThread, StreamInCoroutine},
    {"Split", SplitOnThread, SplitInCoroutine},
};

// ---- the cases --------------------------------------------------------------

class Failures : public testing::TestWithParam<std::tuple<Verb, bool>> {
 protected:
  static void SetUpTestSuite() { Begin(); }
  static void TearDownTestSuite() {
    never_.reset();
    runtime_.reset();
  }
  static void Begin() {
    runtime_.emplace(mobula::Init(mobula::InitOptions().Cpus(3)));
    never_.emplace(mobula::Spawn<Never>());
  }
  static int Wait(const Ref<int>& ref) {
    const auto& [verb, in_coroutine] = GetParam();
    return in_coroutine ? BlockOn(verb.in_coroutine(ref)) : verb.on_thread(ref);
  }

  static inline std::optional<mobula::Runtime> runtime_;
  static inline std::optional<Ref<int>> never_;
};
INSTANTIATE_TEST_SUITE_P(Verbs, Failures,
                         testing::Combine(testing::ValuesIn(kVerbs),
                                          testing::Bool()),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) +
                                  (std::get<1>(info.param) ? "InCoroutine"
                                                           : "OnThread");
                         });

TEST_P(Failures, Value) { EXPECT_EQ(Wait(mobula::Spawn<Square>(3)), 9); }

TEST_P(Failures, Exception) {
  EXPECT_THROW(Wait(mobula::Spawn<ThrowsInvalid>()), std::invalid_argument);
}

TEST_P(Failures, WorkerDeath) {
  const auto once = mobula::TaskOptions().Retries(0);
  try {
    Wait(mobula::Spawn<Die>(once));
    FAIL();
  } catch (const mobula::WorkerDied& error) {
    EXPECT_EQ(error.signal(), SIGKILL);
  }
}

TEST_P(Failures, RetriedDeath) { EXPECT_EQ(Wait(mobula::Spawn<DieOnce>()), 9); }

TEST_P(Failures, Timeout) {
  const mobula::Scope scope(mobula::ScopeOptions().Timeout(5ms));
  EXPECT_THROW(Wait(*never_), mobula::TimeoutError);
}

TEST_P(Failures, Stop) {
  std::stop_source source;
  const mobula::Scope scope(mobula::ScopeOptions().Stop(source.get_token()));
  std::thread stopper([&source] { source.request_stop(); });
  EXPECT_THROW(Wait(*never_), mobula::Cancelled);
  stopper.join();
}

TEST_P(Failures, Shutdown) {
  std::thread ender([] { runtime_->Shutdown(); });
  EXPECT_THROW(Wait(*never_), mobula::RuntimeClosed);
  ender.join();
  never_.reset();
  runtime_.reset();
  Begin();
}

// ---- MapChunks: of two tasks the second fails -------------------------------

int ThrowAt3(int x) { return x == 3 ? ThrowsInvalid() : x; }
int DieAt3(int x) { return x == 3 ? Die() : x; }
int DieOnceAt3(int x) {
  return x == 3 && mobula::CurrentTask().attempt == 1 ? Die() : x;
}
int NeverAt3(int x) { return x == 3 ? Never() : x; }

using Chunk = Ref<std::vector<int>>;

Coro<std::vector<int>> AwaitChunk(Chunk chunk) { co_return co_await chunk; }

class Chunks : public testing::TestWithParam<bool> {
 protected:
  template <auto kFunction>
  static std::vector<Chunk> Begin(
      const mobula::TaskOptions& options = mobula::TaskOptions()) {
    return mobula::MapChunks<kFunction>(options, 2, std::vector{0, 1, 2, 3});
  }
  // From a thread, or from a coroutine.
  static std::vector<int> Wait(const Chunk& chunk) {
    return GetParam() ? BlockOn(AwaitChunk(chunk)) : chunk.Get();
  }

  mobula::Runtime runtime_ = mobula::Init(mobula::InitOptions().Cpus(2));
};
INSTANTIATE_TEST_SUITE_P(Callers, Chunks, testing::Bool(),
                         [](const auto& info) {
                           return std::string(info.param ? "InCoroutine"
                                                         : "OnThread");
                         });

TEST_P(Chunks, Value) {
  const auto chunks = Begin<Same>();
  EXPECT_EQ(Wait(chunks.at(0)), (std::vector{0, 1}));
  EXPECT_EQ(Wait(chunks.at(1)), (std::vector{2, 3}));
}

TEST_P(Chunks, Exception) {
  const auto chunks = Begin<ThrowAt3>();
  EXPECT_EQ(Wait(chunks.at(0)), (std::vector{0, 1}));
  EXPECT_THROW(Wait(chunks.at(1)), std::invalid_argument);
}

TEST_P(Chunks, WorkerDeath) {
  const auto chunks = Begin<DieAt3>(mobula::TaskOptions().Retries(0));
  try {
    Wait(chunks.at(1));
    FAIL();
  } catch (const mobula::WorkerDied& error) {
    EXPECT_EQ(error.signal(), SIGKILL);
    EXPECT_EQ(error.function(), "failures::DieAt3");
  }
  EXPECT_EQ(Wait(chunks.at(0)), (std::vector{0, 1}));
}

TEST_P(Chunks, RetriedDeath) {
  EXPECT_EQ(Wait(Begin<DieOnceAt3>().at(1)), (std::vector{2, 3}));
}

TEST_P(Chunks, Timeout) {
  std::vector<Chunk> chunks;
  {
    const mobula::Scope scope(mobula::ScopeOptions().Timeout(5ms));
    chunks = Begin<NeverAt3>();
    EXPECT_THROW(Wait(chunks.at(1)), mobula::TimeoutError);
  }
  EXPECT_THROW(Wait(chunks.at(1)), mobula::TimeoutError);
}

TEST_P(Chunks, Stop) {
  std::stop_source source;
  const mobula::Scope scope(mobula::ScopeOptions().Stop(source.get_token()));
  const auto chunks = Begin<NeverAt3>();
  EXPECT_EQ(Wait(chunks.at(0)), (std::vector{0, 1}));
  std::thread stopper([&source] { source.request_stop(); });
  EXPECT_THROW(Wait(chunks.at(1)), mobula::Cancelled);
  stopper.join();
}

TEST_P(Chunks, Shutdown) {
  const auto chunks = Begin<NeverAt3>();
  std::thread ender([this] { runtime_.Shutdown(); });
  EXPECT_THROW(Wait(chunks.at(1)), mobula::RuntimeClosed);
  ender.join();
}

}  // namespace failures
