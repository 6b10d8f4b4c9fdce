// Init, Shutdown, and what they say; exceptions of tasks; flags; the lifetime
// of actors.
#include <ray/api.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "api/compat/ray_fixture.h"
#include "api/test_fifo.h"

namespace ray_tests {
namespace {

using ray::internal::RayException;
using ray::internal::RayTaskException;
using ray::internal::RayWorkerException;

struct OwnError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

int Plus(int x, int y) { return x + y; }
int Throw(const std::string& what) { throw OwnError(what); }
int ThrowNumber() { throw 7; }
int GetThrown() { return *ray::Task(Throw).Remote("inner").Get(); }
int Die(const std::string& log) {
  mobula::NoteIn(log, 'd');
  ::kill(::getpid(), SIGKILL);
  return 0;
}
bool IsInitializedHere() {
  ray::Init();  // in a task it does nothing
  return ray::IsInitialized();
}
int PidHere() { return ::getpid(); }
RAY_REMOTE(PidHere);

struct Cell {
  static Cell* Create(int v) { return new Cell{v}; }
  int Get() { return value; }
  void Exit() { ray::ExitActor(); }
  int value;
};
std::string MakeCell() {
  ray::Actor(Cell::Create).SetName("from a task").Remote(5);
  return "from a task";
}
RAY_REMOTE(Plus, Throw, ThrowNumber, GetThrown, Die, IsInitializedHere);
RAY_REMOTE(Cell::Create, &Cell::Get, &Cell::Exit, MakeCell);

class RayLifecycle : public testing::Test {
 protected:
  ~RayLifecycle() override { ray::Shutdown(); }
};

TEST_F(RayLifecycle, BeginsAndEndsAgainAndAgain) {
  EXPECT_FALSE(ray::IsInitialized());
  std::string before;
  for (int i = 0; i < 3; ++i) {
    ray::RayConfig config;
    config.local_mode = i == 1;
    ray::Init(config);
    ray::Init();  // it runs already
    EXPECT_TRUE(ray::IsInitialized());
    EXPECT_NE(ray::GetNamespace(), before);
    before = ray::GetNamespace();
    EXPECT_EQ(*ray::Task(Plus).Remote(i, 1).Get(), i + 1);
    EXPECT_TRUE(*ray::Task(IsInitializedHere).Remote().Get());
    ray::Shutdown();
    ray::Shutdown();
    EXPECT_FALSE(ray::IsInitialized());
  }
}

TEST_F(RayLifecycle, RefsAndHandlesOutliveIt) {
  ray::Init();
  ray::ObjectRef<int> ref = ray::Put(1);
  auto cell = ray::Actor(Cell::Create).Remote(1);
  ray::Shutdown();
  EXPECT_THROW(ref.Get(), RayException);
  EXPECT_THROW(cell.Task(&Cell::Get).Remote(), RayException);
  ray::Init();
  EXPECT_THROW(ref.Get(), RayException);
  EXPECT_THROW(cell.Task(&Cell::Get).Remote(), RayException);
  ref = ray::Put(2);
  EXPECT_EQ(*ref.Get(), 2);
}

TEST_F(RayLifecycle, NothingWorksBeforeIt) {
  const std::string text =
      TextOf<RayException>([] { ray::Task(Plus).Remote(1, 2); });
  EXPECT_TRUE(Contains(text, "call ray::Init first")) << text;
  EXPECT_THROW(ray::Put(1), RayException);
  EXPECT_THROW(ray::GetNamespace(), RayException);
  EXPECT_THROW(ray::GetActor<Cell>("a"), RayException);
  EXPECT_THROW(ray::Actor(Cell::Create).Remote(1), RayException);
  const ray::ObjectRef<int> nothing;
}

TEST_F(RayLifecycle, TakesFlags) {
  std::string words[] = {"program",
                         "--mine",
                         "--ray_job_namespace=flags",
                         "--ray_head_args",
                         "--num-cpus 1 --resources {\"disk\":1}",
                         "-ray_logs_dir=/nowhere",
                         "--",
                         "--ray_not_looked_at"};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  ray::RayConfig config;
  config.ray_namespace = "config";
  ray::Init(config, static_cast<int>(argv.size()), argv.data());
  EXPECT_EQ(ray::GetNamespace(), "flags");
  EXPECT_EQ(*ray::Task(Plus).SetResource("disk", 1).Remote(1, 1).Get(), 2);
  EXPECT_THROW(ray::Task(Plus).SetResource("CPU", 2).Remote(1, 1).Get(20'000),
               RayException);
}

TEST_F(RayLifecycle, TakesFlagsOfMobula) {
  char program[] = "program";
  char local[] = "--mobula-local";
  char* argv[] = {program, local};
  ray::Init(ray::RayConfig(), 2, argv);
  EXPECT_EQ(*ray::Task(PidHere).Remote().Get(), ::getpid());
  EXPECT_STREQ(argv[1], "--mobula-local");
}

TEST_F(RayLifecycle, RefusesWhatMakesNoSense) {
  char program[] = "program";
  char flag[] = "--ray_nonsense=1";
  char* argv[] = {program, flag};
  ray::RayConfig config;
  const std::string text =
      TextOf<RayException>([&] { ray::Init(config, 2, argv); });
  EXPECT_TRUE(Contains(text, "--ray_nonsense")) << text;

  config.address = "127.0.0.1:1";
  EXPECT_THROW(ray::Init(config), RayException);
  EXPECT_FALSE(ray::IsInitialized());

  config.address.clear();
  config.head_args = {"--num-cpus", "many"};
  EXPECT_THROW(ray::Init(config), RayException);

  config.head_args.clear();
  config.runtime_env = ray::RuntimeEnv();
  config.runtime_env->Set("env_vars",
                          std::map<std::string, std::string>{{"A", "b"}});
  EXPECT_THROW(ray::Init(config), ray::internal::RayRuntimeEnvException);
  EXPECT_FALSE(ray::IsInitialized());
  config.runtime_env = ray::RuntimeEnv();  // an empty one asks for nothing
  ray::Init(config);
  EXPECT_TRUE(ray::IsInitialized());
}

TEST_F(RayLifecycle, AddressesComeFromTheEnvironment) {
  ::setenv("RAY_ADDRESS", "127.0.0.1:1", 1);
  EXPECT_THROW(ray::Init(), RayException);
  ::unsetenv("RAY_ADDRESS");
  ray::Init();
  EXPECT_TRUE(ray::IsInitialized());
}

TEST_F(RayLifecycle, DetachedActorsNeedNobody) {
  ray::RayConfig config;
  config.default_actor_lifetime = ray::ActorLifetime::DETACHED;
  ray::Init(config);
  const auto unnamed = ray::Actor(Cell::Create).Remote(3);
  EXPECT_EQ(*unnamed.Task(&Cell::Get).Remote().Get(), 3);
  const auto named = ray::Actor(Cell::Create).SetName("cell").Remote(4);
  EXPECT_EQ(*ray::GetActor<Cell>("cell")->Task(&Cell::Get).Remote().Get(), 4);
  const auto name = ray::Task(MakeCell).Remote().Get();
  const auto made = ray::GetActor<Cell>(*name);
  ASSERT_TRUE(made);
  EXPECT_EQ(*made->Task(&Cell::Get).Remote().Get(), 5);
  made->Kill();
  unnamed.Kill();
  EXPECT_THROW(named.Task(&Cell::Exit).Remote().Get(),
               ray::internal::RayActorException);
}

class RayExceptions : public RayTest {};

TEST_P(RayExceptions, SayFunctionTypeAndText) {
  const std::string text = TextOf<RayTaskException>(
      [] { ray::Task(Throw).Remote("lost my keys").Get(); });
  EXPECT_TRUE(Contains(text, "Throw")) << text;
  EXPECT_TRUE(Contains(text, "OwnError")) << text;
  EXPECT_TRUE(Contains(text, "lost my keys")) << text;
  const std::string number =
      TextOf<RayTaskException>([] { ray::Task(ThrowNumber).Remote().Get(); });
  EXPECT_TRUE(Contains(number, "int")) << number;
}

TEST_P(RayExceptions, PassThroughTasks) {
  const std::string nested =
      TextOf<RayTaskException>([] { ray::Task(GetThrown).Remote().Get(); });
  EXPECT_TRUE(Contains(nested, "inner")) << nested;
  EXPECT_TRUE(Contains(nested, "RayTaskException")) << nested;
  const auto failed = ray::Task(Throw).Remote("an argument");
  const std::string text = TextOf<RayTaskException>(
      [&] { ray::Task(Plus).Remote(failed, 1).Get(); });
  EXPECT_TRUE(Contains(text, "an argument")) << text;
}

TEST_P(RayExceptions, AreThrownOfMany) {
  const std::vector<ray::ObjectRef<int>> refs{ray::Put(1),
                                              ray::Task(Throw).Remote("second"),
                                              ray::Task(Throw).Remote("third")};
  const std::string text = TextOf<RayTaskException>([&] { ray::Get(refs); });
  EXPECT_TRUE(Contains(text, "second")) << text;
  // Failed refs are ready.
  EXPECT_EQ(ray::Wait(refs, 3, -1).ready.size(), 3U);
}

TEST_P(RayExceptions, AreStdExceptions) {
  EXPECT_THROW(ray::Task(Throw).Remote("").Get(), std::exception);
  EXPECT_THROW(ray::Task(Throw).Remote("").Get(), RayException);
}

TEST_P(RayExceptions, TellOfDeadWorkers) {
  if (is_local()) return;
  const mobula::TestFolder folder;
  const std::string log = folder.Path("log");
  const std::string text =
      TextOf<RayWorkerException>([&] { ray::Task(Die).Remote(log).Get(); });
  EXPECT_TRUE(Contains(text, "Die")) << text;
  // Once more than once.
  EXPECT_EQ(std::filesystem::file_size(log), 2U);
}

INSTANTIATE_TEST_SUITE_P(, RayExceptions, testing::Bool(), ModeName);

}  // namespace
}  // namespace ray_tests
