// Who may join which cluster.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/machines/scenario.h"

namespace mobula::test {
namespace {

class Doors : public Scenario {
 protected:
  Doors() : Scenario(2) {}

  // Both sides say it, and nothing has changed.
  void ExpectRefused(int machine, const std::string& token,
                     const std::string& why) {
    const Ended refused = cluster_->Join(machine, token);
    EXPECT_EQ(refused.code, 1);
    EXPECT_NE(refused.output.find(why), std::string::npos) << refused.output;
    const Ended log = cluster_->Tool(1, {"logs", "gcs"});
    EXPECT_NE(log.output.find(why), std::string::npos) << log.output;
    EXPECT_EQ(cluster_->Look().alive, members_);
  }
};

TEST_F(Doors, ATokenThatIsNoneOrUsedUpIsRefused) {
  const std::string once = cluster_->MakeToken(1);
  EXPECT_EQ(cluster_->Join(3, once).code, 0);
  ASSERT_TRUE(cluster_->Comes(3)) << cluster_->Logs();
  EXPECT_EQ(cluster_->Tool(3, {"stop", "--all"}).code, 0);
  ASSERT_TRUE(cluster_->Comes(2)) << cluster_->Logs();
  ExpectRefused(4, once, "the token is used up");
  const Cluster other(*machines_, {5});
  ASSERT_EQ(other.trouble(), "");
  const Ended without = cluster_->Join(4, "");
  EXPECT_EQ(without.code, 1) << without.output;
  EXPECT_NE(without.output.find("token"), std::string::npos) << without.output;
}

TEST_F(Doors, TwoClustersSideBySideDoNotSeeOneAnother) {
  Cluster other(*machines_, {3, 4, 5});
  ASSERT_EQ(other.trouble(), "");
  EXPECT_TRUE(other.Comes(3)) << other.Logs();
  EXPECT_NE(other.Look().cluster, cluster_->Look().cluster);
  EXPECT_EQ(cluster_->Look(2).alive, 2);
  EXPECT_EQ(cluster_->Trial(2, 2), "");
  EXPECT_EQ(other.Trial(4, 3), "");
  // What lets in here does not there.
  const Ended refused = cluster_->Join(4, other.MakeToken(1));
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.output.find("cluster"), std::string::npos)
      << refused.output;
  EXPECT_EQ(cluster_->Look().alive, 2);
  EXPECT_EQ(other.Look().alive, 3);
}

}  // namespace
}  // namespace mobula::test
