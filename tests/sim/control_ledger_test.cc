#include "tests/sim/control_ledger.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>

#include "tests/sim/event_queue.h"
#include "tests/sim/ledger.h"
#include "tests/sim/verdict.h"

namespace mobula::sim {
namespace {

using base::FailureCode;
using std::chrono::seconds;

const base::ProcessId kDriver{20, 1};
const base::ActorId kActor{50, 1}, kOther{50, 2};

class ControlLedgerTest : public testing::Test {
 protected:
  base::RequestId AskFor(base::ControlRequest body) {
    now_ = now_ + base::Duration(1);
    Ask ask;
    ask.process = kDriver;
    ask.raylet = base::ProcessId{1, 1};
    ask.body = std::move(body);
    ask.timeout = seconds(5);
    ask.asked_at = now_;
    const base::RequestId request{8, ++requests_};
    control_.OnAsk(request, std::move(ask));
    return request;
  }
  void Hear(base::RequestId request, const base::ControlReply& reply) {
    now_ = now_ + seconds(1);
    control_.OnAnswer(kDriver, request, reply, now_);
  }
  void HearFailure(base::RequestId request, FailureCode code) {
    base::Failure failure;
    failure.code = code;
    Hear(request, failure);
  }
  base::RegisterActor Detached(base::ActorId actor, bool get_if_exists) {
    ActorRecord record;
    record.detached = true;
    record.restarts_max = -1;
    if (!ledger_.actors().contains(actor)) ledger_.AskActor(actor, record);
    base::RegisterActor request;
    request.get_if_exists = get_if_exists;
    request.actor.actor = actor;
    request.actor.ns = "default";
    request.actor.name = "index";
    request.actor.detached = true;
    return request;
  }
  void Registered(base::ActorId actor) {
    const base::RegisterActor request = Detached(actor, false);
    Hear(AskFor(request), base::ActorAnswer{request.actor, false});
  }
  base::FindActor Named() {
    base::FindActor find;
    find.ns = "default";
    find.name = "index";
    return find;
  }
  [[nodiscard]] std::string Last() const {
    return verdict_.violations().empty()
               ? ""
               : verdict_.violations().back().invariant;
  }

  EventQueue queue_;
  Verdict verdict_{queue_};
  Ledger ledger_{verdict_};
  ControlLedger control_{verdict_, ledger_};
  base::BootTime now_ = base::BootTime::FromSinceBoot(seconds(1000));
  std::uint64_t requests_ = 0;
};

TEST_F(ControlLedgerTest, EachAskHasOneAnswer) {
  const base::RequestId request = AskFor(base::GetKey{"ns", "k"});
  control_.CheckAnswered(kDriver);
  EXPECT_EQ(Last(), "I1") << "none";
  Hear(request, base::KeyAnswer());
  EXPECT_EQ(verdict_.violations().size(), 1u);
  Hear(request, base::KeyAnswer());
  EXPECT_EQ(verdict_.violations().size(), 2u) << "two";
}

TEST_F(ControlLedgerTest, AFailureHasItsReason) {
  const base::RequestId late = AskFor(base::GetKey{"ns", "k"});
  HearFailure(AskFor(base::GetKey{"ns", "k"}), FailureCode::kControlAway);
  EXPECT_EQ(Last(), "reason") << "after one second of five";
  now_ = now_ + seconds(3);
  HearFailure(late, FailureCode::kControlAway);
  EXPECT_EQ(verdict_.violations().size(), 1u);
  HearFailure(AskFor(base::PutKey{"ns", "k", {}, {}}), FailureCode::kDiskFull);
  EXPECT_EQ(verdict_.violations().size(), 2u) << "it was not full";
  control_.OnDiskFull(true, now_);
  HearFailure(AskFor(base::PutKey{"ns", "k", {}, {}}), FailureCode::kDiskFull);
  EXPECT_EQ(verdict_.violations().size(), 2u);
}

TEST_F(ControlLedgerTest, AnAcknowledgedNameIsNotLost) {
  Registered(kActor);
  EXPECT_EQ(control_.MustLive(), std::vector{kActor});
  HearFailure(AskFor(Named()), FailureCode::kNoSuchActor);
  EXPECT_EQ(Last(), "reason");
}

TEST_F(ControlLedgerTest, TwoLivingActorsDoNotHaveOneName) {
  Registered(kActor);
  Registered(kOther);
  EXPECT_EQ(Last(), "names");
}

TEST_F(ControlLedgerTest, ANameIsFreeWhenItsActorHasEnded) {
  Registered(kActor);
  Hear(AskFor(base::EndActor{kActor, false}), base::Done());
  HearFailure(AskFor(Named()), FailureCode::kNoSuchActor);
  Registered(kOther);
  EXPECT_EQ(Last(), "");
  EXPECT_EQ(control_.MustLive(), std::vector{kOther});
  base::ActorAnswer dead;
  dead.actor.actor = kActor;
  Hear(AskFor(Named()), dead);
  EXPECT_EQ(Last(), "I9");
}

TEST_F(ControlLedgerTest, AnotherIsFoundOnlyByWhoAskedForThat) {
  Registered(kActor);
  const base::ActorAnswer holder{Detached(kActor, false).actor, true};
  Hear(AskFor(Detached(kOther, true)), holder);
  EXPECT_EQ(Last(), "");
  HearFailure(AskFor(Detached({50, 3}, false)), FailureCode::kNameTaken);
  EXPECT_EQ(Last(), "");
  Hear(AskFor(Detached({50, 4}, false)), holder);
  EXPECT_EQ(Last(), "names");
}

}  // namespace
}  // namespace mobula::sim
