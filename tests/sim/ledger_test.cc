#include "tests/sim/ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mobula::sim {
namespace {

constexpr base::ProcessId kOwner{8, 1};
constexpr base::ProcessId kWorker{7, 1};
constexpr base::ProcessId kOther{7, 2};
constexpr base::ActorId kActor{2, 9};

// A checker that never objects is worth nothing: each check is shown to.
class LedgerTest : public testing::Test {
 protected:
  OpIndex AskTask(std::int32_t retries_max) {
    Operation wish;
    wish.owner = kOwner;
    wish.task = base::TaskId{2, ++last_id_};
    wish.result = base::ObjectId{2, ++last_id_};
    wish.retries_max = retries_max;
    return ledger_.Ask(std::move(wish), queue_.now());
  }
  OpIndex AskCall() {
    Operation wish;
    wish.kind = OpKind::kCall;
    wish.owner = kOwner;
    wish.actor = kActor;
    wish.task = base::TaskId{2, ++last_id_};
    wish.result = base::ObjectId{2, ++last_id_};
    return ledger_.Ask(std::move(wish), queue_.now());
  }
  // With its first incarnation in kWorker.
  void MakeActor() {
    Operation wish;
    wish.kind = OpKind::kConstructor;
    wish.owner = kOwner;
    wish.actor = kActor;
    wish.task = base::TaskId{2, ++last_id_};
    ActorRecord record;
    record.owner = kOwner;
    record.restarts_max = 1;
    record.constructor = ledger_.Ask(std::move(wish), queue_.now());
    constructor_ = record.constructor;
    ledger_.AskActor(kActor, std::move(record));
    Run(constructor_, kWorker, 1);
  }
  base::Outcome Run(OpIndex index, base::ProcessId worker,
                    std::int64_t incarnation = 0, std::int32_t attempt = 1) {
    Execution execution;
    execution.worker = worker;
    execution.attempt = attempt;
    execution.incarnation = incarnation;
    return ledger_.Finish(
        ledger_.Start(index, execution, {base::Bytes::Own("x")}));
  }
  void Settle(OpIndex index, base::Outcome outcome,
              std::int64_t incarnation = 0) {
    if (std::holds_alternative<base::Value>(outcome)) {
      ledger_.Answer(index, incarnation);
    }
    ledger_.Settle(index, outcome, incarnation, queue_.now());
  }
  static base::Failure Died(base::Executed executed) {
    base::Failure failure;
    failure.code = base::FailureCode::kWorkerDied;
    failure.executed = executed;
    return failure;
  }
  std::string FirstViolation() const {
    return verdict_.violations().empty()
               ? ""
               : verdict_.violations().front().invariant;
  }

  [[nodiscard]] bool Violated(std::string_view invariant) const {
    const auto& all = verdict_.violations();
    return std::any_of(all.begin(), all.end(), [invariant](const auto& one) {
      return one.invariant == invariant;
    });
  }

  EventQueue queue_;
  Verdict verdict_{queue_};
  Ledger ledger_{verdict_};
  OpIndex constructor_ = 0;
  std::uint64_t last_id_ = 0;
};

TEST_F(LedgerTest, ARightRunIsNoViolation) {
  MakeActor();
  const OpIndex task = AskTask(1);
  Run(task, kWorker, 0, 1);
  Settle(task, Run(task, kOther, 0, 2));
  const OpIndex call = AskCall();
  Settle(call, Run(call, kWorker, 1), 1);
  EXPECT_EQ(FirstViolation(), "");
}

TEST_F(LedgerTest, OutcomesDoNotChange) {
  const OpIndex task = AskTask(0);
  Settle(task, Run(task, kWorker));
  Settle(task, Died(base::Executed::kMaybe));
  EXPECT_EQ(FirstViolation(), "I2");
}

TEST_F(LedgerTest, OnlyWhatWasLostIsMadeAnew) {
  const OpIndex task = AskTask(1);
  Settle(task, Run(task, kWorker, 0, 1));
  ledger_.NoteBytesLost(ledger_.operation(task).result);
  Settle(task, Run(task, kOther, 0, 2));
  EXPECT_EQ(FirstViolation(), "");
  // It is judged as any outcome.
  Settle(task, base::Bytes::Own("v99"));
  EXPECT_EQ(FirstViolation(), "I1");
}

TEST_F(LedgerTest, WhatHasRunIsNotSaidNeverToHaveOnceItIsLost) {
  const OpIndex task = AskTask(1);
  Settle(task, Run(task, kWorker));
  ledger_.NoteBytesLost(ledger_.operation(task).result);
  Settle(task, Died(base::Executed::kNo));
  EXPECT_EQ(FirstViolation(), "claim");
}

TEST_F(LedgerTest, AValueMustHaveBeenReturned) {
  Settle(AskTask(0), base::Bytes::Own("v0"));
  EXPECT_EQ(FirstViolation(), "I1");
}

TEST_F(LedgerTest, AttemptsAreBounded) {
  const OpIndex task = AskTask(1);
  for (int attempt = 1; attempt <= 3; ++attempt) {
    EXPECT_EQ(FirstViolation(), "");
    Run(task, kWorker, 0, attempt);
  }
  EXPECT_EQ(FirstViolation(), "I11");
}

TEST_F(LedgerTest, CallsOfACallerKeepTheirOrder) {
  MakeActor();
  const OpIndex first = AskCall();
  Run(AskCall(), kWorker, 1);
  EXPECT_EQ(FirstViolation(), "");
  Run(first, kWorker, 1);
  EXPECT_EQ(FirstViolation(), "I4");
}

TEST_F(LedgerTest, ACallRunsOnceInAnIncarnation) {
  MakeActor();
  const OpIndex call = AskCall();
  ledger_.operation(call).retries_max = 3;
  Run(call, kWorker, 1);
  Run(call, kWorker, 1);
  EXPECT_EQ(FirstViolation(), "I4");
}

TEST_F(LedgerTest, AnIncarnationIsMadeOnce) {
  MakeActor();
  Run(constructor_, kOther, 1);
  EXPECT_TRUE(Violated("I3"));
}

TEST_F(LedgerTest, AnOldIncarnationAnswersNoMore) {
  MakeActor();
  const OpIndex first = AskCall();
  const base::Outcome late = Run(first, kWorker, 1);
  Run(constructor_, kOther, 2);
  const OpIndex second = AskCall();
  Settle(second, Run(second, kOther, 2), 2);
  EXPECT_EQ(FirstViolation(), "");
  Settle(first, late, 1);
  EXPECT_EQ(FirstViolation(), "I3");
}

TEST_F(LedgerTest, ClaimsAreHeldAgainstWhatRan) {
  const OpIndex ran = AskTask(0);
  Run(ran, kWorker);
  Settle(ran, Died(base::Executed::kNo));
  EXPECT_EQ(FirstViolation(), "claim");
}

TEST_F(LedgerTest, WhatNeverRanDoesNotRunLater) {
  const OpIndex task = AskTask(0);
  Settle(task, Died(base::Executed::kNo));
  EXPECT_EQ(FirstViolation(), "");
  Run(task, kWorker);
  EXPECT_EQ(FirstViolation(), "claim");
}

TEST_F(LedgerTest, IncarnationsAreSeenInOrder) {
  ledger_.SeeActor(kOwner, kActor, 2, false);
  EXPECT_EQ(FirstViolation(), "");
  ledger_.SeeActor(kOwner, kActor, 1, false);
  EXPECT_EQ(FirstViolation(), "I8");
}

}  // namespace
}  // namespace mobula::sim
