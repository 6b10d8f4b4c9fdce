// MakeBatches groups files so that each group is a worthwhile piece of work:
// many small files, or one large one.
//
// About `kBatchesPerWorker` batches for each worker, so that the last ones end
// together, but none larger than it need be.
// Threading: pure.
#ifndef MOBULA_EXAMPLES_INDEX_BATCHES_H_
#define MOBULA_EXAMPLES_INDEX_BATCHES_H_

#include <cstdint>
#include <vector>

#include "examples/index/count_batch.h"
#include "examples/index/walk.h"

namespace indexer {

inline constexpr std::uint64_t kBatchesPerWorker = 32;
inline constexpr std::uint64_t kBatchBytesMax = 1 << 20;
inline constexpr std::size_t kBatchFilesMax = 256;
// What opening a file costs, in bytes of text read in the same time.
inline constexpr std::uint64_t kFileCostBytes = 8 * 1024;

// Every file is in one batch; numbers count from 0. workers, shards >= 1.
std::vector<Batch> MakeBatches(const std::vector<FoundFile>& files,
                               std::uint32_t workers, std::uint32_t shards);

}  // namespace indexer

#endif  // MOBULA_EXAMPLES_INDEX_BATCHES_H_
