#include "examples/index/batches.h"

#include <algorithm>
#include <utility>

namespace indexer {

std::vector<Batch> MakeBatches(const std::vector<FoundFile>& files,
                               std::uint32_t workers, std::uint32_t shards) {
  std::uint64_t total_cost = 0;
  for (const FoundFile& file : files) {
    total_cost += kFileCostBytes + file.size_bytes;
  }
  const std::uint64_t cost_max =
      std::min(kBatchBytesMax, total_cost / (kBatchesPerWorker * workers) + 1);
  std::vector<Batch> batches;
  std::uint64_t cost = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::uint64_t file_cost = kFileCostBytes + files[i].size_bytes;
    if (batches.empty() || cost + file_cost > cost_max ||
        batches.back().files.size() >= kBatchFilesMax) {
      batches.emplace_back();
      batches.back().number = static_cast<std::uint32_t>(batches.size() - 1);
      batches.back().shards = shards;
      cost = 0;
    }
    batches.back().files.push_back(static_cast<std::uint32_t>(i));
    batches.back().paths.push_back(files[i].path);
    cost += file_cost;
  }
  return batches;
}

}  // namespace indexer
