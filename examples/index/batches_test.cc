#include "examples/index/batches.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace indexer {
namespace {

std::vector<FoundFile> Files(std::size_t count, std::uint64_t size_bytes) {
  std::vector<FoundFile> files;
  for (std::size_t i = 0; i < count; ++i) {
    files.push_back({"/f" + std::to_string(i), size_bytes});
  }
  return files;
}

TEST(BatchesTest, EveryFileIsInOneBatch) {
  for (const std::size_t count : {0, 1, 7, 1000}) {
    const std::vector<FoundFile> files = Files(count, 3000);
    std::size_t next = 0;
    for (const Batch& batch : MakeBatches(files, 4, 3)) {
      EXPECT_EQ(batch.shards, 3u);
      ASSERT_EQ(batch.files.size(), batch.paths.size());
      EXPECT_FALSE(batch.files.empty());
      for (std::size_t i = 0; i < batch.files.size(); ++i) {
        EXPECT_EQ(batch.files[i], next);
        EXPECT_EQ(batch.paths[i], files[next].path);
        ++next;
      }
    }
    EXPECT_EQ(next, count);
  }
}

TEST(BatchesTest, SmallFilesShareABatchAndLargeOnesDoNot) {
  EXPECT_LT(MakeBatches(Files(100'000, 100), 2, 1).size(), 1000u);
  EXPECT_EQ(MakeBatches(Files(50, 5 << 20), 2, 1).size(), 50u);
}

TEST(BatchesTest, ThereAreEnoughForAllWorkers) {
  EXPECT_GE(MakeBatches(Files(1000, 100), 8, 1).size(), 8u * 16u);
  EXPECT_EQ(MakeBatches(Files(10, 100), 8, 1).size(), 10u);
}

}  // namespace
}  // namespace indexer
