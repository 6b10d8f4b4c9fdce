// Whole lives of tasks and actors in an order that a seed decides, with workers
// killed and work cancelled all the while; what the cores say is compared with
// what happened.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/control/control_message.h"
#include "base/control/control_request.h"
#include "base/control/records.h"
#include "base/failure.h"
#include "base/frames/task_message.h"
#include "base/ids.h"
#include "base/scheduling/call_scope.h"
#include "base/scheduling/resource_vector.h"
#include "runtime/core/core.h"
#include "runtime/core/events.h"
#include "runtime/core/task_rows.h"
#include "runtime/core/testing/fake_node.h"

namespace mobula::runtime {
namespace {

using base::ActorId;
using base::Bytes;
using base::Failure;
using base::ObjectId;
using base::TaskId;
using std::chrono::milliseconds;

constexpr std::uint64_t kMaker = FakeNode::kDriver.lo;

// One seed's worth of work and chaos, and the comparison afterwards.
class Life {
 public:
  Life(std::uint64_t seed, bool with_timeouts)
      : node_(seed, 2), with_timeouts_(with_timeouts) {}

  void Run(int deeds) {
    for (int i = 0; i < deeds; ++i) {
      DoSomething();
      const std::uint64_t steps = node_.Random(30);
      for (std::uint64_t s = 0; s < steps; ++s) node_.Step();
      CompareTasks();
    }
    Finish();
    Compare();
    DropEverything();
  }
  [[nodiscard]] std::size_t outcomes() const { return issued_.size(); }
  [[nodiscard]] std::uint64_t kills() const { return node_.kills(); }
  [[nodiscard]] std::uint64_t asides() const { return node_.asides(); }
  [[nodiscard]] std::uint64_t stops() const { return node_.stops(); }
  [[nodiscard]] std::uint64_t besides() const { return node_.besides(); }
  [[nodiscard]] std::size_t restarts() const { return restarts_; }
  [[nodiscard]] std::size_t listed() const { return listed_; }
  [[nodiscard]] std::size_t asked() const { return asked_.size(); }
  // Outcomes that were cancelled: before they started, and then.
  [[nodiscard]] std::size_t cancelled_unrun() const { return cancelled_unrun_; }
  [[nodiscard]] std::size_t cancelled_run() const { return cancelled_run_; }
  [[nodiscard]] std::size_t control_failures() const {
    return control_failures_;
  }

 private:
  struct Issued {
    TaskId task;
    ActorId actor;  // nil for a task
    std::string group;
    std::int32_t retries_max = 0;
    bool has_refs = false;
    bool has_timeout = false;
    std::uint64_t number = 0;
    base::SpawnScope scope = 0;
  };

  // What a core tells of its tasks is each of them, once, or a count.
  void CompareTasks() {
    const Core::Census census = node_.driver().Count();
    base::ListOwnTasks list;
    list.rows_max = static_cast<std::uint32_t>(node_.Random(40));
    for (const bool is_whole : {false, true}) {
      if (is_whole) list.rows_max = TaskRows::kRowsMax;
      const base::TasksAre all = node_.driver().DescribeTasks(list);
      std::uint64_t counted = 0;
      for (const base::TaskCount& one : all.counts) counted += one.count;
      std::set<TaskId> ids;
      for (const base::TaskRow& row : all.rows) ids.insert(row.task);
      ASSERT_EQ(ids.size(), all.rows.size());
      ASSERT_LE(all.rows.size(), list.rows_max);
      ASSERT_EQ(all.rows.size() + all.left_out, counted);
      ASSERT_GE(counted, census.tasks + census.calls);
      if (is_whole) {
        ASSERT_EQ(all.left_out, 0u);
      }
      listed_ += all.rows.size();
    }
  }

  void DoSomething() {
    switch (node_.Random(12)) {
      case 0:
        node_.KillSomeWorker();
        return;
      case 1:
        if (node_.Random(4) == 0) node_.RetireSomeIdleWorker();
        DoScope();
        return;
      case 2:
        if (node_.Random(2) == 0) DoCreate();
        if (node_.Random(6) == 0) DoAdopt();
        if (node_.Random(3) == 0) DoAsk();
        return;
      case 3:
        if (node_.Random(2) == 0) {
          DoDrop();
        } else {
          for (int i = 0; i < 3; ++i) DoCancel();
        }
        return;
      case 4:
      case 5:
      case 6:
      case 7:
        for (int i = 0; i < 6; ++i) DoCall();
        return;
      default:
        for (int i = 0; i < 4; ++i) DoSubmit();
    }
  }

  template <class AnId>
  AnId NewId() {
    return AnId{kMaker, next_id_++};
  }

  std::vector<Arg> SomeArgs() {
    std::vector<Arg> args;
    args.push_back({ObjectId(), Bytes::Own(std::to_string(SomeActor().lo))});
    if (node_.Random(3) == 0 && !held_.empty()) {
      auto it = held_.begin();
      std::advance(it, node_.Random(held_.size()));
      args.push_back({*it, Bytes()});
    }
    return args;
  }
  ActorId SomeActor() {
    if (actors_.empty()) return {kMaker, 0};
    return actors_[node_.Random(actors_.size())];
  }
  base::Duration SomeTimeout() {
    if (!with_timeouts_ || node_.Random(4) != 0) return base::Duration::max();
    return milliseconds(node_.Random(60));
  }
  base::CallerScope SomeScope() {
    base::CallerScope scope;
    if (node_.Random(2) == 0) return scope;
    scope.trace = {7, 1 + node_.Random(9)};
    scope.priority = static_cast<std::int32_t>(node_.Random(3)) - 1;
    if (with_timeouts_ && node_.Random(3) == 0) {
      scope.deadline = node_.now() + milliseconds(node_.Random(60));
    }
    if (!scopes_.empty()) scope.id = scopes_[node_.Random(scopes_.size())];
    return scope;
  }
  // One begins, is stopped or ends, inside of another or not.
  void DoScope() {
    const std::uint64_t deed = node_.Random(4);
    if (scopes_.empty() || deed < 2) {
      scopes_.push_back(++last_scope_);
      return;
    }
    const std::size_t at = node_.Random(scopes_.size());
    const base::SpawnScope scope = scopes_[at];
    if (deed == 2) {
      stopped_scopes_.insert(scope);
      node_.Do(StopScope{scope});
    }
    scopes_.erase(scopes_.begin() + static_cast<std::ptrdiff_t>(at));
    base::SpawnScope heir = 0;
    if (node_.Random(2) == 0 && !scopes_.empty()) {
      heir = scopes_[node_.Random(scopes_.size())];
    }
    heirs_[scope] = heir;
    node_.Do(EndScope{scope, heir});
  }
  // It, or one to which it has left its own.
  [[nodiscard]] bool WasStopped(base::SpawnScope scope) const {
    while (scope != 0 && !stopped_scopes_.contains(scope)) {
      const auto heir = heirs_.find(scope);
      scope = heir == heirs_.end() ? 0 : heir->second;
    }
    return scope != 0;
  }
  std::int32_t SomeRetries() {
    static constexpr std::int32_t kChoices[] = {0, 1, 3, -1};
    return kChoices[node_.Random(4)];
  }

  void Note(ObjectId result, Issued issued) {
    issued.number = issued_.size();
    issued_[result] = issued;
    held_.insert(result);
    node_.Do(Watch{result});
  }

  void DoSubmit() {
    static constexpr Deed kDeeds[] = {
        Deed::kReturn, Deed::kReturn, Deed::kReturn, Deed::kReturn,
        Deed::kThrow,  Deed::kSlow,   Deed::kNested, Deed::kCallActor};
    Submit submit;
    submit.task = NewId<TaskId>();
    submit.result = NewId<ObjectId>();
    submit.function = FakeNode::Function(kDeeds[node_.Random(8)]);
    submit.function_name = "Task";
    submit.args = SomeArgs();
    const std::uint64_t cpus = node_.Random(40);
    submit.resources = base::ResourceVector::Cpus(
        cpus == 0 ? 99 : (cpus < 30 ? 1 : (cpus < 35 ? 2 : 0.5)));
    submit.retries_max = SomeRetries();
    submit.is_coroutine = node_.Random(3) == 0;
    submit.timeout = SomeTimeout();
    submit.scope = SomeScope();
    Issued issued{submit.task,
                  ActorId(),
                  "",
                  submit.retries_max,
                  submit.args.size() > 1,
                  submit.timeout != base::Duration::max(),
                  0,
                  submit.scope.id};
    const ObjectId result = submit.result;
    node_.Do(std::move(submit));
    Note(result, issued);
  }

  void DoCreate() {
    static constexpr std::int32_t kRestarts[] = {0, 2, -1, -1};
    Create create;
    create.actor = NewId<ActorId>();
    create.task = NewId<TaskId>();
    create.constructor =
        FakeNode::Function(node_.Random(8) == 0 ? Deed::kThrow : Deed::kReturn);
    create.class_name = "Actor";
    create.args = SomeArgs();
    create.restarts_max = kRestarts[node_.Random(4)];
    if (node_.Random(2) == 0) {
      create.concurrency.calls_max = static_cast<std::int32_t>(node_.Random(4));
    }
    if (node_.Random(3) == 0) {
      create.concurrency.groups = {
          {"io", static_cast<std::int32_t>(1 + node_.Random(3))}};
      grouped_.insert(create.actor);
    }
    actors_.push_back(create.actor);
    if (create.args.size() > 1) with_refs_.insert(create.actor);
    node_.Do(std::move(create));
  }

  // A detached actor, found by its name.
  void DoAdopt() {
    ActorId actor = SomeActor();
    if (!node_.IsDetached(actor)) {
      actor = NewId<ActorId>();
      node_.Host(actor);
    }
    actors_.push_back(actor);
    node_.Do(Adopt{actor, FakeNode::kRaylet});
  }

  void DoAsk() {
    AskControl ask;
    ask.request = NewId<base::RequestId>();
    base::PutKey put;
    put.key = std::to_string(ask.request.lo);
    ask.body = std::move(put);
    ask.timeout = milliseconds(node_.Random(100));
    asked_.insert(ask.request);
    node_.Do(std::move(ask));
  }

  void DoCall() {
    if (actors_.empty()) return;
    Call call;
    call.actor = SomeActor();
    call.task = NewId<TaskId>();
    call.result = NewId<ObjectId>();
    const std::uint64_t deed = node_.Random(60);
    call.method = FakeNode::Function(
        deed == 0 ? Deed::kExit : (deed < 5 ? Deed::kThrow : Deed::kReturn));
    call.method_name = "Actor::Method";
    call.args = SomeArgs();
    call.retries_max = node_.Random(2) == 0 ? 0 : SomeRetries();
    if (node_.Random(8) == 0) call.bound_incarnation = 1;
    call.timeout = SomeTimeout();
    call.scope = SomeScope();
    if (node_.Random(3) == 0) call.group = node_.Random(20) == 0 ? "?" : "io";
    if (!grouped_.contains(call.actor) && node_.Random(20) != 0) {
      call.group.clear();
    }
    Issued issued{call.task,
                  call.actor,
                  call.group,
                  call.retries_max,
                  call.args.size() > 1,
                  call.timeout != base::Duration::max(),
                  0,
                  call.scope.id};
    const ObjectId result = call.result;
    node_.Do(std::move(call));
    Note(result, issued);
  }

  void DoDrop() {
    if (node_.Random(6) == 0 && !actors_.empty()) {
      const std::size_t at = node_.Random(actors_.size());
      if (node_.Random(2) == 0) {
        node_.Do(Kill{actors_[at], node_.Random(2) == 0});
      } else {
        node_.Do(DropActor{actors_[at]});
        actors_.erase(actors_.begin() + static_cast<std::ptrdiff_t>(at));
      }
      return;
    }
    for (int i = 0; i < 3 && held_.size() > 20; ++i) {
      node_.Do(DropObject{*held_.begin()});
      held_.erase(held_.begin());
    }
  }

  void DoCancel() {
    if (held_.empty()) return;
    // The latest are those that are not finished.
    auto it = held_.rbegin();
    std::advance(it, node_.Random(std::min<std::size_t>(held_.size(), 12)));
    Cancel cancel;
    cancel.request = NewId<base::RequestId>();
    cancel.object = {*it, FakeNode::kDriver};
    // What it ends may be in the midst of something else.
    cancel.force = with_timeouts_ && node_.Random(3) == 0;
    cancel.recursive = node_.Random(4) != 0;
    cancels_[cancel.request] = *it;
    node_.Do(std::move(cancel));
  }

  void Finish() {
    for (int i = 0; i < 2'000'000; ++i) {
      if (!node_.Step()) return;
    }
    FAIL() << "it never comes to rest";
  }

  void Compare() {
    for (const auto& [result, issued] : issued_) {
      const auto it = node_.ready.find(result);
      ASSERT_NE(it, node_.ready.end())
          << "no outcome of " << issued.number << "\n"
          << node_.Describe();
      ASSERT_EQ(it->second.size(), 1u);
      const bool is_cancelled = std::any_of(
          cancels_.begin(), cancels_.end(),
          [&result](const auto& cancel) { return cancel.second == result; });
      CompareOne(issued, it->second.front(),
                 is_cancelled || WasStopped(issued.scope));
    }
    CompareOrder();
    CompareAnswers();
    CompareCancels();
    for (const ActorChanged& change : node_.changes) {
      if (change.incarnation > 1) ++restarts_;
    }
  }

  void CompareOne(const Issued& issued, const base::Outcome& outcome,
                  bool is_cancelled) {
    const auto started = node_.starts.find(issued.task);
    const std::size_t starts =
        started == node_.starts.end() ? 0 : started->second.size();
    const auto* failure = std::get_if<Failure>(&outcome);
    if (!issued.group.empty() &&
        (issued.group == "?" || !grouped_.contains(issued.actor))) {
      EXPECT_EQ(starts, 0u) << "of an unknown group";
    }
    if (failure == nullptr) {
      EXPECT_GE(starts, 1u);
    } else if (failure->executed == base::Executed::kNo && !issued.has_refs) {
      EXPECT_EQ(starts, 0u) << base::DescribeFailure(*failure);
    }
    if (failure != nullptr && failure->code == base::FailureCode::kCancelled) {
      ++(failure->executed == base::Executed::kNo ? cancelled_unrun_
                                                  : cancelled_run_);
      EXPECT_TRUE(is_cancelled || issued.has_refs ||
                  with_refs_.contains(issued.actor))
          << "nobody cancelled it";
    }
    if (starts == 0) return;
    for (const FakeNode::Start& start : started->second) {
      if (issued.retries_max < 0) break;
      EXPECT_LE(start.attempt, issued.retries_max + 1);
    }
    // Without timeouts no worker is ended while it runs something wanted, so
    // every start is charged. Kill ends actors' workers in the midst.
    if (!with_timeouts_ && issued.retries_max >= 0) {
      EXPECT_LE(starts, static_cast<std::size_t>(issued.retries_max) + 1);
    }
  }

  void CompareAnswers() {
    EXPECT_EQ(node_.control_ready.size(), asked_.size());
    for (const base::RequestId request : asked_) {
      const auto& replies = node_.control_ready[request];
      ASSERT_EQ(replies.size(), 1u);
      const auto* failure = std::get_if<Failure>(&replies.front());
      if (failure == nullptr) continue;
      ++control_failures_;
      EXPECT_EQ(failure->code, base::FailureCode::kControlAway);
      if (failure->executed == base::Executed::kNo) {
        EXPECT_FALSE(node_.keys_heard.contains(std::to_string(request.lo)));
      }
    }
  }

  // Each is answered once, and what was said of the outcome is so.
  void CompareCancels() {
    for (const auto& [request, result] : cancels_) {
      const auto& verdicts = node_.cancel_ready[request];
      ASSERT_EQ(verdicts.size(), 1u);
      EXPECT_NE(verdicts.front(), base::CancelVerdict::kNoTask);
      if (verdicts.front() != base::CancelVerdict::kCancelled) continue;
      const auto* failure = std::get_if<Failure>(&node_.ready[result].front());
      ASSERT_NE(failure, nullptr);
      EXPECT_EQ(failure->code, base::FailureCode::kCancelled);
    }
  }

  // Of each own actor: one incarnation after the other, and then its end.
  void CompareReports() {
    for (const auto& [actor, reports] : node_.reports) {
      EXPECT_EQ(reports.front().state, base::ActorState::kPending);
      EXPECT_EQ(reports.back().state, base::ActorState::kDead);
      for (std::size_t i = 1; i < reports.size(); ++i) {
        const base::ActorReport& before = reports[i - 1];
        const base::ActorReport& report = reports[i];
        EXPECT_NE(before.state, base::ActorState::kDead);
        EXPECT_GE(report.incarnation, before.incarnation);
        EXPECT_EQ(report.worker.IsNil(),
                  report.state != base::ActorState::kAlive);
        if (report.state != base::ActorState::kRestarting) continue;
        EXPECT_EQ(report.incarnation, before.incarnation + 1);
        EXPECT_EQ(report.restarts, before.restarts + 1);
      }
    }
  }

  // Calls of the driver to one group of one incarnation start in the order
  // made, once.
  void CompareOrder() {
    std::vector<std::tuple<ActorId, std::string, std::int64_t, std::uint64_t,
                           std::uint64_t>>
        all;
    for (const auto& [result, issued] : issued_) {
      if (issued.actor.IsNil()) continue;
      const auto started = node_.starts.find(issued.task);
      if (started == node_.starts.end()) continue;
      for (const FakeNode::Start& start : started->second) {
        all.emplace_back(start.actor, issued.group, start.incarnation,
                         start.order, issued.number);
      }
    }
    std::sort(all.begin(), all.end());
    for (std::size_t i = 1; i < all.size(); ++i) {
      const auto& [actor, group, incarnation, order, number] = all[i];
      const auto& [actor0, group0, incarnation0, order0, number0] = all[i - 1];
      if (actor == actor0 && group == group0 && incarnation == incarnation0) {
        EXPECT_LT(number0, number) << "out of order in an incarnation";
      }
    }
  }

  void DropEverything() {
    for (const ObjectId object : held_) node_.Do(DropObject{object});
    for (const ActorId actor : actors_) node_.Do(DropActor{actor});
    Finish();
    CompareReports();
    const Core::Census census = node_.driver().Count();
    EXPECT_EQ(census.objects, 0u);
    EXPECT_EQ(census.tasks, 0u);
    EXPECT_EQ(census.calls, 0u);
    EXPECT_EQ(census.actors, 0u);
    EXPECT_EQ(census.leases, 0u);
    EXPECT_EQ(node_.leases(), 0u);
    EXPECT_EQ(node_.left_in_workers(), 0u);
  }

  FakeNode node_;
  const bool with_timeouts_;
  std::uint64_t next_id_ = 1;
  std::size_t restarts_ = 0;
  std::size_t listed_ = 0;  // rows of tasks
  std::size_t control_failures_ = 0;
  std::size_t cancelled_unrun_ = 0;
  std::size_t cancelled_run_ = 0;
  std::set<base::RequestId> asked_;
  std::map<base::RequestId, ObjectId> cancels_;
  std::map<ObjectId, Issued> issued_;
  std::set<ObjectId> held_;
  std::vector<ActorId> actors_;
  std::set<ActorId> with_refs_;  // actors whose constructors have refs
  base::SpawnScope last_scope_ = 0;
  std::vector<base::SpawnScope> scopes_;  // that have not ended
  std::set<base::SpawnScope> stopped_scopes_;
  std::map<base::SpawnScope, base::SpawnScope>
      heirs_;                  // of those that have ended
  std::set<ActorId> grouped_;  // that have a group "io"
};

void RunSeeds(std::uint64_t first, std::uint64_t seeds, bool with_timeouts) {
  std::size_t outcomes = 0;
  std::uint64_t kills = 0;
  std::uint64_t asides = 0;
  std::uint64_t stops = 0;
  std::uint64_t besides = 0;
  std::size_t restarts = 0;
  std::size_t asked = 0;
  std::size_t listed = 0;
  std::size_t control_failures = 0;
  std::size_t cancelled_unrun = 0;
  std::size_t cancelled_run = 0;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Life life(seed, with_timeouts);
    life.Run(150);
    outcomes += life.outcomes();
    kills += life.kills();
    asides += life.asides();
    stops += life.stops();
    besides += life.besides();
    restarts += life.restarts();
    asked += life.asked();
    listed += life.listed();
    control_failures += life.control_failures();
    cancelled_unrun += life.cancelled_unrun();
    cancelled_run += life.cancelled_run();
    if (testing::Test::HasFailure()) return;
  }
  // Not an empty run.
  EXPECT_GT(outcomes, 10'000u);
  EXPECT_GT(kills, 300u);
  EXPECT_GT(asides, 500u);
  EXPECT_GT(besides, 500u);
  EXPECT_TRUE(!with_timeouts || stops > 0);
  EXPECT_GT(restarts, 50u);
  EXPECT_GT(asked, 100u);
  EXPECT_GT(listed, 10'000u);
  EXPECT_GT(control_failures, 20u);
  EXPECT_GT(cancelled_unrun, 300u);
  EXPECT_GT(cancelled_run, 20u);
}

TEST(CoreRandomTest, EveryCallHasOneOutcomeThatIsTrue) {
  RunSeeds(1'500, 60, false);
}

TEST(CoreRandomTest, WithTimeoutsToo) { RunSeeds(1, 60, true); }

}  // namespace
}  // namespace mobula::runtime
