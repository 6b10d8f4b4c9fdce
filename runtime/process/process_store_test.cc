// A process and the node's store: what it leases, fills, maps and gives back
// over its link.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>

#include "base/clock.h"
#include "base/shm/arena_file.h"
#include "base/shm/arena_map.h"
#include "base/shm/extent_header.h"
#include "base/shm/extent_heap.h"
#include "base/value.h"
#include "runtime/memory/fake_store.h"
#include "runtime/process/process.h"
#include "runtime/transport/fake_peer.h"

namespace mobula::runtime {
namespace {

using base::BootTime;
using base::FailureCode;
using base::FunctionId;
using base::ObjectId;
using base::ProcessId;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr ProcessId kSelf{1, 1};
constexpr ProcessId kRaylet{2, 1};
constexpr ProcessId kOwner{3, 1};
const BootTime kNever = BootTime::Never();

base::Outcome ReadArgument(base::Invocation& invocation) {
  return base::Bytes::Own("read: " + std::string(invocation.args[0].view()));
}

const base::FunctionEntry kReader{FunctionId{19, 1}, "reader", "Reader",
                                  &ReadArgument};

std::atomic<Process*> worker_process{nullptr};

base::Outcome StoreResult(base::Invocation& invocation) {
  auto given = worker_process.load()->Allocate(5, kNever);
  const auto room = std::get<Backend::Room>(given);
  std::memcpy(room.bytes.data(), "large", 5);
  return base::Value::Stored(invocation.result, room.extent);
}

const base::FunctionEntry kStorer{FunctionId{19, 2}, "storer", "Storer",
                                  &StoreResult};

Process::Options OptionsOf(base::Role role, base::UniqueFd socket) {
  static const bool registered = [] {
    base::FunctionTable::Get().Register(&kReader);
    base::FunctionTable::Get().Register(&kStorer);
    return true;
  }();
  EXPECT_TRUE(registered);
  Process::Options options;
  options.whoami.process = kSelf;
  options.whoami.role = role;
  options.whoami.job = base::JobId{4, 1};
  options.whoami.program = "test";
  options.raylet_socket = std::move(socket);
  options.functions = &base::FunctionTable::Get();
  return options;
}

constexpr std::uint64_t kHere = 7;  // the maker of FakeStore's ids

// A process and its raylet, which has a store of so many arenas.
struct World {
  explicit World(base::Role role, std::size_t arenas_max = 2,
                 bool has_store = true)
      : store({.arenas_max = arenas_max}) {
    auto [ours, theirs] = SocketPair();
    raylet = std::make_unique<FakePeer>(
        std::move(theirs), kRaylet, base::Role::kRaylet,
        [this, has_store](FakePeer& peer, const base::Message& message) {
          Answer(peer, message, has_store);
        });
    process = std::make_unique<Process>(OptionsOf(role, std::move(ours)));
    const auto error = process->Start(base::BootNow() + seconds(10));
    EXPECT_FALSE(error.has_value());
  }

  void Answer(FakePeer& peer, const base::Message& message, bool has_store) {
    if (std::holds_alternative<base::Register>(message)) {
      base::Registered registered;
      registered.raylet = kRaylet;
      registered.store_bytes = has_store ? 1 << 20 : 0;
      registered.maker = kHere;
      peer.Send(registered);
    } else if (const auto* end = std::get_if<base::EndJob>(&message)) {
      peer.Send(base::JobEnded{end->job});
    } else if (answers_store) {
      store.Hear(message, [&peer](base::Message answer, base::UniqueFd fd) {
        peer.Send(std::move(answer), std::move(fd));
      });
    }
  }

  Backend::Room Allocate(std::uint64_t byte_count) {
    auto room = process->Allocate(byte_count, kNever);
    EXPECT_TRUE(std::holds_alternative<Backend::Room>(room));
    return std::get<Backend::Room>(room);
  }
  bool Quiet(base::ArenaId arena) {
    raylet->Send(base::QuietArena{arena});
    return raylet->Expect<base::ArenaQuiet>().quiet;
  }

  std::atomic<bool> answers_store = true;
  FakeStore store;
  std::unique_ptr<FakePeer> raylet;
  std::unique_ptr<Process> process;
};

template <class T>
std::string CodeOf(const std::variant<T, base::Failure>& result) {
  const auto* failure = std::get_if<base::Failure>(&result);
  return failure == nullptr ? "none"
                            : std::string(base::FailureCodeName(failure->code));
}

TEST(ProcessStore, WithoutAStoreThereIsNoRoom) {
  World world(base::Role::kDriver, 0, /*has_store=*/false);
  EXPECT_FALSE(world.process->HasStore());
  EXPECT_EQ(CodeOf(world.process->Allocate(10, kNever)), "ValueTooLarge");
}

TEST(ProcessStore, WhatIsPutThereIsReadInPlaceAndMayBeSpilledFromThenOn) {
  World world(base::Role::kDriver);
  ASSERT_TRUE(world.process->HasStore());
  const std::string text(10'000, 'x');
  const Backend::Room room = world.Allocate(text.size());
  std::memcpy(room.bytes.data(), text.data(), text.size());
  EXPECT_FALSE(world.Quiet(room.extent.arena));
  const auto object = world.process->NewId<ObjectId>();
  const auto value =
      base::Value::Stored(base::ObjectName{object, kSelf}, room.extent);
  world.process->Post(Put{object, value});
  const auto stored = world.raylet->Expect<base::ObjectStored>();
  EXPECT_EQ(stored.object, (base::ObjectName{object, kSelf}));
  EXPECT_EQ(stored.extent, room.extent);
  const auto settled = world.process->Await(object, kNever);
  ASSERT_TRUE(settled.has_value());
  {
    const auto bytes =
        world.process->Map(std::get<base::Value>(settled->outcome), kNever);
    EXPECT_EQ(std::get<base::Bytes>(bytes).view(), text);
    EXPECT_FALSE(world.Quiet(room.extent.arena));
  }
  EXPECT_TRUE(world.Quiet(room.extent.arena));
}

TEST(ProcessStore, WhatIsDroppedIsFreedAndItsPlaceUsedAnew) {
  World world(base::Role::kDriver, 1);
  const Backend::Room first = world.Allocate(40'000);
  const auto object = world.process->NewId<ObjectId>();
  const base::ObjectName name{object, kSelf};
  world.process->Post(Put{object, base::Value::Stored(name, first.extent)});
  std::thread waiter([&world, &first] {
    const Backend::Room second = world.Allocate(40'000);
    EXPECT_EQ(second.extent.offset, first.extent.offset);
    EXPECT_NE(second.extent.generation, first.extent.generation);
  });
  world.raylet->Expect<base::ObjectStored>();
  world.process->Post(DropObject{object});
  const auto freed = world.raylet->Expect<base::FreeObjects>();
  ASSERT_EQ(freed.objects.size(), 1u);
  EXPECT_EQ(freed.objects[0].object, object);
  world.raylet->Send(base::FreeExtents{{first.extent}});
  waiter.join();
}

TEST(ProcessStore, WaitsForRoomUntilTheRuntimeEnds) {
  World world(base::Role::kDriver, 0);
  std::thread waiter([&world] {
    EXPECT_EQ(CodeOf(world.process->Allocate(10, kNever)), "RuntimeClosed");
  });
  world.raylet->Expect<base::LeaseArena>();
  world.process->Shutdown();
  waiter.join();
}

TEST(ProcessStore, WithItsRayletTheStoreIsGone) {
  World world(base::Role::kDriver, 0);
  std::thread waiter([&world] {
    EXPECT_EQ(CodeOf(world.process->Allocate(10, kNever)), "RayletDied");
  });
  world.raylet->Expect<base::LeaseArena>();
  world.raylet->Close();
  waiter.join();
}

// ---- worker -----------------------------------------------------------------

// A worker that serves on a thread of its own, and an arena that its owner
// wrote.
struct Worker {
  Worker() : world(base::Role::kWorker) {
    world.answers_store = false;
    worker_process = world.process.get();
    owner = std::make_unique<FakePeer>(world.raylet->Attach(kOwner), kOwner,
                                       base::Role::kDriver);
    slot = std::thread([this] { world.process->Serve(); });
  }
  ~Worker() {
    world.raylet->Send(base::Retire());
    slot.join();
    world.process.reset();
  }

  // Runs the reader on a stored argument.
  void Run(const base::Extent& extent) {
    base::RunTask run;
    run.task = base::TaskId{5, 1};
    run.function = kReader.id;
    run.args = {
        base::Value::Stored(base::ObjectName{ObjectId{6, 1}, kOwner}, extent)};
    owner->Send(run);
  }

  World world;
  std::unique_ptr<FakePeer> owner;
  std::thread slot;
};

TEST(WorkerStore, AStoredArgumentIsMappedBeforeTheFunctionRuns) {
  Worker worker;
  std::string error;
  auto file = base::ArenaFile::Make(64 * 1024, &error);
  ASSERT_TRUE(file.has_value()) << error;
  const auto map =
      base::ArenaMap::Open(file->Writable(&error), file->byte_count(),
                           base::ArenaMap::Access::kWrite, &error);
  const base::ArenaId arena{kHere, 1001};
  base::ExtentHeap heap(arena, map->writable());
  const auto room = heap.Allocate(5);
  std::memcpy(room->bytes.data(), "hello", 5);
  worker.Run(room->extent);
  EXPECT_EQ(worker.world.raylet->Expect<base::OpenArena>().arena, arena);
  worker.world.raylet->Send(base::ArenaOpened{arena, file->byte_count()},
                            file->ReadOnly(&error));
  const auto done = worker.owner->Expect<base::TaskDone>();
  ASSERT_EQ(CodeOf(done.outcome), "none");
  EXPECT_EQ(std::get<base::Value>(done.outcome).view(), "read: hello");
  // Nothing of the argument is held once the answer is there.
  EXPECT_TRUE(worker.world.Quiet(arena));
}

TEST(WorkerStore, AStoredResultIsItsOwnersAndRegisteredBeforeItIsTold) {
  Worker worker;
  worker.world.answers_store = true;
  base::RunTask run;
  run.task = base::TaskId{5, 1};
  run.result = ObjectId{6, 1};
  run.function = kStorer.id;
  worker.owner->Send(run);
  const auto done = worker.owner->Expect<base::TaskDone>();
  ASSERT_EQ(CodeOf(done.outcome), "none");
  const auto& value = std::get<base::Value>(done.outcome);
  const auto stored = worker.world.raylet->Expect<base::ObjectStored>();
  EXPECT_EQ(stored.object, (base::ObjectName{run.result, kOwner}));
  EXPECT_EQ(stored.object, value.name());
  EXPECT_EQ(stored.extent, value.extent());
}

TEST(WorkerStore, AnArgumentThatIsLostFailsTheCallAndItNeverRuns) {
  Worker worker;
  const base::ArenaId arena{kHere, 1001};
  worker.Run(base::Extent{arena, 64, 5, 1});
  worker.world.raylet->Expect<base::OpenArena>();
  worker.world.raylet->Send(base::ArenaLost{
      arena, base::MakeFailure(FailureCode::kObjectLost, base::Executed::kMaybe,
                               "its bytes are wrong")});
  const auto done = worker.owner->Expect<base::TaskDone>();
  const auto* failure = std::get_if<base::Failure>(&done.outcome);
  ASSERT_NE(failure, nullptr);
  EXPECT_EQ(failure->code, FailureCode::kObjectLost);
  EXPECT_EQ(failure->executed, base::Executed::kNo);
  EXPECT_EQ(failure->function, "Reader");
}

TEST(WorkerStore, AnArgumentOfAnotherNodeIsPulled) {
  Worker worker;
  const base::Extent afar{base::ArenaId{8, 1}, 64, 5, 1};
  worker.Run(afar);
  const auto pull = worker.world.raylet->Expect<base::PullValue>();
  EXPECT_EQ(pull.extent, afar);
  EXPECT_EQ(pull.object, (base::ObjectName{ObjectId{6, 1}, kOwner}));
  const base::Extent here{base::ArenaId{kHere, 1001}, 64, 5, 1};
  std::string error;
  auto file = base::ArenaFile::Make(64 * 1024, &error);
  ASSERT_TRUE(file.has_value()) << error;
  ASSERT_TRUE(file->Write(0, base::HeaderOf(here) + "hello", &error)) << error;
  worker.world.raylet->Send(base::ValuePulled{pull.request, here});
  EXPECT_EQ(worker.world.raylet->Expect<base::OpenArena>().arena, here.arena);
  worker.world.raylet->Send(base::ArenaOpened{here.arena, file->byte_count()},
                            file->ReadOnly(&error));
  const auto done = worker.owner->Expect<base::TaskDone>();
  ASSERT_EQ(CodeOf(done.outcome), "none");
  EXPECT_EQ(std::get<base::Value>(done.outcome).view(), "read: hello");
}

TEST(WorkerStore, WhatIsLostAfarFailsTheCallAndItNeverRuns) {
  Worker worker;
  worker.Run(base::Extent{base::ArenaId{8, 1}, 64, 5, 1});
  const auto pull = worker.world.raylet->Expect<base::PullValue>();
  worker.world.raylet->Send(base::PullRefused{
      pull.request,
      base::MakeFailure(FailureCode::kObjectLost, base::Executed::kMaybe,
                        "the node that held it is gone")});
  const auto done = worker.owner->Expect<base::TaskDone>();
  const auto* failure = std::get_if<base::Failure>(&done.outcome);
  ASSERT_NE(failure, nullptr);
  EXPECT_EQ(failure->code, FailureCode::kObjectLost);
  EXPECT_EQ(failure->executed, base::Executed::kNo);
}

}  // namespace
}  // namespace mobula::runtime
