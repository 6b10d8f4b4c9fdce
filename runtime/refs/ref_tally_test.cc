#include "runtime/refs/ref_tally.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "base/frames/memory_message.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/core/peer_links.h"
#include "runtime/core/produced.h"
#include "runtime/refs/references.h"

namespace mobula::runtime {
namespace {

using base::HeldObject;
using base::ObjectId;
using base::ObjectName;
using base::ProcessId;
using base::RefsAre;
using base::Value;

constexpr ProcessId kSelf{1, 1};
constexpr ProcessId kRaylet{1, 2};
constexpr ProcessId kA{1, 3};
constexpr ProcessId kB{1, 4};

constexpr ObjectName Own(std::uint64_t n) { return {{6, n}, kSelf}; }
constexpr ObjectName OfA(std::uint64_t n) { return {{7, n}, kA}; }

Value Sized(std::size_t bytes, std::vector<ObjectName> refs = {}) {
  return {base::Bytes::Own(std::string(bytes, 'v')), std::move(refs)};
}

class RefTallyTest : public testing::Test {
 protected:
  RefTallyTest() {
    out_.effects = &effects_;
    links_.Joined(kRaylet, out_);
    links_.Attached(kA);
    links_.Attached(kB);
    refs_.Joined(kRaylet);
    refs_.Begin(base::BootTime(), out_);
  }
  ~RefTallyTest() override {
    refs_.Carry();
    refs_.End();
  }

  void SendRefs(ProcessId to, std::vector<ObjectName> refs) {
    base::RunTask run;
    run.args.push_back(Sized(1, std::move(refs)));
    out_.SendTo(to, std::move(run));
    refs_.Carry();
  }
  static const HeldObject* Find(const RefsAre& all, ObjectId object) {
    for (const HeldObject& row : all.objects) {
      if (row.name.object == object) return &row;
    }
    return nullptr;
  }

  PeerLinks links_;
  Effects effects_;
  Produced out_;
  References refs_{kSelf, links_};
};

TEST_F(RefTallyTest, ReferencesAreSplitByWhatHoldsThem) {
  refs_.Put(Own(1).object, Sized(10));
  refs_.Put(Own(2).object, Sized(20, {Own(1), Own(1), OfA(5)}));
  for (int i = 0; i < 3; ++i) refs_.Hold(Own(1));  // two calls, one running
  SendRefs(kA, {Own(1)});
  SendRefs(kB, {OfA(5)});
  RefTally tally(refs_, 100);
  tally.Count(&base::RefCounts::arguments, Own(1).object);
  tally.Count(&base::RefCounts::constructors, Own(1).object);
  tally.Count(&base::RefCounts::running, Own(1).object);
  tally.Count(&base::RefCounts::running, ObjectId{99, 99});
  tally.Count(&base::RefCounts::remaking, Own(2).object);
  const RefsAre all = tally.Take();
  ASSERT_EQ(all.objects.size(), 3u);
  EXPECT_EQ(all.objects[0].name, Own(2)) << "the largest first";
  EXPECT_EQ(all.objects[0].byte_count, 20u);
  EXPECT_TRUE(all.objects[0].is_settled);
  EXPECT_EQ(all.objects[0].counts.handles, 0);
  EXPECT_EQ(all.objects[0].counts.remaking, 1);
  EXPECT_EQ(all.objects[0].inside,
            (std::vector<ObjectName>{Own(1), Own(1), OfA(5)}));
  const HeldObject& one = all.objects[1];
  EXPECT_EQ(one.name, Own(1));
  EXPECT_EQ(one.counts.handles, 1);
  EXPECT_EQ(one.counts.arguments, 1);
  EXPECT_EQ(one.counts.constructors, 1);
  EXPECT_EQ(one.counts.running, 1);
  EXPECT_EQ(one.counts.inside, 2);
  EXPECT_EQ(one.counts.handed, 0);
  ASSERT_EQ(one.lent.size(), 1u);
  EXPECT_EQ(one.lent[0].process, kA);
  const HeldObject& borrowed = all.objects[2];
  EXPECT_EQ(borrowed.name, OfA(5));
  EXPECT_FALSE(borrowed.is_settled);
  EXPECT_EQ(borrowed.counts.handles, 0);
  EXPECT_EQ(borrowed.counts.inside, 1);
  EXPECT_EQ(borrowed.counts.handed, 1);
  EXPECT_EQ(all.objects_left_out, 0u);
}

TEST_F(RefTallyTest, FailuresAndStoredValuesAreSaidToBeThat) {
  refs_.Put(Own(1).object, base::MakeFailure(base::FailureCode::kWorkerDied,
                                             base::Executed::kYes, "no"));
  refs_.Put(Own(2).object,
            Value::Stored(Own(2), {base::ArenaId{4, 1}, 64, 9'000, 1}));
  const RefsAre all = RefTally(refs_, 100).Take();
  EXPECT_TRUE(Find(all, Own(1).object)->is_failure);
  EXPECT_FALSE(Find(all, Own(1).object)->is_stored);
  EXPECT_TRUE(Find(all, Own(2).object)->is_stored);
  EXPECT_EQ(Find(all, Own(2).object)->byte_count, 9'000u);
  EXPECT_TRUE(Find(all, Own(2).object)->inside.empty());
}

TEST_F(RefTallyTest, OnlyTheLargestAreToldAndTheOthersCounted) {
  for (std::uint64_t n = 1; n <= 10; ++n) {
    refs_.Put(Own(n).object, Sized(10 * n));
  }
  const RefsAre all = RefTally(refs_, 3).Take();
  ASSERT_EQ(all.objects.size(), 3u);
  EXPECT_EQ(all.objects[0].name, Own(10));
  EXPECT_EQ(all.objects[2].name, Own(8));
  EXPECT_EQ(all.objects_left_out, 7u);
  EXPECT_EQ(all.bytes_left_out, 280u);
  const RefsAre none = RefTally(refs_, 0).Take();
  EXPECT_TRUE(none.objects.empty());
  EXPECT_EQ(none.objects_left_out, 10u);
}

TEST_F(RefTallyTest, OfVeryManyRefsInsideTheLastAreCountedOnly) {
  refs_.Put(Own(1).object, Sized(1));
  refs_.Put(Own(2).object, Sized(1, std::vector<ObjectName>(
                                        RefTally::kIdsOfRowMax + 5, Own(1))));
  const RefsAre all = RefTally(refs_, 100).Take();
  EXPECT_EQ(Find(all, Own(2).object)->inside.size(), RefTally::kIdsOfRowMax);
  EXPECT_EQ(Find(all, Own(2).object)->left_out, 5u);
  EXPECT_EQ(Find(all, Own(1).object)->counts.inside,
            static_cast<std::int64_t>(RefTally::kIdsOfRowMax + 5));
}

// Whatever happens, the counts of a row are what there is.
TEST_F(RefTallyTest, RandomReferencesAddUp) {
  std::mt19937_64 random(3);
  std::map<std::uint64_t, std::int64_t> handles;
  std::map<std::uint64_t, std::int64_t> mentions;
  std::map<std::uint64_t, std::int64_t> calls;
  for (std::uint64_t n = 1; n <= 200; ++n) {
    std::vector<ObjectName> inside;
    for (std::uint64_t i = random() % 4; i > 0 && n > 1; --i) {
      const std::uint64_t other = 1 + random() % (n - 1);
      inside.push_back(Own(other));
      ++mentions[other];
    }
    refs_.Put(Own(n).object, Sized(random() % 100, std::move(inside)));
    handles[n] = 1;
    for (std::uint64_t i = random() % 3; i > 0; --i) {
      refs_.Hold(Own(n));
      ++(random() % 2 == 0 ? handles : calls)[n];
    }
  }
  RefTally tally(refs_, 1'000);
  for (const auto& [n, count] : calls) {
    for (std::int64_t i = 0; i < count; ++i) {
      tally.Count(&base::RefCounts::arguments, Own(n).object);
    }
  }
  const RefsAre all = tally.Take();
  ASSERT_EQ(all.objects.size(), 200u);
  for (std::size_t i = 0; i < all.objects.size(); ++i) {
    const HeldObject& row = all.objects[i];
    const std::uint64_t n = row.name.object.lo;
    EXPECT_EQ(row.counts.handles, handles[n]) << n;
    EXPECT_EQ(row.counts.inside, mentions[n]) << n;
    EXPECT_EQ(row.counts.arguments, calls[n]) << n;
    if (i == 0) continue;
    EXPECT_GE(all.objects[i - 1].byte_count, row.byte_count);
  }
}

TEST(RefPartsTest, NothingIsOnePart) {
  RefsAre all;
  all.request = {1, 1};
  all.hosts = {2, 2};
  const auto parts = InParts(all);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_TRUE(parts[0].is_last);
  EXPECT_EQ(parts[0].request, all.request);
  EXPECT_EQ(parts[0].hosts, all.hosts);
}

TEST(RefPartsTest, PartsAreBoundedInRowsAndIds) {
  RefsAre all;
  all.objects_left_out = 7;
  all.actors.resize(3);
  all.objects.resize(2'500);
  for (std::uint64_t n = 0; n < all.objects.size(); ++n) {
    all.objects[n].name = Own(n + 1);
    all.objects[n].inside.resize(n < 20 ? 5'000 : 1);
  }
  const auto parts = InParts(all);
  EXPECT_GT(parts.size(), 5u);
  std::uint64_t next = 1;
  for (const RefsAre& part : parts) {
    std::size_t ids = 0;
    for (const HeldObject& row : part.objects) {
      EXPECT_EQ(row.name, Own(next++));
      ids += row.inside.size();
    }
    EXPECT_LE(part.objects.size() + part.actors.size(), base::kRefRowsMax);
    EXPECT_LT(ids, base::kRefIdsMax + RefTally::kIdsOfRowMax);
    EXPECT_EQ(part.is_last, &part == &parts.back());
    EXPECT_EQ(part.objects_left_out, part.is_last ? 7u : 0u);
  }
  EXPECT_EQ(next, 2'501u);
  EXPECT_EQ(parts[0].actors.size(), 3u);
}

}  // namespace
}  // namespace mobula::runtime
