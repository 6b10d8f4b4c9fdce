// Machines that end and come back while work goes on.
#include <gtest/gtest.h>

#include <string>

#include "tests/integration/eventually.h"
#include "tests/machines/scenario.h"
#include "tests/machines/texts.h"

namespace mobula::test {
namespace {

using std::chrono::seconds;

class Ends : public Scenario {
 protected:
  // Where it is before.
  void Restart(int machine) {
    const Ended stopped = cluster_->Tool(machine, {"stop", "--all"});
    EXPECT_EQ(stopped.code, 0) << stopped.output;
    const Ended started =
        machine == 1 ? cluster_->StartHead() : cluster_->Join(machine, "");
    EXPECT_EQ(started.code, 0) << machine << ": " << started.output;
    EXPECT_TRUE(cluster_->Comes(kMachines)) << cluster_->Logs();
  }
};

TEST_F(Ends, TheIndexIsRightWhileAMachineIsKilled) {
  const std::string texts = machines_->shared() + "/texts";
  WriteTexts(texts, 12);
  const auto index = machines_->Begin(
      2, {machines_->Bring("examples/index/index"), "--verify", texts});
  ASSERT_TRUE(Eventually(
      [this] {
        return cluster_->Tool(1, {"list", "actors"}).output.find("alive") !=
               std::string::npos;
      },
      seconds(30)));
  machines_->PowerOff(3);
  // It answers questions until there are no more.
  const int code = index->End();
  std::string last;
  for (std::string line = index->Line(); !line.empty(); line = index->Line()) {
    last = line;
  }
  EXPECT_EQ(code, 0) << last << cluster_->Logs();
  EXPECT_TRUE(last.ends_with(", verified")) << last;
  EXPECT_TRUE(cluster_->Comes(kMachines - 1)) << cluster_->Logs();
}

TEST_F(Ends, AKilledMachineIsDeadAndJoinsAgain) {
  const auto load = BeginLoad(1);
  machines_->PowerOff(3);
  EXPECT_TRUE(cluster_->Comes(kMachines - 1)) << cluster_->Logs();
  ExpectWork(1, kMachines - 1);
  machines_->Boot(3);
  const Ended joined = cluster_->Join(3, "");
  EXPECT_EQ(joined.code, 0) << joined.output;
  EXPECT_TRUE(cluster_->Comes(kMachines)) << cluster_->Logs();
  ExpectWork(3, kMachines);
  ExpectEndsWell(*load);
}

TEST_F(Ends, TheMachineOfTheHeadIsKilledAndStartsAgain) {
  const auto load = BeginLoad(2);
  machines_->PowerOff(1);
  machines_->Boot(1);
  const Ended started = cluster_->StartHead();
  EXPECT_EQ(started.code, 0) << started.output;
  EXPECT_TRUE(cluster_->Comes(kMachines)) << cluster_->Logs();
  ExpectWork(1, kMachines);
  ExpectEndsWell(*load);
}

TEST_F(Ends, AllAreRestartedInTurn) {
  const auto load = BeginLoad(2);
  for (const int machine : {3, 4, 5, 1}) Restart(machine);
  ExpectEndsWell(*load);
  const auto other = BeginLoad(3);
  Restart(2);
  ExpectEndsWell(*other);
  ExpectWork(2, kMachines);
}

TEST_F(Ends, AnActorMovesAndIsCalled) {
  const auto moves = cluster_->BeginVoyage(1, {"moves", "m3"});
  ASSERT_EQ(moves->Line(), "at m3") << cluster_->Logs();
  machines_->PowerOff(3);
  EXPECT_EQ(moves->Line(), "moves: from m3 to another") << cluster_->Logs();
  EXPECT_EQ(moves->End(), 0);
}

}  // namespace
}  // namespace mobula::test
