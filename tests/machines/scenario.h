// Scenario is a test of a cluster of five machines; kinds of machines run the
// same ones (scenarios.bzl).
// Threading: one thread.
#ifndef MOBULA_TESTS_MACHINES_SCENARIO_H_
#define MOBULA_TESTS_MACHINES_SCENARIO_H_

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "tests/machines/cluster.h"
#include "tests/machines/machines.h"
#include "tests/machines/make_machines.h"

namespace mobula::test {

inline constexpr int kMachines = 5;

class Scenario : public testing::Test {
 protected:
  explicit Scenario(int members = kMachines) : members_(members) {}

  void SetUp() override {
    machines_ = MakeMachines(kMachines);
    ASSERT_EQ(machines_->trouble(), "");
    std::vector<int> members(static_cast<std::size_t>(members_));
    std::iota(members.begin(), members.end(), 1);
    cluster_ = std::make_unique<Cluster>(*machines_, members);
    ASSERT_EQ(cluster_->trouble(), "");
    ASSERT_TRUE(cluster_->Comes(members_)) << cluster_->Logs();
  }
  void TearDown() override { EXPECT_EQ(machines_->trouble(), ""); }

  // Work on all nodes, each answer of which is compared; it has begun.
  std::unique_ptr<RunningProgram> BeginLoad(int machine) {
    auto load = cluster_->BeginVoyage(machine, {"load"});
    EXPECT_EQ(load->Line(), "begun") << cluster_->Logs();
    return load;
  }
  void ExpectEndsWell(RunningProgram& load) {
    EXPECT_EQ(load.End(), 0) << cluster_->Logs();
    machines_->Note("the load has ended");
  }
  // Work runs on so many nodes, when it is asked of this machine.
  void ExpectWork(int machine, int nodes) {
    EXPECT_EQ(cluster_->Trial(machine, nodes), "");
  }

  const int members_;
  std::unique_ptr<Machines> machines_;
  std::unique_ptr<Cluster> cluster_;
};

}  // namespace mobula::test

#endif  // MOBULA_TESTS_MACHINES_SCENARIO_H_
