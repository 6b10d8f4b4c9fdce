// What a slot does where arguments lie in the store, are lost or do not come,
// and where the result has no room there.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/executor/slot_thread.h"
#include "runtime/executor/testing/slot_functions.h"
#include "runtime/executor/testing/slot_runs.h"

namespace mobula::runtime::slot_testing {
namespace {

using base::Bytes;
using base::Failure;
using base::FailureCode;

base::Value StoredAt(std::uint64_t place) {
  return base::Value::Stored({base::ObjectId{5, place}, {6, 1}},
                             {base::ArenaId{4, 1}, place, 9, 1});
}

// What lies at 64 is there; the rest is lost, and made again as "made".
std::variant<base::Value, Failure> MapSome(const base::Value& stored,
                                           bool remade,
                                           base::Duration /*patience*/) {
  if (stored.extent().offset == 64) {
    return stored.WithBytes(Bytes::Own("there"));
  }
  if (remade) return base::Value(Bytes::Own("made"));
  return base::NotRun(FailureCode::kObjectLost, "lost");
}

TEST(SlotThread, ATaskThatMissesArgumentsDoesNotRunAndNamesAllOfThem) {
  Execute work = Work(1, kEcho);
  work.args = {StoredAt(64), StoredAt(128), StoredAt(192)};
  Execute good = Work(2, kEcho);
  good.args = {StoredAt(64)};
  const std::vector<Executed> done = RunAll({work, good}, &MapSome);
  EXPECT_EQ(Fails(done[0]).code, FailureCode::kObjectLost);
  EXPECT_EQ(Fails(done[0]).executed, base::Executed::kNo);
  ASSERT_EQ(done[0].lost.size(), 2u);
  EXPECT_EQ(done[0].lost[0].object, StoredAt(128).name());
  EXPECT_EQ(done[0].lost[1].extent, StoredAt(192).extent());
  EXPECT_EQ(Value(done[1]), "there");
  EXPECT_TRUE(done[1].lost.empty());
}

TEST(SlotThread, AnActorWaitsForWhatIsMadeAgain) {
  Execute call = ActorWork(2, kEcho);
  call.args = {StoredAt(128)};
  const std::vector<Executed> done =
      RunAll({ActorWork(1, kConstruct), call}, &MapSome);
  EXPECT_EQ(Value(done[1]), "made");
  EXPECT_TRUE(done[1].lost.empty());
}

// Pushes a call when the one before has ended or stands aside, as the core
// does; what is lost is made again once `makes_at` has ended.
class HoldingSlot {
 public:
  explicit HoldingSlot(std::uint64_t makes_at, base::Outcome made)
      : makes_at_{7, makes_at}, made_(std::move(made)) {}

  std::vector<std::string> Run(std::vector<Execute> works) {
    works_ = std::move(works);
    SlotThread slot(SlotFunctions(), nullptr,
                    {.done = [this](Executed executed) { Done(executed); },
                     .aside =
                         [this](SetAside aside) {
                           Tell("aside", aside.task);
                           GoOn(aside.task);
                         },
                     .map = &MapSome,
                     .remake =
                         [this](const base::Value& lost, auto told) {
                           EXPECT_EQ(lost, StoredAt(128));
                           told_ = std::move(told);
                         }});
    slot_ = &slot;
    PushNext();
    slot.Run();
    return story_;
  }

 private:
  void Tell(const std::string& what, base::TaskId task) {
    story_.push_back(what + " " + std::to_string(task.lo));
  }
  void PushNext() {
    last_ = works_[next_].task;
    slot_->Push(works_[next_++]);
  }
  void GoOn(base::TaskId task) {
    if (task == last_ && next_ < works_.size()) PushNext();
  }
  void Done(const Executed& executed) {
    Tell(Value(executed), executed.task);
    if (++done_ == works_.size()) {
      slot_->Stop();
      return;
    }
    if (executed.task == makes_at_ && told_ != nullptr) told_(made_);
    GoOn(executed.task);
  }

  const base::TaskId makes_at_;
  const base::Outcome made_;
  std::vector<Execute> works_;
  std::size_t next_ = 0;
  std::size_t done_ = 0;
  base::TaskId last_;
  SlotThread* slot_ = nullptr;
  std::function<void(base::Outcome)> told_;
  std::vector<std::string> story_;
};

// Of the caller with that number.
Execute CallFrom(std::uint64_t caller, std::uint64_t task,
                 std::uint64_t function) {
  Execute call = ActorWork(task, function);
  call.owner = {3, caller};
  return call;
}

std::vector<Execute> OneThatMissesItsArgument() {
  Execute misses = CallFrom(1, 2, kEcho);
  misses.args = {StoredAt(64), StoredAt(128)};
  std::swap(misses.args[0], misses.args[1]);
  return {ActorWork(1, kConstruct), misses, CallFrom(1, 3, kIncrement),
          CallFrom(2, 4, kIncrement), CallFrom(1, 5, kIncrement)};
}

TEST(SlotThread, WhoMissesAnArgumentKeepsItsPlaceAndOtherCallersGoOn) {
  HoldingSlot slot(4, base::Value(Bytes::Own("made")));
  EXPECT_EQ(slot.Run(OneThatMissesItsArgument()),
            (std::vector<std::string>{" 1", "aside 2", "aside 3", "1 4",
                                      "made 2", "2 3", "3 5"}));
}

TEST(SlotThread, WhatIsNotMadeAgainFailsTheCallAlone) {
  HoldingSlot slot(4, base::NotRun(FailureCode::kObjectLost, "for good"));
  EXPECT_EQ(slot.Run(OneThatMissesItsArgument()),
            (std::vector<std::string>{" 1", "aside 2", "aside 3", "1 4",
                                      "failure 2", "2 3", "3 5"}));
}

TEST(SlotThread, WhenItsActorEndsAHeldCallIsTurnedAway) {
  std::vector<Execute> works = OneThatMissesItsArgument();
  works[3] = CallFrom(2, 4, kLeave);
  works.pop_back();
  HoldingSlot slot(99, base::Value(Bytes::Own("never")));
  EXPECT_EQ(slot.Run(works),
            (std::vector<std::string>{" 1", "aside 2", "aside 3", "failure 2",
                                      "failure 3", " 4"}));
}

// Has room for one value; for another beside it only after so many refusals.
class ScarceStore {
 public:
  explicit ScarceStore(int refusals) : refusals_(refusals) {}

  std::variant<base::Value, Failure> Map(const base::Value& stored,
                                         base::Duration patience) {
    asked_.push_back(stored.extent().offset);
    if (!held_.expired() && refusals_-- > 0) {
      patiences_.push_back(patience);
      return base::NotRun(FailureCode::kTimeout, "it does not come");
    }
    const auto bytes = std::make_shared<std::string>(
        "at " + std::to_string(stored.extent().offset));
    held_ = bytes;
    return stored.WithBytes(Bytes::Share(bytes, *bytes));
  }

  [[nodiscard]] const std::vector<std::uint64_t>& asked() const {
    return asked_;
  }
  [[nodiscard]] const std::vector<base::Duration>& patiences() const {
    return patiences_;
  }

 private:
  int refusals_;
  std::weak_ptr<std::string> held_;
  std::vector<std::uint64_t> asked_;
  std::vector<base::Duration> patiences_;
};

TEST(SlotThread, WhileAnArgumentDoesNotComeTheOthersAreLetGo) {
  ScarceStore store(3);
  Execute work = Work(1, kEcho);
  work.args = {StoredAt(64), Bytes::Own("short"), StoredAt(128)};
  const std::vector<Executed> done =
      RunAll({work}, [&store](const base::Value& stored, bool /*remade*/,
                              base::Duration patience) {
        return store.Map(stored, patience);
      });
  EXPECT_EQ(Value(done[0]), "at 64");
  // What did not come is waited for with nothing held.
  EXPECT_EQ(store.asked(),
            (std::vector<std::uint64_t>{64, 128, 128, 64, 64, 128, 128, 64}));
  const std::vector<base::Duration>& patiences = store.patiences();
  ASSERT_EQ(patiences.size(), 3u);
  for (std::size_t i = 1; i < patiences.size(); ++i) {
    EXPECT_GT(patiences[i], patiences[0] / 2 * (1 << i));
  }
}

TEST(SlotThread, AResultWithoutRoomIsPlacedWhenTheArgumentsAreLetGo) {
  Story().clear();
  Execute work = Work(1, kNoRoom);
  work.args = {StoredAt(64)};
  const std::vector<Executed> done =
      RunAll({work}, [](const base::Value& stored, bool, base::Duration) {
        auto held = std::make_shared<Counter>();
        const auto bytes = stored.WithBytes(Bytes::Share(held, "there"));
        return std::variant<base::Value, Failure>(bytes);
      });
  EXPECT_EQ(Value(done[0]), "destroyed 0");
  EXPECT_EQ(done[0].digest, 77u);
}

TEST(SlotThread, NoRoomAtAllIsTheOutcome) {
  Execute work = Work(1, kEcho);
  work.args = {StoredAt(64)};
  const std::vector<Executed> done =
      RunAll({work}, [](const base::Value&, bool, base::Duration) {
        return std::variant<base::Value, Failure>(
            base::NotRun(FailureCode::kObjectStoreFull, "pinned"));
      });
  EXPECT_EQ(Fails(done[0]).code, FailureCode::kObjectStoreFull);
  EXPECT_EQ(Fails(done[0]).executed, base::Executed::kNo);
}

}  // namespace
}  // namespace mobula::runtime::slot_testing
