// The core and tools that ask what all processes have a part in.
#include <gtest/gtest.h>

#include "raylet/core/core.h"
#include "raylet/core/core_world.h"

namespace mobula::raylet {
namespace {

using namespace test;
using base::RequestId;

constexpr ProcessId kTool{7, 7};

// A core with a store in which a driver has an arena, and workers.
class CoreQuestionsTest : public testing::Test {
 protected:
  static Core::Options WithStore() {
    Core::Options options = OptionsFor(2);
    options.object_store_bytes = std::uint64_t{64} << 20;
    options.pid = 11;
    return options;
  }
  void SetUp() override {
    base::Register driver;
    driver.process = kDriver;
    driver.role = base::Role::kDriver;
    driver.job = kJob;
    driver.pid = 12;
    driver.program = "hello";
    world.Say(kDriver, driver);
    world.RegisterAll();
    for (const Effect& effect :
         world.Say(kDriver, base::LeaseArena{RequestId{8, 1}, 1'000})) {
      const auto* make = std::get_if<MakeArena>(&effect);
      if (make == nullptr) continue;
      for (const Effect& made : world.Do(ArenaMade{make->arena})) {
        const auto* send = std::get_if<SendWithArena>(&made);
        if (send == nullptr) continue;
        arena = std::get<base::ArenaLeased>(send->message).arena;
      }
    }
    ASSERT_FALSE(arena.IsNil());
  }
  void Store(std::uint64_t n) {
    const base::Extent extent{arena, 64 + 8'192 * n, 4'096 + n, 1};
    world.Say(kDriver, base::ObjectStored{{{9, n}, kDriver}, extent});
  }
  // The driver answers what it was asked last, with one row.
  void AnswerAs(ProcessId process) {
    base::RefsAre refs;
    for (const auto& [to, list] : world.Sent<base::ListRefs>()) {
      if (to == process) refs.request = list.request;
    }
    ASSERT_FALSE(refs.request.IsNil());
    refs.objects.resize(1);
    refs.objects[0].name = {{9, 1}, kDriver};
    world.Say(process, refs);
  }
  [[nodiscard]] std::vector<ProcessId> Asked() const {
    std::vector<ProcessId> asked;
    for (const auto& [to, list] : world.Sent<base::ListRefs>()) {
      asked.push_back(to);
    }
    return asked;
  }
  [[nodiscard]] const base::AskedProcess* Find(const base::MemoryListed& all,
                                               ProcessId process) const {
    for (const base::AskedProcess& one : all.processes) {
      if (one.process == process) return &one;
    }
    return nullptr;
  }

  World world{WithStore()};
  base::ArenaId arena;
};

TEST_F(CoreQuestionsTest, WhatProcessesAndTheStoreHoldIsTold) {
  Store(1);
  world.Say(kTool, base::ListMemory());
  Store(2);
  EXPECT_EQ(Asked().size(), 3u) << "the driver and two workers";
  for (const ProcessId process : Asked()) AnswerAs(process);
  const auto parts = world.Sent<base::MemoryPart>();
  ASSERT_EQ(parts.size(), 4u) << "and what the raylet owns";
  for (const auto& [to, part] : parts) EXPECT_EQ(to, kTool);
  EXPECT_EQ(parts[3].second.process, kSelf);
  const auto stored = world.Sent<base::StorePart>();
  ASSERT_EQ(stored.size(), 1u);
  const auto& rows = stored[0].second.objects;
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].object, (base::ObjectName{{9, 2}, kDriver}));
  EXPECT_TRUE(rows[0].is_new) << "it may be of no process that has spoken";
  EXPECT_FALSE(rows[1].is_new);
  EXPECT_EQ(rows[1].copies.byte_count, 4'097u);
  EXPECT_EQ(rows[1].job, kJob);
  const auto listed = world.Sent<base::MemoryListed>();
  ASSERT_EQ(listed.size(), 1u);
  const base::MemoryListed& all = listed[0].second;
  EXPECT_EQ(all.processes.size(), 4u);
  EXPECT_EQ(Find(all, kSelf)->role, "raylet");
  EXPECT_EQ(Find(all, kSelf)->pid, 11);
  EXPECT_EQ(Find(all, kDriver)->role, "driver");
  EXPECT_EQ(Find(all, kDriver)->pid, 12);
  EXPECT_EQ(Find(all, kDriver)->name, "hello");
  EXPECT_TRUE(Find(all, kDriver)->is_complete);
  EXPECT_EQ(all.store.bytes_max, std::uint64_t{64} << 20);
}

TEST_F(CoreQuestionsTest, ASilentWorkerIsSaidToBeThatAtTheDeadline) {
  const LeaseId lease = world.Ask(ResourceVector::Cpus(1), /*for_actor=*/true);
  const ProcessId silent = world.WorkerOf(lease).value();
  world.Say(kTool, base::ListMemory{/*patience_ms=*/700});
  for (const ProcessId process : Asked()) {
    if (process != silent) AnswerAs(process);
  }
  EXPECT_TRUE(world.Sent<base::MemoryListed>().empty());
  EXPECT_EQ(world.timer, world.now + milliseconds(700));
  world.now = world.timer;
  world.Do(Tick());
  const auto listed = world.Sent<base::MemoryListed>();
  ASSERT_EQ(listed.size(), 1u);
  const base::AskedProcess* one = Find(listed[0].second, silent);
  ASSERT_NE(one, nullptr);
  EXPECT_FALSE(one->is_complete);
  EXPECT_EQ(one->silent_ms, 700);
  EXPECT_EQ(one->pid, 50);
  EXPECT_TRUE(one->is_actor);
}

TEST_F(CoreQuestionsTest, AWorkerThatEndsIsNotWaitedFor) {
  const LeaseId lease = world.Ask(ResourceVector::Cpus(1));
  const ProcessId worker = world.WorkerOf(lease).value();
  world.Say(kTool, base::ListMemory());
  for (const ProcessId process : Asked()) {
    if (process != worker) AnswerAs(process);
  }
  world.Exit(worker);
  EXPECT_EQ(world.Sent<base::MemoryListed>().size(), 1u);
}

TEST_F(CoreQuestionsTest, TasksAreAskedOfTheirOwners) {
  const LeaseId lease = world.Ask(ResourceVector::Cpus(1));
  const ProcessId worker = world.WorkerOf(lease).value();
  world.Say(worker, base::TaskBlocked{true});
  world.Say(kTool, base::ListTasks{2'000, 7, {}});
  const auto asked = world.Sent<base::ListOwnTasks>();
  ASSERT_EQ(asked.size(), 3u) << "the driver and two workers";
  EXPECT_EQ(asked[0].second.rows_max, 7u);
  for (const auto& [process, list] : asked) {
    base::TasksAre tasks;
    tasks.request = list.request;
    tasks.rows.resize(1);
    world.Say(process, tasks);
  }
  EXPECT_EQ(world.Sent<base::TaskPart>().size(), 3u);
  const auto listed = world.Sent<base::TasksListed>();
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].first, kTool);
  const base::TasksListed& all = listed[0].second;
  EXPECT_EQ(all.processes.size(), 4u);
  EXPECT_EQ(all.blocked, std::vector<ProcessId>{worker});
  EXPECT_TRUE(world.Sent<base::MemoryListed>().empty());
}

TEST_F(CoreQuestionsTest, AToolThatEndsTakesItsQuestionAlong) {
  world.Say(kTool, base::ListMemory());
  world.Do(PeerLost{kTool});
  for (const ProcessId process : Asked()) AnswerAs(process);
  EXPECT_TRUE(world.Sent<base::MemoryListed>().empty());
  EXPECT_TRUE(world.Sent<base::MemoryPart>().empty());
}

}  // namespace
}  // namespace mobula::raylet
