#include "runtime/actors/call_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/actors/actor_news.h"
#include "runtime/core/events.h"
#include "runtime/core/produced.h"

namespace mobula::runtime {
namespace {

using base::Executed;
using base::Failure;
using What = ActorNews::What;

constexpr base::ActorId kActor{8, 1};

// The calls of one process to one actor, in the hands of the test.
class CallTableTest : public testing::Test {
 protected:
  CallTableTest() {
    out_.effects = &effects_;
    calls_.AddActor(kActor, -1);
  }

  void Make(std::uint64_t n, std::int32_t retries_max = 0) {
    Call call;
    call.actor = kActor;
    call.task = {5, n};
    call.result = {6, n};
    call.retries_max = retries_max;
    calls_.Add(std::move(call), base::BootTime(), out_);
  }
  void Resolve(std::uint64_t n, std::vector<base::Value> args = {}) {
    calls_.Resolve({5, n}, std::move(args), out_);
  }
  void Hear(What what, std::int64_t incarnation,
            Unstarted unstarted = Unstarted::kAllButFirst) {
    ActorNews news;
    news.what = what;
    news.actor = kActor;
    news.incarnation = incarnation;
    news.worker = Worker(incarnation);
    news.unstarted = unstarted;
    calls_.Hear(news, out_);
  }
  void Answer(std::uint64_t n, std::int64_t incarnation) {
    base::TaskDone done;
    done.task = {5, n};
    done.outcome = base::Bytes::Own("v");
    done.incarnation = incarnation;
    calls_.Done(Worker(incarnation), done, out_);
  }
  // Calls sent since the last look, in order.
  std::vector<base::CallActor> Sent() {
    std::vector<base::CallActor> sent;
    for (const Effect& effect : effects_) {
      const auto* send = std::get_if<Send>(&effect);
      if (send == nullptr) continue;
      if (const auto* call = std::get_if<base::CallActor>(&send->message)) {
        sent.push_back(*call);
      }
    }
    effects_.clear();
    return sent;
  }
  // Whether number n has failed, and as what.
  const Failure* FailureOf(std::uint64_t n) const {
    for (const Settled& settled : out_.settled) {
      if (settled.object.lo == n) return std::get_if<Failure>(&settled.outcome);
    }
    return nullptr;
  }
  static base::ProcessId Worker(std::int64_t incarnation) {
    return {1, static_cast<std::uint64_t>(incarnation)};
  }

  CallTable calls_;
  Effects effects_;
  Produced out_;
};

TEST_F(CallTableTest, GroupsDoNotWaitForOneAnother) {
  const auto make = [this](std::uint64_t n, const char* group) {
    Call call;
    call.actor = kActor;
    call.task = {5, n};
    call.result = {6, n};
    call.group = group;
    calls_.Add(std::move(call), base::BootTime(), out_);
  };
  Hear(What::kUp, 1);
  // One more than the window, the first waits for an argument.
  for (std::uint64_t n = 1; n <= CallTable::kWindow + 1; ++n) make(n, "");
  for (std::uint64_t n = 2; n <= CallTable::kWindow + 1; ++n) Resolve(n);
  make(5'001, "io");
  make(5'002, "io");
  Resolve(5'002);
  EXPECT_TRUE(Sent().empty()) << "each waits for one before it";
  Resolve(5'001);
  std::vector<base::CallActor> sent = Sent();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].task.lo, 5'001u);
  EXPECT_EQ(sent[0].group, "io");
  EXPECT_EQ(sent[0].sequence, 1u);
  Resolve(1);
  sent = Sent();
  ASSERT_EQ(sent.size(), CallTable::kWindow);
  EXPECT_EQ(sent[0].sequence, 3u);
  make(5'003, "io");
  Resolve(5'003);
  ASSERT_EQ(Sent().size(), 1u) << "the other window is full";
  Answer(1, 1);
  ASSERT_EQ(Sent().size(), 1u);
  // What comes back keeps the order of its group.
  Hear(What::kDown, 1, Unstarted::kAll);
  Hear(What::kUp, 2);
  sent = Sent();
  ASSERT_EQ(sent.size(), CallTable::kWindow + 3);
  std::map<std::string, std::uint64_t> last;
  for (const base::CallActor& call : sent) {
    EXPECT_GT(call.task.lo, last[call.group]);
    last[call.group] = call.task.lo;
  }
}

TEST_F(CallTableTest, MoreGroupsThanThereCanBeShareALane) {
  Hear(What::kUp, 1);
  for (std::uint64_t n = 1; n <= 2 * CallTable::kLanesMax; ++n) {
    Call call;
    call.actor = kActor;
    call.task = {5, n};
    call.result = {6, n};
    call.group = "group " + std::to_string(n);
    calls_.Add(std::move(call), base::BootTime(), out_);
    Resolve(n);
    const std::vector<base::CallActor> sent = Sent();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].group, "group " + std::to_string(n));
  }
}

TEST_F(CallTableTest, OfThoseThatRanAtTheSameTimeAllMayHaveRun) {
  Hear(What::kUp, 1);
  for (std::uint64_t n = 1; n <= 4; ++n) Make(n);
  for (std::uint64_t n = 1; n <= 4; ++n) Resolve(n);
  calls_.Aside(Worker(1), base::TaskAside{{5, 1}, 0}, out_);
  calls_.Aside(Worker(1), base::TaskAside{{5, 3}, 0}, out_);
  Hear(What::kDown, 1);
  for (const std::uint64_t n : {1, 2, 3}) {
    ASSERT_NE(FailureOf(n), nullptr) << n;
    EXPECT_EQ(FailureOf(n)->executed, Executed::kMaybe) << n;
  }
  EXPECT_EQ(FailureOf(4), nullptr) << "it goes on to the next";
}

TEST_F(CallTableTest, WhereBeginningsAreAnnouncedOnlyThoseAsideMayHaveRun) {
  Hear(What::kUp, 1);
  for (std::uint64_t n = 1; n <= 3; ++n) Make(n);
  for (std::uint64_t n = 1; n <= 3; ++n) Resolve(n);
  base::TaskAside aside{{5, 3}, 0};
  aside.announced = true;
  calls_.Aside(Worker(1), aside, out_);
  Hear(What::kDown, 1);
  ASSERT_NE(FailureOf(3), nullptr);
  EXPECT_EQ(FailureOf(3)->executed, Executed::kMaybe);
  EXPECT_EQ(FailureOf(1), nullptr) << "it goes on to the next";
  // Who lives there has announced nothing yet.
  Hear(What::kUp, 2);
  Hear(What::kDown, 2);
  ASSERT_NE(FailureOf(1), nullptr);
  EXPECT_EQ(FailureOf(1)->executed, Executed::kMaybe);
  EXPECT_EQ(FailureOf(2), nullptr);
}

TEST_F(CallTableTest, WhatIsCertainDependsOnHowTheActorWasLost) {
  static constexpr struct {
    Unstarted unstarted;
    Executed first;
    Executed second;
  } kCases[] = {
      {Unstarted::kAll, Executed::kNo, Executed::kNo},
      {Unstarted::kAllButFirst, Executed::kMaybe, Executed::kNo},
      {Unstarted::kUnknown, Executed::kMaybe, Executed::kMaybe},
  };
  std::uint64_t n = 1;
  for (const auto& one : kCases) {
    CallTable fresh;
    std::swap(calls_, fresh);
    calls_.AddActor(kActor, -1);
    Hear(What::kUp, 1);
    Make(n);
    Make(n + 1);
    Resolve(n);
    Resolve(n + 1);
    Make(n + 2);  // never sent
    Hear(What::kDead, 1, one.unstarted);
    ASSERT_NE(FailureOf(n), nullptr);
    EXPECT_EQ(FailureOf(n)->executed, one.first);
    EXPECT_EQ(FailureOf(n + 1)->executed, one.second);
    EXPECT_EQ(FailureOf(n + 2)->executed, Executed::kNo);
    n += 3;
  }
}

// The incarnation that has the second attempt knows nothing of the first one.
TEST_F(CallTableTest, WhatMayHaveRunBeforeIsNotSaidNeverToHave) {
  Hear(What::kUp, 1);
  Make(1, /*retries_max=*/1);
  Resolve(1);
  Hear(What::kDown, 1);
  Hear(What::kUp, 2);
  base::TaskDone refused;
  refused.task = {5, 1};
  refused.outcome = base::NotRun(base::FailureCode::kObjectStoreFull, "full");
  refused.incarnation = 2;
  calls_.Done(Worker(2), refused, out_);
  ASSERT_NE(FailureOf(1), nullptr);
  EXPECT_EQ(FailureOf(1)->executed, Executed::kMaybe);
}

TEST_F(CallTableTest, CoroutinesThatWaitMayHaveRunAndTakeNoRoom) {
  const std::uint64_t last = CallTable::kWindow + 10;
  Hear(What::kUp, 1);
  for (std::uint64_t n = 1; n <= last; ++n) {
    Make(n);
    Resolve(n);
  }
  EXPECT_EQ(Sent().size(), CallTable::kWindow);
  for (std::uint64_t n = 1; n <= 3; ++n) {
    calls_.Aside(Worker(1), {{5, n}, 0}, out_);
  }
  EXPECT_EQ(Sent().size(), 3u);
  Answer(2, 1);
  calls_.Aside(Worker(1), {{5, 2}, 0}, out_);  // it has been answered
  EXPECT_TRUE(Sent().empty());
  Hear(What::kDead, 1);
  EXPECT_EQ(FailureOf(2), nullptr);
  EXPECT_EQ(FailureOf(1)->executed, Executed::kMaybe);
  EXPECT_EQ(FailureOf(3)->executed, Executed::kMaybe);
  EXPECT_EQ(FailureOf(4)->executed, Executed::kMaybe);  // the first other
  EXPECT_EQ(FailureOf(5)->executed, Executed::kNo);
  EXPECT_EQ(FailureOf(last)->executed, Executed::kNo);
  EXPECT_EQ(calls_.size(), 0u);
}

TEST_F(CallTableTest, WhatWaitsIsAnsweredThoughTheRestWasTakenBack) {
  Hear(What::kUp, 1);
  for (std::uint64_t n = 1; n <= 3; ++n) {
    Make(n, n == 1 ? 1 : 0);
    Resolve(n);
  }
  calls_.Aside(Worker(1), {{5, 1}, 0}, out_);
  base::TaskDone refused;
  refused.task = {5, 2};
  refused.incarnation = 1;
  refused.outcome = base::NotRun(base::FailureCode::kCancelled, "it ends");
  calls_.Done(Worker(1), refused, out_);
  EXPECT_EQ(Sent().size(), 3u);
  Answer(1, 1);
  EXPECT_EQ(out_.settled.size(), 1u);
  Hear(What::kDown, 1);
  Hear(What::kUp, 2);
  const std::vector<base::CallActor> again = Sent();
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].task.lo, 2u);
  EXPECT_EQ(again[1].task.lo, 3u);
}

TEST_F(CallTableTest, WhatWaitedIsSentAgainInItsOldPlace) {
  Hear(What::kUp, 1);
  for (std::uint64_t n = 1; n <= 4; ++n) {
    Make(n, 1);
    Resolve(n);
  }
  calls_.Aside(Worker(1), {{5, 1}, 0}, out_);
  calls_.Aside(Worker(1), {{5, 3}, 0}, out_);
  EXPECT_EQ(Sent().size(), 4u);
  Hear(What::kDown, 1);
  Hear(What::kUp, 2);
  const std::vector<base::CallActor> again = Sent();
  ASSERT_EQ(again.size(), 4u);
  for (std::uint64_t n = 1; n <= 4; ++n) EXPECT_EQ(again[n - 1].task.lo, n);
}

TEST_F(CallTableTest, AnAnswerOfAnotherWorkerIsNotTaken) {
  Hear(What::kUp, 1);
  Make(1);
  Resolve(1);
  Hear(What::kDown, 1, Unstarted::kAll);
  Hear(What::kUp, 2);
  Answer(1, 1);
  EXPECT_TRUE(out_.settled.empty());
  Answer(1, 2);
  EXPECT_EQ(out_.settled.size(), 1u);
}

TEST_F(CallTableTest, LargeArgumentsDoNotPileUpOnTheirWay) {
  const base::Bytes large =
      base::Bytes::Own(std::string(CallTable::kWindowBytes, 'x'));
  Hear(What::kUp, 1);
  for (std::uint64_t n = 1; n <= 3; ++n) {
    Make(n);
    Resolve(n, {large});
  }
  EXPECT_EQ(Sent().size(), 1u);  // one always goes
  Answer(1, 1);
  EXPECT_EQ(Sent().size(), 1u);
  Hear(What::kDown, 1, Unstarted::kAll);
  Hear(What::kUp, 2);
  EXPECT_EQ(Sent().size(), 1u);
  Answer(2, 2);
  Answer(3, 2);
  EXPECT_EQ(out_.settled.size(), 3u);
}

TEST_F(CallTableTest, AHandleThatComesBackUsesNoSequenceTwice) {
  Hear(What::kUp, 1);
  Make(1);
  Resolve(1);
  const std::uint64_t before = Sent().at(0).sequence;
  Answer(1, 1);
  EXPECT_EQ(calls_.PopDrained(), kActor);
  calls_.ForgetActor(kActor);
  calls_.AddActor(kActor, -1);
  Hear(What::kUp, 1);
  Make(2);
  Resolve(2);
  EXPECT_GT(Sent().at(0).sequence, before);
}

// A caller that never gives up: every call, in order, whatever happens to the
// actor; within an incarnation without gap and without one twice.
TEST_F(CallTableTest, OrderHoldsAcrossAnyHistory) {
  std::mt19937_64 random(3);
  std::int64_t incarnation = 0;
  bool up = false;
  std::uint64_t made = 0;
  std::set<std::uint64_t> unresolved;
  std::vector<std::uint64_t> in_flight;
  std::set<std::uint64_t> answered;
  std::set<std::uint64_t> aside;
  std::map<std::int64_t, std::uint64_t> last_number;
  std::uint64_t last_sequence = 0;
  const auto look = [&] {
    for (const base::CallActor& call : Sent()) {
      ASSERT_EQ(call.incarnation, incarnation);
      ASSERT_EQ(call.sequence, last_sequence + 1);
      last_sequence = call.sequence;
      ASSERT_GT(call.task.lo, last_number[incarnation]);
      last_number[incarnation] = call.task.lo;
      ASSERT_FALSE(answered.contains(call.task.lo));
      in_flight.push_back(call.task.lo);
    }
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t what = random() % 10;
    if (what < 4) {
      Make(++made, -1);
      unresolved.insert(made);
    } else if (what < 7 && !unresolved.empty()) {
      auto it = unresolved.begin();
      std::advance(it, random() % std::min<std::size_t>(5, unresolved.size()));
      Resolve(*it);
      unresolved.erase(it);
    } else if (what < 9 && up && !in_flight.empty()) {
      // One that waits beside the others is answered out of turn.
      const std::uint64_t number = in_flight[random() % in_flight.size()];
      const bool waits = aside.contains(number);
      if (!waits && random() % 2 == 0) {
        calls_.Aside(Worker(incarnation), {{5, number}, 0}, out_);
        aside.insert(number);
      } else {
        const std::uint64_t answers = waits ? number : in_flight.front();
        Answer(answers, incarnation);
        answered.insert(answers);
        std::erase(in_flight, answers);
      }
    } else if (!up) {
      Hear(What::kUp, ++incarnation);
      up = true;
    } else if (random() % 10 == 0) {
      Hear(What::kDown, incarnation, static_cast<Unstarted>(random() % 3));
      up = false;
      in_flight.clear();
      aside.clear();
    }
    look();
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(incarnation, 50);
  EXPECT_EQ(out_.settled.size(), answered.size());
  EXPECT_EQ(calls_.Unfinished(kActor), made - answered.size());
}

}  // namespace
}  // namespace mobula::runtime
