#include "runtime/refs/object_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/ids.h"
#include "runtime/core/events.h"

namespace mobula::runtime {
namespace {

using base::Bytes;
using base::ObjectId;
using base::TaskId;

ObjectId Object(std::uint64_t n) { return {6, n}; }

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
  void Settle(ObjectId object, const std::string& value) {
    objects_.Settle(object, Bytes::Own(value), 3, effects_, woken_);
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
  Settle(Object(1), "v");
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
  EXPECT_FALSE(objects_.Has(Object(1)));
  EXPECT_FALSE(objects_.Hold(Object(1)));
  objects_.Drop(Object(1));  // the API may be late
}

TEST_F(ObjectTableTest, WhoeverWatchesAForgottenObjectStillGetsItsOutcome) {
  objects_.Add(Object(1));
  objects_.Watch(Object(1), effects_);
  objects_.Drop(Object(1));
  Settle(Object(1), "v");
  EXPECT_EQ(Readies().size(), 1u);
  EXPECT_EQ(objects_.size(), 0u);
}

TEST_F(ObjectTableTest, ForgottenAndUnknownObjectsAreNoTrouble) {
  objects_.Add(Object(1));
  objects_.Drop(Object(1));
  Settle(Object(1), "v");
  EXPECT_TRUE(effects_.empty());
  objects_.Watch(Object(1), effects_);
  ASSERT_EQ(Readies().size(), 1u);
  EXPECT_EQ(std::get<base::Failure>(Readies()[0].outcome).code,
            base::FailureCode::kBadArgument);
}

TEST_F(ObjectTableTest, SettlingTwiceIsOurMistake) {
  objects_.Put(Object(1), Bytes::Own("v"));
  EXPECT_DEATH(Settle(Object(1), "w"), "has its outcome already");
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
        Settle(it->first, "v");
        one.settled = true;
        expected_ready += one.watched ? 1 : 0;
        one.watched = false;
    }
    if (one.references == 0 && !one.watched) model.erase(it);
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
