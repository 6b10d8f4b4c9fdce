// What functions and programs can ask about themselves, in local mode and on
// worker processes.
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace context {

struct Told {
  std::string task;
  std::string name;
  std::map<std::string, double> resources;
  std::string key;
  std::int64_t token = 0;
  int attempt = 0;
  std::string node;
  std::string job;
  std::string worker;
  std::string ns;
  std::string node_name;
  bool is_worker = false;
  bool is_local = false;
};

Told Tell() {
  const mobula::TaskContext me = mobula::CurrentTask();
  Told told;
  told.task = me.task.ToString();
  told.name = me.name;
  told.resources = me.resources;
  told.key = me.idempotency_key;
  told.token = me.fencing_token;
  told.attempt = me.attempt;
  told.node = me.node.ToString();
  told.job = me.job.ToString();
  told.worker = me.worker.ToString();
  told.ns = mobula::CurrentNamespace();
  told.node_name = mobula::CurrentNodeName();
  told.is_worker = mobula::IsWorker();
  told.is_local = mobula::IsLocalMode();
  return told;
}

// Each attempt leaves its key in the file.
void Note(const std::string& file) {
  std::ofstream(file, std::ios::app)
      << mobula::CurrentTask().idempotency_key << "\n";
}
Told DieOnce(const std::string& file) {
  Note(file);
  if (mobula::CurrentTask().attempt == 1) ::kill(::getpid(), SIGKILL);
  return Tell();
}
Told ThrowOnce(const std::string& file) {
  Note(file);
  if (mobula::CurrentTask().attempt == 1) throw std::runtime_error("not yet");
  return Tell();
}

class Shard {
 public:
  Shard() : born_(Tell()) {}
  Told Born() const { return born_; }
  Told Now() const { return Tell(); }
  Told DieOnce(const std::string& file) {
    Note(file);
    if (!mobula::WasRestarted()) ::kill(::getpid(), SIGKILL);
    return Tell();
  }

 private:
  Told born_;
};

namespace {

using std::chrono::seconds;

std::vector<std::string> Lines(const std::string& file) {
  std::vector<std::string> lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

enum class Mode { kLocal, kWorkers };

class ContextTest : public testing::TestWithParam<Mode> {
 protected:
  ~ContextTest() override { std::remove(file_.c_str()); }
  [[nodiscard]] static bool IsLocal() { return GetParam() == Mode::kLocal; }
  static mobula::InitOptions Options() {
    mobula::InitOptions options;
    options.Cpus(2).Resource("gpu", 1).Namespace("shop");
    if (IsLocal()) options.Local();
    return options;
  }

  const std::string file_ =
      testing::TempDir() + "/context_" + std::to_string(::getpid());
  mobula::Runtime runtime_ = mobula::Init(Options());
};

INSTANTIATE_TEST_SUITE_P(Modes, ContextTest,
                         testing::Values(Mode::kLocal, Mode::kWorkers),
                         [](const auto& info) {
                           return info.param == Mode::kLocal ? "Local"
                                                             : "Workers";
                         });

using Resources = std::map<std::string, double>;

TEST_P(ContextTest, ATaskKnowsWhatItWasGiven) {
  const Told plain = mobula::Spawn<Tell>().Get(seconds(60));
  EXPECT_EQ(plain.name, "");
  EXPECT_EQ(plain.resources, (Resources{{"cpu", 1}}));
  EXPECT_EQ(plain.token, 0);
  const Told rich = mobula::Spawn<Tell>(mobula::TaskOptions()
                                            .Cpus(0.5)
                                            .Memory(1 << 20)
                                            .Resource("gpu", 1)
                                            .Name("mine"))
                        .Get(seconds(60));
  EXPECT_EQ(rich.name, "mine");
  EXPECT_EQ(rich.resources,
            (Resources{{"cpu", 0.5}, {"memory", 1 << 20}, {"gpu", 1}}));
  // Names do not stick to the function.
  const Told other =
      mobula::Spawn<Tell>(mobula::TaskOptions().Name("other")).Get(seconds(60));
  EXPECT_EQ(other.name, "other");
  EXPECT_EQ(other.resources, (Resources{{"cpu", 1}}));
}

TEST_P(ContextTest, AnActorKnowsWhatItWasGiven) {
  const auto plain = mobula::Create<Shard>();
  EXPECT_EQ(plain.Call<&Shard::Now>().Get(seconds(60)).name, "");
  EXPECT_TRUE(plain.Call<&Shard::Now>().Get(seconds(60)).resources.empty());
  for (const bool is_detached : {false, true}) {
    const auto shard =
        mobula::Create<Shard>(mobula::ActorOptions()
                                  .Name(is_detached ? "detached" : "owned")
                                  .Detached(is_detached)
                                  .Cpus(0.25));
    for (const Told& told : {shard.Call<&Shard::Born>().Get(seconds(60)),
                             shard.Call<&Shard::Now>().Get(seconds(60))}) {
      EXPECT_EQ(told.name, is_detached ? "detached" : "owned");
      EXPECT_EQ(told.resources, (Resources{{"cpu", 0.25}}));
      EXPECT_EQ(told.token, 1);
    }
    mobula::Kill(shard);
  }
}

TEST_P(ContextTest, KeysDifferOverTasksCallsAndActors) {
  const auto one = mobula::Create<Shard>();
  const auto two = mobula::Create<Shard>();
  std::set<std::string> keys;
  for (int i = 0; i < 3; ++i) {
    keys.insert(mobula::Spawn<Tell>().Get(seconds(60)).key);
    keys.insert(one.Call<&Shard::Now>().Get(seconds(60)).key);
    keys.insert(two.Call<&Shard::Now>().Get(seconds(60)).key);
  }
  keys.insert(one.Call<&Shard::Born>().Get(seconds(60)).key);
  keys.insert(two.Call<&Shard::Born>().Get(seconds(60)).key);
  EXPECT_EQ(keys.size(), 11u);
  for (const std::string& key : keys) EXPECT_EQ(key.size(), 32u) << key;
}

TEST_P(ContextTest, TheKeyOfATaskIsTheSameInAllAttempts) {
  const auto retried =
      mobula::Spawn<ThrowOnce>(mobula::TaskOptions().RetryExceptions(), file_);
  const Told told = retried.Get(seconds(60));
  EXPECT_EQ(told.attempt, 2);
  EXPECT_EQ(Lines(file_), (std::vector<std::string>{told.key, told.key}));
}

TEST_P(ContextTest, TheProgramKnowsWhereItIs) {
  const mobula::TaskContext me = mobula::CurrentTask();
  EXPECT_TRUE(me.task.IsNil());
  EXPECT_EQ(me.idempotency_key, "");
  EXPECT_TRUE(me.resources.empty());
  EXPECT_EQ(me.node, mobula::CurrentNode());
  EXPECT_EQ(me.job, mobula::CurrentJob());
  EXPECT_FALSE(me.node.IsNil() || me.job.IsNil() || me.worker.IsNil());
  EXPECT_EQ(mobula::CurrentNamespace(), "shop");
  EXPECT_EQ(mobula::CurrentNodeName(), runtime_.NodeName());
  EXPECT_EQ(mobula::CurrentAddress(), "") << "an embedded head has none";
  EXPECT_EQ(mobula::IsLocalMode(), IsLocal());
  EXPECT_FALSE(mobula::IsWorker());

  const Told told = mobula::Spawn<Tell>().Get(seconds(60));
  EXPECT_EQ(told.node, me.node.ToString());
  EXPECT_EQ(told.job, me.job.ToString());
  EXPECT_EQ(told.worker == me.worker.ToString(), IsLocal());
  EXPECT_EQ(told.ns, "shop");
  EXPECT_EQ(told.node_name, runtime_.NodeName());
  EXPECT_EQ(told.is_worker, !IsLocal());
  EXPECT_EQ(told.is_local, IsLocal());
}

TEST_P(ContextTest, WithoutARuntimeThereIsNothing) {
  runtime_.Shutdown();
  const mobula::TaskContext me = mobula::CurrentTask();
  EXPECT_EQ(me.pid, ::getpid());
  EXPECT_TRUE(me.node.IsNil());
  EXPECT_THROW((void)mobula::CurrentJob(), mobula::RuntimeClosed);
  EXPECT_THROW((void)mobula::CurrentNode(), mobula::RuntimeClosed);
  EXPECT_THROW((void)mobula::CurrentNodeName(), mobula::RuntimeClosed);
  EXPECT_THROW((void)mobula::CurrentNamespace(), mobula::RuntimeClosed);
  EXPECT_THROW((void)mobula::CurrentAddress(), mobula::RuntimeClosed);
  EXPECT_THROW((void)mobula::IsLocalMode(), mobula::RuntimeClosed);
  EXPECT_THROW((void)mobula::IsWorker(), mobula::RuntimeClosed);
}

TEST_P(ContextTest, TheTokenGrowsOverARestart) {
  const auto shard =
      mobula::Create<Shard>(mobula::ActorOptions().MaxRestarts(-1));
  std::string born;
  for (std::int64_t incarnation = 1; incarnation <= 3; ++incarnation) {
    const Told now = shard.Call<&Shard::Now>().Get(seconds(60));
    EXPECT_EQ(now.token, incarnation);
    const Told then = shard.Call<&Shard::Born>().Get(seconds(60));
    EXPECT_EQ(then.token, incarnation);
    if (born.empty()) born = then.key;
    EXPECT_EQ(then.key, born);
    mobula::Kill(shard, mobula::KillOptions().Restart());
  }
}

// What only worker processes can show: they are killed.
class ContextDeathTest : public ContextTest {};
INSTANTIATE_TEST_SUITE_P(Modes, ContextDeathTest,
                         testing::Values(Mode::kWorkers),
                         [](const auto&) { return "Workers"; });

TEST_P(ContextDeathTest, TheKeyOfATaskOutlivesItsWorker) {
  const Told told = mobula::Spawn<DieOnce>(
                        mobula::TaskOptions().Name("brave").Cpus(0.5), file_)
                        .Get(seconds(60));
  EXPECT_EQ(told.attempt, 2);
  EXPECT_EQ(told.name, "brave");
  EXPECT_EQ(told.resources, (Resources{{"cpu", 0.5}}));
  EXPECT_EQ(Lines(file_), (std::vector<std::string>{told.key, told.key}));
}

TEST_P(ContextDeathTest, TheKeyOfACallOutlivesItsActorsWorker) {
  for (const bool is_detached : {false, true}) {
    std::remove(file_.c_str());
    mobula::ActorOptions options;
    options.MaxRestarts(-1).Detached(is_detached);
    if (is_detached) options.Name("detached");
    const auto shard = mobula::Create<Shard>(options);
    const Told first = shard.Call<&Shard::Born>().Get(seconds(60));
    const Told told =
        shard.Call<&Shard::DieOnce>(mobula::CallOptions().Retries(1), file_)
            .Get(seconds(60));
    EXPECT_EQ(Lines(file_), (std::vector<std::string>{told.key, told.key}));
    EXPECT_GT(told.token, first.token);
    EXPECT_NE(told.worker, first.worker);
    EXPECT_EQ(shard.Call<&Shard::Born>().Get(seconds(60)).key, first.key);
    EXPECT_EQ(told.name, is_detached ? "detached" : "");
    mobula::Kill(shard);
  }
}

}  // namespace
}  // namespace context
