#include "gcs/kv/key_table.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/control/control_request.h"
#include "base/failure.h"
#include "gcs/core/events.h"

namespace mobula::gcs {
namespace {

using base::FailureCode;
using Expected = std::optional<std::uint64_t>;

KeyTable::Options SmallOptions() {
  KeyTable::Options options;
  options.keys_max = 3;
  options.value_bytes_max = 8;
  options.bytes_max = 64;
  return options;
}

class KeyTableTest : public ::testing::Test {
 protected:
  KeyTableTest() : table_(SmallOptions()) {}
  ~KeyTableTest() override { table_.CheckInvariants(); }

  base::ControlReply Put(std::string key, std::string value,
                         Expected expected = {}, std::string ns = "ns") {
    effects_.clear();
    return table_.Put({std::move(ns), std::move(key),
                       base::Bytes::Own(std::move(value)), expected},
                      effects_);
  }
  base::ControlReply Delete(std::string key, Expected expected = {}) {
    effects_.clear();
    return table_.Delete({"ns", std::move(key), expected}, effects_);
  }
  [[nodiscard]] std::string Get(std::string key) const {
    const base::KeyAnswer answer = table_.Get({"ns", std::move(key)});
    return answer.value ? std::string(answer.value->view()) : "(absent)";
  }
  // The version answered, or nothing, with the code in code_.
  Expected Version(const base::ControlReply& reply) {
    code_ = FailureCode();
    if (const auto* const failure = std::get_if<base::Failure>(&reply)) {
      code_ = failure->code;
      EXPECT_TRUE(effects_.empty()) << "a refusal changes nothing";
      return std::nullopt;
    }
    return std::get<base::KeyAnswer>(reply).version;
  }
  [[nodiscard]] std::vector<std::string> List(std::string prefix,
                                              std::string after = "",
                                              std::uint32_t count_max = 9) {
    base::ListKeys request;
    request.ns = "ns";
    request.prefix = std::move(prefix);
    request.after = std::move(after);
    request.count_max = count_max;
    base::KeysAnswer answer = table_.List(request);
    if (answer.more) answer.keys.emplace_back("...");
    return answer.keys;
  }

  KeyTable table_;
  Effects effects_;
  FailureCode code_ = FailureCode();
};

TEST_F(KeyTableTest, VersionsGrowFromOne) {
  EXPECT_EQ(Get("a"), "(absent)");
  EXPECT_EQ(Version(Put("a", "1")), 1u);
  EXPECT_EQ(Version(Put("a", "2")), 2u);
  EXPECT_EQ(Version(Put("b", "3")), 1u);
  EXPECT_EQ(Get("a"), "2");
  EXPECT_EQ(table_.Get({"other", "a"}).version, 0u);
  EXPECT_EQ(effects_.size(), 1u);
}

TEST_F(KeyTableTest, AnExpectedVersionMustFit) {
  EXPECT_EQ(Version(Put("a", "1", 1)), std::nullopt);
  EXPECT_EQ(code_, FailureCode::kConflict);
  EXPECT_EQ(Version(Put("a", "1", 0)), 1u);
  EXPECT_EQ(Version(Put("a", "2", 0)), std::nullopt);
  EXPECT_EQ(Version(Put("a", "2", 1)), 2u);
  EXPECT_EQ(Version(Delete("a", 1)), std::nullopt);
  EXPECT_EQ(Version(Delete("a", 2)), 2u);
  EXPECT_EQ(Version(Delete("a")), 0u);
  EXPECT_TRUE(effects_.empty()) << "it was absent";
}

TEST_F(KeyTableTest, AVersionNeverComesAgain) {
  Put("a", "1");
  Put("a", "2");
  Delete("a");
  EXPECT_EQ(effects_.size(), 2u) << "the key, and the counter";
  EXPECT_EQ(Version(Put("a", "3")), 3u);
  // Nor after a restart.
  KeyTable again(SmallOptions());
  again.RestoreDeleted(2);
  Effects effects;
  EXPECT_EQ(std::get<base::KeyAnswer>(
                again.Put({"ns", "a", base::Bytes(), {}}, effects))
                .version,
            3u);
}

TEST_F(KeyTableTest, RefusesWhatIsNoKeyOrTooMuch) {
  struct Case {
    std::string ns, key, value;
    FailureCode code;
  };
  const std::vector<Case> cases = {
      {"", "a", "1", FailureCode::kBadArgument},
      {"a/b", "a", "1", FailureCode::kBadArgument},
      {std::string("a\0b", 3), "a", "1", FailureCode::kBadArgument},
      {"ns", "", "1", FailureCode::kBadArgument},
      {"ns", std::string(1025, 'a'), "1", FailureCode::kBadArgument},
      {"ns", "a", "123456789", FailureCode::kTooLarge},
      {"ns", std::string(62, 'a'), "1", FailureCode::kLimit},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Version(Put(c.key, c.value, {}, c.ns)), std::nullopt);
    EXPECT_EQ(code_, c.code) << c.ns << " " << c.key;
  }
  for (const char* const key : {"a", "b/with slash", "c"}) Put(key, "1");
  EXPECT_EQ(Version(Put("d", "1")), std::nullopt);
  EXPECT_EQ(code_, FailureCode::kLimit);
  EXPECT_EQ(Version(Put("a", "2")), 2u) << "not a new one";
  Delete("b/with slash");
  EXPECT_EQ(Version(Put("d", "1")), 2u);
}

TEST_F(KeyTableTest, ListsInOrderFromWhereItStopped) {
  for (const char* const key : {"b1", "a", "b2"}) Put(key, "1");
  EXPECT_EQ(List(""), (std::vector<std::string>{"a", "b1", "b2"}));
  EXPECT_EQ(List("b"), (std::vector<std::string>{"b1", "b2"}));
  EXPECT_EQ(List("b", "", 1), (std::vector<std::string>{"b1", "..."}));
  EXPECT_EQ(List("b", "b1", 1), (std::vector<std::string>{"b2"}));
  EXPECT_EQ(List("b", "a"), (std::vector<std::string>{"b1", "b2"}));
  EXPECT_EQ(List("c"), std::vector<std::string>());
}

TEST_F(KeyTableTest, RestoresWhatItWrote) {
  std::string error;
  const base::KeyRecord record{base::Bytes::Own("1"), 4};
  EXPECT_TRUE(table_.Restore("ns", "a", record, &error)) << error;
  EXPECT_EQ(Get("a"), "1");
  EXPECT_FALSE(table_.Restore("ns", "a", record, &error));
  EXPECT_FALSE(table_.Restore("n/s", "a", record, &error));
  EXPECT_FALSE(table_.Restore("ns", "", record, &error));
}

}  // namespace
}  // namespace mobula::gcs
