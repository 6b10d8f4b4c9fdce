// mobula list tasks, asked of a node whose programs wait for things.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/integration/programs.h"
#include "tests/integration/running_program.h"
#include "tests/integration/started_head.h"

namespace mobula::test {
namespace {

using Json = nlohmann::json;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience(60);
// However little of a processor there is, each answers by then.
constexpr char kLong[] = "30000";

std::string MadeFolder() {
  std::string pattern = testing::TempDir() + "/tasksXXXXXX";
  EXPECT_NE(mkdtemp(pattern.data()), nullptr);
  return pattern;
}

std::string MadeFifo(const std::string& path) {
  EXPECT_EQ(mkfifo(path.c_str(), 0600), 0);
  return path;
}

std::vector<std::string> With(std::vector<std::string> all,
                              const std::string& one) {
  all.push_back(one);
  return all;
}

class TasksTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(head_.started().code, 0) << head_.started().output;
    ASSERT_EQ(asker_.Line(), "ready");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Json Ask(const std::vector<std::string>& more = {},
           const std::string& patience = kLong) {
    std::vector<std::string> words = {"list", "tasks", "--json", "--patience",
                                      patience};
    words.insert(words.end(), more.begin(), more.end());
    const Ended ended = head_.Tool(words);
    EXPECT_EQ(ended.code, 0) << ended.output;
    return Json::parse(ended.output, nullptr, /*allow_exceptions=*/false);
  }
  // Asks until it is so: what is on its way arrives.
  Json AskUntil(const std::function<bool(const Json&)>& is_so) {
    const auto end = steady_clock::now() + kPatience;
    while (true) {
      const Json all = Ask();
      if (all.is_object() && is_so(all)) return all;
      if (steady_clock::now() < end) continue;
      ADD_FAILURE() << "it never is: " << all.dump(1);
      return all;
    }
  }
  // Those of the function that are in the state.
  static std::vector<Json> Find(const Json& all, const std::string& function,
                                const std::string& state) {
    std::vector<Json> found;
    for (const Json& task : all["tasks"]) {
      const auto name = task["function"].get<std::string>();
      if (name.find(function) == std::string::npos) continue;
      if (task["state"] == state) found.push_back(task);
    }
    return found;
  }
  // As long as nobody writes to the fifo it stays so.
  Json Settled() {
    return AskUntil([](const Json& now) {
      return Find(now, "Outer", "blocked").size() == 1 &&
             Find(now, "Inner", "running").size() == 1 &&
             Find(now, "Read", "running").size() == 1 &&
             Find(now, "Add", "pushed").size() == 1;
    });
  }

  StartedHead head_{{"--cpus", "1"}};
  const std::string folder_ = MadeFolder();
  const std::string fifo_ = MadeFifo(folder_ + "/fifo");
  const std::string started_ = MadeFifo(folder_ + "/started");
  RunningProgram asker_{
      {ProgramPath("tests/integration/asker"), fifo_, started_},
      With(head_.environment(), "MOBULA_WEIGHT=3")};
};

TEST_F(TasksTest, EachIsListedWithItsStateAndWhoAskedForIt) {
  const Json all = Settled();
  const Json outer = Find(all, "Outer", "blocked").at(0);
  EXPECT_EQ(outer["owner_pid"], asker_.pid());
  EXPECT_EQ(outer["owner_name"], "asker");
  EXPECT_EQ(outer["type"], "task");
  EXPECT_EQ(outer["attempt"], 1);
  EXPECT_NE(outer["pid"], 0);
  const Json inner = Find(all, "Inner", "running").at(0);
  EXPECT_EQ(inner["owner_pid"], outer["pid"]) << "the task asked for it";
  EXPECT_NE(inner["pid"], outer["pid"]);
  EXPECT_EQ(inner["job"], outer["job"]);
  EXPECT_EQ(inner["node"], outer["node"]);
  const std::vector<Json> squares = Find(all, "Square", "queued");
  ASSERT_EQ(squares.size(), 50u) << all.dump(1);
  EXPECT_EQ(squares[0]["pid"], 0);
  EXPECT_EQ(squares[0]["resources"]["cpu"], 1);
  const std::vector<Json> sums = Find(all, "Sum", "waiting");
  ASSERT_EQ(sums.size(), 1u);
  EXPECT_EQ(sums[0]["waits_for"]["arguments"], 1);
  const Json object = sums[0]["waits_for"]["object"];
  bool is_of_square = false;
  for (const Json& square : squares) {
    is_of_square = is_of_square || square["result"] == object;
  }
  EXPECT_TRUE(is_of_square) << sums[0].dump();
  const Json read = Find(all, "Read", "running").at(0);
  EXPECT_EQ(read["type"], "call");
  EXPECT_FALSE(read["actor"].is_null());
  EXPECT_EQ(Find(all, "Add", "pushed").at(0)["pid"], read["pid"]);
  EXPECT_EQ(all["left_out"], 0);
  EXPECT_TRUE(all["silent"].empty()) << all["silent"].dump();
}

TEST_F(TasksTest, OneByItsIdAndSomeAndSums) {
  const Json all = Settled();
  const Json some = Ask({"--limit", "3"});
  EXPECT_EQ(some["tasks"].size(), 3u);
  EXPECT_EQ(some["left_out"], all["tasks"].size() - 3);
  const auto job = all["tasks"][0]["job"].get<std::string>();
  EXPECT_EQ(Ask({"--job", job})["tasks"].size(), all["tasks"].size());
  EXPECT_TRUE(Ask({"--job", "ffffffffffff"})["tasks"].empty());
  const Json groups = Ask({"--group-by", "function"})["groups"];
  bool has_squares = false;
  for (const Json& group : groups) {
    if (group["queued"] == 50) has_squares = true;
  }
  EXPECT_TRUE(has_squares) << groups.dump(1);
  const auto id = Find(all, "Sum", "waiting").at(0)["task"].get<std::string>();
  const Ended one = head_.Tool({"get", id, "--json"});
  EXPECT_EQ(one.code, 0) << one.output;
  const Json got = Json::parse(one.output, nullptr, false);
  EXPECT_EQ(got["kind"], "task") << one.output;
  EXPECT_EQ(got["state"], "waiting") << one.output;
}

TEST_F(TasksTest, TheJobHasTheWeightOfTheEnvironment) {
  const Ended jobs = head_.Tool({"list", "jobs", "--json"});
  EXPECT_EQ(jobs.code, 0) << jobs.output;
  const Json all = Json::parse(jobs.output, nullptr, false);
  ASSERT_EQ(all["jobs"].size(), 1u) << jobs.output;
  EXPECT_EQ(all["jobs"][0]["weight"], 3) << jobs.output;
}

TEST_F(TasksTest, AProgramThatDoesNotAnswerIsNamed) {
  Settled();
  ASSERT_EQ(kill(asker_.pid(), SIGSTOP), 0);
  const Json all = Ask({}, "1000");
  ASSERT_EQ(kill(asker_.pid(), SIGCONT), 0);
  bool is_named = false;
  for (const Json& one : all["silent"]) {
    is_named = is_named || one["pid"] == asker_.pid();
  }
  EXPECT_TRUE(is_named) << all.dump(1);
  EXPECT_TRUE(Find(all, "Square", "queued").empty());
}

}  // namespace
}  // namespace mobula::test
