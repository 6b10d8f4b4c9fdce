#include "raylet/objects/kept_values.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/frames/message.h"
#include "base/frames/object_message.h"
#include "base/ids.h"
#include "base/value.h"

namespace mobula::raylet {
namespace {

using base::Extent;
using base::ObjectId;
using base::ProcessId;

constexpr base::ArenaId kArena{1, 1};
constexpr ProcessId kRaylet{2, 9};
constexpr ProcessId kReader{2, 1};
constexpr ProcessId kOther{2, 2};
constexpr base::JobId kJob{5, 1};

ObjectId Id(std::uint64_t lo) { return ObjectId{3, lo}; }
Extent At(std::uint64_t offset, std::uint32_t generation = 1) {
  return {kArena, offset, 5'000, generation};
}

class KeptValuesTest : public testing::Test {
 protected:
  ~KeptValuesTest() override { kept.CheckInvariants(); }

  void Begin(std::uint64_t lo, Extent extent = At(64)) {
    kept.Begin({Id(lo), kRaylet}, kJob, extent);
  }
  void LetGo(std::uint64_t lo) { kept.LetGo(Id(lo), out); }
  // How many of these are kept here.
  std::size_t Borrow(ProcessId from, std::vector<ObjectId> objects) {
    base::BorrowObjects rest;
    const std::size_t all = objects.size();
    kept.Borrow(from, {std::move(objects)}, &rest, out);
    return all - rest.objects.size();
  }
  void Return(ProcessId from, std::uint64_t lo, std::int64_t count) {
    base::ReturnObjects rest;
    kept.Return(from, {{{Id(lo), count}}}, &rest, out);
  }
  template <class M>
  std::vector<M> Sent(ProcessId to) {
    std::vector<M> found;
    for (const auto& [receiver, message] : out.send) {
      const M* m = std::get_if<M>(&message);
      if (receiver == to && m != nullptr) found.push_back(*m);
    }
    return found;
  }

  KeptValues kept;
  KeptValues::Out out;
};

TEST_F(KeptValuesTest, WhatIsNeitherNamedNorLentIsGone) {
  Begin(1);
  EXPECT_TRUE(kept.IsAsked(Id(1)));
  kept.Confirm(Id(1));
  EXPECT_FALSE(kept.IsAsked(Id(1)));
  EXPECT_EQ(kept.Named(), (std::vector<ObjectId>{Id(1)}));
  EXPECT_EQ(kept.JobOf(Id(1)), kJob);
  EXPECT_TRUE(out.gone.empty());
  LetGo(1);
  EXPECT_EQ(out.gone, (std::vector<ObjectId>{Id(1)}));
  EXPECT_EQ(kept.size(), 0u);
  LetGo(1);
  EXPECT_EQ(out.gone.size(), 1u);
  // Refused.
  Begin(2);
  LetGo(2);
  kept.Confirm(Id(2));
  EXPECT_EQ(kept.size(), 0u);
}

TEST_F(KeptValuesTest, ABorrowerIsToldTheValueAndKeepsItWithoutAName) {
  Begin(1);
  kept.Confirm(Id(1));
  EXPECT_EQ(Borrow(kReader, {Id(1), Id(7)}), 1u);
  EXPECT_EQ(Sent<base::ObjectsBorrowed>(kReader).at(0).objects,
            (std::vector<ObjectId>{Id(1)}));
  const auto told = Sent<base::ObjectIs>(kReader);
  ASSERT_EQ(told.size(), 1u);
  const auto& value = std::get<base::Value>(told[0].outcome);
  EXPECT_EQ(value.extent(), At(64));
  EXPECT_EQ(value.name(), (base::ObjectName{Id(1), kRaylet}));
  LetGo(1);
  EXPECT_TRUE(out.gone.empty());
  EXPECT_TRUE(kept.Named().empty());
  Return(kReader, 1, 1);
  EXPECT_TRUE(out.gone.empty()) << "the value's mention is on its way";
  Return(kReader, 1, 1);
  EXPECT_EQ(out.gone.size(), 1u);
}

TEST_F(KeptValuesTest, ADeadBorrowerHoldsNothing) {
  Begin(1);
  Borrow(kReader, {Id(1)});
  Borrow(kOther, {Id(1)});
  LetGo(1);
  kept.ProcessGone(kReader, out);
  EXPECT_TRUE(out.gone.empty());
  kept.ProcessGone(kOther, out);
  EXPECT_EQ(out.gone.size(), 1u);
}

TEST_F(KeptValuesTest, WhoWantsItIsToldAgainAndMayNotNeedIt) {
  Begin(1);
  Borrow(kReader, {Id(1)});
  base::WantObjects rest;
  kept.Want(kReader, {{Id(1), Id(8)}}, &rest, out);
  EXPECT_EQ(rest.objects, (std::vector<ObjectId>{Id(8)}));
  EXPECT_EQ(Sent<base::ObjectIs>(kReader).size(), 2u);
  kept.Want(kOther, {{Id(1)}}, &rest, out);
  EXPECT_TRUE(Sent<base::ObjectIs>(kOther).empty()) << "it borrowed nothing";
  LetGo(1);
  base::ObjectsTaken others;
  kept.Taken(kReader, {{Id(1), Id(8)}}, &others, out);
  EXPECT_EQ(others.objects.size(), 1u);
  Return(kReader, 1, 2);
  EXPECT_EQ(out.gone.size(), 1u);
}

TEST_F(KeptValuesTest, AnExtentGoesToTheNextOneThatIsKeptOverIt) {
  EXPECT_TRUE(kept.HeirOf(At(64)).object.IsNil());
  Begin(1);
  Begin(2);
  EXPECT_EQ(kept.HeirOf(At(64)).object, Id(1));
  EXPECT_TRUE(kept.HeirOf(At(64, 2)).object.IsNil()) << "used anew";
  EXPECT_TRUE(kept.HeirOf(At(128)).object.IsNil());
  LetGo(1);
  EXPECT_EQ(kept.HeirOf(At(64)).object, Id(2));
  LetGo(2);
  EXPECT_TRUE(kept.HeirOf(At(64)).object.IsNil());
}

// Honest borrowers: what they hold is there, what nobody holds is not.
TEST(KeptValuesRandomTest, ValuesLiveAsLongAsTheyAreNamedOrLent) {
  int gone = 0;
  int kept_by_lending = 0;
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    KeptValues kept;
    std::map<ObjectId, bool> named;  // and those that were
    std::map<std::pair<std::uint64_t, ObjectId>, std::int64_t> held;
    std::uint64_t made = 0;
    for (int step = 0; step < 500; ++step) {
      KeptValues::Out out;
      const std::uint64_t reader = 1 + random() % 3;
      const ObjectId object = Id(1 + random() % (made + 1));
      switch (random() % 6) {
        case 0:
          named[Id(++made)] = true;
          kept.Begin({Id(made), kRaylet}, kJob, At(64 * (1 + random() % 4)));
          break;
        case 1:
          kept.Confirm(object);
          break;
        case 2:
          kept.LetGo(object, out);
          if (named.contains(object)) named[object] = false;
          break;
        case 3:
          if (random() % 10 != 0) break;
          kept.ProcessGone({2, reader}, out);
          std::erase_if(held, [reader](const auto& item) {
            return item.first.first == reader;
          });
          break;
        case 4: {
          base::BorrowObjects rest;
          const bool is_here = kept.Has(object);
          kept.Borrow({2, reader}, {{object}}, &rest, out);
          ASSERT_EQ(rest.objects.empty(), is_here);
          if (is_here) held[{reader, object}] += 2;
          break;
        }
        default: {
          const auto it = held.find({reader, object});
          if (it == held.end()) break;
          base::ReturnObjects rest;
          kept.Return({2, reader}, {{{object, it->second}}}, &rest, out);
          ASSERT_TRUE(rest.objects.empty());
          held.erase(it);
        }
      }
      gone += static_cast<int>(out.gone.size());
      kept.CheckInvariants();
      std::map<ObjectId, bool> expected = named;
      std::erase_if(expected, [](const auto& item) { return !item.second; });
      for (const auto& [key, count] : held) {
        kept_by_lending += expected.emplace(key.second, true).second ? 1 : 0;
      }
      ASSERT_EQ(kept.size(), expected.size());
      for (const auto& [id, is_here] : expected) ASSERT_TRUE(kept.Has(id));
    }
  }
  EXPECT_GT(gone, 1'000);
  EXPECT_GT(kept_by_lending, 1'000);
}

}  // namespace
}  // namespace mobula::raylet
