// What the index prints, as text: kept apart from the program so that it can be
// tested.
// Threading: pure.
#ifndef MOBULA_EXAMPLES_INDEX_REPORT_H_
#define MOBULA_EXAMPLES_INDEX_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "examples/index/indexer.h"
#include "examples/index/query.h"
#include "examples/index/shard.h"
#include "examples/index/walk.h"

namespace indexer {

// "12,345"
std::string Grouped(std::uint64_t number);

// Which files were left out and why, `names_max` of each kind by name.
std::string DescribeLeftOut(const Walk& walk,
                            const std::vector<FileReport>& reports,
                            std::size_t names_max);

// "the 1,234   of 999   ..."
std::string DescribeCommonest(const std::vector<WordCount>& words);

// Time, rates and the processes that did the work.
std::string DescribeWork(const IndexTotals& totals, double seconds,
                         int driver_pid);

// The best `hits_max` files of a query.
std::string DescribeHits(const std::vector<std::string>& words,
                         const std::vector<Hit>& hits, const Walk& walk,
                         std::size_t hits_max);

// "index: 12 files, 345 words, 2 workers, 0 kills, 0 retries, 0 restarts"
std::string LastLine(const IndexTotals& totals, std::uint32_t workers,
                     bool is_verified);

}  // namespace indexer

#endif  // MOBULA_EXAMPLES_INDEX_REPORT_H_
