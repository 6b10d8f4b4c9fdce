#include "raylet/nodes/afar_leases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "base/scheduling/resource_vector.h"

namespace mobula::raylet {
namespace {

using base::JobId;
using base::LeaseId;
using base::NodeId;
using base::ProcessId;

constexpr NodeId kThere{1, 1};
constexpr NodeId kElsewhere{2, 1};
constexpr ProcessId kOwner{3, 1};
constexpr ProcessId kWorker{4, 1};

base::RequestLease Request(std::uint64_t number, JobId job = JobId{9, 1}) {
  base::RequestLease request;
  request.lease = LeaseId{5, number};
  request.job = job;
  return request;
}

TEST(AfarLeases, AsksGrantsAndForgets) {
  AfarLeases leases;
  EXPECT_TRUE(leases.Add(kOwner, Request(1)));
  EXPECT_FALSE(leases.Add(kOwner, Request(1)));
  EXPECT_EQ(leases.Waiting(), std::vector<LeaseId>{(LeaseId{5, 1})});
  leases.Sent(LeaseId{5, 1}, kThere);
  EXPECT_EQ(leases.waiting(), 0U);
  EXPECT_EQ(leases.Granted(LeaseId{5, 1}, kElsewhere, kWorker), nullptr);
  ASSERT_NE(leases.Granted(LeaseId{5, 1}, kThere, kWorker), nullptr);
  // What is granted is not turned away any more.
  EXPECT_FALSE(leases.NotNow(LeaseId{5, 1}, kThere));
  EXPECT_EQ(leases.Take(LeaseId{5, 1}).worker, kWorker);
  EXPECT_EQ(leases.size(), 0U);
}

TEST(AfarLeases, OneThatWasTurnedAwayKeepsItsTurnAndRemembersBy) {
  AfarLeases leases;
  for (std::uint64_t i = 1; i <= 3; ++i) leases.Add(kOwner, Request(i));
  leases.Sent(LeaseId{5, 1}, kThere);
  EXPECT_FALSE(leases.NotNow(LeaseId{5, 1}, kElsewhere));
  EXPECT_TRUE(leases.NotNow(LeaseId{5, 1}, kThere));
  EXPECT_EQ(leases.Waiting().front(), (LeaseId{5, 1}));
  EXPECT_TRUE(leases.Find(LeaseId{5, 1})->excluded.contains(kThere));
  leases.Relent();
  EXPECT_TRUE(leases.Find(LeaseId{5, 1})->excluded.empty());
}

TEST(AfarLeases, OfANodeThatIsLostWhatWasGrantedEndsAndTheRestWaits) {
  AfarLeases leases;
  for (std::uint64_t i = 1; i <= 3; ++i) leases.Add(kOwner, Request(i));
  leases.Sent(LeaseId{5, 1}, kThere);
  leases.Sent(LeaseId{5, 2}, kThere);
  leases.Granted(LeaseId{5, 2}, kThere, kWorker);
  const auto lost = leases.LoseNode(kThere);
  ASSERT_EQ(lost.size(), 1U);
  EXPECT_EQ(lost[0].request.lease, (LeaseId{5, 2}));
  EXPECT_EQ(leases.Waiting(),
            (std::vector<LeaseId>{LeaseId{5, 1}, LeaseId{5, 3}}));
  EXPECT_TRUE(leases.LoseNode(kThere).empty());
}

TEST(AfarLeases, WhateverHappensNothingIsLeftOfWhoIsGone) {
  std::mt19937_64 random(7);
  AfarLeases leases;
  std::uint64_t made = 0;
  std::size_t turned_away = 0;
  std::size_t granted = 0;
  for (int step = 0; step < 20'000; ++step) {
    const NodeId node{random() % 3 + 1, 1};
    const ProcessId owner{random() % 4 + 1, 2};
    const JobId job{random() % 2 + 1, 3};
    // Of the last ones: most of the others are gone.
    const LeaseId some{5, made - std::min(made, random() % 32)};
    switch (random() % 8) {
      case 0:
      case 1:
        EXPECT_TRUE(leases.Add(owner, Request(++made, job)));
        break;
      case 2:
        if (const auto* lease = leases.Find(some)) {
          if (lease->node.IsNil()) leases.Sent(some, node);
        }
        break;
      case 3:
        if (leases.Granted(some, node, kWorker) != nullptr) ++granted;
        break;
      case 4:
        if (leases.NotNow(some, node)) ++turned_away;
        break;
      case 5:
        if (leases.Find(some) != nullptr) leases.Take(some);
        break;
      case 6:
        if (random() % 20 == 0) {
          leases.TakeOfOwner(owner);
          EXPECT_EQ(leases.SizeOfOwner(owner), 0U);
        } else if (random() % 20 == 0) {
          leases.TakeOfJob(job);
        }
        break;
      default:
        if (random() % 10 == 0) {
          for (const auto& lease : leases.LoseNode(node)) {
            EXPECT_EQ(lease.worker, kWorker);
          }
        }
    }
    leases.CheckInvariants();
  }
  EXPECT_GT(turned_away, 50U);
  EXPECT_GT(granted, 50U);
}

}  // namespace
}  // namespace mobula::raylet
