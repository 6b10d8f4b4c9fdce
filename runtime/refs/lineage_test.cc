#include "runtime/refs/lineage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/task_spec.h"

namespace mobula::runtime {
namespace {

using base::ObjectId;
using base::Value;

constexpr base::ProcessId kSelf{1, 1};
constexpr base::ProcessId kOther{1, 2};

ObjectId Object(std::uint64_t n) { return {6, n}; }
Value Stored(std::uint64_t n, base::ProcessId owner = kSelf) {
  return Value::Stored({Object(n), owner}, {base::ArenaId{4, 1}, 64, 9'000, 1});
}

class LineageTest : public testing::Test {
 protected:
  static std::unique_ptr<TaskSpec> Task(std::vector<Value> args,
                                        std::int32_t retries_max = 3) {
    auto spec = std::make_unique<TaskSpec>();
    spec->function_name = "Square";
    spec->args = std::move(args);
    spec->retries_max = retries_max;
    return spec;
  }
  void Make(std::uint64_t n, std::vector<Value> args,
            std::int32_t retries_max = 3) {
    present_.insert(Object(n));
    lineage_->Note(Object(n), Task(std::move(args), retries_max), {9'000, n});
    lineage_->CheckInvariants();
  }
  void Forget(std::uint64_t n, bool stray = false) {
    present_.erase(Object(n));
    lineage_->Forgotten(Object(n), stray);
    lineage_->CheckInvariants();
  }
  [[nodiscard]] Lineage::Planned PlanOf(std::uint64_t n) const {
    return lineage_->Plan(Object(n), [this](ObjectId object) {
      return present_.contains(object);
    });
  }
  // The numbers of what is to run, in order of number.
  [[nodiscard]] std::vector<std::uint64_t> RunsFor(std::uint64_t n) const {
    const Lineage::Planned planned = PlanOf(n);
    std::vector<std::uint64_t> runs;
    if (const auto* failure = std::get_if<base::Failure>(&planned)) {
      ADD_FAILURE() << failure->message;
      return runs;
    }
    for (const ObjectId object : std::get<0>(planned)) {
      runs.push_back(object.lo);
    }
    std::sort(runs.begin(), runs.end());
    return runs;
  }
  [[nodiscard]] std::string WhyNot(std::uint64_t n) const {
    const Lineage::Planned planned = PlanOf(n);
    const auto* failure = std::get_if<base::Failure>(&planned);
    if (failure == nullptr) return "it can be made again";
    EXPECT_EQ(failure->code, base::FailureCode::kObjectLost);
    return failure->message;
  }
  void ExpectWhy(std::uint64_t n, const std::string& part) {
    EXPECT_NE(WhyNot(n).find(part), std::string::npos) << WhyNot(n);
  }
  void Limit(std::size_t bytes_max, std::size_t depth_max = 1'000) {
    lineage_ =
        std::make_unique<Lineage>(kSelf, Lineage::Limits{bytes_max, depth_max});
  }

  std::unique_ptr<Lineage> lineage_ =
      std::make_unique<Lineage>(kSelf, Lineage::Limits());
  std::set<ObjectId> present_;
};

TEST_F(LineageTest, AResultWhoseArgumentsAreThereTakesOneRun) {
  Make(1, {});
  Make(2, {Stored(1), Value(base::Bytes::Own("small")), Stored(77, kOther)});
  EXPECT_EQ(RunsFor(2), (std::vector<std::uint64_t>{2}));
}

TEST_F(LineageTest, FreeArgumentsAreMadeAgainOnceHoweverManyNeedThem) {
  Make(1, {});
  Make(2, {Stored(1)});
  Make(3, {Stored(1)});
  Make(4, {Stored(2), Stored(3), Stored(2)});
  for (const std::uint64_t n : {1, 2, 3}) Forget(n);
  EXPECT_EQ(lineage_->size(), 4u);
  EXPECT_EQ(RunsFor(4), (std::vector<std::uint64_t>{1, 2, 3, 4}));
  Forget(4);
  EXPECT_TRUE(lineage_->empty());
  EXPECT_EQ(lineage_->bytes(), 0u);
}

TEST_F(LineageTest, RefsInsideOfShortArgumentsAreNeededToo) {
  Make(1, {});
  Make(2, {Value(base::Bytes::Own("v"), {{Object(1), kSelf}})});
  Forget(1);
  EXPECT_EQ(RunsFor(2), (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(LineageTest, WhatCannotBeMadeAgainSaysWhy) {
  ExpectWhy(1, "it was Put");
  Make(2, {Stored(1)});
  ExpectWhy(2, "argument 1 of Square is free");
  ExpectWhy(2, "keep its Ref");
  Make(3, {}, /*retries_max=*/0);
  ExpectWhy(3, "Retries(0)");
  Forget(3);
  EXPECT_EQ(lineage_->size(), 1u);
}

TEST_F(LineageTest, EachRunIsChargedUntilNoneIsLeft) {
  Make(1, {}, /*retries_max=*/2);
  for (const int attempt : {2, 3}) {
    EXPECT_EQ(RunsFor(1).size(), 1u);
    lineage_->Begin(Object(1));
    EXPECT_EQ(lineage_->AttemptOf(Object(1)), attempt);
    auto spec = Task({}, 2);
    spec->attempts = attempt;
    const auto remade = lineage_->Note(Object(1), std::move(spec), {9'000, 1});
    ASSERT_TRUE(remade.has_value());
    EXPECT_EQ(remade->attempt, attempt);
    EXPECT_FALSE(remade->differs);
  }
  ExpectWhy(1, "has run 3 times");
  Make(2, {}, /*retries_max=*/-1);
  lineage_->Begin(Object(2));
  auto spec = Task({}, -1);
  spec->attempts = 1'000'000;
  lineage_->Note(Object(2), std::move(spec), {9'000, 2});
  EXPECT_EQ(RunsFor(2).size(), 1u);
}

TEST_F(LineageTest, AnotherResultIsSeen) {
  const auto remade_as = [this](const Fingerprint& now) {
    Make(1, {}, -1);
    lineage_->Begin(Object(1));
    const auto remade = lineage_->Note(Object(1), Task({}, -1), now);
    return remade.has_value() && remade->differs;
  };
  EXPECT_FALSE(remade_as({9'000, 1}));
  EXPECT_TRUE(remade_as({9'000, 2}));
  EXPECT_TRUE(remade_as({9'001, 1}));
  EXPECT_FALSE(remade_as({9'000, 0})) << "not known";
  // Once it is short it is in no store.
  Make(2, {});
  lineage_->Begin(Object(2));
  const Fingerprint brief{10, 5};
  const auto remade = lineage_->End(Object(2), 2, &brief);
  ASSERT_TRUE(remade.has_value());
  EXPECT_TRUE(remade->differs);
  EXPECT_EQ(remade->function, "Square");
  // No result is no other result.
  Make(3, {});
  lineage_->Begin(Object(3));
  EXPECT_FALSE(lineage_->End(Object(3), 4, nullptr).has_value());
  ExpectWhy(3, "has run 4 times");
}

TEST_F(LineageTest, OverTheLimitTheOldestGoesAndItsReadersAreTold) {
  Limit(2'000);
  for (std::uint64_t n = 1; n <= 20; ++n) Make(n, {});
  EXPECT_LE(lineage_->bytes(), 2'000u);
  EXPECT_GE(lineage_->size(), 2u);
  ExpectWhy(1, "at most 2000 bytes of lineage");
  EXPECT_EQ(RunsFor(20).size(), 1u);
  // Who names what was evicted says so too.
  Make(21, {Stored(20)});
  Forget(20);
  for (std::uint64_t n = 22; n <= 24; ++n) Make(n, {Stored(21)});
  Make(25, {Stored(21)});
  Forget(21);
  for (std::uint64_t n = 1; n <= 25; ++n) {
    if (n != 20 && n != 21) Forget(n);
  }
  EXPECT_TRUE(lineage_->empty());
  EXPECT_GT(lineage_->evicted(), 0u);
}

TEST_F(LineageTest, NoneIsKeptWhereNoneIsWanted) {
  Limit(0);
  Make(1, {});
  EXPECT_EQ(lineage_->size(), 0u);
  ExpectWhy(1, "at most 0 bytes");
}

TEST_F(LineageTest, TenThousandDeepIsPlannedAndDropped) {
  constexpr std::uint64_t kDepth = 10'000;
  Make(0, {});
  for (std::uint64_t n = 1; n <= kDepth; ++n) {
    present_.insert(Object(n));
    lineage_->Note(Object(n), Task({Stored(n - 1)}), {9'000, n});
    present_.erase(Object(n - 1));
    lineage_->Forgotten(Object(n - 1), false);
  }
  EXPECT_EQ(RunsFor(kDepth).size(), kDepth + 1);
  Forget(kDepth);
  EXPECT_TRUE(lineage_->empty());
}

TEST_F(LineageTest, DeeperThanTheLimitIsRefused) {
  Limit(Lineage::kBytesMax, /*depth_max=*/10);
  Make(0, {});
  for (std::uint64_t n = 1; n <= 11; ++n) {
    Make(n, {Stored(n - 1)});
    Forget(n - 1);
  }
  ExpectWhy(11, "more than 10 tasks");
  // One that is kept on the way is enough.
  present_.insert(Object(4));
  EXPECT_EQ(RunsFor(11).size(), 7u);
}

TEST_F(LineageTest, WhatDeadAttemptsLeftIsFreedWithTheRecord) {
  Make(1, {});
  Make(2, {Stored(1)});
  EXPECT_FALSE(lineage_->NoteStray(Object(1))) << "it is alive";
  Forget(1, /*stray=*/true);
  EXPECT_TRUE(lineage_->strays().empty()) << "it may be made again";
  Forget(2);
  EXPECT_EQ(lineage_->strays(), (std::vector<ObjectId>{Object(1)}));
  lineage_->strays().clear();
  Make(3, {});
  Make(4, {Stored(3)});
  Forget(3);
  EXPECT_TRUE(lineage_->NoteStray(Object(3)));
  Forget(4, /*stray=*/true);
  EXPECT_EQ(lineage_->strays(), (std::vector<ObjectId>{Object(4), Object(3)}));
  lineage_->strays().clear();
  Forget(5, /*stray=*/true);  // of which there was never a record
  EXPECT_EQ(lineage_->strays().size(), 1u);
}

// Against what a person would say who knows all that ever was made.
TEST_F(LineageTest, RandomLivesAgreeWithANaiveModel) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    Limit(Lineage::kBytesMax);
    present_.clear();
    std::map<std::uint64_t, std::vector<std::uint64_t>> args_of;
    std::set<std::uint64_t> alive;
    const auto some = [&random](const std::set<std::uint64_t>& of) {
      return *std::next(of.begin(),
                        static_cast<std::ptrdiff_t>(random() % of.size()));
    };
    for (std::uint64_t n = 1; n <= 60; ++n) {
      std::vector<Value> args;
      for (std::uint64_t i = random() % 3; i > 0 && !alive.empty(); --i) {
        args_of[n].push_back(some(alive));
        args.push_back(Stored(args_of[n].back()));
      }
      Make(n, std::move(args));
      alive.insert(n);
      while (alive.size() > 8 || (random() % 3 == 0 && !alive.empty())) {
        const std::uint64_t gone = some(alive);
        alive.erase(gone);
        Forget(gone);
      }
      // All that can be reached from who is alive, and no more, is kept.
      std::set<std::uint64_t> kept;
      std::vector<std::uint64_t> left(alive.begin(), alive.end());
      while (!left.empty()) {
        const std::uint64_t one = left.back();
        left.pop_back();
        if (!kept.insert(one).second) continue;
        left.insert(left.end(), args_of[one].begin(), args_of[one].end());
      }
      ASSERT_EQ(lineage_->size(), kept.size()) << "seed " << seed;
      if (alive.empty()) continue;
      const std::uint64_t lost = some(alive);
      std::set<std::uint64_t> needed;
      left = {lost};
      while (!left.empty()) {
        const std::uint64_t one = left.back();
        left.pop_back();
        if (!needed.insert(one).second) continue;
        for (const std::uint64_t arg : args_of[one]) {
          if (!alive.contains(arg)) left.push_back(arg);
        }
      }
      ASSERT_EQ(RunsFor(lost),
                std::vector<std::uint64_t>(needed.begin(), needed.end()))
          << "seed " << seed;
    }
    for (const std::uint64_t n : alive) Forget(n);
    ASSERT_TRUE(lineage_->empty()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace mobula::runtime
