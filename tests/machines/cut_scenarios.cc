// Machines that stand still or cannot be reached for a while: shorter than a
// lease nobody notices, longer and they are dead and come back as new nodes.
#include <gtest/gtest.h>
#include <poll.h>

#include <string>

#include "tests/machines/scenario.h"

namespace mobula::test {
namespace {

using std::chrono::seconds;

constexpr int kLessThanALeaseMs = 4'000;

class Cuts : public Scenario {
 protected:
  // What is tried is how long it is.
  static void Last(int milliseconds) { poll(nullptr, 0, milliseconds); }
  void ExpectNobodyDied() {
    const Cluster::State state = cluster_->Look();
    EXPECT_EQ(state.alive, kMachines) << cluster_->Logs();
    EXPECT_EQ(state.dead, 0) << cluster_->Logs();
  }
  void ExpectDead() {
    EXPECT_TRUE(cluster_->Comes(kMachines - 1)) << cluster_->Logs();
    ExpectWork(1, kMachines - 1);
  }
  void ExpectBack() {
    EXPECT_TRUE(cluster_->Comes(kMachines)) << cluster_->Logs();
    ExpectWork(3, kMachines);
  }
};

TEST_F(Cuts, APausedMachineIsFencedAndComesBack) {
  const auto load = BeginLoad(1);
  machines_->Pause(3);
  Last(kLessThanALeaseMs);
  machines_->Resume(3);
  ExpectWork(1, kMachines);
  ExpectNobodyDied();
  machines_->Pause(3);
  ExpectDead();
  machines_->Resume(3);
  ExpectBack();
  ExpectEndsWell(*load);
}

TEST_F(Cuts, BothWaysAndHealed) {
  const auto load = BeginLoad(1);
  machines_->CutOff(3);
  Last(kLessThanALeaseMs);
  machines_->Heal(3);
  ExpectWork(1, kMachines);
  ExpectNobodyDied();
  machines_->CutOff(3);
  ExpectDead();
  machines_->Heal(3);
  ExpectBack();
  ExpectEndsWell(*load);
}

TEST_F(Cuts, OneWayToTheHeadAndHealed) {
  const auto load = BeginLoad(2);
  machines_->SetFaults(3, 1, {.cut = true});
  EXPECT_TRUE(cluster_->Comes(kMachines - 1)) << cluster_->Logs();
  machines_->Heal(3);
  ExpectBack();
  ExpectEndsWell(*load);
}

TEST_F(Cuts, OneWayFromTheHeadAndHealed) {
  const auto load = BeginLoad(2);
  machines_->SetFaults(1, 3, {.cut = true});
  EXPECT_TRUE(cluster_->Comes(kMachines - 1)) << cluster_->Logs();
  machines_->Heal(3);
  ExpectBack();
  ExpectEndsWell(*load);
}

}  // namespace
}  // namespace mobula::test
