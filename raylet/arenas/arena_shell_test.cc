#include "raylet/arenas/arena_shell.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/shm/arena_map.h"
#include "base/shm/extent_header.h"
#include "base/shm/extent_heap.h"

namespace mobula::raylet {
namespace {

using base::ArenaId;
using base::ArenaMap;
using base::Extent;

constexpr std::uint64_t kBytes = std::uint64_t{1} << 20;
constexpr ArenaId kArena{1, 1};

class ArenaShellTest : public testing::Test {
 protected:
  ArenaShellTest() { strand_.StartThread(); }
  ~ArenaShellTest() override {
    OnStrand([this] { shell_.reset(); });
    strand_.Stop();
    strand_.Join();
  }

  void OnStrand(const std::function<void()>& call) {
    std::promise<void> done;
    strand_.Post([&call, &done] {
      call();
      done.set_value();
    });
    done.get_future().wait();
  }
  void Start(const std::vector<std::string>& folders) {
    OnStrand([this, &folders] {
      shell_ =
          std::make_unique<ArenaShell>(strand_, folders, [this](Event event) {
            if (const auto* disks = std::get_if<SpillDisks>(&event)) {
              disks_.push_back(*disks);
              if (!wants_disks_) return;
            }
            told_->set_value(std::move(event));
          });
    });
  }
  // Carries it out and gives what is told then.
  template <class Told>
  Told Do(const Effect& effect) {
    std::promise<Event> told;
    OnStrand([this, &effect, &told] {
      told_ = &told;
      wants_disks_ = std::is_same_v<Told, SpillDisks>;
      EXPECT_TRUE(shell_->Do(effect));
    });
    const Event event = told.get_future().get();
    EXPECT_TRUE(std::holds_alternative<Told>(event)) << event.index();
    const Told* found = std::get_if<Told>(&event);
    return found == nullptr ? Told() : *found;
  }
  void Tell(const Effect& effect) {
    OnStrand([this, &effect] { EXPECT_TRUE(shell_->Do(effect)); });
  }
  std::unique_ptr<ArenaMap> Map(ArenaId arena, bool is_writable) {
    std::unique_ptr<ArenaMap> map;
    OnStrand([this, &map, arena, is_writable] {
      std::string error;
      const base::UniqueFd fd = shell_->Open(arena, is_writable, &error);
      map = ArenaMap::Open(
          fd, kBytes,
          is_writable ? ArenaMap::Access::kWrite : ArenaMap::Access::kRead,
          &error);
      EXPECT_NE(map, nullptr) << error;
    });
    return map;
  }
  // An arena in which these are written, and nobody maps it any more.
  std::vector<Extent> Fill(const std::vector<std::string>& values) {
    Do<ArenaMade>(MakeArena{kArena, kBytes});
    const auto map = Map(kArena, true);
    base::ExtentHeap heap(kArena, map->writable());
    std::vector<Extent> extents;
    for (const std::string& value : values) {
      const auto room = heap.Allocate(value.size());
      std::memcpy(room->bytes.data(), value.data(), value.size());
      extents.push_back(room->extent);
    }
    return extents;
  }

  base::Strand strand_{"test"};
  std::unique_ptr<ArenaShell> shell_;
  std::promise<Event>* told_ = nullptr;
  // Told beside the rest, unless they are what is wanted.
  std::vector<SpillDisks> disks_;
  bool wants_disks_ = false;
};

TEST_F(ArenaShellTest, WhatIsSpilledComesBackWhereItWas) {
  Start({testing::TempDir()});
  const std::string large(100'000, 'x');
  const std::vector<Extent> extents = Fill({"one", large, "three"});
  // The first has been freed meanwhile.
  const std::vector<Extent> live = {extents[1], extents[2]};
  for (int i = 0; i < 2; ++i) {  // the second time its file serves again
    Do<Spilled>(SpillArena{kArena, live});
    EXPECT_TRUE(Do<Restored>(RestoreArena{kArena, live}).lost.empty());
    const auto map = Map(kArena, false);
    EXPECT_EQ(base::FindExtent(map->view(), live[0]), large);
    EXPECT_EQ(base::FindExtent(map->view(), live[1]), "three");
    EXPECT_FALSE(base::FindExtent(map->view(), extents[0]).has_value());
  }
  Do<SpillDisks>(DropArena{kArena});
  OnStrand([this] { EXPECT_EQ(shell_->size(), 0u); });
}

TEST_F(ArenaShellTest, SaysHowMuchRoomTheDisksHave) {
  Start({"/proc/no/such", testing::TempDir()});
  Do<Spilled>(SpillArena{kArena, Fill({"value"})});
  ASSERT_EQ(disks_.size(), 1u);
  EXPECT_GT(disks_[0].room_bytes, 0u);
  EXPECT_GT(Do<SpillDisks>(LookAtDisks{}).room_bytes, 0u);
}

// The only file without a name that this process has in the folder.
int SpillFileOf(const std::string& folder) {
  const std::string real = std::filesystem::canonical(folder);
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string what = std::filesystem::read_symlink(entry.path(), gone);
    if (what.starts_with(real) && what.ends_with("(deleted)")) {
      return std::stoi(entry.path().filename());
    }
  }
  return -1;
}

TEST_F(ArenaShellTest, WhatHasChangedOnDiskIsLostAndNotToBeFound) {
  Start({testing::TempDir()});
  const std::vector<Extent> extents = Fill({"damaged", "whole"});
  Do<Spilled>(SpillArena{kArena, extents});
  // Behind the headers of the record and of the extent.
  ASSERT_EQ(::pwrite(SpillFileOf(testing::TempDir()), "X", 1, 64 + 64), 1);
  const auto restored = Do<Restored>(RestoreArena{kArena, extents});
  EXPECT_EQ(restored.lost, std::vector<Extent>{extents[0]});
  const auto map = Map(kArena, false);
  EXPECT_FALSE(base::FindExtent(map->view(), extents[0]).has_value());
  EXPECT_EQ(base::FindExtent(map->view(), extents[1]), "whole");
}

TEST_F(ArenaShellTest, WhatIsFreeOnDiskGoesBackAndTheRestComesBack) {
  Start({testing::TempDir()});
  const std::string large(200'000, 'x');
  const std::vector<Extent> extents = Fill({large, "kept", large});
  Do<Spilled>(SpillArena{kArena, extents});
  const std::uint64_t full = disks_.back().file_bytes;
  EXPECT_GE(full, 400'000u);
  const auto freed =
      Do<SpillDisks>(FreeOnDisk{kArena, {extents[0], extents[2]}});
  EXPECT_LE(freed.file_bytes, full);
  Do<Restored>(RestoreArena{kArena, {extents[1]}});
  EXPECT_EQ(base::FindExtent(Map(kArena, false)->view(), extents[1]), "kept");
  EXPECT_EQ(Do<SpillDisks>(DropArena{kArena}).file_bytes, 0u);
}

TEST_F(ArenaShellTest, AnotherFolderServesWhereOneFails) {
  Start({"/proc/no/such", testing::TempDir()});
  for (int i = 0; i < 5; ++i) {
    const std::vector<Extent> extents = Fill({"value"});
    Do<Spilled>(SpillArena{kArena, extents});
    Do<SpillDisks>(DropArena{kArena});
  }
  EXPECT_NE(Do<SpillDisks>(LookAtDisks{}).wrong.find("/proc/no/such"),
            std::string::npos);
}

TEST_F(ArenaShellTest, WithoutAnyFolderThatTakesItItStaysInMemory) {
  Start({"/proc/no/such"});
  const std::vector<Extent> extents = Fill({"value"});
  const auto failed = Do<SpillFailed>(SpillArena{kArena, extents});
  EXPECT_EQ(failed.failure.code, base::FailureCode::kObjectStoreFull);
  EXPECT_NE(failed.failure.message.find("/proc/no/such"), std::string::npos);
  const auto map = Map(kArena, false);
  EXPECT_EQ(base::FindExtent(map->view(), extents[0]), "value");
}

TEST_F(ArenaShellTest, WhatComesInPartsIsReadAsIfItHadBeenWrittenHere) {
  Start({});
  Do<ArenaMade>(MakeArena{kArena, kBytes});
  const std::string text(150'000, 'c');
  const Extent here{kArena, 64, text.size(), 1};
  Tell(WriteArena{kArena, 64, base::Bytes::Own(text.substr(0, 100'000))});
  Tell(WriteArena{kArena, 100'064, base::Bytes::Own(text.substr(100'000))});
  Tell(FinishExtent{here});
  EXPECT_EQ(base::FindExtent(Map(kArena, false)->view(), here), text);
}

TEST_F(ArenaShellTest, APartIsReadWhileItsExtentIsThere) {
  Start({});
  Do<ArenaMade>(MakeArena{kArena, kBytes});
  const auto map = Map(kArena, true);
  // What was there before is behind each header.
  std::memset(map->writable().data(), 0xee, map->writable().size());
  base::ExtentHeap heap(kArena, map->writable());
  const std::string text = std::string(1'000, 'a') + std::string(500, 'b');
  const auto room = heap.Allocate(text.size());
  std::memcpy(room->bytes.data(), text.data(), text.size());
  const auto read = [this](const Extent& extent, std::uint64_t offset,
                           std::uint64_t size) -> std::string {
    std::optional<base::Bytes> bytes;
    OnStrand([&] { bytes = shell_->ReadPart({{}, 1, extent, offset, size}); });
    return bytes ? std::string(bytes->view()) : "gone";
  };
  EXPECT_EQ(read(room->extent, 0, 1'500), text);
  EXPECT_EQ(read(room->extent, 999, 2), "ab");
  Extent other = room->extent;
  ++other.generation;
  EXPECT_EQ(read(other, 0, 1'500), "gone");
  other = room->extent;
  --other.byte_count;
  EXPECT_EQ(read(other, 0, 10), "gone");
  EXPECT_EQ(read({kArena, 64, 2 * kBytes, 1}, 0, 10), "gone");
  EXPECT_EQ(read({kArena, 3, 10, 1}, 0, 10), "gone");
  ASSERT_TRUE(heap.Free(room->extent));
  EXPECT_EQ(read(room->extent, 0, 1'500), "gone");
}

TEST_F(ArenaShellTest, ARenamedArenaServesAnotherWriter) {
  Start({});
  Fill({"value"});
  constexpr ArenaId kOther{1, 2};
  Tell(RenameArena{kArena, kOther});
  EXPECT_NE(Map(kOther, true), nullptr);
  OnStrand([this] { EXPECT_EQ(shell_->size(), 1u); });
}

}  // namespace
}  // namespace mobula::raylet
