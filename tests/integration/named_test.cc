// Stable names between programs that share no source, and the fencing token of
// an actor that is restarted.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/integration/programs.h"
#include "tests/integration/started_head.h"

namespace mobula::test {
namespace {

class NamedTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(head_.started().code, 0) << head_.started().output;
    const Ended host = Run("named_host", {});
    ASSERT_EQ(host.code, 0) << host.output;
    address_ = host.output.substr(0, host.output.find('\n'));
  }
  Ended Run(const std::string& program, std::vector<std::string> words) const {
    words.insert(words.begin(), ProgramPath("tests/integration/" + program));
    return RunProgram(words, head_.environment());
  }
  // Of a call that is to go well.
  std::string Call(const std::vector<std::string>& words) const {
    const Ended ended = Run("named_caller", words);
    EXPECT_EQ(ended.code, 0) << ended.output;
    return ended.output;
  }

  StartedHead head_{{"--cpus", "2"}};
  std::string address_;
};

TEST_F(NamedTest, AnotherProgramCallsByNameAlone) {
  EXPECT_EQ(Call({"Index.Lookup", "ray"}), "1\n");
  EXPECT_EQ(Call({"Index.Add", "ray", "eel"}), "");
  EXPECT_EQ(Call({"Index.Lookup", "ray"}), "2\n");
  EXPECT_EQ(Call({"Index.Lookup", "cod"}), "0\n");
}

TEST_F(NamedTest, TheActorsProgramSaysWhatItDoesNotKnow) {
  const Ended ended = Run("named_caller", {"Index.Look", "ray"});
  EXPECT_EQ(ended.code, 1);
  for (const char* part :
       {"NoSuchFunction", "\"Index.Look\"", "near are", "Index.Lookup"}) {
    EXPECT_NE(ended.output.find(part), std::string::npos) << ended.output;
  }
}

TEST_F(NamedTest, AWrongArgumentIsNamed) {
  const Ended ended = Run("named_caller", {"Index.Token", "ray"});
  EXPECT_EQ(ended.code, 1);
  for (const char* part :
       {"DecodeError", "Index.Token", "takes 0 arguments", "the call has 1"}) {
    EXPECT_NE(ended.output.find(part), std::string::npos) << ended.output;
  }
}

TEST_F(NamedTest, TheFencingTokenGrowsOverRestartsAndPrograms) {
  EXPECT_EQ(Call({"Index.Token"}), "1\n");
  Call({"restart"});
  EXPECT_EQ(Call({"Index.Token"}), "2\n");
  Call({"restart"});
  EXPECT_EQ(Call({"Index.Token"}), "3\n");
}

TEST_F(NamedTest, TheAddressLeadsToTheCluster) {
  ASSERT_FALSE(address_.empty());
  EXPECT_EQ(Call({"--mobula-address", address_, "Index.Lookup", "ray"}), "1\n");
}

TEST(NamedClashTest, TwoFunctionsWithOneNameAreRefusedAtTheStart) {
  const Ended ended =
      RunProgram({ProgramPath("tests/integration/named_clash")});
  EXPECT_EQ(ended.code, 1);
  for (const char* part : {"\"shop.add\"", "shop::Add", "shop::Subtract"}) {
    EXPECT_NE(ended.output.find(part), std::string::npos) << ended.output;
  }
}

}  // namespace
}  // namespace mobula::test
