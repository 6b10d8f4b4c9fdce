// What a slot does where arguments lie in the store, are lost or do not come,
// and where the result has no room there.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/events.h"
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

// What lies at 64 is there and held while somebody reads it; what lies at 128
// has room only while that is not held, or after long.
class ScarceStore {
 public:
  std::variant<base::Value, Failure> Map(const base::Value& stored,
                                         base::Duration patience) {
    if (stored.extent().offset == 64) {
      // Between two tries nothing is kept.
      EXPECT_TRUE(held_.expired());
      auto bytes = std::make_shared<std::string>("there");
      held_ = bytes;
      return stored.WithBytes(Bytes::Share(bytes, *bytes));
    }
    patiences_.push_back(patience);
    if (patiences_.size() < 4) {
      return base::NotRun(FailureCode::kTimeout, "it does not come");
    }
    return stored.WithBytes(Bytes::Own("late"));
  }

  [[nodiscard]] const std::vector<base::Duration>& patiences() const {
    return patiences_;
  }

 private:
  std::weak_ptr<std::string> held_;
  std::vector<base::Duration> patiences_;
};

TEST(SlotThread, WhileAnArgumentDoesNotComeTheOthersAreLetGo) {
  ScarceStore store;
  Execute work = Work(1, kEcho);
  work.args = {StoredAt(64), StoredAt(128)};
  const std::vector<Executed> done =
      RunAll({work}, [&store](const base::Value& stored, bool /*remade*/,
                              base::Duration patience) {
        return store.Map(stored, patience);
      });
  EXPECT_EQ(Value(done[0]), "there");
  const std::vector<base::Duration>& patiences = store.patiences();
  ASSERT_EQ(patiences.size(), 4u);
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
