#include "runtime/memory/remade_waits.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/events.h"

namespace mobula::runtime {
namespace {

using base::Value;

constexpr base::ObjectId kObject{1, 1};

Value At(std::uint64_t place) {
  return Value::Stored({kObject, {2, 2}}, {base::ArenaId{4, 1}, place, 9, 1});
}

TEST(RemadeWaitsTest, WhatWasUnderWayBeforeTheReportIsNoAnswer) {
  // What the core does where the loss is reported: it runs before the wait.
  RemadeWaits* waits = nullptr;
  std::vector<ReportLost> reports;
  RemadeWaits under_test([&](ReportLost report) {
    reports.push_back(report);
    waits->Settle(kObject, At(64));
    waits->Settle({1, 7}, Value(base::Bytes::Own("another's")));
    waits->Settle(kObject, At(128));
  });
  waits = &under_test;
  const base::Outcome outcome =
      waits->Await(At(64), base::BootTime::Never(), {});
  EXPECT_EQ(std::get<Value>(outcome), At(128));
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].object, At(64).name());
  EXPECT_EQ(reports[0].extent, At(64).extent());
}

TEST(RemadeWaitsTest, AllThatWaitAreToldWhateverPlaceTheyFoundLost) {
  RemadeWaits waits([](const ReportLost&) {});
  std::vector<base::Outcome> told(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < told.size(); ++i) {
    threads.emplace_back([&waits, &told, i] {
      told[i] = waits.Await(At(64 + i % 2), base::BootTime::Never(), {});
    });
  }
  const Value made(base::Bytes::Own("made"));
  std::thread strand([&waits, &made] {
    waits.Settle(kObject, At(64));
    waits.Settle(kObject, made);
  });
  strand.join();
  // Those that came too late for it.
  waits.Close(base::NotRun(base::FailureCode::kShutdown, "it ends"));
  for (std::thread& thread : threads) thread.join();
  for (const base::Outcome& outcome : told) {
    const auto* value = std::get_if<Value>(&outcome);
    if (value != nullptr) {
      EXPECT_TRUE(*value == made || *value == At(64));
    } else {
      EXPECT_EQ(std::get<base::Failure>(outcome).code,
                base::FailureCode::kShutdown);
    }
  }
}

TEST(RemadeWaitsTest, TheDeadlineAndTheEndEndAWait) {
  RemadeWaits waits([](const ReportLost&) {});
  const base::Outcome late =
      waits.Await(At(64), base::BootNow() + std::chrono::milliseconds(1), {});
  EXPECT_EQ(std::get<base::Failure>(late).code, base::FailureCode::kTimeout);
  waits.Close(base::NotRun(base::FailureCode::kShutdown, "it ends"));
  const base::Outcome shut = waits.Await(At(64), base::BootTime::Never(), {});
  EXPECT_EQ(std::get<base::Failure>(shut).code, base::FailureCode::kShutdown);
}

TEST(RemadeWaitsTest, WhoWatchesIsToldOnce) {
  std::vector<ReportLost> reports;
  RemadeWaits waits([&](ReportLost report) { reports.push_back(report); });
  std::vector<base::Outcome> told;
  const auto tell = [&told](base::Outcome outcome) {
    told.push_back(std::move(outcome));
  };
  waits.Watch(At(64), tell);
  EXPECT_EQ(reports.size(), 1u);
  waits.Settle(kObject, At(64));
  EXPECT_TRUE(told.empty());
  waits.Settle(kObject, At(128));
  waits.Settle(kObject, At(192));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(std::get<Value>(told[0]), At(128));
  waits.Watch(At(64), tell);
  const auto end = base::NotRun(base::FailureCode::kShutdown, "it ends");
  waits.Close(end);
  waits.Close(end);
  ASSERT_EQ(told.size(), 2u);
  waits.Watch(At(64), tell);
  ASSERT_EQ(told.size(), 3u);
  for (std::size_t i = 1; i < told.size(); ++i) {
    EXPECT_EQ(std::get<base::Failure>(told[i]).code,
              base::FailureCode::kShutdown);
  }
}

}  // namespace
}  // namespace mobula::runtime
