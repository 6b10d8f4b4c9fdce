#include "raylet/control/control_line.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/control/control_codec.h"

namespace mobula::raylet {
namespace {

using base::ActorId;
using base::ActorReport;
using base::ActorState;
using base::BootTime;
using base::FailureCode;
using base::JobId;
using base::ProcessId;
using base::RequestId;
using std::chrono::seconds;

const ProcessId kRaylet{1, 1};
const ProcessId kOwner{2, 1};
const JobId kJob{3, 1};
const ActorId kActor{4, 1};

ControlLine::Options Options() {
  ControlLine::Options options;
  options.node.node = base::NodeId{5, 1};
  options.node.raylet = kRaylet;
  options.node.name = "here";
  return options;
}

base::ControlCall CallOf(std::uint64_t n, ProcessId from = kOwner,
                         base::ControlRequest body = base::GetStatus()) {
  base::ControlCall call;
  call.request = RequestId{from.lo, n};
  call.from = from;
  call.body = std::move(body);
  return call;
}

base::ControlAnswer AnswerTo(const base::ControlCall& call) {
  return {call.request, call.from, base::Done()};
}

ActorReport ReportOf(ActorState state, std::int64_t incarnation = 1,
                     ProcessId owner = kOwner) {
  ActorReport report;
  report.actor = kActor;
  report.owner = owner;
  report.state = state;
  report.incarnation = incarnation;
  return report;
}

base::JobRecord JobOf(JobId job) {
  base::JobRecord record;
  record.job = job;
  return record;
}

template <class M>
std::vector<M> Of(const ControlLine::Out& out) {
  std::vector<M> found;
  for (const base::ControlMessage& message : out.tell) {
    if (const M* m = std::get_if<M>(&message)) found.push_back(*m);
  }
  return found;
}

class ControlLineTest : public testing::Test {
 protected:
  // What is said at the beginning of a session.
  ControlLine::Out Up() {
    ControlLine::Out out;
    line.Up(now, out);
    EXPECT_TRUE(out.tell.empty() ||
                std::holds_alternative<base::JoinNode>(out.tell[0]));
    line.CheckInvariants();
    return out;
  }
  // A second passes; the renewal is answered if `answered`.
  void Renew(bool answered = true) {
    now = line.NextDeadline();
    ControlLine::Out out;
    line.Tick(now, out);
    ASSERT_EQ(Of<base::RenewNode>(out).size(), 1u);
    if (answered) line.Renewed({Of<base::RenewNode>(out)[0].sequence});
  }

  ControlLine line{Options()};
  BootTime now = BootTime::FromSinceBoot(seconds(1));
  ControlLine::Out out;
};

TEST_F(ControlLineTest, TheStoreIsNeededOnceAndOnlyForCalls) {
  line.JobBegan(JobOf(kJob), out);
  line.Report(ReportOf(ActorState::kAlive), out);
  EXPECT_FALSE(out.need);
  line.Call(CallOf(1), out);
  EXPECT_TRUE(out.need);
  out = {};
  line.Call(CallOf(2), out);
  EXPECT_FALSE(out.need);
  EXPECT_TRUE(out.tell.empty());
}

TEST_F(ControlLineTest, WhereNoSessionWillComeProcessesAreToldWhy) {
  line.Call(CallOf(1), out);
  line.Call(CallOf(2, kRaylet), out);
  out = {};
  line.Fail("no descriptors", out);
  line.CheckInvariants();
  ASSERT_EQ(out.answers.size(), 1u) << "the raylet's own waits";
  EXPECT_EQ(out.answers[0].request, CallOf(1).request);
  const auto& failure = std::get<base::Failure>(out.answers[0].body);
  EXPECT_EQ(failure.code, FailureCode::kControlAway);
  EXPECT_EQ(failure.message, "no descriptors");
  EXPECT_EQ(failure.executed, base::Executed::kNo);
  EXPECT_EQ(Of<base::ControlCall>(Up()).size(), 1u);
  // What was sent once may have been done.
  line.Call(CallOf(3), out);
  line.Down();
  out = {};
  line.Fail("no descriptors", out);
  ASSERT_EQ(out.answers.size(), 1u);
  EXPECT_EQ(std::get<base::Failure>(out.answers[0].body).executed,
            base::Executed::kMaybe);
}

TEST_F(ControlLineTest, AStartedNodeNeedsNothingMore) {
  ControlLine::Options options = Options();
  options.needed = true;
  ControlLine started(options);
  started.Call(CallOf(1), out);
  EXPECT_FALSE(out.need);
}

TEST_F(ControlLineTest, CallsAreSaidAgainInTheirOrderUntilAnswered) {
  for (std::uint64_t n = 3; n > 0; --n) line.Call(CallOf(n), out);
  line.Call(CallOf(2), out);  // repeated
  auto said = Of<base::ControlCall>(Up());
  ASSERT_EQ(said.size(), 3u);
  EXPECT_EQ(said[0].request.lo, 3u);
  out = {};
  EXPECT_TRUE(line.Answered(AnswerTo(said[0]), out).has_value());
  EXPECT_EQ(out.answers.size(), 1u);
  EXPECT_FALSE(line.Answered(AnswerTo(said[0]), out).has_value());
  EXPECT_EQ(out.answers.size(), 1u);
  line.Down();
  said = Of<base::ControlCall>(Up());
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[0].request.lo, 2u);
}

TEST_F(ControlLineTest, CallsOfAProcessThatIsGoneAreForgotten) {
  const ProcessId other{2, 2};
  line.Call(CallOf(1), out);
  line.Call(CallOf(1, other), out);
  line.ProcessGone(kOwner, out);
  const auto said = Of<base::ControlCall>(Up());
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].from, other);
}

TEST_F(ControlLineTest, MoreCallsThanAreKeptAreRefused) {
  ControlLine::Options options = Options();
  options.calls_max = 3;
  options.calls_of_process_max = 2;
  ControlLine small(options);
  for (std::uint64_t n = 1; n <= 3; ++n) small.Call(CallOf(n), out);
  for (std::uint64_t n = 1; n <= 2; ++n) {
    small.Call(CallOf(n, ProcessId{2, 2}), out);
  }
  ASSERT_EQ(out.answers.size(), 2u);
  for (const base::ControlAnswer& answer : out.answers) {
    EXPECT_EQ(std::get<base::Failure>(answer.body).code, FailureCode::kLimit);
  }
  EXPECT_EQ(out.answers[0].to, kOwner);
  EXPECT_EQ(out.answers[1].to, (ProcessId{2, 2}));
  out = {};
  small.Call(CallOf(1, kRaylet), out);  // what the raylet itself must know
  EXPECT_TRUE(out.answers.empty());
}

TEST_F(ControlLineTest, ValuesAreBoundedByTheirBytes) {
  ControlLine::Options options = Options();
  options.call_bytes_max = std::size_t{20} << 20;
  ControlLine small(options);
  const auto put = [&](std::uint64_t n, std::size_t bytes) {
    base::PutKey key;
    key.value = base::Bytes::Own(std::string(bytes, 'x'));
    small.Call(CallOf(n, kOwner, std::move(key)), out);
  };
  put(1, std::size_t{12} << 20);
  EXPECT_TRUE(out.answers.empty());
  put(2, std::size_t{12} << 20);
  ASSERT_EQ(out.answers.size(), 1u);
  EXPECT_EQ(std::get<base::Failure>(out.answers[0].body).code,
            FailureCode::kLimit);
  put(3, std::size_t{17} << 20);
  ASSERT_EQ(out.answers.size(), 2u);
  EXPECT_EQ(std::get<base::Failure>(out.answers[1].body).code,
            FailureCode::kTooLarge);
  small.CheckInvariants();
}

TEST_F(ControlLineTest, EndsAreSaidAgainUntilTheStoreHasThem) {
  line.JobBegan(JobOf(kJob), out);
  line.Report(ReportOf(ActorState::kAlive), out);
  line.Report(ReportOf(ActorState::kDead), out);
  line.JobOver(kJob, "its driver has ended", out);
  EXPECT_TRUE(out.tell.empty());
  for (int session = 0; session < 2; ++session) {
    const ControlLine::Out said = Up();
    const auto join = Of<base::JoinNode>(said)[0];
    ASSERT_EQ(join.actors.size(), 1u);
    EXPECT_EQ(join.actors[0].state, ActorState::kDead);
    ASSERT_EQ(join.jobs.size(), 1u);
    EXPECT_EQ(join.jobs[0].state, base::JobState::kEnded);
    EXPECT_EQ(join.jobs[0].cause, "its driver has ended");
    if (session == 0) Renew(/*answered=*/false);
    line.Down();
  }
  Up();
  Renew();
  line.Down();
  const auto join = Of<base::JoinNode>(Up())[0];
  EXPECT_TRUE(join.actors.empty());
  EXPECT_TRUE(join.jobs.empty());
}

TEST_F(ControlLineTest, AnEndAfterARenewalWasSentIsNotKnownByItsAnswer) {
  Up();
  Renew(/*answered=*/false);
  line.Report(ReportOf(ActorState::kDead), out);
  line.Renewed({1});
  EXPECT_EQ(line.ended(), 1u);
  Renew();
  EXPECT_EQ(line.ended(), 0u);
}

TEST_F(ControlLineTest, OnlyTheLastWordOnALivingActorIsKept) {
  line.Report(ReportOf(ActorState::kAlive, 1), out);
  line.Report(ReportOf(ActorState::kRestarting, 1), out);
  line.Report(ReportOf(ActorState::kAlive, 2), out);
  line.Report(ReportOf(ActorState::kAlive, 1), out);                  // late
  line.Report(ReportOf(ActorState::kDead, 2, ProcessId{2, 2}), out);  // not his
  const auto join = Of<base::JoinNode>(Up())[0];
  ASSERT_EQ(join.actors.size(), 1u);
  EXPECT_EQ(join.actors[0].incarnation, 2);
  EXPECT_EQ(join.actors[0].state, ActorState::kAlive);
}

TEST_F(ControlLineTest, TheLossOfADetachedActorIsAnEndHere) {
  line.Remember(ReportOf(ActorState::kPending, 1, ProcessId()));
  line.Report(ReportOf(ActorState::kRestarting, 1, ProcessId()), out);
  EXPECT_EQ(line.actors(), 0u);
  EXPECT_EQ(line.ended(), 1u);
}

TEST_F(ControlLineTest, WhatIsKeptIsBounded) {
  ControlLine::Options options = Options();
  options.actors_max = 2;
  options.ended_max = 2;
  ControlLine small(options);
  for (std::uint64_t n = 1; n <= 3; ++n) {
    ActorReport report = ReportOf(ActorState::kAlive);
    report.actor.lo = n;
    small.Report(report, out);
  }
  EXPECT_EQ(small.actors(), 2u);
  base::RegisterActor registers;
  small.Call(CallOf(1, kOwner, registers), out);
  ASSERT_EQ(out.answers.size(), 1u);
  for (std::uint64_t n = 1; n <= 3; ++n) {
    ActorReport report = ReportOf(ActorState::kDead);
    report.actor.lo = n;
    small.Report(report, out);
  }
  EXPECT_EQ(small.actors(), 0u);
  EXPECT_EQ(small.ended(), 2u);
  small.CheckInvariants();
}

// A store that may be killed at any moment, and forgets what was not answered;
// the processes' view of their calls beside it.
class RandomStore {
 public:
  explicit RandomStore(std::uint32_t seed)
      : random_(seed), line_(OptionsOf(seed)) {}

  void Run(int steps) {
    for (int i = 0; i < steps; ++i) {
      OneStep();
      line_.CheckInvariants();
    }
    if (!up_) GoUp();
    ServeAll();
    EXPECT_EQ(waiting_, std::set<RequestId>());
    EXPECT_EQ(line_.calls(), 0u);
    // What the store believes alive is what the line knows.
    std::set<ActorId> believed;
    for (const auto& [actor, report] : table_) {
      if (report.state != ActorState::kDead) believed.insert(actor);
    }
    EXPECT_EQ(believed, alive_);
    EXPECT_GT(answered_, 20);
    EXPECT_GT(sessions_, 5);
  }

 private:
  std::uint32_t Below(std::uint32_t n) { return random_() % n; }
  ProcessId SomeProcess() { return ProcessId{2, 1 + Below(3)}; }

  void OneStep() {
    ControlLine::Out out;
    switch (Below(10)) {
      case 0:
      case 1:
      case 2:
        Ask(out);
        break;
      case 3:
      case 4:
        Say(out);
        break;
      case 5:
        if (!up_) GoUp();
        break;
      case 6:
        if (up_ && Below(3) == 0) GoDown();
        break;
      case 7:
        if (Below(4) == 0) End(SomeProcess(), out);
        break;
      case 8:
        now_ = now_ + std::chrono::milliseconds(Below(700));
        line_.Tick(now_, out);
        break;
      default:
        ServeOne();
        break;
    }
    Take(out);
  }
  void Ask(ControlLine::Out& out) {
    const base::ControlCall call = CallOf(++asked_, SomeProcess());
    waiting_.insert(call.request);
    line_.Call(call, out);
    if (Below(5) == 0) line_.Call(call, out);
  }
  void Say(ControlLine::Out& out) {
    ActorReport report;
    report.actor = ActorId{4, 1 + Below(20)};
    report.owner = ProcessId{2, 1 + report.actor.lo % 3};
    if (over_.contains(report.actor)) return;
    report.incarnation = 1;
    report.state = Below(4) == 0 ? ActorState::kDead : ActorState::kAlive;
    if (report.state == ActorState::kDead) {
      Bury(report.actor);
    } else {
      alive_.insert(report.actor);
    }
    line_.Report(report, out);
  }
  void Bury(ActorId actor) {
    alive_.erase(actor);
    over_.insert(actor);
  }
  void End(ProcessId process, ControlLine::Out& out) {
    std::erase_if(waiting_, [process](const RequestId& request) {
      return request.hi == process.lo;
    });
    for (std::uint64_t n = 1; n <= 20; ++n) {
      const ActorId actor{4, n};
      if (1 + n % 3 == process.lo && alive_.contains(actor)) Bury(actor);
    }
    line_.ProcessGone(process, out);
  }
  void GoUp() {
    up_ = true;
    ++sessions_;
    ControlLine::Out out;
    line_.Up(now_, out);
    Take(out);
  }
  void GoDown() {
    up_ = false;
    inbox_.clear();  // said, and never heard
    joining_.clear();
    line_.Down();
  }
  void Take(ControlLine::Out& out) {
    EXPECT_TRUE(out.tell.empty() || up_);
    for (base::ControlMessage& message : out.tell) {
      inbox_.push_back(std::move(message));
    }
    for (const base::ControlAnswer& answer : out.answers) {
      EXPECT_EQ(waiting_.erase(answer.request), 1u);
      ++answered_;
    }
  }
  void ServeAll() {
    while (!inbox_.empty()) ServeOne();
  }
  void ServeOne() {
    if (inbox_.empty()) return;
    const base::ControlMessage message = std::move(inbox_.front());
    inbox_.erase(inbox_.begin());
    ControlLine::Out out;
    if (const auto* call = std::get_if<base::ControlCall>(&message)) {
      line_.Answered(AnswerTo(*call), out);
    } else if (const auto* part = std::get_if<base::JoinPart>(&message)) {
      joining_.insert(joining_.end(), part->actors.begin(), part->actors.end());
      if (Below(8) != 0) ServeOne();
    } else if (const auto* join = std::get_if<base::JoinNode>(&message)) {
      joining_.insert(joining_.end(), join->actors.begin(), join->actors.end());
      table_.clear();
      for (const ActorReport& report : std::exchange(joining_, {})) {
        table_[report.actor] = report;
      }
      line_.Joined({});
    } else if (const auto* report = std::get_if<ActorReport>(&message)) {
      table_[report->actor] = *report;
    } else if (const auto* renew = std::get_if<base::RenewNode>(&message)) {
      line_.Renewed({renew->sequence});
    }
    Take(out);
  }

  static ControlLine::Options OptionsOf(std::uint32_t seed) {
    ControlLine::Options options = Options();
    if (seed % 2 == 0) options.join_bytes_max = 150;
    return options;
  }

  std::mt19937 random_;
  ControlLine line_;
  BootTime now_ = BootTime::FromSinceBoot(seconds(1));
  bool up_ = false;
  int sessions_ = 0;
  int answered_ = 0;
  std::uint64_t asked_ = 0;
  std::set<RequestId> waiting_;
  std::set<ActorId> alive_;
  std::set<ActorId> over_;
  std::vector<base::ControlMessage> inbox_;
  std::vector<ActorReport> joining_;
  std::map<ActorId, ActorReport> table_;
};

// What is said at the beginning of a session of one that knows so many actors.
std::vector<base::ControlMessage> JoiningOf(
    std::uint64_t actors, ControlLine::Options options,
    const std::string& class_name = "Index") {
  options.actors_max = actors;
  ControlLine line(options);
  ControlLine::Out out;
  line.JobBegan(JobOf(kJob), out);
  for (std::uint64_t n = 1; n <= actors; ++n) {
    ActorReport report = ReportOf(ActorState::kAlive);
    report.actor = ActorId{4, n};
    report.class_name = class_name;
    line.Report(std::move(report), out);
  }
  line.Call(CallOf(1), out);
  line.Up(BootTime::FromSinceBoot(seconds(1)), out);
  return std::move(out.tell);
}

// All in parts, each once, and the call after them.
void ExpectWhole(const std::vector<base::ControlMessage>& said,
                 std::uint64_t actors, std::size_t bytes_max) {
  std::set<ActorId> named;
  std::size_t jobs = 0;
  ASSERT_GE(said.size(), 2u);
  for (std::size_t i = 0; i + 1 < said.size(); ++i) {
    EXPECT_LE(base::EncodeControl(said[i]).size(), bytes_max);
    const auto* part = std::get_if<base::JoinPart>(&said[i]);
    const auto* join = std::get_if<base::JoinNode>(&said[i]);
    const bool is_last = i + 2 == said.size();
    ASSERT_TRUE(is_last ? join != nullptr : part != nullptr) << i;
    jobs += is_last ? join->jobs.size() : part->jobs.size();
    for (const ActorReport& report : is_last ? join->actors : part->actors) {
      EXPECT_TRUE(named.insert(report.actor).second);
    }
    EXPECT_EQ(is_last ? join->node.node : part->node, Options().node.node);
  }
  EXPECT_EQ(named.size(), actors);
  EXPECT_EQ(jobs, 1u);
  EXPECT_TRUE(std::holds_alternative<base::ControlCall>(said.back()));
}

TEST(ControlLineJoinTest, AllThatIsKnownIsSaidInMessagesOfABoundedLength) {
  ControlLine::Options options = Options();
  options.join_bytes_max = 1000;
  constexpr std::size_t kAround = 200;
  for (const std::uint64_t actors : {0, 1, 5, 100}) {
    SCOPED_TRACE(actors);
    const auto said = JoiningOf(actors, options);
    ExpectWhole(said, actors, options.join_bytes_max + kAround);
    EXPECT_EQ(said.size() == 2, actors <= 5) << said.size();
  }
  // What is longer by itself goes by itself.
  options.join_bytes_max = 1;
  EXPECT_EQ(JoiningOf(10, options).size(), 12u);
}

TEST(ControlLineJoinTest, AHundredThousandActorsAreSaid) {
  // In one message they would be more than it may have.
  const std::string class_name(200, 'C');
  const auto said = JoiningOf(100'000, Options(), class_name);
  ExpectWhole(said, 100'000, base::kControlMessageBytesMax / 8);
  EXPECT_GT(said.size(), 16u);
}

TEST(ControlLineRandomTest, NothingIsLostWhereTheStoreComesAndGoes) {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomStore(seed).Run(800);
  }
}

}  // namespace
}  // namespace mobula::raylet
