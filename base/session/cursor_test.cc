#include "base/session/cursor.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>

namespace mobula::base {
namespace {

Bytes Text(const std::string& text) { return Bytes::Own(text); }

TEST(PublicationTest, ListsAndReadsAfterACursor) {
  Publication table(7, 100);
  table.Put("a", Text("1"));
  table.Put("b", Text("2"));
  table.Put("a", Text("3"));
  table.Remove("b");
  table.Remove("b");  // no change
  EXPECT_EQ(table.cursor(), (Cursor{7, 4}));
  const Listing listing = table.List();
  ASSERT_EQ(listing.items.size(), 1u);
  EXPECT_EQ(listing.items[0], (Change{3, "a", Text("3")}));
  std::vector<Change> changes;
  ASSERT_TRUE(table.Read(Cursor{7, 1}, 2, &changes));
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0], (Change{2, "b", Text("2")}));
  ASSERT_TRUE(table.Read(Cursor{7, 4}, 10, &changes));
  EXPECT_TRUE(changes.empty());
}

TEST(PublicationTest, CursorsTooOldOrOfAnotherLifeListAgain) {
  Publication table(7, 2);
  for (int i = 0; i < 5; ++i) table.Put("a", Text(std::to_string(i)));
  std::vector<Change> changes;
  EXPECT_FALSE(table.Read(Cursor{7, 2}, 10, &changes));
  EXPECT_TRUE(table.Read(Cursor{7, 3}, 10, &changes));
  EXPECT_FALSE(table.Read(Cursor{7, 6}, 10, &changes)) << "from the future";
  EXPECT_FALSE(table.Read(Cursor{6, 5}, 10, &changes));
}

TEST(SubscriptionTest, ListsThenWatchesAndResumesWhereItStood) {
  Subscription subscription;
  SubscriptionEffects effects;
  subscription.Start(effects);
  ASSERT_EQ(effects.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<AskList>(effects[0]));
  effects.clear();
  subscription.OnListing({Cursor{7, 5}, {Change{5, "a", Text("1")}}}, effects);
  ASSERT_EQ(effects.size(), 2u);
  EXPECT_EQ(std::get<ApplyChange>(effects[0]).key, "a");
  EXPECT_EQ(std::get<AskWatch>(effects[1]).after, (Cursor{7, 5}));
  effects.clear();
  subscription.OnChanges(7, {Change{6, "b", Text("2")}}, effects);
  ASSERT_EQ(effects.size(), 1u);
  effects.clear();
  subscription.Start(effects);
  EXPECT_EQ(std::get<AskWatch>(effects.at(0)).after, (Cursor{7, 6}));
}

TEST(SubscriptionTest, RepeatedLateAndMissingChangesAreNoticed) {
  Subscription subscription;
  SubscriptionEffects effects;
  subscription.Start(effects);
  subscription.OnListing({Cursor{7, 5}, {}}, effects);
  effects.clear();
  subscription.OnChanges(7, {Change{5, "a", Text("1")}}, effects);
  subscription.OnChanges(6, {Change{6, "a", Text("1")}}, effects);
  subscription.OnListing({Cursor{7, 4}, {Change{4, "x", Text("1")}}}, effects);
  EXPECT_TRUE(effects.empty());
  subscription.OnChanges(7, {Change{8, "a", Text("1")}}, effects);
  ASSERT_EQ(effects.size(), 1u);
  EXPECT_EQ(std::get<AskWatch>(effects[0]).after, (Cursor{7, 5}));
}

TEST(SubscriptionTest, AListingTellsWhatIsGoneAndOnlyWhatIsNew) {
  Subscription subscription;
  SubscriptionEffects effects;
  subscription.Start(effects);
  subscription.OnListing(
      {Cursor{7, 2}, {Change{1, "a", Text("1")}, Change{2, "b", Text("2")}}},
      effects);
  subscription.OnListAgain(effects);
  effects.clear();
  subscription.OnListing(
      {Cursor{7, 9}, {Change{1, "a", Text("1")}, Change{9, "c", Text("3")}}},
      effects);
  ASSERT_EQ(effects.size(), 3u);
  EXPECT_EQ(std::get<ApplyChange>(effects[0]).key, "c");
  EXPECT_EQ(std::get<ApplyChange>(effects[1]).key, "b");
  EXPECT_FALSE(std::get<ApplyChange>(effects[1]).value.has_value());
}

// A publisher that is reborn and forgets, a wire that loses and repeats: the
// subscriber's copy ends up equal each time that it catches up.
class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) { Rebirth(); }

  void Step() {
    switch (random_() % 12) {
      case 0:
        if (random_() % 20 == 0) Rebirth();
        return;
      case 1:
        return publisher_->Remove(Key());
      case 2:
      case 3:
        return Reconnect();
      case 4:
      case 5:
        return Serve(random_() % 4 == 0);
      default:
        return publisher_->Put(Key(), Text(std::to_string(random_())));
    }
  }

  [[nodiscard]] bool CatchesUp() {
    Reconnect();
    for (int i = 0; i < 50; ++i) Serve(false);
    std::map<std::string, Bytes> truth;
    for (const Change& item : publisher_->List().items) {
      truth.emplace(item.key, *item.value);
    }
    return copy_ == truth && subscriber_.cursor() == publisher_->cursor();
  }
  [[nodiscard]] int listings() const { return listings_; }

 private:
  std::string Key() { return std::string(1, 'a' + char(random_() % 6)); }

  void Rebirth() {
    publisher_ = std::make_unique<Publication>(++life_, 1 + random_() % 8);
  }

  void Reconnect() {
    SubscriptionEffects effects;
    subscriber_.Start(effects);
    Carry(effects);
  }

  void Carry(const SubscriptionEffects& effects) {
    for (const SubscriptionEffect& effect : effects) {
      if (const auto* watch = std::get_if<AskWatch>(&effect)) {
        wants_list_ = false;
        stands_ = watch->after;
      } else if (std::holds_alternative<AskList>(effect)) {
        wants_list_ = true;
      } else {
        const auto& change = std::get<ApplyChange>(effect);
        if (change.value.has_value()) {
          copy_.insert_or_assign(change.key, *change.value);
        } else {
          EXPECT_EQ(copy_.erase(change.key), 1u) << "gone before it came";
        }
      }
    }
  }

  // The publisher answers what was asked last; the answer may be lost or come
  // twice.
  void Serve(bool lost) {
    SubscriptionEffects effects;
    if (wants_list_) {
      ++listings_;
      if (!lost) subscriber_.OnListing(publisher_->List(), effects);
      return Carry(effects);
    }
    std::vector<Change> changes;
    if (!publisher_->Read(stands_, 1 + random_() % 3, &changes)) {
      if (!lost) subscriber_.OnListAgain(effects);
      return Carry(effects);
    }
    if (!changes.empty()) stands_.revision = changes.back().revision;
    if (lost) return;
    const std::uint64_t life = publisher_->cursor().life;
    subscriber_.OnChanges(life, changes, effects);
    subscriber_.OnChanges(life, changes, effects);
    Carry(effects);
  }

  std::mt19937_64 random_;
  std::uint64_t life_ = 0;
  std::unique_ptr<Publication> publisher_;
  Subscription subscriber_;
  std::map<std::string, Bytes> copy_;
  bool wants_list_ = false;
  Cursor stands_;
  int listings_ = 0;
};

TEST(SubscriptionTest, ARandomWorldAlwaysCatchesUp) {
  int listings = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    World world(seed);
    for (int round = 0; round < 20; ++round) {
      for (int step = 0; step < 25; ++step) world.Step();
      ASSERT_TRUE(world.CatchesUp()) << "seed " << seed;
    }
    listings += world.listings();
  }
  EXPECT_GT(listings, 400) << "histories were never too short";
}

}  // namespace
}  // namespace mobula::base
