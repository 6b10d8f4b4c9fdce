#include "runtime/tasks/lease_cache.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/scheduling/resource_vector.h"
#include "runtime/core/events.h"
#include "runtime/core/produced.h"

namespace mobula::runtime {
namespace {

using base::BootTime;
using base::ResourceVector;

constexpr base::ProcessId kRaylet{1, 2};

class LeaseCacheTest : public testing::Test {
 protected:
  LeaseCacheTest() { out_.effects = &effects_; }

  // Requests or other messages of one kind since the last look.
  template <class M>
  std::vector<M> Take() {
    std::vector<M> found;
    for (const Effect& effect : effects_) {
      const auto* send = std::get_if<Send>(&effect);
      if (send == nullptr) continue;
      if (const auto* message = std::get_if<M>(&send->message)) {
        found.push_back(*message);
      }
    }
    effects_.clear();
    return found;
  }
  LeaseCache::Lease& Grant(base::LeaseId lease, std::uint64_t worker) {
    LeaseCache::Lease* granted =
        cache_.Grant({lease, base::ProcessId{2, worker}, 1}, now_);
    EXPECT_NE(granted, nullptr);
    return *granted;
  }

  base::IdSource ids_{42};
  LeaseCache cache_{base::JobId{9, 9}, ids_};
  Effects effects_;
  Produced out_;
  BootTime now_ = BootTime::FromSinceBoot(std::chrono::seconds(1));
};

TEST_F(LeaseCacheTest, AsksForWhatQueueAndNodeAllow) {
  const auto one = cache_.Use(ResourceVector::Cpus(1));
  const auto half = cache_.Use(ResourceVector::Cpus(0.5));
  const auto none = cache_.Use(ResourceVector());
  const auto huge = cache_.Use(ResourceVector::Cpus(1'000));
  cache_.Ask(one, {5}, "F", now_, out_);
  EXPECT_TRUE(Take<base::RequestLease>().empty());  // no raylet yet
  cache_.Joined(kRaylet, ResourceVector::Cpus(4));
  cache_.Ask(one, {2}, "F", now_, out_);
  EXPECT_EQ(Take<base::RequestLease>().size(), 2u);
  cache_.Ask(one, {100}, "F", now_, out_);
  EXPECT_EQ(Take<base::RequestLease>().size(), 2u);
  cache_.Ask(half, {100}, "F", now_, out_);
  EXPECT_EQ(Take<base::RequestLease>().size(), 8u);
  cache_.Ask(none, {1'000}, "F", now_, out_);
  EXPECT_EQ(Take<base::RequestLease>().size(), LeaseCache::kRequestsMax);
  cache_.Ask(huge, {7}, "F", now_, out_);  // to be refused by name
  EXPECT_EQ(Take<base::RequestLease>().size(), 1u);
  cache_.Ask(one, {0}, "F", now_, out_);
  EXPECT_EQ(Take<base::CancelLease>().size(), 4u);
}

TEST_F(LeaseCacheTest, AShapeIsForgottenWithItsLastUserAndLease) {
  cache_.Joined(kRaylet, ResourceVector::Cpus(4));
  const auto shape = cache_.Use(ResourceVector::Cpus(1));
  cache_.Ask(shape, {1}, "F", now_, out_);
  LeaseCache::Lease& lease = Grant(Take<base::RequestLease>()[0].lease, 1);
  cache_.Unuse(shape);
  EXPECT_EQ(cache_.Use(ResourceVector::Cpus(1)), shape);  // its lease is kept
  cache_.Unuse(shape);
  cache_.Return(lease, false, out_);
  EXPECT_EQ(cache_.size(), 0u);
  EXPECT_EQ(cache_.Use(ResourceVector::Cpus(2)), shape);  // the place is free
}

TEST_F(LeaseCacheTest, WorkIsSpreadAndBounded) {
  cache_.Joined(kRaylet, ResourceVector::Cpus(2));
  const auto shape = cache_.Use(ResourceVector::Cpus(1));
  cache_.Ask(shape, {2}, "F", now_, out_);
  const auto requests = Take<base::RequestLease>();
  ASSERT_EQ(requests.size(), 2u);
  Grant(requests[0].lease, 1);
  Grant(requests[1].lease, 2);
  std::uint64_t pushed = 0;
  while (LeaseCache::Lease* lease = cache_.Pick(shape, 50'000)) {
    cache_.Push(*lease, {5, ++pushed}, {6, 1}, 50'000, now_);
    EXPECT_EQ(lease->worker.lo, 2 - pushed % 2);  // in turn
  }
  EXPECT_EQ(pushed, 8u);  // 200 us on each
}

TEST_F(LeaseCacheTest, ALeaseIsLookedAtWhenIdleAndWhenItsFirstTaskIsLong) {
  cache_.Joined(kRaylet, ResourceVector::Cpus(2));
  const auto shape = cache_.Use(ResourceVector::Cpus(1));
  cache_.Ask(shape, {1}, "F", now_, out_);
  LeaseCache::Lease& lease = Grant(Take<base::RequestLease>()[0].lease, 1);
  EXPECT_EQ(cache_.Next(), now_ + LeaseCache::kIdle);
  cache_.Push(lease, {5, 1}, {6, 1}, 1'000, now_);
  cache_.Push(lease, {5, 2}, {6, 2}, 1'000, now_);
  EXPECT_EQ(cache_.Next(), now_ + LeaseCache::kRecallAfter);
  EXPECT_EQ(cache_.PopCheck(now_), nullptr);
  now_ = now_ + LeaseCache::kRecallAfter;
  EXPECT_EQ(cache_.PopCheck(now_), &lease);
  EXPECT_TRUE(LeaseCache::IsFirst(lease, {5, 1}));
  EXPECT_TRUE(cache_.Answer(lease, {5, 1}, now_));
  EXPECT_FALSE(cache_.Answer(lease, {5, 1}, now_));
  EXPECT_TRUE(cache_.Answer(lease, {5, 2}, now_));
  EXPECT_EQ(lease.backlog_ns, 0);
  EXPECT_EQ(cache_.Next(), now_ + LeaseCache::kIdle);
}

TEST_F(LeaseCacheTest, CoroutinesThatWaitKeepTheLeaseButNoRoomOnIt) {
  cache_.Joined(kRaylet, ResourceVector::Cpus(2));
  const auto plain = cache_.Use(ResourceVector::Cpus(1));
  const auto shape = cache_.Use(ResourceVector::Cpus(1), true);
  EXPECT_NE(shape, plain);
  EXPECT_EQ(cache_.Use(ResourceVector::Cpus(1), true), shape);
  cache_.Ask(shape, {100}, "F", now_, out_);
  const auto requests = Take<base::RequestLease>();
  ASSERT_EQ(requests.size(), 2u);
  LeaseCache::Lease& lease = Grant(requests[0].lease, 1);
  Grant(requests[1].lease, 2);
  for (std::uint64_t n = 1; n <= 5; ++n) {
    cache_.Push(lease, {5, n}, {6, n}, 200'000, now_);
    EXPECT_FALSE(LeaseCache::HasRoom(lease, 200'000));
    EXPECT_TRUE(cache_.SetAside(lease, {5, n}, now_));
    EXPECT_FALSE(cache_.SetAside(lease, {5, n}, now_));
    EXPECT_TRUE(LeaseCache::HasRoom(lease, 200'000));
    EXPECT_EQ(lease.backlog_ns, 0);
  }
  // Two cpus have two such slots; one that does not serve is replaced.
  cache_.Ask(shape, {100}, "F", now_, out_);
  EXPECT_TRUE(Take<base::RequestLease>().empty());
  cache_.Push(lease, {5, 6}, {6, 6}, 200'000, now_);
  cache_.Push(lease, {5, 7}, {6, 7}, 0, now_);
  now_ = now_ + LeaseCache::kRecallAfter;
  EXPECT_EQ(cache_.PopCheck(now_), &lease);
  lease.recalled = true;
  cache_.Recheck(lease, now_);
  cache_.Ask(shape, {100}, "F", now_, out_);
  EXPECT_TRUE(Take<base::RequestLease>().empty());
  now_ = lease.head_since + LeaseCache::kStuckAfter;
  EXPECT_NE(cache_.PopCheck(now_), &lease);  // the other one is idle
  EXPECT_EQ(cache_.PopCheck(now_), &lease);
  cache_.Ask(shape, {100}, "F", now_, out_);
  EXPECT_EQ(Take<base::RequestLease>().size(), 1u);
  cache_.Recheck(lease, now_);
  EXPECT_FALSE(LeaseCache::IsIdle(lease));
  EXPECT_TRUE(cache_.Answer(lease, {5, 6}, now_));
  EXPECT_TRUE(cache_.Answer(lease, {5, 7}, now_));
  for (std::uint64_t n = 1; n <= 5; ++n) {
    EXPECT_FALSE(LeaseCache::IsIdle(lease));
    EXPECT_TRUE(cache_.Answer(lease, {5, n}, now_));
  }
  EXPECT_TRUE(LeaseCache::IsIdle(lease));
  EXPECT_EQ(lease.idle_since, now_);
}

TEST_F(LeaseCacheTest, GrantsOfWhatWasTakenBackAreNotOurs) {
  cache_.Joined(kRaylet, ResourceVector::Cpus(2));
  const auto shape = cache_.Use(ResourceVector::Cpus(1));
  cache_.Ask(shape, {1}, "F", now_, out_);
  const auto requests = Take<base::RequestLease>();
  cache_.Ask(shape, {0}, "F", now_, out_);
  EXPECT_EQ(cache_.Grant({requests[0].lease, {2, 1}, 1}, now_), nullptr);
  LeaseCache::Shape refused = 0;
  EXPECT_FALSE(cache_.Refuse(requests[0].lease, &refused));
}

TEST_F(LeaseCacheTest, AfterARefusalItWaitsBeforeItAsksAgain) {
  cache_.Joined(kRaylet, ResourceVector::Cpus(2));
  const auto shape = cache_.Use(ResourceVector::Cpus(1));
  cache_.Postpone(shape, now_);
  cache_.Ask(shape, {1}, "F", now_, out_);
  EXPECT_TRUE(Take<base::RequestLease>().empty());
  now_ = now_ + LeaseCache::kAskAgain;
  EXPECT_EQ(cache_.ShapeDue(now_), shape);
  cache_.Ask(shape, {1}, "F", now_, out_);
  EXPECT_EQ(Take<base::RequestLease>().size(), 1u);
}

}  // namespace
}  // namespace mobula::runtime
