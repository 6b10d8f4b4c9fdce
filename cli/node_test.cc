// A started node and an embedded head with their control stores, spoken to as
// the library does: who joins, what it asks, and detached actors.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "base/control/control_request.h"
#include "base/control/node_file.h"
#include "base/control/records.h"
#include "base/frames/message.h"
#include "base/scheduling/resource_vector.h"
#include "cli/fake_driver.h"

namespace mobula::cli {
namespace {

namespace fs = std::filesystem;
using base::ActorMoved;
using base::ActorState;
using base::ResourceVector;

std::string ContentOf(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class NodeTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string root = testing::TempDir() + "nodeXXXXXX";
    ASSERT_NE(::mkdtemp(root.data()), nullptr);
    root_ = root;
    ::setenv("XDG_RUNTIME_DIR", root_.c_str(), 1);
    ::setenv("XDG_STATE_HOME", (root_ + "/state").c_str(), 1);
  }
  void TearDown() override {
    if (!base::FindNodes(Roots()).empty()) Stop();
    EXPECT_TRUE(base::FindNodes(Roots()).empty());
    fs::remove_all(root_);
  }

  [[nodiscard]] std::vector<std::string> Roots() const {
    return {root_ + "/mobula"};
  }
  void Start() {
    ASSERT_EQ(::system("cli/mobula start --head --cpus 2 >/dev/null"), 0);
    const std::vector<base::NodeFile> nodes = base::FindNodes(Roots());
    ASSERT_EQ(nodes.size(), 1u);
    node_ = nodes[0];
  }
  static void Stop() { ASSERT_EQ(::system("cli/mobula stop >/dev/null"), 0); }
  [[nodiscard]] FakeDriver::Options Joining() const {
    FakeDriver::Options options;
    options.worker = "cli/stand_in";
    options.socket = node_.raylet;
    return options;
  }
  // The answer; another one, or none, is a failure.
  template <class Reply>
  static Reply Get(FakeDriver& driver, base::ControlRequest request) {
    const auto reply = driver.AskControl(std::move(request));
    EXPECT_TRUE(reply.has_value()) << "no answer";
    if (!reply.has_value()) return Reply();
    if (const auto* failure = std::get_if<base::Failure>(&*reply)) {
      ADD_FAILURE() << base::DescribeFailure(*failure);
    }
    const auto* answer = std::get_if<Reply>(&*reply);
    return answer == nullptr ? Reply() : *answer;
  }
  static base::RegisterActor Detached(FakeDriver& driver,
                                      const std::string& name) {
    base::RegisterActor registers;
    registers.actor.actor = driver.ids().Next<base::ActorId>();
    registers.actor.job = driver.job();
    registers.actor.name = name;
    registers.actor.class_name = "Index";
    registers.actor.detached = true;
    registers.actor.restarts_max = -1;
    registers.actor.spec.emplace();
    registers.actor.spec->constructor = base::FunctionId{1, 1};
    return registers;
  }
  // Where a later life of the actor than `incarnation` is.
  static std::optional<ActorMoved> Find(FakeDriver& driver, base::ActorId actor,
                                        std::int64_t incarnation = 0) {
    driver.Send(base::WatchActor{actor});
    return driver.WaitFor<ActorMoved>(
        [actor, incarnation](const ActorMoved& moved) {
          const bool is_there =
              !moved.worker.IsNil() && moved.incarnation > incarnation;
          return moved.actor == actor && (is_there || moved.dead);
        });
  }
  // A link of one's own to the actor's process.
  static base::LeaseGranted Reach(FakeDriver& driver, base::ProcessId worker) {
    driver.Send(base::ConnectTo{worker});
    EXPECT_TRUE(driver
                    .WaitFor<base::Attach>([worker](const base::Attach& m) {
                      return m.peer == worker;
                    })
                    .has_value());
    base::LeaseGranted on;
    on.worker = worker;
    return on;
  }

  std::string root_;
  base::NodeFile node_;
};

TEST_F(NodeTest, DriversJoinAndTheStoreKnowsThem) {
  Start();
  FakeDriver one(Joining());
  ASSERT_TRUE(one.Register());
  FakeDriver::Options heavy = Joining();
  heavy.weight = 3;
  FakeDriver two(heavy);
  ASSERT_TRUE(two.Register());
  const auto jobs = Get<base::JobsAnswer>(one, base::ListJobs()).jobs;
  ASSERT_EQ(jobs.size(), 2u);
  std::int32_t weights = 0;
  for (const base::JobRecord& job : jobs) {
    EXPECT_EQ(job.state, base::JobState::kRunning);
    EXPECT_EQ(job.pid, ::getpid());
    EXPECT_EQ(job.ns, "default");
    weights += job.weight;
  }
  EXPECT_EQ(weights, 4);
  // Each has workers of its own.
  const auto first = one.Ask(ResourceVector::Cpus(1));
  const auto second = two.Ask(ResourceVector::Cpus(1));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(one.Run(*first, "pid"), std::to_string(first->pid));
  one.Send(base::ListLocal());
  const auto listing = one.WaitFor<base::LocalListing>(
      [](const base::LocalListing&) { return true; });
  ASSERT_TRUE(listing.has_value());
  EXPECT_EQ(listing->tasks.size(), 2u);
  // Their output goes to whose it is, and into a file of the session.
  one.Run(*first, "print hello");
  const auto output = one.WaitFor<base::WorkerOutput>(
      [](const base::WorkerOutput&) { return true; });
  ASSERT_TRUE(output.has_value());
  EXPECT_EQ(output->lines, std::vector<std::string>{"hello"});
  EXPECT_FALSE(output->node.empty());
  EXPECT_EQ(ContentOf(node_.folder + "/logs/worker-" +
                      std::to_string(first->pid) + ".log"),
            "hello\n");
  one.End();
  // Its end is known to the store when its last worker is gone, or before.
  base::JobState state = base::JobState::kRunning;
  while (state == base::JobState::kRunning) {
    const auto now = Get<base::JobsAnswer>(two, base::ListJobs()).jobs;
    ASSERT_EQ(now.size(), 2u);
    state = now[0].job == one.job() ? now[0].state : now[1].state;
  }
  EXPECT_EQ(two.Run(*second, "pid"), std::to_string(second->pid));
}

TEST_F(NodeTest, TooFewDescriptorsAreSaidBeforeAnythingStarts) {
  const std::string words = root_ + "/words";
  const std::string start =
      "ulimit -n 24; cli/mobula start --head 2>" + words + " >/dev/null";
  EXPECT_NE(::system(start.c_str()), 0);
  EXPECT_NE(ContentOf(words).find("run: ulimit -n 1024"), std::string::npos)
      << ContentOf(words);
  EXPECT_FALSE(fs::exists(root_ + "/state"));
}

TEST_F(NodeTest, AWrongTokenIsSaidAtOnceNotAfterTheWholePatience) {
  ASSERT_EQ(::system("cli/mobula start --head --cpus 2 "
                     "--listen 127.0.0.1:0 >/dev/null"),
            0);
  node_ = base::FindNodes(Roots()).at(0);
  const std::string words = root_ + "/words";
  std::ofstream(root_ + "/other") << "another";
  const std::string join = "cli/mobula start --address " + node_.control +
                           " --token-file " + root_ + "/other 2>" + words;
  EXPECT_NE(::system(join.c_str()), 0);
  EXPECT_EQ(ContentOf(words),
            "mobula start: the control store at " + node_.control +
                ": it refuses: the token is not that of this cluster\n");
  EXPECT_EQ(base::FindNodes(Roots()).size(), 1u);
}

TEST_F(NodeTest, ADriverWithoutItsExecutableIsRefused) {
  Start();
  FakeDriver::Options options = Joining();
  options.worker = "/no/such/program";
  FakeDriver driver(options);
  EXPECT_FALSE(driver.Register());
  EXPECT_TRUE(driver.WaitForEnd());
}

TEST_F(NodeTest, ADetachedActorOutlivesItsDriverAndItsHead) {
  Start();
  base::ActorId actor;
  {
    FakeDriver maker(Joining());
    ASSERT_TRUE(maker.Register());
    const auto registers = Detached(maker, "index");
    actor = registers.actor.actor;
    const auto answer = Get<base::ActorAnswer>(maker, registers);
    EXPECT_FALSE(answer.existed);
    EXPECT_EQ(answer.actor.spec->program.size(), 64u);
    const auto moved = Find(maker, actor);
    ASSERT_TRUE(moved && !moved->dead) << moved->failure.message;
    const auto on = Reach(maker, moved->worker);
    EXPECT_EQ(maker.Run(on, "sid"), maker.Run(on, "pid"));
  }
  std::int64_t lives = 0;
  {
    FakeDriver other(Joining());
    ASSERT_TRUE(other.Register());
    base::FindActor find;
    find.ns = "default";
    find.name = "index";
    const auto found = Get<base::ActorAnswer>(other, find).actor;
    EXPECT_EQ(found.actor, actor);
    EXPECT_EQ(found.state, ActorState::kAlive);
    ASSERT_EQ(::kill(found.pid, SIGKILL), 0);
    const auto moved = Find(other, actor, found.incarnation);
    ASSERT_TRUE(moved && !moved->dead);
    EXPECT_EQ(moved->incarnation, 2);
    const auto on = Reach(other, moved->worker);
    other.Run(on, "print from nobody's child");
    const std::string pid = other.Run(on, "pid").value_or("");
    const std::string log = node_.folder + "/logs/worker-" + pid + ".log";
    // The file is there a moment before its first line.
    while (ContentOf(log).empty()) other.Run(on, "pid");
    EXPECT_EQ(ContentOf(log), "from nobody's child\n");
    lives = moved->incarnation;
  }
  Stop();
  Start();
  FakeDriver later(Joining());
  ASSERT_TRUE(later.Register());
  const auto moved = Find(later, actor, lives);
  ASSERT_TRUE(moved && !moved->dead);
  later.Send(base::KillActor{actor, false});
  const auto dead =
      later.WaitFor<ActorMoved>([](const ActorMoved& m) { return m.dead; });
  ASSERT_TRUE(dead.has_value());
}

TEST_F(NodeTest, AConstructorThatThrowsIsToldWithItsReason) {
  Start();
  FakeDriver driver(Joining());
  ASSERT_TRUE(driver.Register());
  base::RegisterActor registers = Detached(driver, "index");
  registers.actor.spec->args.push_back(base::Bytes::Own("throw"));
  Get<base::ActorAnswer>(driver, registers);
  const auto moved = Find(driver, registers.actor.actor);
  ASSERT_TRUE(moved && moved->dead);
  EXPECT_EQ(moved->failure.message, "not today");
}

TEST_F(NodeTest, AStoppedJobIsToldAndEnds) {
  Start();
  FakeDriver driver(Joining());
  ASSERT_TRUE(driver.Register());
  FakeDriver other(Joining());
  ASSERT_TRUE(other.Register());
  Get<base::Done>(other, base::EndJobNow{driver.job()});
  EXPECT_TRUE(
      driver.WaitFor<base::JobEnded>([](const base::JobEnded&) { return true; })
          .has_value());
  EXPECT_TRUE(driver.WaitForEnd());
}

// An embedded head has a control store from the first question on, and again
// after that was killed.
TEST_F(NodeTest, AnEmbeddedHeadStartsItsControlStoreWhenItIsNeeded) {
  FakeDriver::Options options;
  options.mobula = "cli/mobula";
  options.worker = "cli/stand_in";
  options.arguments = {"--cpus", "1"};
  FakeDriver driver(options);
  ASSERT_TRUE(driver.Register());
  base::PutKey put;
  put.ns = "default";
  put.key = "answer";
  put.value = base::Bytes::Own("42");
  Get<base::KeyAnswer>(driver, put);
  const auto status = Get<base::StatusAnswer>(driver, base::GetStatus());
  EXPECT_EQ(status.nodes_alive, 1u);
  EXPECT_EQ(status.jobs_running, 1u);
  ASSERT_EQ(::kill(status.pid, SIGKILL), 0);
  base::GetKey get;
  get.ns = "default";
  get.key = "answer";
  const auto answer = Get<base::KeyAnswer>(driver, get);
  ASSERT_TRUE(answer.value.has_value());
  EXPECT_EQ(answer.value->view(), "42");
  const auto again = Get<base::StatusAnswer>(driver, base::GetStatus());
  EXPECT_NE(again.pid, status.pid);
  // A job that is ended takes its head with it, and gets no answer.
  EXPECT_FALSE(driver.AskControl(base::EndJobNow{driver.job()}).has_value());
  EXPECT_TRUE(
      driver.WaitFor<base::JobEnded>([](const base::JobEnded&) { return true; })
          .has_value());
  EXPECT_EQ(driver.End(), 0);
}

}  // namespace
}  // namespace mobula::cli
