#include "tests/netns/link.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace mobula::test {
namespace {

using base::BootTime;
using base::Duration;
using std::chrono::milliseconds;

constexpr int kMany = 20'000;

BootTime At(milliseconds time) { return BootTime::FromSinceBoot(time); }

// One packet of 100 bytes each millisecond.
std::vector<Link::Fate> Fates(const Faults& faults, std::uint64_t seed = 1) {
  Link link(seed);
  link.Set(faults);
  std::vector<Link::Fate> fates;
  for (int i = 0; i < kMany; ++i) {
    fates.push_back(link.Take(100, At(milliseconds(i))));
  }
  return fates;
}

int Copies(const std::vector<Link::Fate>& fates, int copies) {
  return static_cast<int>(std::count_if(
      fates.begin(), fates.end(),
      [copies](const auto& fate) { return fate.copies == copies; }));
}

Duration LateBy(const std::vector<Link::Fate>& fates, int packet) {
  return fates[static_cast<std::size_t>(packet)].leaves -
         At(milliseconds(packet));
}

// Whether `count` of kMany is what a chance gives, to within 2 %.
void ExpectShare(int count, double chance) {
  EXPECT_NEAR(static_cast<double>(count) / kMany, chance, 0.02);
}

TEST(LinkTest, WithoutFaultsAllArriveAtOnce) {
  const auto fates = Fates({});
  for (int i = 0; i < kMany; ++i) {
    EXPECT_EQ(fates[static_cast<std::size_t>(i)].copies, 1);
    EXPECT_EQ(LateBy(fates, i), Duration(0));
  }
}

TEST(LinkTest, ACutLinkCarriesNothing) {
  EXPECT_EQ(Copies(Fates({.cut = true}), 0), kMany);
}

TEST(LinkTest, LossAndCopiesHaveTheirChance) {
  const auto fates = Fates({.loss = 0.3, .duplicate = 0.1});
  ExpectShare(Copies(fates, 0), 0.3);
  ExpectShare(Copies(fates, 2), 0.7 * 0.1);
  EXPECT_EQ(Copies(Fates({.loss = 1}), 0), kMany);
  EXPECT_EQ(Copies(Fates({.duplicate = 1}), 2), kMany);
}

TEST(LinkTest, DelayAndJitterKeepTheOrder) {
  const auto fates =
      Fates({.delay = milliseconds(5), .jitter = milliseconds(20)});
  BootTime last;
  Duration most{};
  for (int i = 0; i < kMany; ++i) {
    const Duration late = LateBy(fates, i);
    EXPECT_GE(late, milliseconds(5));
    EXPECT_LE(late, milliseconds(25));
    most = std::max(most, late);
    EXPECT_GE(fates[static_cast<std::size_t>(i)].leaves, last);
    last = fates[static_cast<std::size_t>(i)].leaves;
  }
  EXPECT_GT(most, milliseconds(20));
}

TEST(LinkTest, ALongTailIsRareAndBounded) {
  Link link(3);
  link.Set({.tail = 0.1, .tail_delay = milliseconds(10)});
  int late = 0;
  Duration most{};
  for (int i = 0; i < kMany; ++i) {
    // So far apart that none waits for another.
    const BootTime now = At(milliseconds(1000) * i);
    const Duration by = link.Take(100, now).leaves - now;
    if (by > Duration(0)) ++late;
    most = std::max(most, by);
  }
  ExpectShare(late, 0.1);
  EXPECT_GT(most, milliseconds(40));
  EXPECT_LE(most, milliseconds(100));
}

TEST(LinkTest, AReorderedPacketIsOvertaken) {
  const auto fates = Fates({.reorder = 0.1, .delay = milliseconds(5)});
  int overtaken = 0;
  for (int i = 0; i + 20 < kMany; ++i) {
    const auto& fate = fates[static_cast<std::size_t>(i)];
    if (!fate.overtaken) {
      EXPECT_EQ(LateBy(fates, i), milliseconds(5));
      continue;
    }
    ++overtaken;
    // One that came later left before.
    bool before = false;
    for (int j = i + 1; j < i + 20; ++j) {
      before |= fates[static_cast<std::size_t>(j)].leaves < fate.leaves;
    }
    EXPECT_TRUE(before);
  }
  ExpectShare(overtaken, 0.1);
}

TEST(LinkTest, ASlowLinkSendsOneAfterTheOtherAndLosesWhatHasNoRoom) {
  Link link(1);
  link.Set({.bytes_per_second = 100'000});
  // 1000 bytes are 10 ms.
  EXPECT_EQ(link.Take(1000, At(milliseconds(0))).leaves, At(milliseconds(10)));
  EXPECT_EQ(link.Take(1000, At(milliseconds(0))).leaves, At(milliseconds(20)));
  EXPECT_EQ(link.Take(1000, At(milliseconds(50))).leaves, At(milliseconds(60)));
  int kept = 0;
  while (link.Take(1000, At(milliseconds(50))).copies == 1) ++kept;
  EXPECT_EQ(kept, 25);
}

TEST(LinkTest, HealedItKeepsNobodyWaiting) {
  Link link(1);
  link.Set({.delay = milliseconds(50)});
  EXPECT_EQ(link.Take(1, At(milliseconds(0))).leaves, At(milliseconds(50)));
  link.Set({});
  // But in order.
  EXPECT_EQ(link.Take(1, At(milliseconds(10))).leaves, At(milliseconds(50)));
  EXPECT_EQ(link.Take(1, At(milliseconds(60))).leaves, At(milliseconds(60)));
}

TEST(LinkTest, TheSameSeedGivesTheSameFates) {
  const Faults faults{.loss = 0.2,
                      .duplicate = 0.2,
                      .reorder = 0.2,
                      .delay = milliseconds(3),
                      .jitter = milliseconds(9),
                      .tail = 0.1,
                      .tail_delay = milliseconds(7)};
  const auto same = [](const Link::Fate& a, const Link::Fate& b) {
    return a.copies == b.copies && a.leaves == b.leaves;
  };
  const auto first = Fates(faults, 7);
  const auto again = Fates(faults, 7);
  const auto other = Fates(faults, 8);
  EXPECT_TRUE(std::equal(first.begin(), first.end(), again.begin(), same));
  EXPECT_FALSE(std::equal(first.begin(), first.end(), other.begin(), same));
}

}  // namespace
}  // namespace mobula::test
