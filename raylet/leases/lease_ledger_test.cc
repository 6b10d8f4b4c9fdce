#include "raylet/leases/lease_ledger.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace mobula::raylet {
namespace {

using base::LeaseId;
using base::ProcessId;
using base::ResourceVector;

const ProcessId kOwner{1, 1};

Lease MakeLease(std::uint64_t id, ResourceVector shape) {
  Lease lease;
  lease.lease = LeaseId{2, id};
  lease.owner = kOwner;
  lease.worker = ProcessId{3, id};
  lease.shape = std::move(shape);
  return lease;
}

TEST(LeaseLedgerTest, HoldsAndGivesBack) {
  LeaseLedger ledger(ResourceVector::Cpus(2).With("gpu", 1));
  ledger.Grant(MakeLease(1, ResourceVector::Cpus(1.5).With("gpu", 1)));
  EXPECT_EQ(ledger.free(), ResourceVector::Cpus(0.5));
  EXPECT_TRUE(ledger.Owns(kOwner));
  EXPECT_EQ(ledger.FindOfWorker(ProcessId{3, 1})->lease, (LeaseId{2, 1}));
  ledger.End(LeaseId{2, 1});
  EXPECT_EQ(ledger.free(), ledger.total());
  EXPECT_FALSE(ledger.Owns(kOwner));
  EXPECT_TRUE(ledger.HasEnded(kOwner, LeaseId{2, 1}));
}

TEST(LeaseLedgerTest, ABlockedLeaseLendsItsCpusOnly) {
  LeaseLedger ledger(ResourceVector::Cpus(1).With("gpu", 1));
  ledger.Grant(MakeLease(1, ResourceVector::Cpus(1).With("gpu", 1)));
  ledger.SetBlocked(LeaseId{2, 1}, true);
  ledger.SetBlocked(LeaseId{2, 1}, true);
  EXPECT_EQ(ledger.free(), ResourceVector::Cpus(1));
  ledger.Grant(MakeLease(2, ResourceVector::Cpus(1)));
  ledger.SetBlocked(LeaseId{2, 1}, false);
  EXPECT_EQ(ledger.free().GetUnits("cpu"), -ResourceVector::kUnit);
  ledger.CheckInvariants();
  ledger.SetBlocked(LeaseId{2, 1}, true);
  ledger.End(LeaseId{2, 1});
  ledger.End(LeaseId{2, 2});
  EXPECT_EQ(ledger.free(), ledger.total());
}

TEST(LeaseLedgerTest, WhatEndedIsRememberedWithABound) {
  LeaseLedger ledger{ResourceVector()};
  for (std::uint64_t id = 1; id <= LeaseLedger::kEndedMax + 1; ++id) {
    ledger.RememberEnded(kOwner, LeaseId{2, id});
  }
  EXPECT_FALSE(ledger.HasEnded(kOwner, LeaseId{2, 1}));
  EXPECT_TRUE(ledger.HasEnded(kOwner, LeaseId{2, 2}));
  ledger.ForgetOwner(kOwner);
  EXPECT_FALSE(ledger.HasEnded(kOwner, LeaseId{2, 2}));
}

TEST(LeaseLedgerTest, FreeAndLeasedAreTheTotalWhateverHappens) {
  std::mt19937 random(3);
  LeaseLedger ledger(ResourceVector::Cpus(16).With("gpu", 4));
  std::vector<LeaseId> granted;
  std::uint64_t id = 1;
  for (int step = 0; step < 5000; ++step) {
    const ResourceVector shape = ResourceVector::Cpus(random() % 5 * 0.3)
                                     .With("gpu", random() % 3 * 0.1);
    if (random() % 2 == 0 && ledger.free().Fits(shape)) {
      const Lease lease = MakeLease(id++, shape);
      granted.push_back(lease.lease);
      ledger.Grant(lease);
    } else if (!granted.empty()) {
      const std::size_t at = random() % granted.size();
      if (random() % 2 == 0) {
        ledger.SetBlocked(granted[at], random() % 2 == 0);
      } else {
        ledger.End(granted[at]);
        granted.erase(granted.begin() + static_cast<std::ptrdiff_t>(at));
      }
    }
    ledger.CheckInvariants();
  }
  EXPECT_GT(id, 500u);
  for (const LeaseId lease : granted) ledger.End(lease);
  EXPECT_EQ(ledger.free(), ledger.total());
}

}  // namespace
}  // namespace mobula::raylet
