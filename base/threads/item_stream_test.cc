#include "base/threads/item_stream.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/frames/stream_message.h"
#include "base/ids.h"
#include "base/threads/outcome_watch.h"
#include "base/value.h"

namespace mobula::base {
namespace {

using State = OutcomeWatch::State;

struct Taken : ItemStream::Sink {
  void Opened() override { ++opened; }
  void Yielded(std::uint64_t index, Value value) override {
    items.emplace_back(index, std::string(value.view()));
  }
  int opened = 0;
  std::vector<std::pair<std::uint64_t, std::string>> items;
};

struct Told : OutcomeWatch {
  Told() {
    ready = [](OutcomeWatch* watch) noexcept {
      ++static_cast<Told*>(watch)->count;
    };
  }
  int count = 0;
};

class ItemStreamTest : public testing::Test {
 protected:
  static constexpr ObjectName kStream{{6, 1}, {1, 1}};

  static StreamCredit Credit(std::uint64_t skip, std::uint64_t limit) {
    return {TaskId{5, 1}, skip, limit, false};
  }

  Taken taken_;
  ItemStream first_{taken_, kStream, ProcessId{1, 3}, 1};
  ItemStream second_{taken_, kStream, ProcessId{1, 3}, 2};
};

TEST_F(ItemStreamTest, TheFirstItemOfAFirstAttemptNeedsNoLeave) {
  Told watch;
  first_.Open();
  EXPECT_EQ(taken_.opened, 1);
  EXPECT_TRUE(first_.StartWatch(0, &watch, /*join=*/false));
  EXPECT_EQ(watch.state, State::kReady);
  first_.Yield(0, Bytes::Own("a"));
  ASSERT_EQ(taken_.items.size(), 1u);
  EXPECT_EQ(taken_.items[0].second, "a");
  Told next;
  EXPECT_FALSE(first_.StartWatch(1, &next, /*join=*/false));
  EXPECT_EQ(next.state, State::kIdle);
}

TEST_F(ItemStreamTest, WhoWaitsIsToldOnceItHasLeave) {
  Told watch;
  EXPECT_FALSE(first_.StartWatch(3, &watch, /*join=*/true));
  first_.Grant(Credit(0, 3));
  EXPECT_EQ(watch.count, 0);
  first_.Grant(Credit(0, 4));
  EXPECT_EQ(watch.count, 1);
  EXPECT_EQ(watch.state, State::kReady);
  first_.Grant(Credit(0, 9));
  EXPECT_EQ(watch.count, 1);
  first_.Grant(Credit(0, 1));
  Told next;
  EXPECT_TRUE(first_.StartWatch(8, &next, /*join=*/true)) << "never less";
}

TEST_F(ItemStreamTest, WhoGivesUpIsNotTold) {
  Told watch;
  EXPECT_FALSE(first_.StartWatch(1, &watch, /*join=*/true));
  EXPECT_EQ(first_.StopWatch(&watch), State::kWaiting);
  first_.Grant(Credit(0, 9));
  EXPECT_EQ(watch.count, 0);
  EXPECT_TRUE(first_.StartWatch(9, &watch, /*join=*/true)) << "it is over";
  Told ready;
  EXPECT_TRUE(first_.StartWatch(2, &ready, /*join=*/true));
  EXPECT_EQ(first_.StopWatch(&ready), State::kReady);
}

TEST_F(ItemStreamTest, AnotherAttemptWaitsToHearWhatItMaySkip) {
  Told watch;
  EXPECT_FALSE(second_.StartWatch(0, &watch, /*join=*/true));
  second_.Grant(Credit(2, 5));
  EXPECT_EQ(watch.count, 1);
  EXPECT_TRUE(second_.IsSkipped(1));
  EXPECT_FALSE(second_.IsSkipped(2));
  EXPECT_DEATH(second_.Yield(5, Bytes::Own("b")), "leave");
  second_.Yield(4, Bytes::Own("b"));
}

TEST_F(ItemStreamTest, NobodyWaitsWhereNobodyTakesItems) {
  Told watch;
  EXPECT_FALSE(first_.StartWatch(1, &watch, /*join=*/true));
  EXPECT_FALSE(first_.closed());
  first_.Grant({TaskId{5, 1}, 0, 0, true});
  EXPECT_EQ(watch.count, 1);
  EXPECT_TRUE(first_.closed());
}

TEST_F(ItemStreamTest, ItemsHaveNamesWhereThereIsAStore) {
  EXPECT_EQ(first_.NameOf(3).owner, kStream.owner);
  EXPECT_EQ(first_.NameOf(3).object,
            ItemId(kStream.object, ProcessId{1, 3}, 1, 3));
  const ItemStream local(taken_, ObjectName(), ProcessId{1, 3}, 1);
  EXPECT_TRUE(local.NameOf(3).object.IsNil());
}

}  // namespace
}  // namespace mobula::base
