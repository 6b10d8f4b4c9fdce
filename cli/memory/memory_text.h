// MemoryText is what `mobula memory` prints of what nodes said.
//
//   MemoryShown shown = Select(views, options);
//   TextOf(views, shown)   tables for people, with the totals below them
//   JsonOf(views, shown)   {"objects":[...],"cycles":[...],...}
// Threading: pure functions.
#ifndef MOBULA_CLI_MEMORY_MEMORY_TEXT_H_
#define MOBULA_CLI_MEMORY_MEMORY_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/memory/memory_view.h"

namespace mobula::cli {

struct MemorySelection {
  std::string job;          // the beginning of its id; "": all
  std::size_t limit = 100;  // rows, and cycles
  std::string group_by;     // owner, job, function; "": none
};

// An object, or what is kept and by whom, of one of the views.
struct ShownObject {
  const MemoryView* view = nullptr;
  const ObjectEntry* entry = nullptr;
};
struct ShownCycle {
  const MemoryView* view = nullptr;
  const Cycle* cycle = nullptr;
};
struct ShownGroup {
  std::string name;
  std::uint64_t objects = 0;
  std::uint64_t byte_count = 0;
  std::uint64_t stored_bytes = 0;
};
struct MemoryTotals {
  std::uint64_t objects = 0;
  std::uint64_t byte_count = 0;
  std::uint64_t cycle_bytes = 0;      // that nothing but cycles hold
  std::uint64_t unclaimed_bytes = 0;  // of stores
  // Whatever the job:
  std::uint64_t stored_bytes = 0;
  std::uint64_t store_bytes_max = 0;
  std::uint64_t spilled_bytes = 0;
  std::uint64_t silent = 0;    // processes
  std::uint64_t left_out = 0;  // objects that are only counted
};

struct MemoryShown {
  bool is_grouped = false;
  std::vector<ShownObject> objects;  // the largest first
  std::uint64_t more = 0;            // that are left out
  std::vector<ShownCycle> cycles;
  std::uint64_t more_cycles = 0;
  std::vector<ShownGroup> groups;  // the largest first
  MemoryTotals totals;
};

// Refers to the views.
MemoryShown Select(const std::vector<MemoryView>& views,
                   const MemorySelection& selection);

std::string TextOf(const std::vector<MemoryView>& views,
                   const MemoryShown& shown);
std::string JsonOf(const std::vector<MemoryView>& views,
                   const MemoryShown& shown);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_MEMORY_MEMORY_TEXT_H_
