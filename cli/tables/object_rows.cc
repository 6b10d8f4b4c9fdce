#include "cli/tables/object_rows.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/control/control_request.h"
#include "base/ids.h"

namespace mobula::cli {
namespace {

using base::ObjectId;
using base::PublishedRecord;

constexpr std::uint32_t kPageMax = 10'000;

std::optional<std::vector<PublishedRecord>> FindPublished(const Store& store,
                                                          std::string* error) {
  std::vector<PublishedRecord> all;
  base::ListPublished list;
  list.count_max = kPageMax;
  for (;;) {
    auto part = AskFor<base::PublishedListAnswer>(store, list, error);
    if (!part) return std::nullopt;
    all.insert(all.end(), part->values.begin(), part->values.end());
    if (!part->more || part->values.empty()) return all;
    list.after_ns = part->values.back().ns;
    list.after_name = part->values.back().name;
  }
}

ObjectRow RowOf(const PublishedRecord& published) {
  ObjectRow row;
  row.object.object = published.object;
  row.object.job = published.job;
  if (!published.node.IsNil()) {
    base::ObjectCopies copies;
    copies.byte_count = published.byte_count;
    row.object.places.push_back({published.node, copies});
  }
  row.published = published;
  return row;
}

// The id before the first one that begins so; nil: there is none.
ObjectId Before(const std::string& beginning) {
  std::string first = beginning;
  first.resize(32, '0');
  ObjectId id = ObjectId::Parse(first).value_or(ObjectId());
  if (id.IsNil()) return id;
  if (id.lo == 0) --id.hi;
  --id.lo;
  return id;
}

}  // namespace

std::optional<ObjectRows> FindObjects(const Store& store, std::size_t rows_max,
                                      std::string* error) {
  const auto published = FindPublished(store, error);
  if (!published) return std::nullopt;
  ObjectRows found;
  std::map<ObjectId, std::size_t> by_id;  // of those with a name
  for (const PublishedRecord& value : *published) {
    if (!value.object.IsNil()) by_id.emplace(value.object, found.rows.size());
    found.rows.push_back(RowOf(value));
  }
  const std::size_t names = found.rows.size();
  std::uint64_t met = 0;  // of the directory's
  base::ListObjects list;
  list.count_max = kPageMax;
  for (;;) {
    auto part = AskFor<base::ObjectsAnswer>(store, list, error);
    if (!part) return std::nullopt;
    for (base::ObjectRecord& object : part->objects) {
      ++met;
      const auto named = by_id.find(object.object);
      if (named != by_id.end()) {
        found.rows[named->second].object = std::move(object);
      } else if (found.rows.size() < std::max(rows_max, names)) {
        found.rows.push_back({std::move(object), std::nullopt});
      } else {
        ++found.more;
      }
    }
    found.unnamed = part->unnamed;
    const bool is_full = found.rows.size() >= rows_max;
    if (!part->more || part->objects.empty() || is_full) {
      if (part->named > met) found.more += part->named - met;
      break;
    }
    list.after = part->objects.back().object;
  }
  if (found.rows.size() > rows_max) {
    found.more += found.rows.size() - rows_max;
    found.rows.resize(rows_max);
  }
  return found;
}

std::optional<std::vector<ObjectRow>> FindObjectsBeginning(
    const Store& store, const std::string& beginning, std::string* error) {
  const auto published = FindPublished(store, error);
  if (!published) return std::nullopt;
  base::ListObjects list;
  list.after = Before(beginning);
  list.count_max = 2;
  auto part = AskFor<base::ObjectsAnswer>(store, list, error);
  if (!part) return std::nullopt;
  std::vector<ObjectRow> rows;
  for (base::ObjectRecord& object : part->objects) {
    if (!object.object.ToString().starts_with(beginning)) break;
    ObjectRow row{std::move(object), std::nullopt};
    for (const PublishedRecord& value : *published) {
      if (value.object == row.object.object) row.published = value;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace mobula::cli
