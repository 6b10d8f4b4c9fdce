// The programs that a head keeps for detached actors: they stay as long as an
// actor is made of them, also over crashes, and go after.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/control/control_address.h"
#include "base/control/control_request.h"
#include "base/control/node_file.h"
#include "base/control/records.h"
#include "base/rpc/control_call.h"
#include "tests/integration/eventually.h"
#include "tests/integration/programs.h"
#include "tests/integration/started_head.h"

namespace mobula::test {
namespace {

constexpr std::chrono::seconds kPatience(30);

bool Eventually(const std::function<bool()>& holds) {
  return test::Eventually(holds, kPatience);
}

class ProgramsKeptTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(head_.started().code, 0) << head_.started().output;
  }
  [[nodiscard]] std::set<std::string> Kept() const {
    std::set<std::string> names;
    std::error_code code;
    for (const auto& entry : std::filesystem::directory_iterator(
             head_.store() + "/programs", code)) {
      names.insert(entry.path().filename());
    }
    return names;
  }
  template <class Answer>
  [[nodiscard]] Answer Ask(base::ControlRequest request) const {
    for (const std::string& one : head_.environment()) {
      const std::string name = "XDG_RUNTIME_DIR=";
      if (!one.starts_with(name)) continue;
      const auto nodes = base::FindNodes({one.substr(name.size()) + "/mobula"});
      if (nodes.empty()) break;
      std::string error;
      const auto address =
          base::ControlAddress::Parse(nodes[0].control, &error);
      const base::ControlReply reply =
          base::CallControl(*address, "", request, std::chrono::seconds(10));
      const auto* const answer = std::get_if<Answer>(&reply);
      if (answer != nullptr) return *answer;
    }
    return Answer();
  }
  [[nodiscard]] base::ActorRecord Guest() const {
    base::FindActor find;
    find.ns = "default";
    find.name = "guest";
    return Ask<base::ActorAnswer>(find).actor;
  }
  void KillRaylet() const {
    for (const base::NodeRecord& node :
         Ask<base::NodesAnswer>(base::ListNodes()).nodes) {
      if (node.state == base::NodeState::kAlive) kill(node.pid, SIGKILL);
    }
  }

  StartedHead head_{{"--cpus", "2"}};
};

TEST_F(ProgramsKeptTest, AsLongAsAnActorNeedsThemAlsoAfterACrash) {
  const Ended made =
      RunProgram({ProgramPath("tests/integration/visitor"), "make", "guest"},
                 head_.environment());
  ASSERT_EQ(made.code, 0) << made.output;
  const std::set<std::string> kept = Kept();
  ASSERT_EQ(kept.size(), 1u);
  // What crashes have left.
  const std::string nobodys(64, 'a');
  for (const std::string& name : {nobodys, std::string(".1.1")}) {
    std::ofstream(head_.store() + "/programs/" + name) << "left";
  }
  const base::ActorRecord before = Guest();
  KillRaylet();
  EXPECT_TRUE(Eventually([this, &before] {
    const base::ActorRecord now = Guest();
    return now.state == base::ActorState::kAlive &&
           now.incarnation > before.incarnation;
  }));
  EXPECT_TRUE(Eventually([this, &kept] { return Kept() == kept; }));
  EXPECT_EQ(head_.Tool({"kill", "actor:guest"}).code, 0);
  EXPECT_TRUE(Eventually([this] { return Kept().empty(); }));
}

// Each is refused with what is wrong, and made anew from a whole program.
TEST_F(ProgramsKeptTest, AnActorWhoseProgramIsGoneOrDamagedIsDeadAndSaysWhy) {
  const std::vector<std::string> make = {
      ProgramPath("tests/integration/visitor"), "make", "guest"};
  for (const bool is_gone : {true, false}) {
    const Ended made = RunProgram(make, head_.environment());
    ASSERT_EQ(made.code, 0) << made.output;
    const base::ActorRecord before = Guest();
    ASSERT_EQ(Kept().size(), 1u);
    const std::string hash = *Kept().begin();
    ASSERT_EQ(head_.Stop().code, 0);
    const std::filesystem::path path = head_.store() + "/programs/" + hash;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    if (is_gone) {
      std::filesystem::remove(path);
    } else {
      std::fstream(path, std::ios::in | std::ios::out).put('?');
    }
    head_.StartAgain();
    ASSERT_EQ(head_.started().code, 0) << head_.started().output;
    base::FindActor find;
    find.actor = before.actor;
    const auto now = [this, &find] {
      return Ask<base::ActorAnswer>(find).actor;
    };
    ASSERT_TRUE(
        Eventually([&now] { return now().state == base::ActorState::kDead; }));
    const std::string cause = now().cause.message;
    EXPECT_NE(cause.find(hash), std::string::npos) << cause;
    EXPECT_NE(cause.find(is_gone ? "No such file" : "damaged"),
              std::string::npos)
        << cause;
  }
  const Ended anew = RunProgram(make, head_.environment());
  ASSERT_EQ(anew.code, 0) << anew.output;
  EXPECT_TRUE(
      Eventually([this] { return Guest().state == base::ActorState::kAlive; }));
}

}  // namespace
}  // namespace mobula::test
