// mobula memory, asked of a node whose processes hold values in every way.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
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

std::string MadeFolder() {
  std::string pattern = testing::TempDir() + "/memoryXXXXXX";
  EXPECT_NE(mkdtemp(pattern.data()), nullptr);
  return pattern;
}

std::string MadeFifo(const std::string& folder) {
  std::string path = folder + "/fifo";
  EXPECT_EQ(mkfifo(path.c_str(), 0600), 0);
  return path;
}

// However little of a processor there is, each answers by then.
const std::vector<std::string> kLong = {"--patience", "30000"};

class MemoryTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(head_.started().code, 0) << head_.started().output;
    ASSERT_EQ(hoarder_.Line(), "ready");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Json Ask(const std::vector<std::string>& patience = kLong,
           const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"memory", "--json"};
    words.insert(words.end(), patience.begin(), patience.end());
    words.insert(words.end(), more.begin(), more.end());
    const Ended ended = head_.Tool(words);
    EXPECT_EQ(ended.code, 0) << ended.output;
    return Json::parse(ended.output, nullptr, /*allow_exceptions=*/false);
  }
  // Asks until it is so: what is on its way arrives.
  Json AskUntil(const std::function<bool(const Json&)>& is_so,
                const std::vector<std::string>& patience = kLong) {
    const auto end = steady_clock::now() + kPatience;
    while (true) {
      const Json all = Ask(patience);
      if (all.is_object() && is_so(all)) return all;
      if (steady_clock::now() < end) continue;
      ADD_FAILURE() << "it never is: " << all.dump(1);
      return all;
    }
  }
  // The one of about that size; null if it is not there.
  static Json Find(const Json& all, std::uint64_t bytes) {
    for (const Json& object : all["objects"]) {
      const auto size = object["bytes"].get<std::uint64_t>();
      if (size >= bytes && size < bytes + 1'000) return object;
    }
    return nullptr;
  }
  // Who holds it for that reason; null if nobody does.
  static Json HolderOf(const Json& object, const std::string& why) {
    if (object.is_null()) return nullptr;
    for (const Json& holder : object["holders"]) {
      if (holder["why"] == why) return holder;
    }
    return nullptr;
  }
  static bool Has(const Json& all, std::uint64_t bytes,
                  const std::string& why) {
    return !HolderOf(Find(all, bytes), why).is_null();
  }

  StartedHead head_{{"--cpus", "3"}};
  const std::string folder_ = MadeFolder();
  const std::string fifo_ = MadeFifo(folder_);
  RunningProgram hoarder_{{ProgramPath("tests/integration/hoarder"), fifo_},
                          head_.environment()};
};

constexpr std::uint64_t kBorrowed = 3'000'000;
constexpr std::uint64_t kKept = 2'000'000;
constexpr std::uint64_t kPublished = 1'000'000;
constexpr std::uint64_t kInner = 500'000;
constexpr std::uint64_t kOuter = 400'000;
constexpr std::uint64_t kTied = 10'000;

TEST_F(MemoryTest, EverybodyWhoHoldsSomethingIsListedWithTheReason) {
  const Json all = AskUntil([](const Json& now) {
    return Has(now, kBorrowed, "argument of what runs") &&
           Has(now, kKept, "actor state") &&
           now["totals"]["cycle_bytes"].get<std::uint64_t>() >= kTied;
  });
  const Json borrowed = Find(all, kBorrowed);
  EXPECT_EQ(borrowed["where"], "store");
  EXPECT_EQ(borrowed["state"], "ready");
  EXPECT_EQ(borrowed["owner"]["pid"], hoarder_.pid());
  EXPECT_EQ(borrowed["owner"]["role"], "driver");
  EXPECT_EQ(borrowed["owner"]["function"], "hoarder");
  EXPECT_EQ(HolderOf(borrowed, "handle")["count"], 1);
  EXPECT_EQ(HolderOf(borrowed, "argument of a call")["pid"], hoarder_.pid());
  const Json runs = HolderOf(borrowed, "argument of what runs");
  EXPECT_EQ(runs["role"], "worker");
  EXPECT_NE(runs["function"].get<std::string>().find("Borrow"),
            std::string::npos)
      << runs.dump();
  const Json keeper = HolderOf(Find(all, kKept), "actor state");
  EXPECT_EQ(keeper["actor_name"], "keeper");
  EXPECT_NE(keeper["function"].get<std::string>().find("Keeper"),
            std::string::npos);
  EXPECT_TRUE(HolderOf(Find(all, kKept), "handle").is_null());
  EXPECT_EQ(Find(all, kPublished)["names"], Json::array({"default/hoard"}));
  const Json inside = HolderOf(Find(all, kInner), "inside a value");
  EXPECT_EQ(inside["inside"], Json::array({Find(all, kOuter)["object"]}));
  EXPECT_EQ(all["totals"]["silent"], 0);
  EXPECT_EQ(all["totals"]["unclaimed_bytes"], 0) << all.dump(1);
}

TEST_F(MemoryTest, AValueThatOnlyItselfHoldsIsACycle) {
  const Json all = AskUntil([](const Json& now) {
    return now["totals"]["cycle_bytes"].get<std::uint64_t>() >= kTied;
  });
  ASSERT_EQ(all["cycles"].size(), 1u) << all.dump(1);
  EXPECT_EQ(all["cycles"][0]["held_from_outside"], false);
  ASSERT_EQ(all["cycles"][0]["members"].size(), 1u);
  const Json tied = Find(all, kTied);
  EXPECT_EQ(all["cycles"][0]["members"][0]["object"], tied["object"]);
  EXPECT_EQ(tied["only_cycles"], true);
  EXPECT_EQ(all["totals"]["cycle_bytes"], tied["bytes"]);
  EXPECT_EQ(Find(all, kBorrowed)["only_cycles"], false);
}

TEST_F(MemoryTest, AStoppedWorkerIsSilentAndHoldsNobodyUp) {
  const Json before =
      AskUntil([](const Json& now) { return Has(now, kKept, "actor state"); });
  const pid_t keeper =
      HolderOf(Find(before, kKept), "actor state")["pid"].get<pid_t>();
  ASSERT_EQ(kill(keeper, SIGSTOP), 0);
  // Others may be slow.
  const Json all = AskUntil(
      [keeper](const Json& now) {
        for (const Json& process : now["processes"]) {
          if (process["complete"] != (process["pid"] != keeper)) return false;
        }
        return true;
      },
      {"--patience", "1000"});
  kill(keeper, SIGCONT);
  EXPECT_EQ(all["totals"]["silent"], 1);
  for (const Json& process : all["processes"]) {
    if (process["pid"] != keeper) continue;
    EXPECT_GE(process["silent_ms"].get<int>(), 1'000);
  }
  EXPECT_EQ(HolderOf(Find(all, kKept), "lent")["pid"], keeper);
  EXPECT_TRUE(Has(all, kBorrowed, "handle"));
  AskUntil([](const Json& now) { return now["totals"]["silent"] == 0; });
}

TEST_F(MemoryTest, TablesForPeople) {
  AskUntil([](const Json& now) { return Has(now, kKept, "actor state"); });
  const Ended table =
      head_.Tool({"memory", "--limit", "2", "--patience", "30000"});
  EXPECT_EQ(table.code, 0);
  EXPECT_TRUE(table.output.starts_with("OBJECT")) << table.output;
  EXPECT_NE(table.output.find("actor state"), std::string::npos);
  EXPECT_NE(table.output.find("more; --limit N"), std::string::npos);
  EXPECT_NE(table.output.find("0 silent processes"), std::string::npos);
  const Ended groups = head_.Tool({"memory", "--group-by", "function"});
  EXPECT_TRUE(groups.output.starts_with("GROUP")) << groups.output;
  EXPECT_NE(groups.output.find("hoarder"), std::string::npos) << groups.output;
  const Json job = Find(Ask(), kBorrowed)["job"];
  EXPECT_FALSE(
      Ask(kLong, {"--job", job.get<std::string>()})["objects"].empty());
  EXPECT_TRUE(Ask(kLong, {"--job", "ffffffff"})["objects"].empty());
}

TEST_F(MemoryTest, APublishedValueIsListedOnceWhileItsOwnerLives) {
  const auto rows = [this] {
    const Ended listed = head_.Tool({"list", "objects", "--json"});
    std::vector<Json> found;
    const Json all = Json::parse(listed.output);
    for (const Json& object : all["objects"]) {
      const auto size = object["bytes"].get<std::uint64_t>();
      if (size >= kPublished && size < kPublished + 1'000) {
        found.push_back(object);
      }
    }
    return found;
  };
  // It is told a tenth of a second later.
  const auto end = steady_clock::now() + kPatience;
  std::vector<Json> found = rows();
  while ((found.size() != 1 || found[0]["owner"].is_null()) &&
         steady_clock::now() < end) {
    found = rows();
  }
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0]["name"], "hoard");
  EXPECT_FALSE(found[0]["owner"].is_null());
}

TEST(MemoryOfNothingTest, WithoutANodeItSaysWhyThereIsNothing) {
  const std::string folder = MadeFolder();
  const Ended ended =
      RunProgram({ProgramPath("cli/mobula"), "memory"},
                 {"XDG_RUNTIME_DIR=" + folder, "MOBULA_ADDRESS="});
  EXPECT_EQ(ended.code, 3);
  EXPECT_NE(ended.output.find("no node of yours runs on this machine"),
            std::string::npos)
      << ended.output;
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace mobula::test
