// Whole lives of streams in an order that a seed decides, with workers killed
// and streams dropped all the while: of each, every item comes once and in
// order, no generator runs ahead of its window, and nothing is left over.
#include <gtest/gtest.h>

#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/scheduling/resource_vector.h"
#include "base/value.h"
#include "runtime/core/core.h"
#include "runtime/core/events.h"
#include "runtime/core/testing/fake_node.h"

namespace mobula::runtime {
namespace {

using base::ActorId;
using base::Bytes;
using base::FailureCode;
using base::ObjectId;
using base::TaskId;

constexpr std::uint64_t kMaker = FakeNode::kDriver.lo;

struct Reading {
  TaskId task;
  ActorId actor;  // nil for a task
  std::uint64_t count = 0;
  std::uint32_t window = 1;
  std::int32_t retries_max = 0;
  bool throws = false;
  std::uint64_t taken = 0;
  ObjectId cell;  // nil: nothing is asked for
  bool over = false;
};

class Life {
 public:
  explicit Life(std::uint64_t seed) : node_(seed, 2) {}

  void Run(int deeds) {
    for (int i = 0; i < 3; ++i) DoCreate();
    for (int i = 0; i < deeds; ++i) {
      DoSomething();
      const std::uint64_t steps = node_.Random(20);
      for (std::uint64_t s = 0; s < steps; ++s) node_.Step();
      ReadAll();
      if (testing::Test::HasFatalFailure()) return;
    }
    ReadToTheEnd();
    DropEverything();
  }
  [[nodiscard]] std::uint64_t items() const { return items_; }
  [[nodiscard]] std::uint64_t ends() const { return ends_; }
  [[nodiscard]] std::uint64_t failures() const { return failures_; }
  [[nodiscard]] std::uint64_t resumed() const { return resumed_; }
  [[nodiscard]] std::uint64_t drops() const { return drops_; }
  [[nodiscard]] std::uint64_t kills() const { return node_.kills(); }
  [[nodiscard]] std::uint64_t asides() const { return node_.asides(); }

 private:
  template <class AnId>
  AnId NewId() {
    return AnId{kMaker, next_id_++};
  }

  void DoSomething() {
    switch (node_.Random(8)) {
      case 0:
        node_.KillSomeWorker();
        return;
      case 1:
        DoDrop();
        return;
      case 2:
      case 3:
        if (readings_.size() < 12) DoStream();
        return;
      default:
        for (int i = 0; i < 5; ++i) DoAsk();
    }
  }

  void DoCreate() {
    Create create;
    create.actor = NewId<ActorId>();
    create.task = NewId<TaskId>();
    create.constructor = FakeNode::Function(Deed::kReturn);
    create.class_name = "Actor";
    create.restarts_max = -1;
    actors_.push_back(create.actor);
    node_.Do(std::move(create));
  }

  void DoStream() {
    static constexpr std::int32_t kRetries[] = {0, 1, 3, -1};
    Reading reading;
    reading.task = NewId<TaskId>();
    reading.count = node_.Random(25);
    reading.window = static_cast<std::uint32_t>(1 + node_.Random(6));
    reading.retries_max = kRetries[node_.Random(4)];
    reading.throws = node_.Random(4) == 0;
    const ObjectId result = NewId<ObjectId>();
    const base::FunctionId function =
        FakeNode::Function(reading.throws ? Deed::kYieldThrow : Deed::kYield);
    std::vector<Arg> args;
    args.push_back({ObjectId(), Bytes::Own(std::to_string(reading.count))});
    if (node_.Random(2) == 0) {
      Submit submit;
      submit.task = reading.task;
      submit.result = result;
      submit.function = function;
      submit.function_name = "Numbers";
      submit.args = std::move(args);
      submit.resources = base::ResourceVector::Cpus(1);
      submit.retries_max = reading.retries_max;
      submit.is_coroutine = node_.Random(3) == 0;
      submit.items_max = reading.window;
      node_.Do(std::move(submit));
    } else {
      reading.actor = actors_[node_.Random(actors_.size())];
      Call call;
      call.actor = reading.actor;
      call.task = reading.task;
      call.result = result;
      call.method = function;
      call.method_name = "Actor::Numbers";
      call.args = std::move(args);
      call.retries_max = reading.retries_max;
      call.items_max = reading.window;
      node_.Do(std::move(call));
    }
    readings_[result] = reading;
  }

  std::map<ObjectId, Reading>::iterator Some() {
    auto it = readings_.begin();
    std::advance(it, node_.Random(readings_.size()));
    return it;
  }

  void Ask(ObjectId stream, Reading& reading) {
    if (!reading.cell.IsNil() || reading.over) return;
    reading.cell = NewId<ObjectId>();
    const ObjectId cell = reading.cell;
    node_.Do(StreamNext{stream, cell});
    node_.Do(Watch{cell});
  }
  void DoAsk() {
    if (readings_.empty()) return;
    const auto it = Some();
    Ask(it->first, it->second);
  }

  void DoDrop() {
    if (readings_.empty() || node_.Random(3) != 0) return;
    ++drops_;
    Drop(Some());
  }
  void Drop(std::map<ObjectId, Reading>::iterator it) {
    if (!it->second.cell.IsNil()) node_.Do(DropObject{it->second.cell});
    node_.Do(DropStream{it->first});
    node_.Do(DropObject{it->first});
    readings_.erase(it);
  }

  void ReadAll() {
    for (auto& [stream, reading] : readings_) {
      ASSERT_LE(node_.yielded[reading.task], reading.taken + reading.window)
          << "it runs ahead";
      const auto ready = node_.ready.find(reading.cell);
      if (reading.cell.IsNil() || ready == node_.ready.end()) continue;
      ASSERT_EQ(ready->second.size(), 1u);
      const base::Outcome outcome = ready->second.front();
      const ObjectId cell = std::exchange(reading.cell, ObjectId());
      if (const auto* value = std::get_if<base::Value>(&outcome)) {
        Read(stream, reading, *value);
      } else {
        ++failures_;
        reading.over = true;
        CheckFailure(reading, std::get<base::Failure>(outcome));
      }
      node_.Do(DropObject{cell});
      if (testing::Test::HasFatalFailure()) return;
    }
  }

  void Read(ObjectId stream, Reading& reading, const base::Value& value) {
    if (value.refs().empty()) {
      ++ends_;
      reading.over = true;
      ASSERT_EQ(reading.taken, reading.count);
      ASSERT_FALSE(reading.throws);
      return;
    }
    ++items_;
    const base::ObjectName name = value.refs()[0];
    node_.Do(HoldObject{name});
    node_.Do(Watch{name.object});
    const auto& outcomes = node_.ready[name.object];
    ASSERT_EQ(outcomes.size(), 1u);
    const auto* item = std::get_if<base::Value>(&outcomes.front());
    ASSERT_NE(item, nullptr);
    ASSERT_EQ(item->view(), std::to_string(reading.taken));
    node_.Do(DropObject{name.object});
    ++reading.taken;
    node_.Do(StreamTaken{stream});
    if (node_.starts[reading.task].size() > 1) ++resumed_;
  }

  void CheckFailure(const Reading& reading, const base::Failure& failure) {
    if (failure.code == FailureCode::kUserException) {
      ASSERT_TRUE(reading.throws);
      ASSERT_EQ(reading.taken, reading.count);
      return;
    }
    ASSERT_EQ(failure.code, FailureCode::kWorkerDied)
        << base::DescribeFailure(failure);
    ASSERT_GE(reading.retries_max, 0) << "it has retries without end";
  }

  void ReadToTheEnd() {
    for (int i = 0; i < 1'000'000; ++i) {
      bool are_over = true;
      for (auto& [stream, reading] : readings_) {
        Ask(stream, reading);
        are_over = are_over && reading.over;
      }
      if (are_over) return;
      const bool moved = node_.Step();
      ReadAll();
      if (testing::Test::HasFatalFailure()) return;
      ASSERT_TRUE(moved || MayGoOn()) << "somebody waits for ever\n"
                                      << Describe() << node_.Describe();
    }
    FAIL() << "it never comes to an end";
  }
  // For a failed test.
  [[nodiscard]] std::string Describe() {
    std::string text;
    for (const auto& [stream, reading] : readings_) {
      if (reading.over) continue;
      text += "stream " + std::to_string(stream.lo) + ": taken " +
              std::to_string(reading.taken) + " of " +
              std::to_string(reading.count) + ", window " +
              std::to_string(reading.window) + ", made " +
              std::to_string(node_.yielded[reading.task]) + ", starts " +
              std::to_string(node_.starts[reading.task].size()) +
              (reading.actor.IsNil() ? ", a task\n" : ", a call\n");
    }
    return text;
  }
  // Whether each is over, or one has its next and is to be asked again.
  [[nodiscard]] bool MayGoOn() const {
    bool are_over = true;
    for (const auto& [stream, reading] : readings_) {
      if (!reading.over && reading.cell.IsNil()) return true;
      are_over = are_over && reading.over;
    }
    return are_over;
  }

  void DropEverything() {
    while (!readings_.empty()) Drop(readings_.begin());
    for (const ActorId actor : actors_) node_.Do(DropActor{actor});
    for (int i = 0; i < 1'000'000 && node_.Step(); ++i) {
    }
    const Core::Census census = node_.driver().Count();
    EXPECT_EQ(census.streams, 0u);
    EXPECT_EQ(census.objects, 0u);
    EXPECT_EQ(census.tasks, 0u);
    EXPECT_EQ(census.calls, 0u);
    EXPECT_EQ(census.actors, 0u);
    EXPECT_EQ(census.leases, 0u);
    EXPECT_EQ(node_.leases(), 0u);
    EXPECT_EQ(node_.left_in_workers(), 0u);
  }

  FakeNode node_;
  std::uint64_t next_id_ = 1;
  std::map<ObjectId, Reading> readings_;
  std::vector<ActorId> actors_;
  std::uint64_t items_ = 0;
  std::uint64_t ends_ = 0;
  std::uint64_t failures_ = 0;
  std::uint64_t resumed_ = 0;  // items taken after a first attempt
  std::uint64_t drops_ = 0;
};

TEST(CoreStreamsRandomTest, EachItemComesOnceAndNothingRunsAhead) {
  std::uint64_t items = 0;
  std::uint64_t ends = 0;
  std::uint64_t failures = 0;
  std::uint64_t resumed = 0;
  std::uint64_t drops = 0;
  std::uint64_t kills = 0;
  std::uint64_t asides = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Life life(seed);
    life.Run(300);
    items += life.items();
    ends += life.ends();
    failures += life.failures();
    resumed += life.resumed();
    drops += life.drops();
    kills += life.kills();
    asides += life.asides();
    if (testing::Test::HasFailure()) return;
  }
  // Not an empty run.
  EXPECT_GT(items, 5'000u);
  EXPECT_GT(ends, 300u);
  EXPECT_GT(failures, 100u);
  EXPECT_GT(resumed, 300u);
  EXPECT_GT(drops, 100u);
  EXPECT_GT(kills, 300u);
  EXPECT_GT(asides, 100u);
}

}  // namespace
}  // namespace mobula::runtime
