// mobula memory: which objects there are, how large, whose, and who holds them.
//
//   mobula memory [--json] [--job ID] [--limit N] [--group-by
//   owner|job|function]
// The raylets of this machine are asked, as of `mobula list workers`, and each
// asks the processes of its node; docs/values.md says what to make of it.
// Threading: called by main; it blocks.
// Failure: a sentence for stderr and an exit code. A process that does not
// answer is none: it is listed as silent.
#ifndef MOBULA_CLI_MEMORY_MEMORY_H_
#define MOBULA_CLI_MEMORY_MEMORY_H_

#include <cstdint>

#include "cli/memory/memory_text.h"
#include "cli/tables/show.h"
#include "cli/tools/store.h"

namespace mobula::cli {

struct MemoryCommand {
  StoreFlags store;
  MemorySelection selection;
  std::uint32_t patience_ms = 2'000;  // with a process that is silent
  bool json = false;
};

Shown Show(const MemoryCommand& command);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_MEMORY_MEMORY_H_
