#include "runtime/control/control_calls.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/control/control_request.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "runtime/core/events.h"

namespace mobula::runtime {
namespace {

using base::FailureCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::ProcessId kSelf{1, 1};
constexpr base::ProcessId kRaylet{1, 2};

class ControlCallsTest : public testing::Test {
 protected:
  void Ask(std::uint64_t n, base::ControlRequest body,
           base::Duration timeout = seconds(30)) {
    AskControl ask;
    ask.request = {9, n};
    ask.body = std::move(body);
    ask.timeout = timeout;
    effects_.clear();
    calls_.Ask(std::move(ask), now_, effects_);
  }
  static base::ControlRequest Put() {
    base::PutKey put;
    put.ns = "default";
    put.key = "k";
    put.value = base::Bytes::Own("v");
    return put;
  }
  void Join() {
    effects_.clear();
    calls_.Joined(kRaylet, effects_);
  }
  void Answer(base::RequestId request) {
    base::ControlAnswer answer;
    answer.request = request;
    answer.to = kSelf;
    answer.body = base::Done{};
    effects_.clear();
    calls_.Answered(std::move(answer), effects_);
  }
  void Later(base::Duration duration) {
    now_ = now_ + duration;
    effects_.clear();
    calls_.Tick(now_, effects_);
  }
  [[nodiscard]] std::vector<base::ControlCall> Sent() const {
    std::vector<base::ControlCall> sent;
    for (const Effect& effect : effects_) {
      const auto* send = std::get_if<Send>(&effect);
      if (send == nullptr) continue;
      EXPECT_EQ(send->to, kRaylet);
      sent.push_back(std::get<base::ControlCall>(send->message));
    }
    return sent;
  }
  [[nodiscard]] std::vector<ControlReady> Readies() const {
    std::vector<ControlReady> readies;
    for (const Effect& effect : effects_) {
      const auto* ready = std::get_if<ControlReady>(&effect);
      if (ready != nullptr) readies.push_back(*ready);
    }
    return readies;
  }
  // The one failure of the last event.
  [[nodiscard]] base::Failure OnlyFailure() const {
    const auto readies = Readies();
    if (readies.size() == 1) {
      const auto* failure = std::get_if<base::Failure>(&readies[0].reply);
      if (failure != nullptr) return *failure;
    }
    ADD_FAILURE() << "not one failure";
    return {};
  }

  base::IdSource ids_{42};
  base::BootTime now_ = base::BootTime::FromSinceBoot(seconds(1));
  ControlCalls calls_{kSelf, ids_};
  Effects effects_;
};

TEST_F(ControlCallsTest, AQuestionGoesToTheRayletAndItsAnswerComesBack) {
  Join();
  Ask(7, base::GetKey{"default", "k"});
  const auto sent = Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].from, kSelf);
  EXPECT_TRUE(std::holds_alternative<base::GetKey>(sent[0].body));
  Answer(sent[0].request);
  const auto readies = Readies();
  ASSERT_EQ(readies.size(), 1u);
  EXPECT_EQ(readies[0].request, (base::RequestId{9, 7}));
  EXPECT_TRUE(std::holds_alternative<base::Done>(readies[0].reply));
  EXPECT_EQ(calls_.waiting(), 0u);
  EXPECT_TRUE(calls_.Next().IsNever());
  // Again: nobody waits.
  Answer(sent[0].request);
  EXPECT_TRUE(effects_.empty());
}

TEST_F(ControlCallsTest, WhatIsAskedBeforeTheRayletIsKnownWaits) {
  Ask(1, Put());
  EXPECT_TRUE(Sent().empty());
  Join();
  EXPECT_EQ(Sent().size(), 1u);
}

TEST_F(ControlCallsTest, AMutationWithoutAnAnswerMayHaveBeenDone) {
  Join();
  Ask(1, Put(), seconds(2));
  EXPECT_EQ(calls_.Next(), now_ + seconds(2));
  Later(seconds(2));
  const base::Failure failure = OnlyFailure();
  EXPECT_EQ(failure.code, FailureCode::kControlAway);
  EXPECT_EQ(failure.executed, base::Executed::kMaybe);
  EXPECT_NE(failure.message.find("within 2 s"), std::string::npos);
}

TEST_F(ControlCallsTest, AQuestionWithoutAnAnswerHasDoneNothing) {
  Join();
  Ask(1, base::GetStatus{}, milliseconds(20));
  Later(milliseconds(20));
  EXPECT_EQ(OnlyFailure().executed, base::Executed::kNo);
  EXPECT_NE(OnlyFailure().message.find("20 ms"), std::string::npos);
}

TEST_F(ControlCallsTest, WhatNeverLeftHasDoneNothing) {
  Ask(1, Put(), seconds(1));
  Later(seconds(1));
  EXPECT_EQ(OnlyFailure().executed, base::Executed::kNo);
  Join();
  EXPECT_TRUE(Sent().empty());
  EXPECT_EQ(calls_.given_up(), 0u);
}

TEST_F(ControlCallsTest, DoneBelowIsHeldBackByWhatHasNoAnswer) {
  Join();
  Ask(1, Put(), seconds(1));
  const base::RequestId first = Sent()[0].request;
  EXPECT_EQ(Sent()[0].done_below, first.lo);
  Ask(2, Put());
  const base::RequestId second = Sent()[0].request;
  EXPECT_GT(second.lo, first.lo);
  EXPECT_EQ(Sent()[0].done_below, first.lo);
  Later(seconds(1));  // the first is given up, but may be under way
  EXPECT_EQ(calls_.given_up(), 1u);
  Answer(second);
  Ask(3, Put());
  const base::RequestId third = Sent()[0].request;
  EXPECT_EQ(Sent()[0].done_below, first.lo);
  Answer(first);
  EXPECT_TRUE(effects_.empty()) << "who asked has had its outcome";
  EXPECT_EQ(calls_.given_up(), 0u);
  Ask(4, Put());
  EXPECT_EQ(Sent()[0].done_below, third.lo);
}

TEST_F(ControlCallsTest, TheLostRayletFailsEverything) {
  Join();
  Ask(1, Put(), seconds(1));
  Later(seconds(1));
  Ask(2, Put());
  Ask(3, base::ListJobs{});
  effects_.clear();
  calls_.RayletLost(base::NotRun(FailureCode::kRayletDied, "it has ended"),
                    effects_);
  const auto readies = Readies();
  ASSERT_EQ(readies.size(), 2u);
  const auto& put = std::get<base::Failure>(readies[0].reply);
  EXPECT_EQ(put.code, FailureCode::kRayletDied);
  EXPECT_EQ(put.executed, base::Executed::kMaybe);
  const auto& list = std::get<base::Failure>(readies[1].reply);
  EXPECT_EQ(list.executed, base::Executed::kNo);
  Ask(4, Put());
  EXPECT_EQ(OnlyFailure().code, FailureCode::kRayletDied);
  EXPECT_EQ(OnlyFailure().executed, base::Executed::kNo);
  EXPECT_EQ(calls_.waiting() + calls_.given_up(), 0u);
}

TEST_F(ControlCallsTest, ThereIsABound) {
  Join();
  for (std::size_t i = 0; i < ControlCalls::kPendingMax; ++i) {
    Ask(i + 1, Put());
  }
  Ask(1'000'000, Put());
  EXPECT_EQ(OnlyFailure().code, FailureCode::kLimit);
  EXPECT_EQ(OnlyFailure().executed, base::Executed::kNo);
}

// Random requests, answers, losses of answers and time: each request has one
// answer, and done_below never passes one without.
TEST(ControlCallsRandomTest, OneAnswerEach) {
  std::size_t timeouts = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    base::IdSource ids(7);
    ControlCalls calls(kSelf, ids);
    base::BootTime now = base::BootTime::FromSinceBoot(seconds(1));
    std::map<base::RequestId, int> readies;
    std::set<base::RequestId> unanswered;
    std::uint64_t asked = 0;
    Effects effects;
    const auto look = [&] {
      for (const Effect& effect : effects) {
        if (const auto* ready = std::get_if<ControlReady>(&effect)) {
          ++readies[ready->request];
          timeouts += std::holds_alternative<base::Failure>(ready->reply);
        } else if (const auto* send = std::get_if<Send>(&effect)) {
          const auto& call = std::get<base::ControlCall>(send->message);
          unanswered.insert(call.request);
          EXPECT_LE(call.done_below, unanswered.begin()->lo);
        }
      }
      effects.clear();
    };
    for (int i = 0; i < 300; ++i) {
      if (i == 40) calls.Joined(kRaylet, effects);
      const std::uint64_t pick = random() % 10;
      if (pick < 5) {
        AskControl ask;
        ask.request = {9, ++asked};
        ask.body = base::GetStatus{};
        ask.timeout = milliseconds(random() % 50);
        calls.Ask(std::move(ask), now, effects);
      } else if (pick < 8 && !unanswered.empty()) {
        auto it = unanswered.begin();
        std::advance(it, random() % unanswered.size());
        base::ControlAnswer answer;
        answer.request = *it;
        answer.body = base::Done{};
        unanswered.erase(it);
        calls.Answered(std::move(answer), effects);
      } else {
        now = now + milliseconds(random() % 10);
        calls.Tick(now, effects);
      }
      look();
    }
    calls.RayletLost(base::NotRun(FailureCode::kRayletDied, "it has ended"),
                     effects);
    look();
    EXPECT_EQ(readies.size(), asked);
    for (const auto& [request, count] : readies) EXPECT_EQ(count, 1);
  }
  EXPECT_GT(timeouts, 1'000u);
}

}  // namespace
}  // namespace mobula::runtime
