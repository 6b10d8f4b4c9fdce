#include "cli/tools/store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <variant>

#include "base/control/node_file.h"

namespace mobula::cli {
namespace {

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/storeXXXXXX";
    root_ = ::mkdtemp(pattern.data());
    ::setenv("XDG_RUNTIME_DIR", root_.c_str(), 1);
    folder_ = root_ + "/mobula/session";
    ::mkdir((root_ + "/mobula").c_str(), 0700);
    ::mkdir(folder_.c_str(), 0700);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  [[nodiscard]] Store Choose() const {
    std::string error;
    const auto store =
        ChooseStore({"unix:" + folder_ + "/control.sock", ""}, &error);
    EXPECT_TRUE(store.has_value()) << error;
    return store.value_or(Store());
  }

  std::string root_, folder_;
};

TEST_F(StoreTest, WhereNobodyKeepsItNobodyIsWaitedFor) {
  EXPECT_EQ(Choose().absence, base::Duration(0));
  const base::ControlReply reply = Ask(Choose(), base::GetStatus());
  const auto* const failure = std::get_if<base::Failure>(&reply);
  ASSERT_NE(failure, nullptr);
  EXPECT_EQ(failure->code, base::FailureCode::kControlAway);
  EXPECT_NE(failure->message.find("No such file"), std::string::npos);
}

TEST_F(StoreTest, OneThatAKeeperStartsAgainIsWaitedFor) {
  std::ofstream(folder_ + "/" + base::kKeeperFile)
      << ::getpid() << "\nunix:" + folder_ + "/control.sock\n";
  EXPECT_EQ(Choose().absence, kAbsenceMax) << "its raylet is being started";
  base::NodeFile node;
  node.folder = folder_;
  node.control = "unix:" + folder_ + "/control.sock";
  node.raylet = folder_ + "/raylet.sock";
  node.node = {1, 2};
  node.cluster = {3, 4};
  node.pid = ::getpid();
  std::string error;
  ASSERT_TRUE(base::WriteNodeFile(node, &error)) << error;
  EXPECT_EQ(Choose().absence, kAbsenceMax);
  std::string other;
  const auto elsewhere =
      ChooseStore({"unix:" + root_ + "/other.sock", ""}, &other);
  ASSERT_TRUE(elsewhere.has_value()) << other;
  EXPECT_EQ(elsewhere->absence, base::Duration(0));
}

// Its raylet was killed a moment ago.
TEST_F(StoreTest, ANodeThatIsStartedAgainIsNotNoNode) {
  EXPECT_TRUE(KnowsNoStore({}));
  std::ofstream(folder_ + "/" + base::kKeeperFile)
      << ::getpid() << "\nunix:" + folder_ + "/control.sock\n";
  EXPECT_FALSE(KnowsNoStore({}));
  std::string error;
  const auto store = ChooseStore({}, &error);
  ASSERT_TRUE(store.has_value()) << error;
  EXPECT_EQ(store->address.ToString(), "unix:" + folder_ + "/control.sock");
  EXPECT_EQ(store->absence, kAbsenceMax);
}

}  // namespace
}  // namespace mobula::cli
