// What a user does on several machines.
#include <gtest/gtest.h>

#include <string>

#include "tests/machines/scenario.h"
#include "tests/machines/texts.h"

namespace mobula::test {
namespace {

class Work : public Scenario {
 protected:
  Words Index(int megabytes) {
    const std::string texts = machines_->shared() + "/texts";
    WriteTexts(texts, megabytes);
    return {"/usr/bin/env", "MOBULA_ADDRESS=auto",
            machines_->Bring("examples/index/index"), "--verify", texts};
  }
};

TEST_F(Work, TheIndexIsRight) {
  const Ended ended = machines_->Run(2, Index(4));
  EXPECT_EQ(ended.code, 0) << ended.output << cluster_->Logs();
  EXPECT_NE(ended.output.find(", verified"), std::string::npos) << ended.output;
}

TEST_F(Work, OneValueIsReadOnAllMachines) {
  const Ended ended = cluster_->Voyage(2, {"broadcast", "32"});
  EXPECT_EQ(ended.output, "broadcast: 5 machines\n") << cluster_->Logs();
}

}  // namespace
}  // namespace mobula::test
