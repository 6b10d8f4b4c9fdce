// The part of Owner that takes the items of generators: docs/decisions/0023.
#include <utility>

#include "base/check.h"
#include "runtime/core/owner.h"

namespace mobula::runtime {

void Owner::On(const StreamNext& next) {
  refs_.Add(next.cell);
  if (streams_.Next(next, out_)) return;
  out_.Settle(next.cell,
              base::NotRun(base::FailureCode::kBadArgument,
                           "there is no such stream in this process"));
}

void Owner::On(const StreamTaken& taken) { streams_.Taken(taken.stream, out_); }

void Owner::On(const DropStream& drop) {
  for (const base::ObjectId item : streams_.Drop(drop.stream, out_)) {
    refs_.Drop(item);
  }
  if (refs_.Find(drop.stream) != nullptr) return;
  CancelOwn(drop.stream, /*force=*/false, /*recursive=*/true);
}

void Owner::On(base::ProcessId from, const base::StreamOpened& opened) {
  streams_.Opened(from, opened, out_);
}

void Owner::On(base::ProcessId from, base::StreamItem item) {
  if (!streams_.Arrived(from, item, out_)) {
    if (item.value.is_stored() && item.value.name().owner == options_.self) {
      refs_.unused().push_back({item.value.name().object, item.value.extent()});
    }
    return;
  }
  const base::ObjectId object =
      base::ItemId(item.stream, from, item.attempt, item.index);
  refs_.Put(object, std::move(item.value));
}

// What cells mention they hold themselves by now.
void Owner::ReleaseGiven() {
  for (const base::ObjectId item : std::exchange(streams_.given(), {})) {
    refs_.Drop(item);
  }
}

}  // namespace mobula::runtime
