#include "runtime/debug/lock_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace mobula::runtime {
namespace {

Place At(std::uint32_t line) {
  Place place;
  place.file = "x.cc";
  place.line = line;
  place.function = "F()";
  return place;
}

class LockOrderTest : public testing::Test {
 protected:
  // Asks and takes; what was said.
  std::string Lock(LockOrder::Flow flow, int lock, std::uint32_t line) {
    auto wrong =
        order_.Ask(flow, &locks_.at(static_cast<std::size_t>(lock)), At(line));
    order_.Take(flow, &locks_.at(static_cast<std::size_t>(lock)), At(line));
    return wrong.value_or("");
  }
  void Unlock(int lock) {
    order_.Release(&locks_.at(static_cast<std::size_t>(lock)));
  }
  LockOrder order_;
  std::array<char, 16> locks_{};
};

TEST_F(LockOrderTest, OneOrderIsRight) {
  for (LockOrder::Flow flow = 1; flow < 5; ++flow) {
    EXPECT_EQ(Lock(flow, 0, 1), "");
    EXPECT_EQ(Lock(flow, 1, 2), "");
    EXPECT_EQ(Lock(flow, 2, 3), "");
    Unlock(1);
    Unlock(0);
    Unlock(2);
  }
  EXPECT_EQ(order_.edges(), 3u);
}

TEST_F(LockOrderTest, TwoOrdersAreSaidWithTheirPlaces) {
  Lock(1, 0, 10);
  Lock(1, 1, 11);
  Unlock(1);
  Unlock(0);
  EXPECT_EQ(Lock(2, 1, 20), "");
  const std::string wrong = Lock(2, 0, 21);
  for (const char* const place :
       {"x.cc:10", "x.cc:11", "x.cc:20", "x.cc:21", "F()"}) {
    EXPECT_NE(wrong.find(place), std::string::npos) << wrong;
  }
  Unlock(0);
  Unlock(1);
  // Once.
  Lock(3, 1, 30);
  EXPECT_EQ(Lock(3, 0, 31), "");
}

TEST_F(LockOrderTest, ACircleOfThree) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Lock(1, i, 1), "");
    EXPECT_EQ(Lock(1, i + 1, 2), "");
    Unlock(i);
    Unlock(i + 1);
  }
  Lock(1, 2, 3);
  EXPECT_NE(Lock(1, 0, 4), "");
}

TEST_F(LockOrderTest, OneThatIsLockedByWhoHoldsIt) {
  Lock(1, 0, 1);
  const auto wrong = order_.Ask(1, locks_.data(), At(2));
  ASSERT_TRUE(wrong.has_value());
  EXPECT_NE(wrong->find("who holds it"), std::string::npos);
  // Another one may.
  EXPECT_EQ(order_.Ask(2, locks_.data(), At(3)), std::nullopt);
}

TEST_F(LockOrderTest, ItMayBeReleasedByAnother) {
  Lock(1, 0, 1);
  Unlock(0);
  Unlock(0);  // of one that nobody has seen
  EXPECT_EQ(Lock(1, 1, 2), "");
  EXPECT_EQ(order_.edges(), 0u);
}

TEST_F(LockOrderTest, OneThatIsGoneIsForgotten) {
  Lock(1, 0, 1);
  Lock(1, 1, 2);
  Unlock(1);
  Unlock(0);
  order_.Forget(&locks_[0]);
  EXPECT_EQ(order_.edges(), 0u);
  Lock(2, 1, 3);
  EXPECT_EQ(Lock(2, 0, 4), "");
}

// It complains if, and only if, what was locked has no order.
TEST(LockOrderRandom, FindsExactlyTheCircles) {
  constexpr std::size_t kLocks = 6;
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 chance(seed);
    LockOrder order;
    std::array<char, kLocks> locks{};
    std::array<std::array<bool, kLocks>, kLocks> reaches{};
    bool has_circle = false;
    bool complained = false;
    for (int step = 0; step < 12; ++step) {
      const std::size_t from = chance() % kLocks;
      const std::size_t to = chance() % kLocks;
      if (from == to) continue;
      order.Take(1, &locks[from], At(1));
      complained = order.Ask(1, &locks[to], At(2)).has_value() || complained;
      order.Release(&locks[from]);
      reaches[from][to] = true;
      for (std::size_t k = 0; k < kLocks; ++k) {
        for (std::size_t i = 0; i < kLocks; ++i) {
          for (std::size_t j = 0; j < kLocks; ++j) {
            if (reaches[i][k] && reaches[k][j]) reaches[i][j] = true;
          }
        }
      }
      for (std::size_t i = 0; i < kLocks; ++i) {
        has_circle = has_circle || reaches[i][i];
      }
      ASSERT_EQ(complained, has_circle) << "seed " << seed << " step " << step;
    }
  }
}

TEST(LockOrderBound, KeepsNoMoreThanItMay) {
  LockOrder order;
  std::vector<char> locks(200);
  for (std::size_t i = 0; i < locks.size(); ++i) {
    (void)order.Ask(1, &locks[i], At(1));
    order.Take(1, &locks[i], At(1));
  }
  EXPECT_EQ(order.edges(), LockOrder::kEdgesMax);
}

}  // namespace
}  // namespace mobula::runtime
