#include "raylet/objects/arena_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace mobula::raylet {
namespace {

using base::ArenaId;
using base::BootTime;
using base::Extent;
using base::JobId;
using base::ObjectId;
using base::ProcessId;
using base::RequestId;
using std::chrono::milliseconds;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr ProcessId kA{1, 1};
constexpr ProcessId kB{1, 2};
constexpr JobId kJob{2, 1};

// A store of four arenas of 1 MiB, whose shell makes them at once.
class ArenaTableTest : public testing::Test {
 protected:
  ArenaTableTest() : table_({4 * kMiB}, stored_, base::IdSource(1)) {}

  RequestId Ask(ProcessId process, std::uint64_t bytes = 1000) {
    const RequestId request{3, ++requests_};
    table_.Lease(process, kJob, {request, bytes}, effects_);
    Pump();
    return request;
  }
  void Pump() {
    table_.Pump(now_, effects_);
    // What is appended is looked at too.
    for (; seen_ < effects_.size(); ++seen_) {
      const auto* make = std::get_if<MakeArena>(&effects_[seen_]);
      if (make == nullptr) continue;
      const ArenaId arena = make->arena;
      table_.Made(arena, effects_);
      table_.Pump(now_, effects_);
    }
    table_.CheckInvariants();
  }
  // Nil while it waits.
  ArenaId LeasedFor(RequestId request) {
    for (const Effect& effect : effects_) {
      const auto* send = std::get_if<SendWithArena>(&effect);
      if (send == nullptr) continue;
      const auto* leased = std::get_if<base::ArenaLeased>(&send->message);
      if (leased != nullptr && leased->request == request) return leased->arena;
    }
    return ArenaId();
  }
  ArenaId Lease(ProcessId process) { return LeasedFor(Ask(process)); }
  void Store(ArenaId arena) {
    stored_.Add({ObjectId{4, ++objects_}, kA}, {arena, 64, 1000, 1});
    table_.Touch(arena);
  }
  void Quiet(ProcessId process, ArenaId arena, bool quiet) {
    table_.Quiet(process, arena, quiet, now_);
    Pump();
  }
  void Open(ProcessId process, ArenaId arena) {
    table_.Open(process, arena, now_, effects_);
    Pump();
  }
  template <class M>
  int Sent(ProcessId to) {
    int count = 0;
    for (const Effect& effect : effects_) {
      if (const auto* send = std::get_if<Send>(&effect)) {
        if (send->to == to && std::holds_alternative<M>(send->message)) ++count;
      } else if (const auto* with = std::get_if<SendWithArena>(&effect)) {
        if (with->to == to && std::holds_alternative<M>(with->message)) ++count;
      }
    }
    return count;
  }
  // Four arenas of kA; the first is on disk, in the place of which there is
  // another.
  std::vector<ArenaId> SpillOneOfFour() {
    std::vector<ArenaId> arenas;
    for (int i = 0; i < 4; ++i) {
      arenas.push_back(Lease(kA));
      Store(arenas.back());
    }
    const RequestId waits = Ask(kA);
    Quiet(kA, arenas[0], true);
    table_.WasSpilled(arenas[0]);
    Pump();
    arenas.push_back(LeasedFor(waits));
    EXPECT_FALSE(arenas.back().IsNil());
    Store(arenas.back());
    return arenas;
  }
  // Why it has nothing.
  std::vector<base::Failure> Losses(ProcessId to) {
    std::vector<base::Failure> losses;
    for (const Effect& effect : effects_) {
      const auto* send = std::get_if<Send>(&effect);
      if (send == nullptr || send->to != to) continue;
      const auto* lost = std::get_if<base::ArenaLost>(&send->message);
      if (lost != nullptr) losses.push_back(lost->failure);
    }
    return losses;
  }
  template <class E>
  std::vector<ArenaId> Done() {
    std::vector<ArenaId> arenas;
    for (const Effect& effect : effects_) {
      if (const E* e = std::get_if<E>(&effect)) arenas.push_back(e->arena);
    }
    return arenas;
  }

  StoredObjects stored_;
  ArenaTable table_;
  Effects effects_;
  std::size_t seen_ = 0;
  BootTime now_ = BootTime::FromSinceBoot(milliseconds(1000));
  std::uint64_t requests_ = 0;
  std::uint64_t objects_ = 0;
};

TEST_F(ArenaTableTest, WhatCanNeverFitIsRefusedAtOnce) {
  Ask(kA, 4 * kMiB);  // and its header
  Ask(kA, ~std::uint64_t{0});
  EXPECT_EQ(Sent<base::ArenaRefused>(kA), 2);
  EXPECT_FALSE(LeasedFor(Ask(kA, 3 * kMiB)).IsNil());
}

TEST_F(ArenaTableTest, AFullStoreWaitsUntilOneIsReturned) {
  std::vector<ArenaId> arenas;
  for (int i = 0; i < 4; ++i) arenas.push_back(Lease(kA));
  const RequestId waits = Ask(kB);
  EXPECT_TRUE(LeasedFor(waits).IsNil());
  // All writers are asked for one; nobody lets go of what is in use.
  EXPECT_EQ(Sent<base::QuietArena>(kA), 1);
  table_.Return(kA, arenas[3]);
  Pump();
  const ArenaId leased = LeasedFor(waits);
  EXPECT_FALSE(leased.IsNil());
  // Another writer never writes under the same id.
  EXPECT_NE(leased, arenas[3]);
}

TEST_F(ArenaTableTest, TheLeastRecentlyUsedIsSpilledOnceAllAreQuiet) {
  std::vector<ArenaId> arenas;
  for (int i = 0; i < 4; ++i) {
    arenas.push_back(Lease(kA));
    Store(arenas.back());
  }
  Open(kB, arenas[0]);
  const RequestId waits = Ask(kB);
  EXPECT_EQ(Sent<base::QuietArena>(kA), 1);
  Quiet(kA, arenas[1], true);
  EXPECT_EQ(Done<SpillArena>(), std::vector<ArenaId>{arenas[1]});
  EXPECT_TRUE(LeasedFor(waits).IsNil());
  table_.WasSpilled(arenas[1]);
  Pump();
  EXPECT_FALSE(LeasedFor(waits).IsNil());
  EXPECT_TRUE(table_.IsSpilled(arenas[1]));
}

TEST_F(ArenaTableTest, ABusyArenaStaysAndIsLeftAloneForAWhile) {
  std::vector<ArenaId> arenas;
  for (int i = 0; i < 4; ++i) {
    arenas.push_back(Lease(kA));
    Store(arenas.back());
  }
  Ask(kB);
  Quiet(kA, arenas[0], false);
  Quiet(kA, arenas[1], false);
  Quiet(kA, arenas[2], false);
  Quiet(kA, arenas[3], false);
  EXPECT_EQ(Sent<base::QuietArena>(kA), 4);
  EXPECT_TRUE(Done<SpillArena>().empty());
  ASSERT_FALSE(table_.NextDeadline().IsNever());
  now_ = table_.NextDeadline();
  Pump();
  EXPECT_EQ(Sent<base::QuietArena>(kA), 5);
}

TEST_F(ArenaTableTest, WhoDoesNotAnswerHoldsNobodyUp) {
  std::vector<ArenaId> arenas;
  for (int i = 0; i < 4; ++i) {
    arenas.push_back(Lease(i < 2 ? kA : kB));  // A is stopped
    Store(arenas.back());
  }
  const RequestId waits = Ask(kB);
  EXPECT_EQ(Sent<base::QuietArena>(kA), 1);
  EXPECT_EQ(Sent<base::QuietArena>(kB), 0);
  ASSERT_FALSE(table_.NextDeadline().IsNever());
  now_ = table_.NextDeadline();
  Pump();
  // Who owes an answer is not asked for another.
  EXPECT_EQ(Sent<base::QuietArena>(kA), 1);
  EXPECT_EQ(Sent<base::QuietArena>(kB), 1);
  Quiet(kB, arenas[2], true);
  table_.WasSpilled(arenas[2]);
  Pump();
  EXPECT_FALSE(LeasedFor(waits).IsNil());
}

TEST_F(ArenaTableTest, ALateAnswerIsWorthAsMuchAsAnEarlyOne) {
  std::vector<ArenaId> arenas;
  for (int i = 0; i < 4; ++i) {
    arenas.push_back(Lease(kA));
    Store(arenas.back());
  }
  Ask(kB);
  now_ = now_ + milliseconds(10'000);
  Pump();
  EXPECT_EQ(Sent<base::QuietArena>(kA), 1);
  EXPECT_EQ(table_.rounds(), 1u);
  EXPECT_TRUE(table_.NextDeadline().IsNever());
  Quiet(kA, arenas[0], true);
  EXPECT_EQ(Done<SpillArena>(), std::vector<ArenaId>{arenas[0]});
}

TEST_F(ArenaTableTest, AnOpeningThatCrossesTheQuestionKeepsTheArena) {
  const ArenaId arena = Lease(kA);
  Store(arena);
  for (int i = 0; i < 3; ++i) Store(Lease(kA));
  Open(kB, arena);
  for (int i = 0; i < 3; ++i) Ask(kA, 3 * kMiB);  // all must go
  ASSERT_EQ(Sent<base::QuietArena>(kB), 1);
  Open(kB, arena);  // before it has heard the question
  Quiet(kA, arena, true);
  Quiet(kB, arena, true);  // and it maps what it was given after that
  EXPECT_TRUE(Done<SpillArena>().empty());
}

TEST_F(ArenaTableTest, ASpilledArenaIsRestoredForWhoOpensIt) {
  const ArenaId arena = Lease(kA);
  Store(arena);
  for (int i = 0; i < 3; ++i) Lease(kA);
  Ask(kB);
  Quiet(kA, arena, true);
  Open(kB, arena);  // while it is being written
  table_.WasSpilled(arena);
  Pump();
  ASSERT_EQ(Done<RestoreArena>(), std::vector<ArenaId>{arena});
  table_.WasRestored(arena, effects_);
  Pump();
  EXPECT_EQ(Sent<base::ArenaOpened>(kB), 1);
  EXPECT_FALSE(table_.IsSpilled(arena));
}

TEST_F(ArenaTableTest, WhoOpensWhatCannotComeBackIsRefusedInTime) {
  table_.ProcessCame(kA, "Keeper, pid 812");
  const std::vector<ArenaId> arenas = SpillOneOfFour();
  Open(kB, arenas[0]);
  Quiet(kA, arenas[1], false);  // Views of all of them are kept
  const BootTime begin = now_;
  while (!table_.NextDeadline().IsNever() && Losses(kB).empty()) {
    now_ = table_.NextDeadline();
    Pump();
    for (std::size_t i = 1; i < arenas.size(); ++i) {
      Quiet(kA, arenas[i], false);
    }
  }
  ASSERT_EQ(Losses(kB).size(), 1u);
  EXPECT_EQ(now_ - begin, std::chrono::seconds(30));
  const base::Failure failure = Losses(kB)[0];
  EXPECT_EQ(failure.code, base::FailureCode::kObjectStoreFull);
  EXPECT_NE(failure.message.find("Keeper, pid 812 (4 MiB)"), std::string::npos)
      << failure.message;
  EXPECT_NE(failure.message.find("--object-store-memory"), std::string::npos);
  // It may ask again, and is served when there is room.
  Open(kB, arenas[0]);
  for (std::size_t i = 1; i < arenas.size(); ++i) Quiet(kA, arenas[i], false);
  now_ = now_ + std::chrono::seconds(1);
  Pump();
  Quiet(kA, arenas[1], true);
  table_.WasSpilled(arenas[1]);
  Pump();
  EXPECT_EQ(Done<RestoreArena>(), std::vector<ArenaId>{arenas[0]});
}

TEST_F(ArenaTableTest, TheRefusalNamesTheDiskThatTakesNothing) {
  const std::vector<ArenaId> arenas = SpillOneOfFour();
  Open(kB, arenas[0]);
  Quiet(kA, arenas[1], true);
  table_.SpillFailed(
      arenas[1],
      base::NotRun(base::FailureCode::kObjectStoreFull, "cannot spill into /d"),
      now_, effects_);
  now_ = now_ + std::chrono::seconds(30);
  Pump();
  ASSERT_EQ(Losses(kB).size(), 1u);
  EXPECT_NE(Losses(kB)[0].message.find("cannot spill into /d"),
            std::string::npos);
  EXPECT_NE(Losses(kB)[0].message.find("--spill-folder"), std::string::npos);
}

// A disk may hang.
TEST_F(ArenaTableTest, WhoOpensWhatIsBeingBroughtBackIsRefusedInTimeToo) {
  const std::vector<ArenaId> arenas = SpillOneOfFour();
  Open(kB, arenas[0]);
  Quiet(kA, arenas[1], true);
  table_.WasSpilled(arenas[1]);
  Pump();
  ASSERT_EQ(Done<RestoreArena>().size(), 1u);
  ASSERT_FALSE(table_.NextDeadline().IsNever());
  now_ = table_.NextDeadline();
  Pump();
  EXPECT_EQ(Losses(kB).size(), 1u);
  table_.WasRestored(arenas[0], effects_);  // for who asks again
  Pump();
  EXPECT_EQ(Sent<base::ArenaOpened>(kB), 0);
  Open(kB, arenas[0]);
  EXPECT_EQ(Sent<base::ArenaOpened>(kB), 1);
}

TEST_F(ArenaTableTest, WhatIsOnAFullDiskComesBackOneAfterTheOther) {
  std::vector<ArenaId> arenas;
  for (int i = 0; i < 4; ++i) {
    arenas.push_back(Lease(kA));
    Store(arenas.back());
  }
  const RequestId waits = Ask(kA);
  Quiet(kA, arenas[0], true);
  table_.DiskHasRoom(kMiB);  // hardly any
  table_.WasSpilled(arenas[0]);
  Pump();
  // A writer leaves the place free; for it another would have to go.
  EXPECT_TRUE(LeasedFor(waits).IsNil());
  Quiet(kA, arenas[1], true);
  ASSERT_EQ(Done<SpillArena>().size(), 2u);
  table_.DiskHasRoom(0);
  table_.WasSpilled(arenas[1]);
  Pump();
  EXPECT_FALSE(LeasedFor(waits).IsNil());
  Store(LeasedFor(waits));
  const RequestId never = Ask(kA);
  Quiet(kA, arenas[2], true);
  table_.SpillFailed(arenas[2], base::Failure(), now_, effects_);
  Pump();
  for (int i = 0; i < 4; ++i) {
    const ArenaId read = arenas[i % 2];
    Open(kB, read);
    ASSERT_EQ(Done<RestoreArena>().size(), static_cast<std::size_t>(i + 1));
    table_.WasRestored(read, effects_);
    Pump();
    EXPECT_EQ(Sent<base::ArenaOpened>(kB), i + 1);
    // It goes without a disk, and without waiting for it.
    EXPECT_EQ(Sent<base::QuietArena>(kB), i + 1);
    Quiet(kB, read, true);
    EXPECT_EQ(Done<SpillArena>().back(), read);
    table_.WasSpilled(read);
    Pump();
  }
  EXPECT_TRUE(LeasedFor(never).IsNil());
}

TEST_F(ArenaTableTest, AWriterThatLeavesAPlaceFreeHearsWhenTheDiskHasRoom) {
  const ArenaId arena = Lease(kA);
  Store(arena);
  const RequestId large = Ask(kB, 3 * kMiB);
  Quiet(kA, arena, true);
  table_.DiskHasRoom(0);
  table_.WasSpilled(arena);
  Pump();
  EXPECT_TRUE(LeasedFor(large).IsNil());
  const auto looks = [this] {
    return std::count_if(effects_.begin(), effects_.end(), [](const auto& e) {
      return std::holds_alternative<LookAtDisks>(e);
    });
  };
  EXPECT_EQ(looks(), 1);
  ASSERT_FALSE(table_.NextDeadline().IsNever());
  now_ = table_.NextDeadline();
  Pump();
  EXPECT_EQ(looks(), 2);
  table_.DiskHasRoom(100 * kMiB);
  Pump();
  EXPECT_FALSE(LeasedFor(large).IsNil());
}

TEST_F(ArenaTableTest, WhatIsFreedIsDroppedWhenNobodyMapsIt) {
  const ArenaId arena = Lease(kA);
  Store(arena);
  Open(kB, arena);
  table_.ProcessGone(kA, now_);
  std::vector<Extent> freed;
  stored_.FreeAll(ObjectId{4, 1}, freed);
  table_.Freed(arena);
  Pump();
  EXPECT_EQ(Sent<base::QuietArena>(kB), 1);
  EXPECT_EQ(table_.size(), 1u);
  Quiet(kB, arena, true);
  EXPECT_EQ(Done<DropArena>(), std::vector<ArenaId>{arena});
  EXPECT_EQ(table_.charged_bytes(), 0u);
}

TEST_F(ArenaTableTest, WhatHoldsNothingAnyMoreIsWarm) {
  const ArenaId arena = Lease(kA);
  EXPECT_EQ(table_.charged_bytes(), kMiB);
  EXPECT_EQ(table_.warm_bytes(), 0u) << "it is being filled";
  Store(arena);
  EXPECT_EQ(table_.warm_bytes(), 0u);
  std::vector<Extent> freed;
  stored_.FreeAll(ObjectId{4, 1}, freed);
  table_.Freed(arena);
  Pump();
  EXPECT_EQ(table_.charged_bytes(), kMiB);
  EXPECT_EQ(table_.warm_bytes(), kMiB) << "its writer keeps it";
  const ArenaId other = Lease(kB);
  table_.Return(kA, arena);
  Pump();
  EXPECT_EQ(table_.charged_bytes(), 2 * kMiB);
  EXPECT_EQ(table_.warm_bytes(), kMiB) << "it lies ready";
  table_.Return(kB, other);
  Pump();
  EXPECT_EQ(table_.charged_bytes(), 0u);
}

TEST_F(ArenaTableTest, ProcessesGetArenasInTurn) {
  std::vector<ArenaId> arenas;
  for (int i = 0; i < 4; ++i) arenas.push_back(Lease(kA));
  std::vector<RequestId> greedy;
  for (int i = 0; i < 10; ++i) greedy.push_back(Ask(kA));
  const RequestId modest = Ask(kB);
  for (int i = 0; i < 2; ++i) {
    table_.Return(kA, arenas[i]);
    Quiet(kA, arenas[i], true);  // it had been asked
  }
  EXPECT_FALSE(LeasedFor(modest).IsNil());
}

TEST_F(ArenaTableTest, ACancelledRequestIsNotAnsweredAndALeaseIsTakenBack) {
  std::vector<RequestId> requests;
  for (int i = 0; i < 5; ++i) requests.push_back(Ask(kA));
  table_.Cancel(kA, requests[4]);
  EXPECT_EQ(table_.waiting(), 0u);
  table_.Cancel(kA, requests[0]);
  Quiet(kA, LeasedFor(requests[0]), true);  // it had been asked
  EXPECT_TRUE(LeasedFor(requests[4]).IsNil());
  EXPECT_FALSE(LeasedFor(Ask(kB)).IsNil());
}

TEST_F(ArenaTableTest, AFailureToSpillIsTriedAgain) {
  const ArenaId arena = Lease(kA);
  Store(arena);
  for (int i = 0; i < 3; ++i) Store(Lease(kA));
  Ask(kB);
  Quiet(kA, arena, true);
  ASSERT_EQ(Done<SpillArena>().size(), 1u);
  table_.SpillFailed(arena, base::Failure(), now_, effects_);
  Pump();
  EXPECT_EQ(Done<SpillArena>().size(), 1u);
  now_ = now_ + milliseconds(500);
  Pump();
  EXPECT_EQ(Sent<base::QuietArena>(kA), 2);  // another is less recently used
}

TEST_F(ArenaTableTest, WhoOpensWhatCannotBeSpilledAfterAllIsTold) {
  const ArenaId arena = Lease(kA);
  Store(arena);
  for (int i = 0; i < 3; ++i) Store(Lease(kA));
  Ask(kB);
  Quiet(kA, arena, true);
  Open(kB, arena);
  EXPECT_EQ(Sent<base::ArenaOpened>(kB), 0);
  table_.SpillFailed(arena, base::Failure(), now_, effects_);
  Pump();
  EXPECT_EQ(Sent<base::ArenaOpened>(kB), 1);
  table_.CheckInvariants();
}

}  // namespace
}  // namespace mobula::raylet
