// Verify makes the same index again in one thread and compares all of it, word
// by word and file by file, with what the shards hold.
//
// A file that changed since a task read it (its text has another fingerprint)
// is left out of the comparison and counted.
// Threading: none.
#ifndef MOBULA_EXAMPLES_INDEX_VERIFY_H_
#define MOBULA_EXAMPLES_INDEX_VERIFY_H_

#include <cstdint>
#include <string>

#include "examples/index/indexer.h"

namespace indexer {

struct Verdict {
  std::string difference;   // the first one found; empty: the index is right
  std::uint64_t words = 0;  // distinct ones compared
  std::uint64_t files_changed = 0;
  double reference_seconds = 0;  // what one thread took to make the index
};

Verdict Verify(Indexer& indexer);

}  // namespace indexer

#endif  // MOBULA_EXAMPLES_INDEX_VERIFY_H_
