#include "gcs/core/table_feed.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/control/control_message.h"
#include "base/ids.h"
#include "base/session/cursor.h"
#include "gcs/core/events.h"

namespace mobula::gcs {
namespace {

const base::ProcessId kPeer{1, 1}, kOther{1, 2};

base::Bytes Value(std::string text) {
  return base::Bytes::Own(std::move(text));
}

class TableFeedTest : public ::testing::Test {
 protected:
  TableFeedTest() : feed_("nodes", /*life=*/7, /*history_max=*/3) {}

  template <class Message>
  std::vector<Message> Sent(base::ProcessId peer) {
    std::vector<Message> found;
    for (const Effect& effect : effects_) {
      const Send& send = std::get<Send>(effect);
      const auto* const message = std::get_if<Message>(&send.message);
      if (send.to == peer && message != nullptr) found.push_back(*message);
    }
    return found;
  }
  void Flush() {
    effects_.clear();
    feed_.Flush(effects_);
  }

  TableFeed feed_;
  Effects effects_;
};

TEST_F(TableFeedTest, ListsAndThenSendsEachChangeOnce) {
  feed_.Put("a", Value("1"));
  feed_.Follow(kPeer, {}, effects_);
  const auto listings = Sent<base::TableListing>(kPeer);
  ASSERT_EQ(listings.size(), 1u);
  EXPECT_EQ(listings[0].table, "nodes");
  EXPECT_FALSE(listings[0].more);
  EXPECT_EQ(listings[0].listing.items.size(), 1u);
  EXPECT_EQ(listings[0].listing.cursor, (base::Cursor{7, 1}));
  feed_.Put("b", Value("2"));
  feed_.Remove("a");
  Flush();
  const auto changes = Sent<base::TableChanges>(kPeer);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].life, 7u);
  ASSERT_EQ(changes[0].changes.size(), 2u);
  EXPECT_FALSE(changes[0].changes[1].value.has_value());
  Flush();
  EXPECT_TRUE(effects_.empty());
}

TEST_F(TableFeedTest, ResumesFromACursorOfTheHistory) {
  for (const char* const key : {"a", "b", "c", "d"}) feed_.Put(key, Value("1"));
  feed_.Follow(kPeer, {7, 2}, effects_);
  EXPECT_EQ(Sent<base::TableChanges>(kPeer).at(0).changes.size(), 2u);
  feed_.Follow(kOther, {7, 0}, effects_);  // older than the history
  EXPECT_EQ(Sent<base::TableListing>(kOther).size(), 1u);
  feed_.Follow(kOther, {6, 4}, effects_);  // of another life
  feed_.Follow(kOther, {7, 9}, effects_);  // of the future
  EXPECT_EQ(Sent<base::TableListing>(kOther).size(), 3u);
}

TEST_F(TableFeedTest, WhoFallsOutOfTheHistoryIsListedAgain) {
  feed_.Follow(kPeer, {}, effects_);
  for (const char* const key : {"a", "b", "c", "d"}) feed_.Put(key, Value("1"));
  Flush();
  EXPECT_EQ(Sent<base::TableListing>(kPeer).size(), 1u);
  feed_.Drop(kPeer);
  feed_.Put("e", Value("1"));
  Flush();
  EXPECT_TRUE(effects_.empty());
}

TEST_F(TableFeedTest, ALargeListingComesInParts) {
  const std::string large(TableFeed::kPartBytes / 2, 'x');
  for (const char* const key : {"a", "b", "c", "d", "e"}) {
    feed_.Put(key, Value(large));
  }
  feed_.Follow(kPeer, {}, effects_);
  const auto parts = Sent<base::TableListing>(kPeer);
  ASSERT_EQ(parts.size(), 3u);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ(parts[i].more, i + 1 < parts.size());
    EXPECT_EQ(parts[i].listing.cursor, (base::Cursor{7, 5}));
    for (const auto& item : parts[i].listing.items) keys.push_back(item.key);
  }
  EXPECT_EQ(keys, (std::vector<std::string>{"a", "b", "c", "d", "e"}));
}

}  // namespace
}  // namespace mobula::gcs
