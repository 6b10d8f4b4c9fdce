#include "runtime/memory/cancel_waits.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <utility>

#include "base/boot_time.h"
#include "base/clock.h"
#include "base/frames/message.h"
#include "runtime/core/events.h"

namespace mobula::runtime {
namespace {

using base::CancelVerdict;

Cancel Request(std::uint64_t n) {
  Cancel cancel;
  cancel.request = {4, n};
  return cancel;
}

TEST(CancelWaitsTest, GivesWhatIsAnswered) {
  CancelWaits* table = nullptr;
  CancelWaits waits([&table](const Cancel& cancel) {
    table->Settle({{4, 77}, CancelVerdict::kNoTask});  // nobody's
    table->Settle({cancel.request, CancelVerdict::kCancelled});
  });
  table = &waits;
  EXPECT_EQ(waits.Ask(Request(1), base::BootTime::Never(), {}),
            CancelVerdict::kCancelled);
}

TEST(CancelWaitsTest, WaitsForAnotherThread) {
  CancelWaits* table = nullptr;
  std::thread answer;
  CancelWaits waits([&](const Cancel& cancel) {
    answer = std::thread([&table, request = cancel.request] {
      table->Settle({request, CancelVerdict::kActorCall});
    });
  });
  table = &waits;
  EXPECT_EQ(waits.Ask(Request(1), base::BootTime::Never(), {}),
            CancelVerdict::kActorCall);
  answer.join();
}

TEST(CancelWaitsTest, EndsAtItsDeadline) {
  CancelWaits waits([](const Cancel&) {});
  EXPECT_FALSE(
      waits.Ask(Request(1), base::BootNow() + std::chrono::milliseconds(1), {})
          .has_value());
}

TEST(CancelWaitsTest, AfterTheEndThereIsNothingToCancel) {
  CancelWaits* table = nullptr;
  CancelWaits waits([&table](const Cancel&) { table->Close(); });
  table = &waits;
  EXPECT_EQ(waits.Ask(Request(1), base::BootTime::Never(), {}),
            CancelVerdict::kFinished);
  EXPECT_EQ(waits.Ask(Request(2), base::BootTime::Never(), {}),
            CancelVerdict::kFinished);
}

}  // namespace
}  // namespace mobula::runtime
