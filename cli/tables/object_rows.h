// ObjectRows are the objects of a cluster as `mobula list objects` shows them:
// what the control store's directory says of each, and under which names it is
// published. Those that have one come first. A value that is published and kept
// by a node shares its bytes with the object that was published: they are one
// row, under the id of whichever is registered for the bytes.
//
//   auto rows = FindObjects(store, kObjectRowsMax, &error);
// Threading: they block.   Failure: nothing, and a sentence.
#ifndef MOBULA_CLI_TABLES_OBJECT_ROWS_H_
#define MOBULA_CLI_TABLES_OBJECT_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/control/object_records.h"
#include "cli/tools/store.h"

namespace mobula::cli {

// Of one list, unless all are asked for.
inline constexpr std::size_t kObjectRowsMax = 1'000;

struct ObjectRow {
  // Without places: its bytes are in the control store, or nowhere.
  base::ObjectRecord object;
  std::vector<base::PublishedRecord> published;
};

struct ObjectRows {
  std::vector<ObjectRow> rows;
  std::uint64_t more = 0;     // that are left out
  std::uint64_t unnamed = 0;  // that raylets have only counted
};

std::optional<ObjectRows> FindObjects(const Store& store, std::size_t rows_max,
                                      std::string* error);

// Those whose ids begin so, in order: two at most, which is enough to know that
// there is not one.
std::optional<std::vector<ObjectRow>> FindObjectsBeginning(
    const Store& store, const std::string& beginning, std::string* error);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TABLES_OBJECT_ROWS_H_
