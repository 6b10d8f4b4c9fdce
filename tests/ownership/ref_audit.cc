#include "tests/ownership/ref_audit.h"

#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "base/frames/memory_message.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/core.h"
#include "runtime/refs/object_row.h"

namespace mobula::ownership {
namespace {

using base::ObjectId;
using base::ObjectName;
using base::ProcessId;
using runtime::ObjectRow;
using Seat = Scene::Seat;

constexpr std::size_t kRowsMax = 100'000;

std::string Text(const ObjectName& name) {
  return std::to_string(name.object.hi) + "." + std::to_string(name.object.lo) +
         " of " + std::to_string(name.owner.hi) + "." +
         std::to_string(name.owner.lo);
}
std::string Text(ProcessId process) {
  return std::to_string(process.hi) + "." + std::to_string(process.lo);
}

// One look at a node: the rows of all its processes.
class Look {
 public:
  explicit Look(const Scene& scene) : scene_(scene) {
    for (const auto& [id, seat] : scene.seats) {
      for (ObjectRow& row : seat.core->Objects()) {
        const ObjectId object = row.name.object;
        rows_[id].emplace(object, std::move(row));
      }
    }
  }

  std::vector<std::string> Check() {
    for (const auto& [id, seat] : scene_.seats) {
      CheckProcess(id, seat);
      CheckReferences(id, seat);
      CheckReasons(id, seat);
      for (const auto& [object, row] : rows_[id]) {
        row.name.owner == id ? CheckOwn(row) : CheckBorrowed(id, row);
      }
    }
    CheckRaylet();
    return std::move(wrongs_);
  }

 private:
  void Wrong(std::string what) { wrongs_.push_back(std::move(what)); }

  const ObjectRow* Find(ProcessId process, ObjectId object) const {
    const auto rows = rows_.find(process);
    if (rows == rows_.end()) return nullptr;
    const auto row = rows->second.find(object);
    return row == rows->second.end() ? nullptr : &row->second;
  }

  void CheckProcess(ProcessId id, const Seat& seat) {
    const runtime::Core::Census census = seat.core->Count();
    if (census.tasks + census.calls + census.hosted > 0) {
      Wrong("process " + Text(id) + " has tasks or calls that never end");
    }
    if (census.handed > 0) {
      Wrong("process " + Text(id) + " keeps refs for receivers that have them");
    }
    if (seat.watches > 0) {
      Wrong("process " + Text(id) + " waits for outcomes for ever");
    }
  }

  // Handles, values of this process, and what may be made again.
  void CheckReferences(ProcessId id, const Seat& seat) {
    std::map<ObjectId, std::int64_t> expected;
    for (const auto& [object, count] : seat.handles) {
      expected[object] += count;
    }
    for (const ObjectName& name : seat.held_for_actors) {
      ++expected[name.object];
    }
    for (const auto& [object, row] : rows_[id]) {
      for (const ObjectName& name : row.inside) ++expected[name.object];
    }
    for (const auto& [object, count] : expected) {
      const ObjectRow* row = Find(id, object);
      if (row == nullptr) {
        Wrong("process " + Text(id) + " has lost object " +
              Text(ObjectName{object, ProcessId()}));
      } else if (row->references != count) {
        Wrong("process " + Text(id) + " counts " +
              std::to_string(row->references) + " references to " +
              Text(row->name) + ", there are " + std::to_string(count));
      }
    }
    for (const auto& [object, row] : rows_[id]) {
      if (row.references > 0 && !expected.contains(object)) {
        Wrong("process " + Text(id) + " counts references to " +
              Text(row.name) + ", there are none");
      }
    }
  }

  // Who asks is told the same, by what holds each.
  void CheckReasons(ProcessId id, const Seat& seat) {
    std::map<ObjectId, base::RefCounts> expected;
    for (const auto& [object, count] : seat.handles) {
      expected[object].handles += count;
    }
    for (const ObjectName& name : seat.held_for_actors) {
      ++expected[name.object].constructors;
    }
    for (const auto& [object, row] : rows_[id]) {
      for (const ObjectName& name : row.inside) ++expected[name.object].inside;
    }
    const base::RefsAre told = seat.core->DescribeRefs(kRowsMax);
    if (told.objects.size() != rows_[id].size()) {
      Wrong("process " + Text(id) + " does not tell all that it refers to");
    }
    for (const base::HeldObject& row : told.objects) {
      const base::RefCounts& is = row.counts;
      const base::RefCounts& is_to = expected[row.name.object];
      if (is.handles == is_to.handles && is.inside == is_to.inside &&
          is.constructors == is_to.constructors &&
          is.arguments + is.running + is.handed == 0) {
        continue;
      }
      Wrong("process " + Text(id) + " tells other reasons for " +
            Text(row.name) + " than there are");
    }
  }

  void CheckOwn(const ObjectRow& row) {
    if (row.references == 0 && row.lent.empty()) {
      Wrong("object " + Text(row.name) + " is kept and nobody refers to it");
    }
    for (const auto& [borrower, count] : row.lent) {
      const ObjectRow* there = Find(borrower, row.name.object);
      const std::int64_t received = there == nullptr ? 0 : there->received;
      if (received == count) continue;
      Wrong("object " + Text(row.name) + " is lent " + std::to_string(count) +
            " times to " + Text(borrower) + ", which knows of " +
            std::to_string(received));
    }
  }

  void CheckBorrowed(ProcessId id, const ObjectRow& row) {
    if (row.references == 0) {
      Wrong("process " + Text(id) + " borrows " + Text(row.name) +
            " and does not refer to it");
    }
    if (row.received == 0) {
      if (!row.is_failure) {
        Wrong("process " + Text(id) + " refers to " + Text(row.name) +
              " and nobody knows of it");
      }
      return;
    }
    if (scene_.has_ended(row.name.owner)) {
      orphans_.insert(row.name.object);
      return;
    }
    const ObjectRow* owned = Find(row.name.owner, row.name.object);
    bool is_lent = false;
    if (owned != nullptr) {
      for (const auto& [borrower, count] : owned->lent) {
        is_lent = is_lent || borrower == id;
      }
    }
    if (!is_lent) {
      Wrong("object " + Text(row.name) + " is free, or may be, and " +
            Text(id) + " refers to it");
    }
  }

  void CheckRaylet() {
    const raylet::ObjectStore& store = *scene_.store;
    if (store.custody().rounds() > 0) Wrong("a round of claims never ends");
    if (store.custody().size() != orphans_.size()) {
      Wrong("the raylet speaks for " + std::to_string(store.custody().size()) +
            " objects, " + std::to_string(orphans_.size()) +
            " are referred to");
    }
    for (const raylet::ListedObject& listed : store.List(1'000'000)) {
      const ObjectId object = listed.name.object;
      if (orphans_.contains(object)) continue;
      if (Find(listed.name.owner, object) != nullptr) continue;
      // What a lost attempt has stored goes with its lineage.
      const auto owner = scene_.seats.find(listed.name.owner);
      if (owner != scene_.seats.end() && owner->second.core->Traces(object)) {
        continue;
      }
      Wrong("object " + Text(listed.name) + " is stored and free");
    }
  }

  const Scene& scene_;
  std::map<ProcessId, std::map<ObjectId, ObjectRow>> rows_;
  std::set<ObjectId> orphans_;  // referred to, of owners that have ended
  std::vector<std::string> wrongs_;
};

}  // namespace

std::vector<std::string> AuditRefs(const Scene& scene) {
  scene.store->CheckInvariants();
  return Look(scene).Check();
}

std::vector<std::string> AuditNoRefs(const Scene& scene) {
  std::vector<std::string> wrongs = AuditRefs(scene);
  for (const auto& [id, seat] : scene.seats) {
    const runtime::Core::Census census = seat.core->Count();
    if (census.lineage > 0) {
      wrongs.push_back("process " + Text(id) + " keeps lineage of nothing");
    }
    const std::size_t left =
        census.objects + census.borrowed + census.lent + census.handed;
    if (left == 0) continue;
    wrongs.push_back("process " + Text(id) + " has " + std::to_string(left) +
                     " objects and loans left");
    for (const ObjectRow& row : seat.core->Objects()) {
      wrongs.push_back("  " + Text(row.name) + " with " +
                       std::to_string(row.references) + " references");
      for (const ObjectName& name : row.inside) {
        wrongs.push_back("    inside: " + Text(name));
      }
    }
  }
  if (scene.store->stored().size() > 0) {
    wrongs.emplace_back("something is left in the node's store");
  }
  return wrongs;
}

}  // namespace mobula::ownership
