#include "gcs/tokens/token_table.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <variant>

#include "gcs/core/record.h"

namespace mobula::gcs {
namespace {

constexpr std::int64_t kHour = 3'600'000;
constexpr base::TokenId kToken{1, 2};

std::string Hash(char digit) { return std::string(64, digit); }

// A table over a log that is a map, which can be killed.
class Tokens {
 public:
  explicit Tokens(TokenTable::Options options = {}) : options_(options) {
    Restart();
  }

  void Restart() {
    table_.emplace(options_);
    std::string error;
    for (const auto& [key, value] : log_) {
      const auto id = ParseRecordKey<base::TokenId>(key);
      TokenRecord token;
      ASSERT_TRUE(id && DecodeToken(value.substr(1), &token, &error)) << error;
      ASSERT_TRUE(table_->Restore(*id, token, &error)) << error;
    }
  }
  TokenVerdict Make(std::uint32_t uses = 1, base::TokenId id = kToken,
                    std::int64_t lives_ms = kHour) {
    Effects effects;
    const TokenVerdict verdict =
        table_->Make({1, id, Hash('a'), lives_ms, uses}, now_ms, effects);
    Keep(effects);
    return verdict;
  }
  TokenVerdict Show(char holder, char secret = 'a', base::TokenId id = kToken) {
    Effects effects;
    const TokenVerdict verdict =
        table_->Show({1, {}, id, Hash(secret), Hash(holder)}, now_ms, effects);
    Keep(effects);
    return verdict;
  }
  TokenTable& table() { return *table_; }
  std::size_t written() const { return written_; }
  const std::map<std::string, std::string>& log() const { return log_; }

  std::int64_t now_ms = 1'800'000'000'000;

 private:
  void Keep(const Effects& effects) {
    written_ = effects.size();
    for (const Effect& effect : effects) {
      const auto& write = std::get<Write>(effect);
      if (write.value) {
        log_[write.key] = *write.value;
      } else {
        ASSERT_EQ(log_.erase(write.key), 1U);
      }
    }
    table_->CheckInvariants();
  }

  const TokenTable::Options options_;
  std::optional<TokenTable> table_;
  std::map<std::string, std::string> log_;
  std::size_t written_ = 0;
};

TEST(TokenTableTest, ATokenMakesOneHolderAndNoSecond) {
  Tokens tokens;
  ASSERT_EQ(tokens.Make(), TokenVerdict::kDone);
  EXPECT_EQ(tokens.Show('1'), TokenVerdict::kDone);
  EXPECT_EQ(tokens.written(), 1U);
  EXPECT_EQ(tokens.Show('2'), TokenVerdict::kUsedUp);
  EXPECT_EQ(tokens.written(), 0U);
}

TEST(TokenTableTest, AUseIsNotGivenBackByARestart) {
  Tokens tokens;
  ASSERT_EQ(tokens.Make(), TokenVerdict::kDone);
  tokens.Restart();
  EXPECT_EQ(tokens.Show('1'), TokenVerdict::kDone);
  tokens.Restart();
  EXPECT_EQ(tokens.Show('2'), TokenVerdict::kUsedUp);
}

TEST(TokenTableTest, WhoseAnswerWasLostMayAskAgain) {
  Tokens tokens;
  ASSERT_EQ(tokens.Make(), TokenVerdict::kDone);
  EXPECT_EQ(tokens.Show('1'), TokenVerdict::kDone);
  tokens.Restart();
  EXPECT_EQ(tokens.Show('1'), TokenVerdict::kDone);
  EXPECT_EQ(tokens.written(), 0U);  // nothing new
  tokens.now_ms += kHour;
  EXPECT_EQ(tokens.Show('1'), TokenVerdict::kExpired);
}

TEST(TokenTableTest, ManyMayUseOneThatSaysSo) {
  Tokens tokens;
  ASSERT_EQ(tokens.Make(3), TokenVerdict::kDone);
  for (const char holder : {'1', '2', '1', '3', '2'}) {
    EXPECT_EQ(tokens.Show(holder), TokenVerdict::kDone) << holder;
  }
  EXPECT_EQ(tokens.Show('4'), TokenVerdict::kUsedUp);
}

TEST(TokenTableTest, ItEndsWithItsTime) {
  Tokens tokens;
  ASSERT_EQ(tokens.Make(), TokenVerdict::kDone);
  tokens.now_ms += kHour - 1;
  EXPECT_EQ(tokens.Show('1', 'b'), TokenVerdict::kUnknown);
  tokens.now_ms += 1;
  EXPECT_EQ(tokens.Show('1'), TokenVerdict::kExpired);
  EXPECT_EQ(tokens.written(), 0U);
}

TEST(TokenTableTest, AWrongSecretIsNoToken) {
  Tokens tokens;
  ASSERT_EQ(tokens.Make(), TokenVerdict::kDone);
  EXPECT_EQ(tokens.Show('1', 'b'), TokenVerdict::kUnknown);
  EXPECT_EQ(tokens.Show('1', 'a', {1, 3}), TokenVerdict::kUnknown);
  EXPECT_EQ(tokens.Show('1', 'X'), TokenVerdict::kMalformed);
  EXPECT_EQ(tokens.Show('X'), TokenVerdict::kMalformed);
  // Guessing costs the token nothing.
  EXPECT_EQ(tokens.Show('1'), TokenVerdict::kDone);
}

TEST(TokenTableTest, WhatMakesNoSenseIsNotMade) {
  Tokens tokens;
  EXPECT_EQ(tokens.Make(0), TokenVerdict::kMalformed);
  EXPECT_EQ(tokens.Make(1'001), TokenVerdict::kMalformed);
  EXPECT_EQ(tokens.Make(1, {}), TokenVerdict::kMalformed);
  EXPECT_EQ(tokens.Make(1, kToken, 0), TokenVerdict::kMalformed);
  EXPECT_EQ(tokens.Make(1, kToken, -1), TokenVerdict::kMalformed);
  EXPECT_EQ(tokens.Make(1, kToken, 24 * kHour + 1), TokenVerdict::kMalformed);
  ASSERT_EQ(tokens.Make(), TokenVerdict::kDone);
  EXPECT_EQ(tokens.Make(), TokenVerdict::kMalformed);  // there is one
  EXPECT_EQ(tokens.log().size(), 1U);
}

TEST(TokenTableTest, NoMoreAreOpenAndRememberedThanItsBounds) {
  TokenTable::Options options;
  options.open_max = 3;
  options.over_max = 2;
  Tokens tokens(options);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    ASSERT_EQ(tokens.Make(1, {i, 1}), TokenVerdict::kDone);
  }
  EXPECT_EQ(tokens.Make(1, {4, 1}), TokenVerdict::kTooMany);
  tokens.now_ms += kHour;
  for (std::uint64_t i = 4; i <= 6; ++i) {
    ASSERT_EQ(tokens.Make(1, {i, 1}), TokenVerdict::kDone);
  }
  EXPECT_EQ(tokens.table().size(), 5U);
  EXPECT_EQ(tokens.Show('1', 'a', {1, 1}), TokenVerdict::kUnknown);
  EXPECT_EQ(tokens.Show('1', 'a', {2, 1}), TokenVerdict::kExpired);
  EXPECT_EQ(tokens.log().size(), 5U);
}

TEST(TokenTableTest, RecordsThatCannotBeAreRefused) {
  const auto wrong = [](auto change) {
    TokenRecord token{Hash('a'), 1, 2, 2, {Hash('1')}};
    change(token);
    std::string error;
    TokenRecord read;
    return !DecodeToken(EncodeToken(token), &read, &error);
  };
  EXPECT_FALSE(wrong([](TokenRecord&) {}));
  EXPECT_TRUE(wrong([](TokenRecord& t) { t.secret_hash = "a"; }));
  EXPECT_TRUE(wrong([](TokenRecord& t) { t.made_ms = -1; }));
  EXPECT_TRUE(wrong([](TokenRecord& t) { t.ends_ms = 0; }));
  EXPECT_TRUE(wrong([](TokenRecord& t) { t.ends_ms = kCountMax + 1; }));
  EXPECT_TRUE(wrong([](TokenRecord& t) { t.uses_max = 0; }));
  EXPECT_TRUE(wrong([](TokenRecord& t) { t.holders.resize(3, Hash('1')); }));
  EXPECT_TRUE(wrong([](TokenRecord& t) { t.holders[0] = "x"; }));
}

// However it is used and killed, holders never outnumber uses.
TEST(TokenTableTest, InvariantsUnderRandomUse) {
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    TokenTable::Options options;
    options.open_max = 4;
    options.over_max = 3;
    Tokens tokens(options);
    std::map<base::TokenId, std::uint32_t> uses;
    std::map<base::TokenId, std::set<char>> holders;
    for (int i = 0; i < 200; ++i) {
      const base::TokenId id{random() % 12 + 1, 1};
      switch (random() % 5) {
        case 0: {
          const std::uint32_t wanted = random() % 3 + 1;
          if (tokens.Make(wanted, id) != TokenVerdict::kDone) break;
          uses[id] = wanted;
          holders[id].clear();
          break;
        }
        case 1:
          tokens.now_ms += random() % (kHour / 4);
          break;
        case 2:
          tokens.Restart();
          break;
        default: {
          const char holder = static_cast<char>('0' + random() % 6);
          const char secret = random() % 4 == 0 ? 'b' : 'a';
          const TokenVerdict verdict = tokens.Show(holder, secret, id);
          if (verdict != TokenVerdict::kDone) break;
          EXPECT_EQ(secret, 'a') << "seed " << seed;
          holders[id].insert(holder);
          EXPECT_LE(holders[id].size(), uses[id]) << "seed " << seed;
        }
      }
    }
  }
}

}  // namespace
}  // namespace mobula::gcs
