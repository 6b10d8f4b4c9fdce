// Networks that lose, delay, copy and reorder packets, and that are away for
// some seconds: nobody dies of it, and no answer is wrong.
#include <gtest/gtest.h>
#include <poll.h>

#include <cstdlib>
#include <string>

#include "tests/machines/scenario.h"

namespace mobula::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr int kBlackoutMs = 5'000;
constexpr int kBetweenMs = 3'000;

seconds HowLong() {
  const char* const text = std::getenv("MOBULA_BLACKOUT_SECONDS");
  return seconds(text == nullptr ? 16 : std::atoi(text));
}

class Losses : public Scenario {
 protected:
  // What is tried is how long it is.
  static void Last(int ms) { poll(nullptr, 0, ms); }
  void ExpectNobodyDied() {
    const Cluster::State state = cluster_->Look();
    EXPECT_EQ(state.alive, kMachines) << cluster_->Logs();
    EXPECT_EQ(state.dead, 0) << cluster_->Logs();
  }
};

TEST_F(Losses, BlackoutsAreNoDeath) {
  const auto load = BeginLoad(1);
  const auto end = Clock::now() + HowLong();
  for (int machine = 2; Clock::now() < end; ++machine) {
    if (machine > kMachines) machine = 2;
    machines_->CutOff(machine);
    Last(kBlackoutMs);
    machines_->Heal(machine);
    Last(kBetweenMs);
  }
  ExpectWork(1, kMachines);
  ExpectNobodyDied();
  ExpectEndsWell(*load);
}

TEST_F(Losses, LossOfAThirdIsNoDeath) {
  const auto load = BeginLoad(1);
  machines_->SetFaults(0, 0, {.loss = 0.3});
  Last(static_cast<int>(milliseconds(HowLong()).count()));
  ExpectWork(1, kMachines);
  ExpectNobodyDied();
  machines_->HealAll();
  ExpectEndsWell(*load);
}

TEST_F(Losses, EachAnswerIsRightWhateverHappensToPackets) {
  machines_->SetFaults(0, 0,
                       {.loss = 0.05,
                        .duplicate = 0.05,
                        .reorder = 0.1,
                        .delay = milliseconds(2),
                        .jitter = milliseconds(3),
                        .tail = 0.005,
                        .tail_delay = milliseconds(100)});
  const auto load = BeginLoad(1);
  const Ended calls = cluster_->Voyage(2, {"calls", "m3", "500"});
  EXPECT_TRUE(calls.output.ends_with("calls: 500 answers\n"))
      << calls.output << cluster_->Logs();
  const Ended broadcast = cluster_->Voyage(4, {"broadcast", "1"});
  EXPECT_EQ(broadcast.output, "broadcast: 5 machines\n") << cluster_->Logs();
  ExpectEndsWell(*load);
  EXPECT_EQ(cluster_->Look().dead, 0) << cluster_->Logs();
}

}  // namespace
}  // namespace mobula::test
