#include "raylet/control/program_sweep.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "base/control/records.h"
#include "base/failure.h"

namespace mobula::raylet {
namespace {

using std::chrono::seconds;

base::BootTime At(int second) {
  return base::BootTime::FromSinceBoot(seconds(1000 + second));
}

base::ActorRecord Actor(std::uint64_t lo, const std::string& program,
                        base::ActorState state = base::ActorState::kAlive) {
  base::ActorRecord actor;
  actor.actor = {1, lo};
  actor.state = state;
  if (program.empty()) return actor;  // not detached
  actor.spec.emplace();
  actor.spec->program = program;
  return actor;
}

base::ActorsAnswer Part(std::vector<base::ActorRecord> actors, bool more) {
  base::ActorsAnswer answer;
  answer.actors = std::move(actors);
  answer.more = more;
  return answer;
}

class ProgramSweepTest : public testing::Test {
 protected:
  using Programs = ProgramSweep::Programs;

  base::ListActors Next(const base::ControlReply& reply) {
    const auto answered = sweep.Answered(reply);
    const auto* const next =
        answered ? std::get_if<base::ListActors>(&*answered) : nullptr;
    EXPECT_NE(next, nullptr);
    return next == nullptr ? base::ListActors() : *next;
  }
  Programs Needed(const base::ControlReply& reply) {
    const auto answered = sweep.Answered(reply);
    const auto* const needed =
        answered ? std::get_if<Programs>(&*answered) : nullptr;
    EXPECT_NE(needed, nullptr);
    return needed == nullptr ? Programs() : *needed;
  }

  ProgramSweep sweep;
};

TEST_F(ProgramSweepTest, NobodyAsksUntilSomethingHasEnded) {
  EXPECT_TRUE(sweep.NextDeadline().IsNever());
  EXPECT_FALSE(sweep.Begin(At(0)));
  sweep.Want();
  EXPECT_LE(sweep.NextDeadline(), At(0));
  EXPECT_TRUE(sweep.Begin(At(0)));
  EXPECT_FALSE(sweep.Begin(At(100))) << "one at a time";
  EXPECT_EQ(Needed(Part({}, false)), Programs{});
  sweep.Want();
  EXPECT_FALSE(sweep.Begin(At(9)));
  EXPECT_EQ(sweep.NextDeadline(), At(10));
  EXPECT_TRUE(sweep.Begin(At(10)));
}

TEST_F(ProgramSweepTest, WhatLivingActorsOfAllPartsAreMadeOfIsNeeded) {
  sweep.Want();
  EXPECT_FALSE(sweep.Begin(At(0))->with_dead);
  const base::ListActors next =
      Next(Part({Actor(1, "a"), Actor(2, ""),
                 Actor(3, "b", base::ActorState::kRestarting)},
                true));
  EXPECT_EQ(next.after, (base::ActorId{1, 3}));
  EXPECT_EQ(Needed(Part({Actor(4, "a"), Actor(5, "c")}, false)),
            (Programs{"a", "b", "c"}));
}

TEST_F(ProgramSweepTest, WhatIsNotedWhileThePartsComeIsNeeded) {
  sweep.Note("before");
  sweep.Want();
  sweep.Begin(At(0));
  sweep.Note("a");
  Next(Part({Actor(5, "b")}, true));
  sweep.Note("c");
  EXPECT_EQ(Needed(Part({}, false)), (Programs{"a", "b", "c"}));
  sweep.Want();
  sweep.Begin(At(10));
  EXPECT_EQ(Needed(Part({}, false)), Programs{})
      << "it knows of no earlier one";
}

TEST_F(ProgramSweepTest, ASweepThatFailsIsFollowedByAnother) {
  sweep.Want();
  sweep.Begin(At(0));
  Next(Part({Actor(1, "a")}, true));
  EXPECT_FALSE(sweep.Answered(base::Failure()).has_value());
  EXPECT_EQ(sweep.NextDeadline(), At(10));
  sweep.Begin(At(10));
  EXPECT_EQ(Needed(Part({Actor(1, "b")}, false)), Programs{"b"});
}

}  // namespace
}  // namespace mobula::raylet
