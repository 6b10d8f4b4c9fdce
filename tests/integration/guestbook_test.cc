// The example as the README tells it: two programs, one guestbook.
#include <gtest/gtest.h>

#include <string>

#include "tests/integration/programs.h"
#include "tests/integration/started_head.h"

namespace mobula::test {
namespace {

class GuestbookTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(head_.started().code, 0) << head_.started().output;
  }
  std::string Run(const std::string& program, const std::string& word) {
    const Ended ended =
        RunProgram({ProgramPath("examples/guestbook/" + program), word},
                   head_.environment());
    EXPECT_EQ(ended.code, 0) << ended.output;
    return ended.output;
  }

  StartedHead head_{{"--cpus", "2"}};
};

TEST_F(GuestbookTest, ItOutlivesTheProgramThatOpenedIt) {
  EXPECT_EQ(Run("sign", "anna"), "anna is number 1\n");
  EXPECT_EQ(Run("sign", "bert"), "bert is number 2\n");
  EXPECT_EQ(Run("read", ""), "anna\nbert\n");
}

TEST_F(GuestbookTest, WhereThereIsNoneReadSaysSo) {
  const Ended ended =
      RunProgram({ProgramPath("examples/guestbook/read")}, head_.environment());
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.output.find("guestbook"), std::string::npos) << ended.output;
}

// Its state is memory of a process: a new one begins with an empty book.
TEST_F(GuestbookTest, AHeadThatIsStartedAgainHasItAgain) {
  EXPECT_EQ(Run("sign", "anna"), "anna is number 1\n");
  EXPECT_EQ(head_.Stop().code, 0);
  EXPECT_TRUE(head_.Left().empty());
  head_.StartAgain();
  ASSERT_EQ(head_.started().code, 0) << head_.started().output;
  EXPECT_EQ(Run("read", ""), "");
}

}  // namespace
}  // namespace mobula::test
