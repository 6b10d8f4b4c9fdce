#include "runtime/refs/ref_tally.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/failure.h"
#include "base/value.h"
#include "runtime/refs/inside.h"
#include "runtime/refs/object_row.h"

namespace mobula::runtime {
namespace {

// Handles of more actors than this are only counted.
constexpr std::size_t kActorsMax = 10'000;
// What is kept for all of them.
constexpr std::size_t kIdsOfActorsMax = 100'000;

std::uint64_t SizeOf(const base::Outcome* outcome) {
  if (outcome == nullptr) return 0;
  const auto* value = std::get_if<base::Value>(outcome);
  return value == nullptr ? 0 : value->size();
}

bool ComesBefore(const ObjectGlance& a, const ObjectGlance& b) {
  const std::uint64_t a_size = SizeOf(a.outcome);
  const std::uint64_t b_size = SizeOf(b.outcome);
  return a_size != b_size ? a_size > b_size : a.name.object < b.name.object;
}

std::size_t IdsIn(const base::HeldObject& row) {
  return row.lent.size() + row.inside.size();
}

}  // namespace

RefTally::RefTally(const References& refs, std::size_t rows_max) : refs_(refs) {
  const std::vector<ObjectGlance> all = refs.Glance();
  std::vector<ObjectGlance> chosen = all;
  Choose(chosen, std::min(rows_max, kRowsMax));
  for (const ObjectGlance& one : chosen) {
    places_.emplace(one.name.object, rows_.size());
    references_.push_back(one.references);
    base::HeldObject& row = rows_.emplace_back();
    row.name = one.name;
    row.byte_count = SizeOf(one.outcome);
  }
  CountInside(all);
  for (const base::ObjectId object : refs.Handed()) {
    Count(&base::RefCounts::handed, object);
  }
}

void RefTally::Choose(std::vector<ObjectGlance>& glances,
                      std::size_t rows_max) {
  const std::size_t count = std::min(rows_max, glances.size());
  std::partial_sort(glances.begin(),
                    glances.begin() + static_cast<std::ptrdiff_t>(count),
                    glances.end(), ComesBefore);
  for (std::size_t i = count; i < glances.size(); ++i) {
    ++left_out_;
    bytes_left_out_ += SizeOf(glances[i].outcome);
  }
  glances.resize(count);
}

void RefTally::CountInside(const std::vector<ObjectGlance>& glances) {
  for (const ObjectGlance& glance : glances) {
    if (glance.outcome == nullptr) continue;
    const base::ObjectId object = glance.name.object;
    for (const base::ObjectName& one : Inside(object, *glance.outcome)) {
      Count(&base::RefCounts::inside, one.object);
    }
  }
}

void RefTally::Describe(base::HeldObject& row) {
  const ObjectRow known = refs_.RowOf(row.name.object);
  row.is_settled = known.is_settled;
  row.is_failure = known.is_failure;
  const base::Outcome* outcome = refs_.Find(row.name.object);
  row.is_stored = outcome != nullptr && base::StoredIn(*outcome) != nullptr;
  const std::size_t room = std::min(kIdsOfRowMax, ids_left_);
  const std::size_t lent = std::min(known.lent.size(), room);
  for (std::size_t i = 0; i < lent; ++i) {
    row.lent.push_back({known.lent[i].first, known.lent[i].second});
  }
  const std::size_t inside = std::min(known.inside.size(), room - lent);
  row.inside.assign(known.inside.begin(),
                    known.inside.begin() + static_cast<std::ptrdiff_t>(inside));
  row.left_out = known.lent.size() + known.inside.size() - lent - inside;
  ids_left_ -= lent + inside;
}

base::RefsAre RefTally::Take() {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    Describe(rows_[i]);
    base::RefCounts& counts = rows_[i].counts;
    const std::int64_t known = counts.arguments + counts.constructors +
                               counts.running + counts.inside + counts.handed +
                               counts.remaking;
    // Who only looks ends nobody, whatever is found.
    counts.handles = std::max<std::int64_t>(references_[i] - known, 0);
  }
  base::RefsAre all;
  all.objects = std::move(rows_);
  all.objects_left_out = left_out_;
  all.bytes_left_out = bytes_left_out_;
  return all;
}

std::vector<base::RefsAre> InParts(base::RefsAre all) {
  std::vector<base::RefsAre> parts;
  std::size_t ids = 0;
  const auto part_for = [&](std::size_t more) -> base::RefsAre& {
    if (!parts.empty()) {
      const base::RefsAre& last = parts.back();
      const std::size_t rows = last.objects.size() + last.actors.size();
      const bool has_room =
          rows < base::kRefRowsMax && (rows == 0 || ids < base::kRefIdsMax);
      ids = has_room ? ids + more : more;
      if (has_room) return parts.back();
    }
    ids = more;
    base::RefsAre& part = parts.emplace_back();
    part.request = all.request;
    part.is_last = false;
    return part;
  };
  const std::size_t actors = std::min(all.actors.size(), kActorsMax);
  std::size_t room = kIdsOfActorsMax;
  for (std::size_t i = 0; i < actors; ++i) {
    base::HeldActor& actor = all.actors[i];
    actor.arguments.resize(std::min(actor.arguments.size(), room));
    room -= actor.arguments.size();
    part_for(actor.arguments.size()).actors.push_back(std::move(actor));
  }
  for (base::HeldObject& object : all.objects) {
    part_for(IdsIn(object)).objects.push_back(std::move(object));
  }
  base::RefsAre& last = parts.empty() ? part_for(0) : parts.back();
  last.is_last = true;
  last.hosts = all.hosts;
  last.is_busy = all.is_busy;
  last.objects_left_out = all.objects_left_out;
  last.bytes_left_out = all.bytes_left_out;
  last.actors_left_out = all.actors.size() - actors;
  return parts;
}

}  // namespace mobula::runtime
