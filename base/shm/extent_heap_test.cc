#include "base/shm/extent_heap.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/shm/extent_header.h"
#include "base/shm/store_copy.h"

namespace mobula::base {
namespace {

constexpr ArenaId kArena{1, 2};

struct alignas(64) Memory {
  char bytes[64 * 1024];
  std::span<char> span() { return bytes; }
  std::string_view view() const { return {bytes, sizeof(bytes)}; }
};

TEST(ExtentHeap, GivesAlignedRoomThatReadersFind) {
  const auto memory = std::make_unique<Memory>();
  ExtentHeap heap(kArena, memory->span());
  for (const std::uint64_t size : {1, 64, 65, 5000}) {
    const auto room = heap.Allocate(size);
    ASSERT_TRUE(room.has_value());
    EXPECT_EQ(room->bytes.size(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(room->bytes.data()) % 64, 0u);
    std::memset(room->bytes.data(), 'x', size);
    EXPECT_EQ(FindExtent(memory->view(), room->extent), std::string(size, 'x'));
  }
  EXPECT_EQ(heap.size(), 4u);
}

TEST(ExtentHeap, AStaleExtentIsNotFound) {
  const auto memory = std::make_unique<Memory>();
  ExtentHeap heap(kArena, memory->span());
  const Extent first = heap.Allocate(100)->extent;
  EXPECT_TRUE(heap.Free(first));
  EXPECT_FALSE(FindExtent(memory->view(), first).has_value());
  const Extent second = heap.Allocate(100)->extent;
  EXPECT_EQ(second.offset, first.offset);
  EXPECT_GT(second.generation, first.generation);
  EXPECT_FALSE(FindExtent(memory->view(), first).has_value());
  EXPECT_FALSE(heap.Free(first));
  EXPECT_TRUE(heap.Lives(second));
}

TEST(ExtentHeap, NothingIsReadWhereNoExtentCanBe) {
  const auto memory = std::make_unique<Memory>();
  ExtentHeap heap(kArena, memory->span());
  const Extent real = heap.Allocate(100)->extent;
  const std::uint64_t end = sizeof(Memory);
  for (const Extent& wrong :
       {Extent{kArena, real.offset, 101, real.generation},
        Extent{kArena, real.offset, ~std::uint64_t{0}, real.generation},
        Extent{kArena, real.offset, 100, 0},
        Extent{kArena, real.offset + 64, 100, real.generation},
        Extent{kArena, real.offset + 1, 100, real.generation},
        Extent{kArena, 0, 100, real.generation},
        Extent{kArena, end, 100, real.generation},
        Extent{kArena, ~std::uint64_t{63}, 100, real.generation}}) {
    EXPECT_FALSE(FindExtent(memory->view(), wrong).has_value())
        << wrong.offset << " " << wrong.byte_count;
  }
  EXPECT_TRUE(FindExtent(memory->view(), real).has_value());
}

TEST(ExtentHeap, AllOfItCanBeOneValueAndNothingMore) {
  const auto memory = std::make_unique<Memory>();
  ExtentHeap heap(kArena, memory->span());
  EXPECT_FALSE(heap.Allocate(sizeof(Memory)).has_value());
  EXPECT_FALSE(heap.Allocate(~std::uint64_t{0}).has_value());
  const auto room = heap.Allocate(sizeof(Memory) - 64);
  ASSERT_TRUE(room.has_value());
  EXPECT_EQ(heap.free_bytes(), 0u);
  EXPECT_FALSE(heap.Allocate(1).has_value());
  heap.Free(room->extent);
  EXPECT_TRUE(heap.empty());
  EXPECT_EQ(heap.free_bytes(), sizeof(Memory));
}

TEST(ExtentHeap, AnotherArenasExtentIsNotFreed) {
  const auto memory = std::make_unique<Memory>();
  ExtentHeap heap(kArena, memory->span());
  Extent extent = heap.Allocate(100)->extent;
  extent.arena = ArenaId{9, 9};
  EXPECT_FALSE(heap.Free(extent));
  EXPECT_FALSE(heap.Free(Extent{kArena, 0, 100, 1}));
  EXPECT_EQ(heap.size(), 1u);
}

// Each living extent is filled with a pattern of its own, so that an overlap
// shows; when all are free, the heap is one gap again.
TEST(ExtentHeap, RandomUseKeepsEveryValueWhole) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    const auto memory = std::make_unique<Memory>();
    ExtentHeap heap(kArena, memory->span());
    std::vector<Extent> live;
    std::vector<Extent> stale;
    const auto check = [&](const Extent& extent) {
      const auto found = FindExtent(memory->view(), extent);
      ASSERT_TRUE(found.has_value());
      EXPECT_EQ(*found, std::string(extent.byte_count,
                                    static_cast<char>(extent.generation)));
    };
    for (int step = 0; step < 2000; ++step) {
      if (random() % 2 == 0) {
        const auto room = heap.Allocate(1 + random() % 3000);
        if (!room) continue;
        std::memset(room->bytes.data(),
                    static_cast<char>(room->extent.generation),
                    room->bytes.size());
        live.push_back(room->extent);
      } else if (!live.empty()) {
        const std::size_t pick = random() % live.size();
        check(live[pick]);
        EXPECT_TRUE(heap.Free(live[pick]));
        stale.push_back(live[pick]);
        live[pick] = live.back();
        live.pop_back();
      }
    }
    EXPECT_EQ(heap.size(), live.size());
    for (const Extent& extent : stale) {
      EXPECT_FALSE(FindExtent(memory->view(), extent).has_value());
    }
    for (const Extent& extent : live) {
      check(extent);
      EXPECT_TRUE(heap.Free(extent));
    }
    EXPECT_EQ(heap.free_bytes(), sizeof(Memory));
    EXPECT_TRUE(heap.Allocate(sizeof(Memory) - 64).has_value()) << seed;
  }
}

TEST(StoreCopy, CopiesEveryLengthToEveryPlace) {
  std::string from(3 * kStreamedBytesMin, '\0');
  std::mt19937_64 random(1);
  for (char& c : from) c = static_cast<char>(random());
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, kStreamedBytesMin - 1,
        kStreamedBytesMin, kStreamedBytesMin + 1, kStreamedBytesMin + 63,
        2 * kStreamedBytesMin + 7}) {
    for (const std::size_t shift : {0, 1, 17, 63}) {
      std::string to(size + shift + 1, '!');
      CopyToStore(to.data() + shift,
                  std::string_view(from).substr(shift, size));
      EXPECT_EQ(to.substr(0, shift), std::string(shift, '!'));
      EXPECT_TRUE(std::string_view(to).substr(shift, size) ==
                  std::string_view(from).substr(shift, size))
          << size << " " << shift;
      EXPECT_EQ(to.back(), '!');
    }
  }
}

}  // namespace
}  // namespace mobula::base
