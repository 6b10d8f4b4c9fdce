#include "tests/sim/directory_audit.h"

#include <gtest/gtest.h>

#include "base/boot_time.h"
#include "raylet/core/events.h"

namespace mobula::sim {
namespace {

constexpr base::NodeId kNode{1, 1};
constexpr base::ProcessId kProcess{2, 1};
constexpr base::ObjectId kObject{3, 1};
constexpr std::uint64_t kStoreBytes = 4 << 20;

class DirectoryAuditTest : public testing::Test {
 protected:
  DirectoryAuditTest() : store_({.bytes_max = kStoreBytes}, base::IdSource(9)) {
    store_.ProcessCame(kProcess, {4, 1}, "one");
    Tell(base::LeaseArena{{5, 1}, 100});
    const base::ArenaId arena =
        std::get<raylet::MakeArena>(effects_.front()).arena;
    store_.Happened(raylet::ArenaMade{arena}, {}, effects_);
    Tell(base::ObjectStored{{kObject, kProcess}, {arena, 64, 100, 1}});
  }
  void Tell(const base::Message& message) {
    store_.Received(kProcess, message, {}, effects_);
    store_.Pump({}, effects_);
  }
  [[nodiscard]] std::string Compare(std::uint64_t byte_count) const {
    base::ObjectsAnswer told;
    told.objects.push_back(
        {kObject, kProcess, {4, 1}, {{kNode, {byte_count, 1, 0}}}, {}});
    return CompareDirectory(told, {{kNode, &store_}});
  }

  raylet::ObjectStore store_;
  raylet::Effects effects_;
};

TEST_F(DirectoryAuditTest, WhatIsAsItIsThereAgrees) {
  EXPECT_EQ(Compare(100), "");
}

TEST_F(DirectoryAuditTest, WhatIsMissingOrOtherwiseDoesNot) {
  EXPECT_NE(CompareDirectory({}, {{kNode, &store_}}), "");
  EXPECT_NE(Compare(99), "");
}

TEST_F(DirectoryAuditTest, WhatIsGoneDoesNot) {
  Tell(base::FreeObjects{{{kObject, {}}}});
  EXPECT_NE(Compare(100), "");
  EXPECT_EQ(CompareDirectory({}, {{kNode, &store_}}), "");
}

}  // namespace
}  // namespace mobula::sim
