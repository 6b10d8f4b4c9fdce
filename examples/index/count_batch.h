// CountBatch is the remote function of the index: it reads the files of a
// batch, counts their words, and sorts the counts by the shard that will hold
// them.
//
// Files are told by their number in the driver's list. A file that is no text
// is reported, never fatal.
// Threading: pure but for reading files.
#ifndef MOBULA_EXAMPLES_INDEX_COUNT_BATCH_H_
#define MOBULA_EXAMPLES_INDEX_COUNT_BATCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "examples/index/read_file.h"

namespace indexer {

// Some files, small ones together so that they do not cost a call each.
struct Batch {
  std::uint32_t number = 0;
  std::uint32_t shards = 1;
  std::vector<std::uint32_t> files;
  std::vector<std::string> paths;  // of the files
};

// What one batch adds to one shard, in columns: they travel as blocks.
struct ShardPart {
  std::vector<std::uint32_t> files;
  std::vector<std::uint32_t> sizes;   // how many of `counts` are of each file
  std::vector<std::uint32_t> counts;  // of one word in one file
  std::string words;                  // in the order of counts, each with '\n'
};

struct FileReport {
  std::uint32_t file = 0;
  Problem problem = Problem::kNone;
  std::string reason;
  std::uint64_t text_bytes = 0;
  std::uint64_t fingerprint = 0;  // of the text
  std::uint64_t words = 0;
};

struct BatchResult {
  std::uint32_t number = 0;
  std::int32_t pid = 0;
  std::int32_t attempt = 1;
  std::vector<FileReport> files;
  std::vector<ShardPart> parts;  // one for each shard
};

BatchResult CountBatch(const Batch& batch);

// Adds the words of one text to the parts, one for each shard. The number of
// words, each as often as it occurs.
std::uint64_t CountText(std::uint32_t file, std::string_view text,
                        std::vector<ShardPart>* parts);

}  // namespace indexer

#endif  // MOBULA_EXAMPLES_INDEX_COUNT_BATCH_H_
