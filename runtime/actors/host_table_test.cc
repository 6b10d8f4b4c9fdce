#include "runtime/actors/host_table.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/boot_time.h"
#include "base/ids.h"

namespace mobula::runtime {
namespace {

using base::ActorId;
using base::BootTime;
using base::LeaseId;
using base::ProcessId;

ActorId Actor(std::uint64_t n) { return {8, n}; }
ProcessId Worker(std::uint64_t n) { return {1, n}; }
BootTime At(int seconds) {
  return BootTime::FromSinceBoot(std::chrono::seconds(seconds));
}

class HostTableTest : public testing::Test {
 protected:
  LeaseId Place(std::uint64_t actor, const std::string& class_name = "Cell") {
    return table_.Place(Actor(actor), class_name, ids_).lease;
  }

  HostTable table_;
  base::IdSource ids_{42};
};

TEST_F(HostTableTest, FillsOneAfterTheOther) {
  const LeaseId first = Place(1);
  EXPECT_EQ(Place(2, "Other"), first);
  for (std::uint64_t n = 3; n <= HostTable::kActorsMax; ++n) {
    ASSERT_EQ(Place(n), first);
  }
  const LeaseId second = Place(20'000);
  EXPECT_NE(second, first);
  // There is room again, but not for who has been there.
  table_.Leave(*table_.Find(first), Actor(2), std::nullopt);
  EXPECT_EQ(Place(2), second);
  EXPECT_EQ(Place(20'001), first);
}

TEST_F(HostTableTest, AClassIsSeparatedAfterTheSecondTime) {
  const LeaseId first = Place(1);
  table_.Charge("Cell");
  EXPECT_FALSE(table_.IsSeparated("Cell"));
  EXPECT_EQ(Place(2), first);
  table_.Charge("Cell");
  EXPECT_TRUE(table_.IsSeparated("Cell"));
  const LeaseId own = Place(3);
  EXPECT_NE(own, first);
  EXPECT_EQ(table_.Find(own)->group, "Cell");
  EXPECT_EQ(Place(4), own);
  EXPECT_EQ(Place(5, "Other"), first);
}

TEST_F(HostTableTest, NobodyComesWhereThereAreSignsOfALoss) {
  const LeaseId first = Place(1);
  table_.Granted(*table_.Find(first), Worker(7), 77);
  EXPECT_EQ(table_.OfWorker(Worker(7))->lease, first);
  table_.Find(first)->loss.LinkEnded(At(1));
  EXPECT_NE(Place(2), first);
}

TEST_F(HostTableTest, WhoLeavesIsAwaited) {
  HostTable::Host& host = table_.Place(Actor(1), "Cell", ids_);
  table_.Granted(host, Worker(7), 77);
  table_.Place(Actor(2), "Cell", ids_);
  table_.Leave(host, Actor(1), HostTable::Leaver{"Cell", At(9)});
  table_.Leave(host, Actor(2), HostTable::Leaver{"Cell", At(5)});
  EXPECT_FALSE(host.IsEmpty());
  EXPECT_EQ(host.FirstDeadline(), At(5));
  EXPECT_TRUE(table_.IsLeaving(Actor(1)));
  EXPECT_EQ(table_.Left(Worker(8), Actor(1)), nullptr);
  EXPECT_EQ(table_.Left(Worker(7), Actor(2)), &host);
  EXPECT_EQ(host.FirstDeadline(), At(9));
  const HostTable::Host gone = table_.Take(host.lease);
  EXPECT_EQ(gone.leavers.size(), 1u);
  EXPECT_FALSE(table_.IsLeaving(Actor(1)));
  EXPECT_EQ(table_.OfWorker(Worker(7)), nullptr);
  EXPECT_EQ(table_.size(), 0u);
}

// What is placed, leaves and is lost in any order is what a plain map says.
class Model {
 public:
  explicit Model(std::uint64_t seed) : random_(seed), ids_(seed) {}

  void Step() {
    const ActorId actor = Actor(random_() % 40);
    const std::string class_name(1, static_cast<char>('A' + actor.lo % 4));
    switch (random_() % 5) {
      case 0:
      case 1:
        Place(actor, class_name);
        break;
      case 2:
        Leave(actor, class_name);
        break;
      case 3:
        HearLeft(actor);
        break;
      default:
        if (random_() % 8 == 0) Lose(class_name);
    }
    Compare();
  }

 private:
  void Place(ActorId actor, const std::string& class_name) {
    if (lives_.contains(actor) || table_.IsLeaving(actor)) return;
    HostTable::Host& host = table_.Place(actor, class_name, ids_);
    EXPECT_TRUE(been_[host.lease].insert(actor).second) << "nobody comes back";
    EXPECT_EQ(host.group,
              table_.IsSeparated(class_name) ? class_name : std::string());
    if (host.worker.IsNil() && random_() % 2 == 0) {
      table_.Granted(host, Worker(++workers_), 1);
    }
    lives_[actor] = host.lease;
  }

  void Leave(ActorId actor, const std::string& class_name) {
    const auto at = lives_.find(actor);
    if (at == lives_.end()) return;
    HostTable::Host& host = *table_.Find(at->second);
    if (host.worker.IsNil()) {
      table_.Leave(host, actor, std::nullopt);
    } else {
      table_.Leave(host, actor, HostTable::Leaver{class_name, At(9)});
      leaves_[actor] = host.lease;
    }
    lives_.erase(at);
  }

  void HearLeft(ActorId actor) {
    const auto at = leaves_.find(actor);
    if (at == leaves_.end()) return;
    HostTable::Host& host = *table_.Find(at->second);
    EXPECT_EQ(table_.Left(host.worker, actor), &host);
    leaves_.erase(at);
  }

  void Lose(const std::string& class_name) {
    if (table_.size() == 0) return;
    const std::vector<LeaseId> leases = table_.Leases();
    const HostTable::Host gone = table_.Take(leases[random_() % leases.size()]);
    for (const ActorId each : gone.actors) {
      EXPECT_EQ(lives_.at(each), gone.lease);
      lives_.erase(each);
    }
    for (const auto& [each, leaver] : gone.leavers) {
      EXPECT_EQ(leaves_.at(each), gone.lease);
      leaves_.erase(each);
    }
    if (random_() % 2 == 0) table_.Charge(class_name);
  }

  void Compare() {
    std::size_t living = 0;
    std::size_t leaving = 0;
    for (const LeaseId lease : table_.Leases()) {
      living += table_.Find(lease)->actors.size();
      leaving += table_.Find(lease)->leavers.size();
    }
    EXPECT_EQ(living, lives_.size());
    EXPECT_EQ(leaving, leaves_.size());
  }

  std::mt19937_64 random_;
  base::IdSource ids_;
  HostTable table_;
  std::uint64_t workers_ = 0;
  std::map<ActorId, LeaseId> lives_;
  std::map<ActorId, LeaseId> leaves_;
  std::map<LeaseId, std::set<ActorId>> been_;
};

TEST_F(HostTableTest, KeepsItsInvariantsInAnyOrder) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Model model(seed);
    for (int step = 0; step < 2'000; ++step) model.Step();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace mobula::runtime
