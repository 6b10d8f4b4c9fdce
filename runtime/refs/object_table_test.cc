#include "runtime/refs/object_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/events.h"

namespace mobula::runtime {
namespace {

using base::Bytes;
using base::ObjectId;
using base::ProcessId;
using base::TaskId;
using base::Value;

constexpr ProcessId kSelf{1, 1};
constexpr ProcessId kA{1, 2};
constexpr ProcessId kB{1, 3};

ObjectId Object(std::uint64_t n) { return {6, n}; }
base::Outcome Small() { return Value(Bytes::Own("v")); }
// With a ref of object 9 inside.
base::Outcome WithRef() { return Value(Bytes::Own("v"), {{Object(9), kA}}); }
base::Outcome Stored(std::uint64_t n) {
  return Value::Stored({Object(n), kSelf}, {base::ArenaId{4, 1}, 64, 9, 1});
}

class ObjectTableTest : public testing::Test {
 protected:
  std::vector<Ready> Readies() const {
    std::vector<Ready> found;
    for (const Effect& effect : effects_) {
      if (const auto* ready = std::get_if<Ready>(&effect)) {
        found.push_back(*ready);
      }
    }
    return found;
  }
  bool Settle(ObjectId object, base::Outcome outcome) {
    return objects_.Settle(object, std::move(outcome), 3, effects_, woken_);
  }
  // Whom it would tell of which object now.
  std::vector<std::pair<std::uint64_t, ProcessId>> Told() {
    std::vector<std::pair<std::uint64_t, ProcessId>> told;
    for (const auto& telling : std::exchange(objects_.tellings(), {})) {
      told.emplace_back(telling.object.lo, telling.to);
    }
    return told;
  }

  ObjectTable objects_;
  Effects effects_;
  std::vector<TaskId> woken_;
};

TEST_F(ObjectTableTest, WatchersAndDependentsAreToldOnce) {
  objects_.Add(Object(1));
  objects_.Watch(Object(1), effects_);
  objects_.Watch(Object(1), effects_);
  objects_.AddDependent(Object(1), TaskId{1, 1});
  objects_.AddDependent(Object(1), TaskId{1, 2});
  EXPECT_TRUE(effects_.empty());
  EXPECT_EQ(objects_.Find(Object(1)), nullptr);
  Settle(Object(1), Small());
  ASSERT_EQ(Readies().size(), 1u);
  EXPECT_EQ(Readies()[0].incarnation, 3);
  EXPECT_EQ(woken_, (std::vector<TaskId>{{1, 1}, {1, 2}}));
  objects_.Watch(Object(1), effects_);
  EXPECT_EQ(Readies().size(), 2u);
}

TEST_F(ObjectTableTest, IsFreedWithTheLastReference) {
  objects_.Put(Object(1), Bytes::Own("v"));
  EXPECT_TRUE(objects_.Hold(Object(1)));
  objects_.Drop(Object(1));
  EXPECT_TRUE(objects_.Has(Object(1)));
  objects_.Release(Object(1));
  objects_.Sweep();
  EXPECT_FALSE(objects_.Has(Object(1)));
  EXPECT_FALSE(objects_.Hold(Object(1)));
  objects_.Drop(Object(1));  // the API may be late
}

TEST_F(ObjectTableTest, WhoeverWatchesAForgottenObjectStillGetsItsOutcome) {
  objects_.Add(Object(1));
  objects_.Watch(Object(1), effects_);
  objects_.Drop(Object(1));
  Settle(Object(1), Small());
  EXPECT_EQ(Readies().size(), 1u);
  objects_.Sweep();
  EXPECT_EQ(objects_.size(), 0u);
}

TEST_F(ObjectTableTest, WhatIsHeldAgainBeforeTheSweepStays) {
  objects_.Put(Object(1), WithRef());
  objects_.Drop(Object(1));
  objects_.Hold(Object(1));
  objects_.Sweep();
  EXPECT_TRUE(objects_.Has(Object(1)));
  EXPECT_TRUE(objects_.released().empty());
  objects_.Drop(Object(1));
  objects_.Sweep();
  ASSERT_EQ(objects_.released().size(), 1u);
  EXPECT_EQ(objects_.released()[0].object, Object(9));
}

TEST_F(ObjectTableTest, WhatIsLentStaysUntilAllIsReturned) {
  objects_.Put(Object(1), Stored(1));
  objects_.Lend(Object(1), kA, true);
  objects_.Lend(Object(1), kA, true);
  objects_.Lend(Object(1), kB, true);
  EXPECT_EQ(objects_.loans(), 2u);
  objects_.Drop(Object(1));
  objects_.Return(kA, Object(1), 1);  // another mention is on its way there
  objects_.Return(kB, Object(1), 1);
  objects_.Return(kB, Object(1), 1);  // of nothing
  objects_.Sweep();
  EXPECT_TRUE(objects_.Has(Object(1)));
  EXPECT_EQ(objects_.Lent(), std::vector<ObjectId>{Object(1)});
  objects_.Return(kA, Object(1), 1);
  objects_.Sweep();
  EXPECT_EQ(objects_.size(), 0u);
  ASSERT_EQ(objects_.unused().size(), 1u);
  EXPECT_EQ(objects_.unused()[0].object, Object(1));
}

TEST_F(ObjectTableTest, TheDeathOfABorrowerTakesItsLoansBack) {
  for (std::uint64_t n = 1; n <= 3; ++n) {
    objects_.Put(Object(n), Small());
    objects_.Lend(Object(n), kA, true);
    objects_.Drop(Object(n));
  }
  objects_.Lend(Object(3), kB, true);
  objects_.LoseBorrower(kA);
  objects_.Sweep();
  EXPECT_EQ(objects_.Lent(), std::vector<ObjectId>{Object(3)});
  EXPECT_EQ(objects_.size(), 1u);
}

TEST_F(ObjectTableTest, BorrowersAreToldOnceWhatHasNoRefsInside) {
  objects_.Add(Object(1));
  objects_.Lend(Object(1), kB, true);
  objects_.Lend(Object(1), kA, true);
  EXPECT_TRUE(Told().empty());
  Settle(Object(1), Small());
  EXPECT_EQ(Told(), (std::vector<std::pair<std::uint64_t, ProcessId>>{
                        {1, kA}, {1, kB}}));
  objects_.Lend(Object(1), kA, true);
  EXPECT_TRUE(Told().empty());
  objects_.Return(kA, Object(1), 2);
  objects_.Lend(Object(1), kA, true);  // it has forgotten what it was told
  EXPECT_EQ(Told().size(), 1u);
}

TEST_F(ObjectTableTest, TheNameOfItsBytesTellsNobodyAnything) {
  objects_.Put(Object(1), Stored(1));
  objects_.Lend(Object(1), kA, false);
  EXPECT_TRUE(Told().empty());
  objects_.Lend(Object(1), kA, true);
  EXPECT_EQ(Told().size(), 1u);
}

TEST_F(ObjectTableTest, WhatHasRefsInsideIsToldToWhoWantsIt) {
  objects_.Add(Object(1));
  objects_.Lend(Object(1), kA, true);
  objects_.Lend(Object(1), kB, true);
  EXPECT_TRUE(objects_.Want(kA, Object(1)));
  EXPECT_TRUE(Told().empty());
  Settle(Object(1), WithRef());
  EXPECT_EQ(Told(),
            (std::vector<std::pair<std::uint64_t, ProcessId>>{{1, kA}}));
  EXPECT_TRUE(objects_.Want(kB, Object(1)));
  EXPECT_EQ(Told().size(), 1u);
  EXPECT_FALSE(objects_.Want(kB, Object(2)));
}

TEST_F(ObjectTableTest, WhoLeavesTellsAll) {
  objects_.Put(Object(1), WithRef());
  objects_.Put(Object(2), WithRef());
  objects_.Lend(Object(1), kA, true);
  EXPECT_TRUE(Told().empty());
  objects_.TellAll();
  EXPECT_EQ(Told(),
            (std::vector<std::pair<std::uint64_t, ProcessId>>{{1, kA}}));
  objects_.Lend(Object(2), kA, true);
  EXPECT_EQ(Told(),
            (std::vector<std::pair<std::uint64_t, ProcessId>>{{2, kA}}));
}

TEST_F(ObjectTableTest, RowsSayWhoRefersToWhat) {
  objects_.Put(Object(1), WithRef());
  objects_.Lend(Object(1), kA, true);
  objects_.Lend(Object(1), kA, true);
  const auto rows = objects_.Rows(kSelf);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].name, (base::ObjectName{Object(1), kSelf}));
  EXPECT_TRUE(rows[0].is_settled);
  EXPECT_EQ(rows[0].references, 1);
  ASSERT_EQ(rows[0].lent.size(), 1u);
  EXPECT_EQ(rows[0].lent[0].second, 2);
  ASSERT_EQ(rows[0].inside.size(), 1u);
}

TEST_F(ObjectTableTest, ForgottenAndUnknownObjectsAreNoTrouble) {
  objects_.Add(Object(1));
  objects_.Drop(Object(1));
  objects_.Sweep();
  EXPECT_FALSE(Settle(Object(1), Stored(1)));
  EXPECT_EQ(objects_.unused().size(), 1u);
  EXPECT_TRUE(effects_.empty());
  objects_.Watch(Object(1), effects_);
  ASSERT_EQ(Readies().size(), 1u);
  EXPECT_EQ(std::get<base::Failure>(Readies()[0].outcome).code,
            base::FailureCode::kBadArgument);
}

TEST_F(ObjectTableTest, SettlingTwiceIsOurMistake) {
  objects_.Put(Object(1), Bytes::Own("v"));
  EXPECT_DEATH(Settle(Object(1), Small()), "has its outcome already");
}

TEST_F(ObjectTableTest, AgreesWithAModel) {
  struct Model {
    int references = 0;
    bool settled = false;
    bool watched = false;
  };
  std::mt19937_64 random(7);
  std::map<ObjectId, Model> model;
  std::size_t expected_ready = 0;
  std::uint64_t next = 1;
  for (int i = 0; i < 20'000; ++i) {
    if (model.empty() || random() % 4 == 0) {
      const ObjectId object = Object(next++);
      const bool put = random() % 2 == 0;
      put ? objects_.Put(object, Bytes::Own("v")) : objects_.Add(object);
      model[object] = {1, put, false};
      continue;
    }
    auto it = model.begin();
    std::advance(it, random() % std::min<std::size_t>(model.size(), 50));
    Model& one = it->second;
    switch (random() % 4) {
      case 0:
        if (one.references > 0) {
          objects_.Hold(it->first);
          ++one.references;
        }
        break;
      case 1:
        if (one.references > 0) {
          objects_.Release(it->first);
          --one.references;
        }
        break;
      case 2:
        if (one.references == 0) break;
        objects_.Watch(it->first, effects_);
        if (one.settled) {
          ++expected_ready;
        } else {
          one.watched = true;
        }
        break;
      default:
        if (one.settled) break;
        Settle(it->first, Small());
        one.settled = true;
        expected_ready += one.watched ? 1 : 0;
        one.watched = false;
    }
    if (one.references == 0 && !one.watched) model.erase(it);
    objects_.Sweep();
    ASSERT_EQ(objects_.size(), model.size());
    ASSERT_EQ(Readies().size(), expected_ready);
    if (effects_.size() > 100) {
      effects_.clear();
      expected_ready = 0;
    }
  }
}

}  // namespace
}  // namespace mobula::runtime
