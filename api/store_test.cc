// What the API does where there is a store: a process whose raylet, and other
// processes, the test plays.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "api/mobula/detail/remote_function.h"
#include "api/mobula/detail/session.h"
#include "base/clock.h"
#include "base/codec/codec.h"
#include "base/shm/arena_file.h"
#include "base/shm/arena_map.h"
#include "base/shm/extent_heap.h"
#include "base/value.h"
#include "runtime/memory/fake_store.h"
#include "runtime/process/process.h"
#include "runtime/transport/fake_peer.h"

namespace store {

using Numbers = std::vector<double>;

// ---- what the worker runs ---------------------------------------------------

double Sum(const Numbers& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0);
}
double SumOfSpan(std::span<const double> numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0);
}
Numbers Ones(int count) { return Numbers(static_cast<std::size_t>(count), 1); }

mobula::View<Numbers>& Kept() {
  static mobula::View<Numbers> kept;
  return kept;
}
double Keep(mobula::View<Numbers> numbers) {
  Kept() = std::move(numbers);
  return Kept()[0];
}
double LetGo() {
  const double last = Kept()[Kept().size() - 1];
  Kept() = {};
  return last;
}

std::vector<mobula::Ref<int>> MakeRefs(int count) {
  std::vector<mobula::Ref<int>> made;
  for (int i = 0; i < count; ++i) made.push_back(mobula::Put(i));
  return made;
}
std::size_t CountRefs(const std::vector<mobula::Ref<int>>& given) {
  return static_cast<std::size_t>(
      std::count_if(given.begin(), given.end(),
                    [](const auto& ref) { return static_cast<bool>(ref); }));
}

namespace {

using mobula::base::BootNow;
using mobula::base::Extent;
using mobula::base::ObjectId;
using mobula::base::ObjectName;
using mobula::base::ProcessId;
using mobula::base::Value;
using mobula::detail::RemoteFunction;
using mobula::detail::Session;
using mobula::runtime::FakePeer;
using mobula::runtime::FakeStore;
using mobula::runtime::Process;
using std::chrono::milliseconds;
using std::chrono::seconds;
namespace base = mobula::base;

constexpr ProcessId kSelf{1, 1};
constexpr ProcessId kRaylet{2, 1};
constexpr ProcessId kOwner{3, 1};
constexpr std::size_t kArenaBytes = 64 * 1024;

Process::Options OptionsOf(base::Role role, base::UniqueFd socket) {
  Process::Options options;
  options.whoami.process = kSelf;
  options.whoami.role = role;
  options.whoami.job = base::JobId{4, 1};
  options.whoami.program = "test";
  options.raylet_socket = std::move(socket);
  options.functions = &base::FunctionTable::Get();
  return options;
}

// This process with a runtime, at a raylet that has a store.
struct World {
  explicit World(base::Role role, std::size_t arenas_max = 4)
      : store({.arena_bytes = kArenaBytes, .arenas_max = arenas_max}) {
    auto [ours, theirs] = mobula::runtime::SocketPair();
    raylet = std::make_unique<FakePeer>(
        std::move(theirs), kRaylet, base::Role::kRaylet,
        [this](FakePeer& peer, const base::Message& message) {
          Answer(peer, message);
        });
    process = std::make_shared<Process>(OptionsOf(role, std::move(ours)));
    const auto error = process->Start(BootNow() + seconds(10));
    EXPECT_FALSE(error.has_value());
    session = std::make_shared<Session>(process);
    EXPECT_TRUE(Session::MakeCurrent(session));
  }
  ~World() { session->Close(); }

  void Answer(FakePeer& peer, const base::Message& message) {
    if (std::holds_alternative<base::Register>(message)) {
      base::Registered registered;
      registered.raylet = kRaylet;
      registered.store_bytes = 1 << 20;
      peer.Send(registered);
    } else if (const auto* end = std::get_if<base::EndJob>(&message)) {
      peer.Send(base::JobEnded{end->job});
    } else if (answers_store) {
      store.Hear(message, [&peer](base::Message answer, base::UniqueFd fd) {
        peer.Send(std::move(answer), std::move(fd));
      });
    }
  }

  base::ObjectStored Stored() { return raylet->Expect<base::ObjectStored>(); }
  // What the owner does not need any more.
  std::vector<base::FreedObject> Freed() {
    return raylet->Expect<base::FreeObjects>().objects;
  }
  void Recycle(const Extent& extent) {
    raylet->Send(base::FreeExtents{{extent}});
  }
  // Whether the process has nothing of it in use.
  bool Quiet(base::ArenaId arena) {
    raylet->Send(base::QuietArena{arena});
    return raylet->Expect<base::ArenaQuiet>().quiet;
  }

  std::atomic<bool> answers_store = true;
  FakeStore store;
  std::unique_ptr<FakePeer> raylet;
  std::shared_ptr<Process> process;
  std::shared_ptr<Session> session;
};

// ---- driver -----------------------------------------------------------------

TEST(StoreTest, ALargeValueIsPutThereAndReadInPlace) {
  World world(base::Role::kDriver);
  const auto small = mobula::Put(Numbers(10, 1));
  const auto large = mobula::Put(Numbers(1000, 1));
  const base::ObjectStored stored = world.Stored();
  EXPECT_EQ(stored.object.owner, kSelf);
  EXPECT_EQ(stored.extent.byte_count, base::Encode(Numbers(1000, 1)).size());
  EXPECT_EQ(Sum(small.Get()), 10);
  EXPECT_EQ(Sum(large.Get()), 1000);
  mobula::View<Numbers> view = large.GetView();
  EXPECT_EQ(SumOfSpan(view), 1000);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(view.data()) % 64, 0u);
  EXPECT_EQ(large.GetView().data(), view.data());
  EXPECT_FALSE(world.Quiet(stored.extent.arena));
  view = {};
  EXPECT_TRUE(world.Quiet(stored.extent.arena));
  // This store spills nothing: what is let go of is lost.
  EXPECT_THROW(large.Get(), mobula::ObjectLost);
  EXPECT_EQ(Sum(small.Get(seconds(0))), 10);
}

TEST(StoreTest, AViewKeepsItsObject) {
  World world(base::Role::kDriver);
  auto ref = mobula::Put(Numbers(1000, 1));
  auto other = mobula::Put(Numbers(2000, 1));
  const base::ObjectStored first = world.Stored();
  const base::ObjectStored second = world.Stored();
  mobula::View<Numbers> view = ref.GetView();
  const mobula::View<Numbers> copy = view;
  ref = {};
  view = {};
  other = {};
  std::vector<base::FreedObject> freed = world.Freed();
  ASSERT_EQ(freed.size(), 1u);
  EXPECT_EQ(freed[0].object, second.object.object);
  EXPECT_EQ(SumOfSpan(copy), 1000);
  const_cast<mobula::View<Numbers>&>(copy) = {};
  freed = world.Freed();
  ASSERT_EQ(freed.size(), 1u);
  EXPECT_EQ(freed[0].object, first.object.object);
}

TEST(StoreTest, TextAndStructuresLieThereToo) {
  World world(base::Role::kDriver);
  const std::string text(10'000, 'x');
  const auto as_text = mobula::Put(text);
  EXPECT_EQ(std::string_view(as_text.GetView()), text);
  const std::vector<std::pair<int, std::string>> many(1000, {7, "seven"});
  const auto as_many = mobula::Put(many);
  EXPECT_EQ(as_many.Get(), many);
  const auto as_span = mobula::Put(std::span<const char>(text));
  EXPECT_EQ(as_span.Get(), std::vector<char>(10'000, 'x'));
  for (int i = 0; i < 3; ++i) {
    EXPECT_GE(world.Stored().extent.byte_count, base::kInlineBytesMax);
  }
}

TEST(StoreTest, ABufferIsFilledInTheStore) {
  World world(base::Role::kDriver);
  auto buffer = mobula::NewBuffer<std::int32_t>(5000);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0u);
  std::iota(buffer.begin(), buffer.end(), 0);
  const std::vector<std::int32_t> expected(buffer.begin(), buffer.end());
  const auto ref = buffer.Seal();
  const base::ObjectStored stored = world.Stored();
  EXPECT_EQ(stored.extent.byte_count, base::Encode(expected).size());
  EXPECT_EQ(ref.Get(), expected);
  EXPECT_EQ(ref.GetView()[4999], 4999);
}

TEST(StoreTest, ABufferThatIsDroppedGivesItsRoomBack) {
  World world(base::Role::kDriver, 1);
  const auto soon = mobula::PutOptions().Timeout(milliseconds(20));
  for (int i = 0; i < 20; ++i) {
    const auto buffer = mobula::NewBuffer<char>(kArenaBytes / 2);
    EXPECT_THROW(mobula::NewBuffer<char>(kArenaBytes / 2, soon),
                 mobula::ObjectStoreFull);
  }
}

TEST(StoreTest, AFullStoreMakesPutWaitUntilTheDeadline) {
  World world(base::Role::kDriver, 1);
  const auto soon = mobula::PutOptions().Timeout(milliseconds(20));
  auto first = mobula::Put(std::string(kArenaBytes / 2, 'x'));
  const base::ObjectStored stored = world.Stored();
  EXPECT_THROW(mobula::Put(std::string(kArenaBytes / 2, 'y'), soon),
               mobula::ObjectStoreFull);
  EXPECT_EQ(mobula::Put(std::string(100, 'y'), soon).Get(),
            std::string(100, 'y'));
  // A Spawn waits as long as its task may take.
  EXPECT_THROW(
      mobula::Spawn<Sum>(mobula::TaskOptions().Timeout(milliseconds(20)),
                         Numbers(kArenaBytes / 16, 1)),
      mobula::ObjectStoreFull);
  std::thread putter([] {
    const auto second = mobula::Put(std::string(kArenaBytes / 2, 'z'));
    EXPECT_EQ(second.GetView()[0], 'z');
  });
  first = {};
  ASSERT_EQ(world.Freed().size(), 1u);
  world.Recycle(stored.extent);
  putter.join();
}

TEST(StoreTest, WhatCanNeverBeHeldIsTooLarge) {
  World world(base::Role::kDriver);
  EXPECT_THROW(mobula::Put(std::string(2 << 20, 'x')), mobula::ValueTooLarge);
  EXPECT_THROW(mobula::NewBuffer<char>(2 << 20), mobula::ValueTooLarge);
  EXPECT_THROW(mobula::Spawn<Sum>(Numbers(1 << 18)), mobula::ValueTooLarge);
}

TEST(StoreTest, AStoredValueKeepsTheRefsInside) {
  World world(base::Role::kDriver);
  const auto large = mobula::Put(MakeRefs(5000));
  EXPECT_GT(world.Stored().extent.byte_count, base::kInlineBytesMax);
  EXPECT_EQ(CountRefs(large.Get()), 5000u);
}

struct Changing {
  mutable int calls = 0;
  void MobulaEncode(base::Writer& out) const {
    base::WriteValue(
        out, std::string(static_cast<std::size_t>(5000 + calls++), 'x'));
  }
  bool MobulaDecode(base::Reader& in) { return in.Skip(); }
};

TEST(StoreTest, AValueThatChangesMeanwhileIsRefusedAndItsRoomGivenBack) {
  World world(base::Role::kDriver, 1);
  for (int i = 0; i < 30; ++i) {
    EXPECT_THROW(mobula::Put(Changing()), mobula::BadArgument);
  }
  EXPECT_NO_THROW(mobula::Put(std::string(kArenaBytes / 2, 'x')));
}

TEST(StoreTest, LargeArgumentsArePutAndSmallOnesTravelInside) {
  World world(base::Role::kDriver);
  const auto sum = mobula::Spawn<Sum>(Numbers(1000, 1));
  const base::ObjectStored stored = world.Stored();
  EXPECT_EQ(stored.object.owner, kSelf);
  const auto small = mobula::Spawn<Sum>(Numbers(10, 1));
  // A view is the object that it is of.
  const auto ref = mobula::Put(Numbers(2000, 1));
  world.Stored();
  const auto viewed = mobula::Spawn<SumOfSpan>(ref.GetView());
  const auto last = mobula::Put(Numbers(3000, 1));
  EXPECT_EQ(world.Stored().extent.byte_count,
            base::Encode(Numbers(3000, 1)).size());
}

// ---- worker -----------------------------------------------------------------

template <auto kFunction>
base::FunctionId IdOf() {
  return RemoteFunction<std::remove_const_t<decltype(kFunction)>,
                        kFunction>::registration.entry()
      .id;
}

// This process as a worker that serves on a thread of its own, and an owner
// with an arena that it wrote.
struct Worker {
  Worker() : world(base::Role::kWorker) {
    owner = std::make_unique<FakePeer>(world.raylet->Attach(kOwner), kOwner,
                                       base::Role::kDriver);
    std::string error;
    file = base::ArenaFile::Make(kArenaBytes, &error);
    map = base::ArenaMap::Open(file->Writable(&error), file->byte_count(),
                               base::ArenaMap::Access::kWrite, &error);
    heap.emplace(kArena, map->writable());
    slot = std::thread([this] { world.process->Serve(); });
  }
  ~Worker() {
    world.raylet->Send(base::Retire());
    slot.join();
  }

  Value Store(const Numbers& numbers) {
    const std::string bytes = base::Encode(numbers);
    const auto room = heap->Allocate(bytes.size());
    std::memcpy(room->bytes.data(), bytes.data(), bytes.size());
    return Value::Stored(ObjectName{ObjectId{6, 1}, kOwner}, room->extent);
  }
  // The worker asks for the arena that the owner wrote.
  void Open() {
    EXPECT_EQ(world.raylet->Expect<base::OpenArena>().arena, kArena);
    std::string error;
    world.raylet->Send(base::ArenaOpened{kArena, file->byte_count()},
                       file->ReadOnly(&error));
  }
  void Run(base::FunctionId function, std::vector<Value> args) {
    base::RunTask run;
    run.task = base::TaskId{5, ++tasks};
    run.result = ObjectId{7, tasks};
    run.function = function;
    run.args = std::move(args);
    owner->Send(run);
  }
  base::Outcome Done() { return owner->Expect<base::TaskDone>().outcome; }
  template <class T>
  T Answer() {
    const base::Outcome outcome = Done();
    T value{};
    std::string why;
    EXPECT_TRUE(std::holds_alternative<Value>(outcome));
    EXPECT_TRUE(base::Decode(std::get<Value>(outcome).view(), &value, &why))
        << why;
    return value;
  }

  static constexpr base::ArenaId kArena{8, 1};
  World world;
  std::unique_ptr<FakePeer> owner;
  std::optional<base::ArenaFile> file;
  std::unique_ptr<base::ArenaMap> map;
  std::optional<base::ExtentHeap> heap;
  std::thread slot;
  std::uint64_t tasks = 0;
};

TEST(StoreWorkerTest, AStoredArgumentIsReadAndLetGo) {
  Worker worker;
  worker.world.answers_store = false;
  worker.Run(IdOf<SumOfSpan>(), {worker.Store(Numbers(1000, 1))});
  worker.Open();
  EXPECT_EQ(worker.Answer<double>(), 1000);
  EXPECT_TRUE(worker.world.Quiet(Worker::kArena));
  worker.Run(IdOf<Sum>(), {worker.Store(Numbers(2000, 1))});
  worker.Open();
  EXPECT_EQ(worker.Answer<double>(), 2000);
}

TEST(StoreWorkerTest, AViewMayBeKeptAfterTheCall) {
  Worker worker;
  worker.world.answers_store = false;
  worker.Run(IdOf<Keep>(), {worker.Store(Numbers(1000, 3))});
  worker.Open();
  EXPECT_EQ(worker.Answer<double>(), 3);
  EXPECT_FALSE(worker.world.Quiet(Worker::kArena));
  worker.Run(IdOf<LetGo>(), {});
  EXPECT_EQ(worker.Answer<double>(), 3);
  EXPECT_TRUE(worker.world.Quiet(Worker::kArena));
}

TEST(StoreWorkerTest, ALargeResultIsStoredAsItsOwnersObject) {
  Worker worker;
  worker.Run(IdOf<Ones>(), {Value(base::Bytes::Own(base::Encode(1000)))});
  const base::Outcome outcome = worker.Done();
  ASSERT_NE(base::StoredIn(outcome), nullptr);
  const Value& value = *base::StoredIn(outcome);
  EXPECT_EQ(value.name(), (ObjectName{ObjectId{7, 1}, kOwner}));
  EXPECT_EQ(value.size(), base::Encode(Numbers(1000, 1)).size());
  EXPECT_EQ(worker.world.Stored().extent, value.extent());
  worker.Run(IdOf<Ones>(), {Value(base::Bytes::Own(base::Encode(10)))});
  EXPECT_EQ(worker.Answer<Numbers>(), Numbers(10, 1));
}

TEST(StoreWorkerTest, RefsInsideAreNamedBesideTheResult) {
  Worker worker;
  for (const int count : {2, 5000}) {
    worker.Run(IdOf<MakeRefs>(),
               {Value(base::Bytes::Own(base::Encode(count)))});
    const base::Outcome outcome = worker.Done();
    ASSERT_TRUE(std::holds_alternative<Value>(outcome));
    const Value& value = std::get<Value>(outcome);
    EXPECT_EQ(value.is_stored(), count > 1000);
    ASSERT_EQ(value.refs().size(), static_cast<std::size_t>(count));
    EXPECT_EQ(value.refs()[1].owner, kSelf);
  }
}

TEST(StoreWorkerTest, RefsInsideAnArgumentBecomeHandles) {
  Worker worker;
  // As an owner encodes it: nil, and the indexes of what it names beside it.
  const std::string bytes("\x93\xc0\x01\x00", 4);
  const ObjectName first{ObjectId{6, 1}, kOwner};
  const ObjectName second{ObjectId{6, 2}, kOwner};
  worker.Run(IdOf<CountRefs>(),
             {Value(base::Bytes::Own(bytes), {first, second})});
  EXPECT_EQ(worker.Answer<std::size_t>(), 2u);
  // An index of none.
  worker.Run(IdOf<CountRefs>(), {Value(base::Bytes::Own(bytes), {first})});
  const base::Outcome outcome = worker.Done();
  const auto* const failure = std::get_if<base::Failure>(&outcome);
  ASSERT_NE(failure, nullptr);
  EXPECT_EQ(failure->code, base::FailureCode::kDecode);
  EXPECT_EQ(failure->executed, base::Executed::kNo);
}

TEST(StoreWorkerTest, AResultThatTheStoreCannotHoldIsAFailureThatRan) {
  Worker worker;
  worker.Run(IdOf<Ones>(), {Value(base::Bytes::Own(base::Encode(1 << 18)))});
  const base::Outcome outcome = worker.Done();
  const auto* const failure = std::get_if<base::Failure>(&outcome);
  ASSERT_NE(failure, nullptr);
  EXPECT_EQ(failure->code, base::FailureCode::kTooLarge);
  EXPECT_EQ(failure->executed, base::Executed::kYes);
  EXPECT_EQ(failure->function, "store::Ones");
}

}  // namespace
}  // namespace store
