#include "gcs/objects/published_table.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/control/control_request.h"
#include "base/control/object_records.h"
#include "base/failure.h"
#include "base/ids.h"
#include "gcs/core/events.h"

namespace mobula::gcs {
namespace {

using base::FailureCode;

const base::NodeId kNode{1, 1}, kOther{1, 2};

PublishedTable::Options SmallOptions() {
  PublishedTable::Options options;
  options.names_max = 3;
  options.value_bytes_max = 8;
  options.bytes_max = 64;
  options.lost_max = 1;
  return options;
}

base::PublishedRecord Inline(std::string name, std::string bytes) {
  base::PublishedRecord value;
  value.ns = "ns";
  value.name = std::move(name);
  value.byte_count = bytes.size();
  value.value = base::Bytes::Own(std::move(bytes));
  return value;
}

base::PublishedRecord KeptBy(base::NodeId node, std::string name) {
  base::PublishedRecord value = Inline(std::move(name), "");
  value.byte_count = 1'000'000;
  value.node = node;
  value.object = base::ObjectId{2, 1};
  return value;
}

class PublishedTableTest : public ::testing::Test {
 protected:
  PublishedTableTest() : table_(SmallOptions()) {}
  ~PublishedTableTest() override { table_.CheckInvariants(); }

  // 0 if it was done.
  FailureCode Publish(base::PublishedRecord value, bool replace = false) {
    effects_.clear();
    return CodeOf(
        table_.Publish({std::move(value), replace, {}}, ++wall_ms_, effects_));
  }
  FailureCode Unpublish(std::string name) {
    effects_.clear();
    return CodeOf(table_.Unpublish({"ns", std::move(name)}, effects_));
  }
  FailureCode CodeOf(const base::ControlReply& reply) {
    const auto* const failure = std::get_if<base::Failure>(&reply);
    if (failure == nullptr) return FailureCode();
    EXPECT_TRUE(effects_.empty()) << "a refusal changes nothing";
    message_ = failure->message;
    return failure->code;
  }
  // The bytes, the keeper's number, or the code in code_.
  std::string Find(std::string name) {
    const auto reply = table_.Find({"ns", std::move(name)});
    if (const auto* const failure = std::get_if<base::Failure>(&reply)) {
      message_ = failure->message;
      return failure->code == FailureCode::kObjectLost ? "(lost)" : "(absent)";
    }
    const auto& value = std::get<base::PublishedAnswer>(reply).value;
    if (!value.node.IsNil()) return "at " + std::to_string(value.node.lo);
    return std::string(value.value.view());
  }
  void Die(base::NodeId node) {
    effects_.clear();
    table_.NodeDied(node, "node host is dead: it left", ++wall_ms_, effects_);
  }

  PublishedTable table_;
  Effects effects_;
  std::string message_;
  std::int64_t wall_ms_ = 0;
};

TEST_F(PublishedTableTest, ANameIsHeldUntilItIsTakenAway) {
  EXPECT_EQ(Find("a"), "(absent)");
  EXPECT_NE(message_.find("mobula list objects"), std::string::npos);
  EXPECT_EQ(Publish(Inline("a", "1")), FailureCode());
  EXPECT_EQ(effects_.size(), 1u);
  EXPECT_EQ(Find("a"), "1");
  EXPECT_EQ(Publish(Inline("a", "2")), FailureCode::kNameTaken);
  EXPECT_NE(message_.find("Replace()"), std::string::npos) << message_;
  EXPECT_EQ(Find("a"), "1");
  EXPECT_EQ(Publish(Inline("a", "2"), /*replace=*/true), FailureCode());
  EXPECT_EQ(Find("a"), "2");
  EXPECT_EQ(Unpublish("a"), FailureCode());
  EXPECT_EQ(Find("a"), "(absent)");
  EXPECT_EQ(Unpublish("a"), FailureCode::kNoSuchObject);
  EXPECT_EQ(Publish(Inline("a", "3")), FailureCode());
}

TEST_F(PublishedTableTest, NamespacesAreApart) {
  Publish(Inline("a", "1"));
  base::PublishedRecord other = Inline("a", "2");
  other.ns = "other";
  EXPECT_EQ(Publish(other), FailureCode());
  EXPECT_EQ(Find("a"), "1");
  EXPECT_EQ(table_.size(), 2u);
}

TEST_F(PublishedTableTest, WhatADeadNodeKeptIsLostAndItsNameIsFree) {
  Publish(KeptBy(kNode, "a"));
  Publish(Inline("b", "1"));
  Publish(KeptBy(kOther, "c"));
  EXPECT_EQ(Find("a"), "at 1");
  Die(kNode);
  EXPECT_EQ(effects_.size(), 1u);
  EXPECT_EQ(Find("a"), "(lost)");
  EXPECT_NE(message_.find("node host is dead: it left"), std::string::npos);
  EXPECT_NE(message_.find("Durable()"), std::string::npos) << message_;
  EXPECT_EQ(Find("b"), "1");
  EXPECT_EQ(Find("c"), "at 2");
  EXPECT_EQ(table_.Keepers().size(), 1u);
  EXPECT_EQ(Publish(Inline("a", "2")), FailureCode()) << "nobody has it";
  EXPECT_EQ(Find("a"), "2");
  Die(kNode);
  EXPECT_TRUE(effects_.empty());
}

TEST_F(PublishedTableTest, ANodeIsToldWhatItNeedNotKeep) {
  Publish(KeptBy(kNode, "a"));
  EXPECT_EQ(Publish(KeptBy(kNode, "a")), FailureCode::kNameTaken);
  EXPECT_TRUE(table_.TakeDropped().empty());
  Publish(Inline("a", "1"), /*replace=*/true);
  auto dropped = table_.TakeDropped();
  ASSERT_EQ(dropped.size(), 1u);
  EXPECT_EQ(dropped[0].node, kNode);
  EXPECT_EQ(dropped[0].object, (base::ObjectId{2, 1}));
  Publish(KeptBy(kOther, "b"));
  Unpublish("a");
  EXPECT_TRUE(table_.TakeDropped().empty());
  Unpublish("b");
  EXPECT_EQ(table_.TakeDropped().size(), 1u);
}

TEST_F(PublishedTableTest, WhatANodeHasNotIsLostAndWhatHasNoNameIsDropped) {
  Publish(KeptBy(kNode, "a"));
  Publish(KeptBy(kOther, "b"));
  effects_.clear();
  const base::ObjectId other{2, 7};
  table_.Reconcile(kNode, {{2, 1}, other}, "it lost it", 9, effects_);
  EXPECT_TRUE(effects_.empty());
  EXPECT_EQ(Find("a"), "at 1");
  auto dropped = table_.TakeDropped();
  ASSERT_EQ(dropped.size(), 1u);
  EXPECT_EQ(dropped[0].object, other);
  table_.Reconcile(kNode, {}, "it lost it", 9, effects_);
  EXPECT_EQ(effects_.size(), 1u);
  EXPECT_EQ(Find("a"), "(lost)");
  EXPECT_NE(message_.find("it lost it"), std::string::npos) << message_;
  EXPECT_EQ(Find("b"), "at 2");
  EXPECT_TRUE(table_.TakeDropped().empty());
}

TEST_F(PublishedTableTest, TheOldestLossesAreForgotten) {
  Publish(KeptBy(kNode, "a"));
  Publish(KeptBy(kOther, "c"));
  Die(kOther);
  Die(kNode);
  EXPECT_EQ(Find("c"), "(absent)");
  EXPECT_EQ(Find("a"), "(lost)");
  EXPECT_EQ(Unpublish("a"), FailureCode());
  EXPECT_EQ(table_.size(), 0u);
}

TEST_F(PublishedTableTest, RefusesWhatIsNoNameOrTooMuch) {
  base::PublishedRecord nowhere = Inline("a", "1");
  nowhere.ns = "a/b";
  EXPECT_EQ(Publish(nowhere), FailureCode::kBadArgument);
  EXPECT_EQ(Publish(Inline("", "1")), FailureCode::kBadArgument);
  EXPECT_EQ(Publish(Inline(std::string("a\0b", 3), "1")),
            FailureCode::kBadArgument);
  EXPECT_EQ(Publish(Inline("a", "123456789")), FailureCode::kTooLarge);
  EXPECT_NE(message_.find("at most 8"), std::string::npos) << message_;
  EXPECT_EQ(Publish(Inline(std::string(60, 'a'), "123")), FailureCode::kLimit);
  for (const char* const name : {"a", "b", "c"}) Publish(Inline(name, "1"));
  EXPECT_EQ(Publish(Inline("d", "1")), FailureCode::kLimit);
  EXPECT_EQ(Publish(Inline("c", "2"), true), FailureCode()) << "not a new one";
}

TEST_F(PublishedTableTest, ListsInOrderWithoutBytes) {
  for (const char* const name : {"b", "a", "c"}) Publish(Inline(name, "12"));
  base::PublishedListAnswer answer = table_.List({"", "", 2});
  ASSERT_EQ(answer.values.size(), 2u);
  EXPECT_TRUE(answer.more);
  EXPECT_EQ(answer.values[1].name, "b");
  EXPECT_EQ(answer.values[1].byte_count, 2u);
  EXPECT_EQ(answer.values[1].value.size(), 0u);
  answer = table_.List({"ns", "b", 2});
  ASSERT_EQ(answer.values.size(), 1u);
  EXPECT_FALSE(answer.more);
  EXPECT_EQ(answer.values[0].name, "c");
}

TEST_F(PublishedTableTest, RestoresWhatItWrote) {
  std::string error;
  EXPECT_TRUE(table_.Restore(Inline("a", "1"), &error)) << error;
  EXPECT_TRUE(table_.Restore(KeptBy(kNode, "b"), &error)) << error;
  base::PublishedRecord lost = Inline("c", "");
  lost.cause = "gone";
  lost.since_ms = 1;
  EXPECT_TRUE(table_.Restore(lost, &error)) << error;
  EXPECT_EQ(Find("a"), "1");
  EXPECT_EQ(Find("b"), "at 1");
  EXPECT_EQ(Find("c"), "(lost)");
  EXPECT_FALSE(table_.Restore(Inline("a", "1"), &error));
  EXPECT_FALSE(table_.Restore(Inline("a/b", "1"), &error));
  lost.name = "d";
  lost.since_ms = 2;
  EXPECT_TRUE(table_.Restore(lost, &error)) << error;
  table_.Start(effects_);
  EXPECT_EQ(effects_.size(), 1u) << "more than is remembered";
  EXPECT_EQ(Find("c"), "(absent)");
}

// Random changes against a plain model, and the log against both.
TEST(PublishedTableRandomTest, IsWhatWasPublishedAndSoIsItsLog) {
  int lost = 0;
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    PublishedTable table{PublishedTable::Options{}};
    std::map<std::string, base::PublishedRecord> model;
    std::map<std::string, std::string> log;
    for (int step = 1; step <= 300; ++step) {
      Effects effects;
      const std::string name(1, static_cast<char>('a' + random() % 8));
      const auto known = model.find(name);
      const bool is_held = known != model.end() && known->second.cause.empty();
      switch (random() % 4) {
        case 0:
        case 1: {
          base::PublishValue request;
          request.value = random() % 2 == 0
                              ? Inline(name, std::to_string(step))
                              : KeptBy({1, 1 + random() % 3}, name);
          request.replace = random() % 2 == 0;
          const auto reply = table.Publish(request, step, effects);
          const bool is_done = std::holds_alternative<base::Done>(reply);
          ASSERT_EQ(is_done, request.replace || !is_held);
          if (is_done) model[name] = request.value;
          break;
        }
        case 2: {
          const auto reply = table.Unpublish({"ns", name}, effects);
          ASSERT_EQ(std::holds_alternative<base::PublishedAnswer>(reply),
                    model.erase(name) == 1);
          break;
        }
        default: {
          const base::NodeId node{1, 1 + random() % 3};
          table.NodeDied(node, "dead", step, effects);
          for (auto& [key, value] : model) {
            if (value.node != node) continue;
            value.node = base::NodeId();
            value.cause = "dead";
            ++lost;
          }
        }
      }
      for (const Effect& effect : effects) {
        const auto& write = std::get<Write>(effect);
        if (write.value.has_value()) {
          log[write.key] = *write.value;
        } else {
          log.erase(write.key);
        }
      }
      table.CheckInvariants();
      ASSERT_EQ(table.size(), model.size());
      ASSERT_EQ(log.size(), model.size());
      for (const auto& listed : table.List({"", "", 100}).values) {
        const base::PublishedRecord& expected = model.at(listed.name);
        ASSERT_EQ(listed.node, expected.node);
        ASSERT_EQ(listed.cause, expected.cause);
        ASSERT_EQ(listed.byte_count, expected.byte_count);
      }
    }
  }
  EXPECT_GT(lost, 1'000);
}

}  // namespace
}  // namespace mobula::gcs
