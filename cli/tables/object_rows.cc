#include "cli/tables/object_rows.h"

#include <algorithm>
#include <iterator>
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
  row.published.push_back(published);
  return row;
}

// Rows of published values; those that turn out to share their bytes become
// one.
class NamedRows {
 public:
  explicit NamedRows(std::vector<PublishedRecord> published) {
    for (PublishedRecord& value : published) {
      if (!value.object.IsNil()) by_id_.emplace(value.object, rows_.size());
      rows_.emplace_back(RowOf(value));
    }
    size_ = rows_.size();
  }

  // Whether it is the object of one, or of several.
  bool Take(const base::ObjectRecord& object) {
    std::optional<std::size_t> first = RowFor(object.object);
    for (const ObjectId kept : object.kept) {
      const std::optional<std::size_t> row = RowFor(kept);
      if (!row.has_value() || row == first) continue;
      if (first.has_value()) {
        Join(*row, *first);
      } else {
        first = row;
      }
    }
    if (!first.has_value()) return false;
    rows_[*first]->object = object;
    return true;
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  std::vector<ObjectRow> TakeAll() {
    std::vector<ObjectRow> all;
    for (std::optional<ObjectRow>& row : rows_) {
      if (row.has_value()) all.push_back(*std::move(row));
    }
    return all;
  }

 private:
  [[nodiscard]] std::optional<std::size_t> RowFor(ObjectId object) const {
    const auto found = by_id_.find(object);
    if (found == by_id_.end()) return std::nullopt;
    return found->second;
  }
  void Join(std::size_t row, std::size_t into) {
    by_id_[rows_[row]->published.front().object] = into;
    rows_[into]->published.push_back(rows_[row]->published.front());
    rows_[row].reset();
    --size_;
  }

  std::vector<std::optional<ObjectRow>> rows_;  // nothing: joined to another
  std::map<ObjectId, std::size_t> by_id_;
  std::size_t size_ = 0;
};

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
  auto published = FindPublished(store, error);
  if (!published) return std::nullopt;
  NamedRows named(*std::move(published));
  ObjectRows found;
  std::vector<ObjectRow> others;
  std::uint64_t met = 0;  // of the directory's
  base::ListObjects list;
  list.count_max = kPageMax;
  for (;;) {
    auto part = AskFor<base::ObjectsAnswer>(store, list, error);
    if (!part) return std::nullopt;
    for (base::ObjectRecord& object : part->objects) {
      ++met;
      if (named.Take(object)) continue;
      if (named.size() + others.size() < rows_max) {
        others.push_back({std::move(object), {}});
      } else {
        ++found.more;
      }
    }
    found.unnamed = part->unnamed;
    const bool is_full = named.size() + others.size() >= rows_max;
    if (!part->more || part->objects.empty() || is_full) {
      if (part->named > met) found.more += part->named - met;
      break;
    }
    list.after = part->objects.back().object;
  }
  found.rows = named.TakeAll();
  std::move(others.begin(), others.end(), std::back_inserter(found.rows));
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
    ObjectRow row{std::move(object), {}};
    const auto& kept = row.object.kept;
    for (const PublishedRecord& value : *published) {
      if (value.object == row.object.object ||
          std::find(kept.begin(), kept.end(), value.object) != kept.end()) {
        row.published.push_back(value);
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace mobula::cli
