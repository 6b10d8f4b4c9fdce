#include "runtime/memory/store_memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/strand.h"
#include "runtime/memory/fake_store.h"

namespace mobula::runtime {
namespace {

using base::BootTime;
using base::Bytes;
using base::Extent;
using base::Failure;
using base::FailureCode;
using base::Message;
using std::chrono::milliseconds;

constexpr BootTime kPast;
const BootTime kNever = BootTime::Never();
constexpr base::ObjectName kName{base::ObjectId{1, 1}, base::ProcessId{1, 1}};

// A process's memory and its raylet: what it tells comes to the raylet on the
// strand, as do the answers to it.
class World {
 public:
  World() : World(FakeStore::Options()) {}
  explicit World(const FakeStore::Options& options)
      : store_(options), strand_("test") {
    memory = std::make_unique<StoreMemory>(
        base::IdSource(1), [this](Message message) { Tell(message); });
    strand_.StartThread();
  }
  ~World() {
    memory->Close(base::NotRun(FailureCode::kShutdown, "the end"));
    strand_.Post([this] { strand_.Stop(); });
    strand_.Join();
  }

  // Runs `what` on the strand, after all that was told before.
  template <class What>
  void On(What what) {
    std::atomic<bool> done = false;
    strand_.Post([&done, &what] {
      what();
      done = true;
      done.notify_all();
    });
    done.wait(false);
  }
  void Settle() {
    On([] {});
    On([] {});  // what the first turn posted
  }

  void Say(const Message& message) {
    On([this, &message] { memory->Take(message, base::UniqueFd()); });
  }
  void Free(const Extent& extent) { Say(base::FreeExtents{{extent}}); }
  void Finish(const Extent& extent) {
    On([this, &extent] { memory->Finished(extent); });
  }
  void SetArenasMax(std::size_t arenas_max) {
    On([this, arenas_max] { store_.SetArenasMax(arenas_max, reply_); });
  }
  // What the process answers.
  bool Quiet(base::ArenaId arena) {
    Say(base::QuietArena{arena});
    Settle();
    const std::scoped_lock lock(mutex_);
    EXPECT_FALSE(quiets_.empty());
    const bool quiet = quiets_.back();
    quiets_.clear();
    return quiet;
  }

  StoreMemory::Room Allocate(std::uint64_t size) {
    auto room = memory->Allocate(size, kNever);
    EXPECT_TRUE(std::holds_alternative<StoreMemory::Room>(room));
    return std::get<StoreMemory::Room>(room);
  }
  // A finished value.
  Extent Store(const std::string& text) {
    const auto room = Allocate(text.size());
    std::memcpy(room.bytes.data(), text.data(), text.size());
    Finish(room.extent);
    return room.extent;
  }
  std::variant<Bytes, Failure> Map(const Extent& extent,
                                   BootTime deadline = kNever) {
    return memory->Map(base::Value::Stored(kName, extent), deadline);
  }

  FakeStore& store() { return store_; }
  std::unique_ptr<StoreMemory> memory;

 private:
  void Tell(const Message& message) {
    if (const auto* quiet = std::get_if<base::ArenaQuiet>(&message)) {
      const std::scoped_lock lock(mutex_);
      quiets_.push_back(quiet->quiet);
    }
    strand_.Post([this, message] { store_.Hear(message, reply_); });
  }

  const FakeStore::ReplyFn reply_ = [this](const Message& message,
                                           const base::UniqueFd& fd) {
    EXPECT_TRUE(memory->Take(message, fd));
  };
  FakeStore store_;
  std::mutex mutex_;
  std::vector<bool> quiets_;
  base::Strand strand_;
};

template <class T>
std::string CodeOf(const std::variant<T, Failure>& result) {
  const auto* failure = std::get_if<Failure>(&result);
  return failure == nullptr ? "none"
                            : std::string(base::FailureCodeName(failure->code));
}

std::string TextOf(const std::variant<Bytes, Failure>& result) {
  const auto* bytes = std::get_if<Bytes>(&result);
  return bytes == nullptr ? CodeOf(result) : std::string(bytes->view());
}

// The system writes there as this process can, and says so.
bool CanWrite(char* at) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  EXPECT_EQ(::write(ends[1], "w", 1), 1);
  const bool can = ::read(ends[0], at, 1) == 1;
  ::close(ends[0]);
  ::close(ends[1]);
  return can;
}

TEST(StoreMemory, ALongValueThatIsSealedCannotBeWrittenUntilItIsFree) {
  FakeStore::Options options;
  options.arena_bytes = 4 << 20;
  World world(options);
  const std::uint64_t size = WriteArenas::kSealedBytesMin;
  const auto room = world.Allocate(size);
  const auto beside = world.Allocate(size - 1);
  char* const middle = room.bytes.data() + size / 2;
  EXPECT_TRUE(CanWrite(middle));
  world.memory->Seal(room.extent);
  world.memory->Seal(beside.extent);  // too short to be worth it
  EXPECT_FALSE(CanWrite(middle));
  EXPECT_TRUE(CanWrite(beside.bytes.data() + size / 2));
  world.Finish(room.extent);
  world.Finish(beside.extent);
  EXPECT_FALSE(CanWrite(middle));
  world.Free(room.extent);
  const auto again = world.Allocate(size);
  EXPECT_EQ(again.extent.offset, room.extent.offset);
  EXPECT_TRUE(CanWrite(middle));
  // What is finished, or free, is not sealed.
  world.Finish(again.extent);
  world.memory->Seal(again.extent);
  world.memory->Seal(room.extent);
  EXPECT_TRUE(CanWrite(middle));
}

TEST(StoreMemory, ASealedBufferThatIsGivenBackCanBeWrittenByTheNext) {
  FakeStore::Options options;
  options.arena_bytes = 4 << 20;
  World world(options);
  const auto room = world.Allocate(WriteArenas::kSealedBytesMin);
  world.memory->Seal(room.extent);
  world.memory->Discard(room.extent);
  const auto again = world.Allocate(room.bytes.size());
  EXPECT_EQ(again.extent.offset, room.extent.offset);
  EXPECT_TRUE(CanWrite(again.bytes.data() + 8192));
}

TEST(StoreMemory, WhatIsStoredIsReadAndOpensItsArenaOnce) {
  World world;
  const std::string text(10'000, 'x');
  const Extent first = world.Store(text);
  const Extent second = world.Store("short");
  EXPECT_EQ(first.arena, second.arena);
  EXPECT_EQ(TextOf(world.Map(first)), text);
  EXPECT_EQ(TextOf(world.Map(second)), "short");
  EXPECT_EQ(world.store().opened_count(), 1);
}

TEST(StoreMemory, ReadsInPlace) {
  World world;
  const Extent extent = world.Store("here");
  const auto one = std::get<Bytes>(world.Map(extent));
  const auto two = std::get<Bytes>(world.Map(extent));
  EXPECT_EQ(one.view().data(), two.view().data());
}

TEST(StoreMemory, ALongValueHasAnArenaOfItsOwn) {
  World world;
  const Extent small = world.Store("small");
  const Extent large = world.Store(std::string(500'000, 'l'));
  EXPECT_NE(small.arena, large.arena);
  EXPECT_EQ(TextOf(world.Map(large)), std::string(500'000, 'l'));
}

TEST(StoreMemory, WhatCanNeverBeHeldIsRefusedAtOnce) {
  World world;
  EXPECT_EQ(CodeOf(world.memory->Allocate(2 << 20, kNever)), "ValueTooLarge");
}

TEST(StoreMemory, WaitsWhileTheStoreIsFullAndGoesOnWhenAPlaceIsFree) {
  World world({.arenas_max = 1});
  const Extent first = world.Store(std::string(40'000, 'a'));
  std::atomic<bool> has_room = false;
  std::thread waiter([&world, &has_room] {
    world.Allocate(40'000);
    has_room = true;
  });
  while (world.store().waiting() == 0) std::this_thread::yield();
  EXPECT_FALSE(has_room);
  world.Free(first);
  waiter.join();
  world.Settle();
  EXPECT_EQ(world.store().waiting(), 0u);  // taken back
}

TEST(StoreMemory, WaitsForAnArenaThatComesLater) {
  World world({.arenas_max = 0});
  std::thread waiter([&world] { world.Allocate(40'000); });
  while (world.store().waiting() == 0) std::this_thread::yield();
  world.SetArenasMax(1);
  waiter.join();
}

TEST(StoreMemory, IsFullAtTheDeadlineAndTakesItsRequestBack) {
  World world({.arenas_max = 0});
  EXPECT_EQ(
      CodeOf(world.memory->Allocate(10, base::BootNow() + milliseconds(5))),
      "ObjectStoreFull");
  EXPECT_EQ(CodeOf(world.memory->Allocate(10, kPast)), "ObjectStoreFull");
  world.Settle();
  EXPECT_EQ(world.store().waiting(), 0u);
  world.SetArenasMax(1);
  EXPECT_TRUE(world.store().Leased().empty());
  world.Allocate(10);
}

TEST(StoreMemory, ThreadsThatWaitForLittleShareARequest) {
  World world({.arenas_max = 0});
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&world] { world.Allocate(100); });
  }
  while (world.store().waiting() == 0) std::this_thread::yield();
  world.SetArenasMax(8);
  for (std::thread& thread : threads) thread.join();
  world.Settle();
  EXPECT_EQ(world.store().Leased().size(), 1u);
}

TEST(StoreMemory, AThreadThatWaitsLendsItsSlot) {
  World world({.arenas_max = 0});
  std::vector<bool> told;
  const auto room = world.memory->Allocate(10, kNever, [&](bool blocked) {
    told.push_back(blocked);
    if (blocked) world.SetArenasMax(1);
  });
  EXPECT_EQ(CodeOf(room), "none");
  EXPECT_EQ(told, (std::vector<bool>{true, false}));
}

TEST(StoreMemory, OfEmptyArenasOneIsKept) {
  World world;
  std::vector<Extent> stored;
  for (int i = 0; i < 3; ++i) {
    stored.push_back(world.Store(std::string(60'000, 'x')));
  }
  EXPECT_EQ(world.store().Leased().size(), 3u);
  for (const Extent& extent : stored) world.Free(extent);
  world.Settle();
  EXPECT_EQ(world.store().Leased().size(), 1u);
  world.Store(std::string(60'000, 'y'));
  EXPECT_EQ(world.store().Leased().size(), 1u);
}

TEST(StoreMemory, AFreedPlaceIsUsedAnewAndItsOldNameIsLost) {
  World world;
  const Extent old = world.Store("old value");
  EXPECT_EQ(TextOf(world.Map(old)), "old value");
  world.Free(old);
  const Extent fresh = world.Store("new value");
  EXPECT_EQ(fresh.offset, old.offset);
  EXPECT_EQ(TextOf(world.Map(old)), "ObjectLost");
  world.Free(old);  // late, and no harm
  EXPECT_EQ(TextOf(world.Map(fresh)), "new value");
}

TEST(StoreMemory, DiscardGivesRoomBackButNotWhatIsFinished) {
  World world({.arenas_max = 1});
  const auto room = world.Allocate(40'000);
  world.memory->Discard(room.extent);
  const Extent kept = world.Store(std::string(40'000, 'k'));
  world.memory->Discard(kept);
  EXPECT_EQ(TextOf(world.Map(kept)), std::string(40'000, 'k'));
}

TEST(StoreMemory, IsBusyWhileARoomIsUnfinished) {
  World world;
  const auto room = world.Allocate(100);
  EXPECT_FALSE(world.Quiet(room.extent.arena));
  world.Finish(room.extent);
  EXPECT_TRUE(world.Quiet(room.extent.arena));
  // The lease is gone with it.
  EXPECT_NE(world.Allocate(100).extent.arena, room.extent.arena);
}

TEST(StoreMemory, IsBusyWhileSomebodyHasBytesOfIt) {
  World world;
  const Extent extent = world.Store("in use");
  auto mapped = world.Map(extent);
  EXPECT_FALSE(world.Quiet(extent.arena));
  EXPECT_EQ(TextOf(mapped), "in use");
  EXPECT_EQ(TextOf(world.Map(extent)), "in use");
  EXPECT_EQ(world.store().opened_count(), 1);
  mapped = Failure();
  EXPECT_TRUE(world.Quiet(extent.arena));
}

TEST(StoreMemory, AQuietArenaIsOpenedAnew) {
  World world;
  const Extent extent = world.Store("gone");
  EXPECT_EQ(TextOf(world.Map(extent)), "gone");
  EXPECT_TRUE(world.Quiet(extent.arena));
  // This raylet spills nothing.
  EXPECT_EQ(TextOf(world.Map(extent)), "ObjectLost");
  EXPECT_EQ(world.store().opened_count(), 2);
}

TEST(StoreMemory, AnUnknownArenaIsQuietAndLost) {
  World world;
  const base::ArenaId nowhere{9, 9};
  EXPECT_TRUE(world.Quiet(nowhere));
  EXPECT_EQ(CodeOf(world.Map(Extent{nowhere, 64, 10, 1})), "ObjectLost");
}

TEST(StoreMemory, IsBusyWhileSomebodyWaitsToRead) {
  World world({.answers_open = false});
  const Extent extent = world.Store("later");
  EXPECT_EQ(CodeOf(world.Map(extent, base::BootNow() + milliseconds(5))),
            "TimeoutError");
  EXPECT_FALSE(world.Quiet(extent.arena));
}

TEST(StoreMemory, ADescriptorThatDoesNotArriveIsAFailure) {
  World world({.loses_descriptors = true});
  EXPECT_EQ(CodeOf(world.memory->Allocate(10, kNever)), "LimitError");
  world.Settle();
  EXPECT_TRUE(world.store().Leased().empty());
}

TEST(StoreMemory, CloseEndsEveryWaitAndLeavesWhatIsInUse) {
  World world({.arenas_max = 1, .answers_open = true});
  const Extent extent = world.Store(std::string(40'000, 'x'));
  const auto mapped = world.Map(extent);
  const auto room = world.Allocate(100);
  std::thread writer([&world] {
    EXPECT_EQ(CodeOf(world.memory->Allocate(40'000, kNever)), "RuntimeClosed");
  });
  while (world.store().waiting() == 0) std::this_thread::yield();
  world.memory->Close(base::NotRun(FailureCode::kShutdown, "the end"));
  writer.join();
  EXPECT_EQ(TextOf(mapped), std::string(40'000, 'x'));
  std::memset(room.bytes.data(), 'y', room.bytes.size());
  EXPECT_EQ(CodeOf(world.Map(extent)), "RuntimeClosed");
  EXPECT_EQ(CodeOf(world.memory->Allocate(1, kNever)), "RuntimeClosed");
}

// ---- values of other nodes

constexpr std::uint64_t kHere = 7;  // the maker of FakeStore's ids
const Extent kAfar{base::ArenaId{8, 1}, 128, 5'000, 3};
const std::string kText(5'000, 'f');

class AfarMemory : public testing::Test {
 protected:
  void Start(const FakeStore::Options& options) {
    world_ = std::make_unique<World>(options);
    world_->memory->SetMaker(kHere);
    world_->store().PutAfar(kAfar, kText);
  }
  std::unique_ptr<World> world_;
};

TEST_F(AfarMemory, AValueIsPulledOnceAndReadInPlace) {
  Start({});
  const auto first = std::get<Bytes>(world_->Map(kAfar));
  const auto second = std::get<Bytes>(world_->Map(kAfar));
  EXPECT_EQ(first.view(), kText);
  EXPECT_EQ(first.view().data(), second.view().data());
  EXPECT_EQ(world_->store().pulled_count(), 1);
  EXPECT_EQ(world_->store().opened_count(), 1);
  // What is here is read as ever.
  EXPECT_EQ(TextOf(world_->Map(world_->Store("near"))), "near");
  EXPECT_EQ(world_->store().pulled_count(), 1);
}

TEST_F(AfarMemory, WhereNoMakerIsKnownNothingIsAfar) {
  Start({});
  world_->memory->SetMaker(0);
  EXPECT_EQ(TextOf(world_->Map(kAfar)), "ObjectLost");
  EXPECT_EQ(world_->store().pulled_count(), 0);
}

TEST_F(AfarMemory, ThreadsThatReadItTogetherShareAPull) {
  Start({});
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back(
        [this] { EXPECT_EQ(TextOf(world_->Map(kAfar)), kText); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(world_->store().pulled_count(), 1);
}

TEST_F(AfarMemory, ACopyThatIsGoneIsPulledAnew) {
  Start({.copies_gone = 2});
  EXPECT_EQ(TextOf(world_->Map(kAfar)), kText);
  EXPECT_EQ(world_->store().pulled_count(), 3);
}

TEST_F(AfarMemory, CopiesThatAlwaysGoAreAStoreThatIsFull) {
  Start({.copies_gone = 1'000});
  EXPECT_EQ(TextOf(world_->Map(kAfar)), "ObjectStoreFull");
}

TEST_F(AfarMemory, ACopyIsQuietWhenNobodyReadsItAndIsPulledAnew) {
  Start({});
  auto mapped = world_->Map(kAfar);
  const std::vector<base::ArenaId> copies = world_->store().Leased();
  ASSERT_EQ(copies.size(), 1u);
  EXPECT_FALSE(world_->Quiet(copies[0]));
  EXPECT_EQ(TextOf(world_->Map(kAfar)), kText);
  EXPECT_EQ(world_->store().pulled_count(), 1);
  mapped = Failure();
  EXPECT_TRUE(world_->Quiet(copies[0]));
  EXPECT_EQ(TextOf(world_->Map(kAfar)), kText);
  EXPECT_EQ(world_->store().pulled_count(), 2);
}

// Who was told of a copy may be about to map it.
TEST_F(AfarMemory, ACopyIsBusyFromWhenItIsToldOf) {
  Start({.answers_open = false});
  EXPECT_EQ(CodeOf(world_->Map(kAfar, base::BootNow() + milliseconds(5))),
            "TimeoutError");
  world_->Settle();
  const std::vector<base::ArenaId> copies = world_->store().Leased();
  ASSERT_EQ(copies.size(), 1u);
  EXPECT_EQ(world_->store().opened_count(), 1);
  EXPECT_FALSE(world_->Quiet(copies[0]));
}

TEST_F(AfarMemory, WhatIsLostAfarIsLost) {
  Start({});
  Extent other = kAfar;
  other.generation = 4;
  EXPECT_EQ(CodeOf(world_->Map(other)), "ObjectLost");
  EXPECT_EQ(CodeOf(world_->Map(other)), "ObjectLost");
  EXPECT_EQ(world_->store().pulled_count(), 2);  // it may be there by then
}

TEST_F(AfarMemory, APullHasADeadline) {
  Start({.answers_pull = false});
  EXPECT_EQ(CodeOf(world_->Map(kAfar, base::BootNow() + milliseconds(5))),
            "TimeoutError");
  EXPECT_EQ(CodeOf(world_->Map(kAfar, kPast)), "TimeoutError");
  world_->Settle();
  EXPECT_EQ(world_->store().pulled_count(), 1);  // it is under way yet
}

TEST_F(AfarMemory, WhoWaitsForAPullLendsItsSlotAndIsWokenByTheEnd) {
  Start({.answers_pull = false});
  std::vector<bool> told;
  const auto mapped = world_->memory->Map(
      base::Value::Stored(kName, kAfar), kNever, [&](bool blocked) {
        told.push_back(blocked);
        if (!blocked) return;
        world_->memory->Close(base::NotRun(FailureCode::kShutdown, "the end"));
      });
  EXPECT_EQ(CodeOf(mapped), "RuntimeClosed");
  EXPECT_EQ(told, (std::vector<bool>{true, false}));
  EXPECT_EQ(CodeOf(world_->Map(kAfar)), "RuntimeClosed");
}

// Threads read the same few values while the raylet takes the copies away.
TEST_F(AfarMemory, ManyThreadsReadWhatComesAndGoes) {
  Start({});
  constexpr int kThreads = 4;
  constexpr int kValues = 6;
  std::vector<Extent> extents;
  for (std::uint32_t i = 0; i < kValues; ++i) {
    extents.push_back({base::ArenaId{8, 2}, 64 + 128 * i, 32, 1});
    world_->store().PutAfar(extents.back(),
                            std::string(32, static_cast<char>('a' + i)));
  }
  std::atomic<int> running = kThreads;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, &extents, &running, thread] {
      std::mt19937_64 random(static_cast<std::uint64_t>(thread));
      for (int i = 0; i < 300; ++i) {
        const auto which = random() % kValues;
        const auto mapped = world_->Map(extents[which]);
        EXPECT_EQ(TextOf(mapped),
                  std::string(32, static_cast<char>('a' + which)));
      }
      --running;
    });
  }
  while (running > 0) {
    for (const base::ArenaId arena : world_->store().Leased()) {
      world_->Say(base::QuietArena{arena});
    }
  }
  for (std::thread& thread : threads) thread.join();
}

// Threads store values of their own pattern, read them in place and free them,
// while arenas are asked for and the store is nearly always full.
TEST(StoreMemory, ManyThreadsNeverSeeAnothersBytes) {
  World world({.arenas_max = 3});
  constexpr int kThreads = 4;
  std::atomic<int> running = kThreads;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&world, &running, thread] {
      std::mt19937_64 random(static_cast<std::uint64_t>(thread));
      for (int i = 0; i < 400; ++i) {
        const std::string text(1 + random() % 30'000,
                               static_cast<char>('a' + thread * 4 + i % 4));
        const auto room = world.Allocate(text.size());
        std::memcpy(room.bytes.data(), text.data(), text.size());
        // Unfinished, so it cannot be spilled while it is read.
        EXPECT_EQ(TextOf(world.Map(room.extent)), text);
        if (random() % 2 == 0) {
          world.memory->Discard(room.extent);
        } else {
          world.Finish(room.extent);
          world.Free(room.extent);
        }
      }
      --running;
    });
  }
  while (running > 0) {
    for (const base::ArenaId arena : world.store().Leased()) {
      // What is read at this moment makes it busy; what is not, is lost here.
      world.Say(base::QuietArena{arena});
    }
  }
  for (std::thread& thread : threads) thread.join();
  world.Free(world.Store("last"));
  world.Settle();
  EXPECT_LE(world.store().Leased().size(), 1u);
  EXPECT_EQ(world.store().waiting(), 0u);
}

}  // namespace
}  // namespace mobula::runtime
