// The streams of local mode: generators on their way to who reads them.
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/value.h"
#include "runtime/local/local_backend.h"
#include "runtime/local/local_coroutine.h"

namespace mobula::runtime {

void LocalBackend::AddStream(base::ObjectId stream, std::uint32_t window) {
  if (window == 0) return;
  base::MutexLock lock(mutex_);
  streams_.try_emplace(stream, window);
}

void LocalBackend::On(const StreamNext& next) {
  base::MutexLock lock(mutex_);
  objects_.Expect(next.cell);
  const auto found = streams_.find(next.stream);
  if (found == streams_.end()) {
    objects_.Settle(next.cell, {NotRun(base::FailureCode::kBadArgument, "",
                                       "there is no such stream here"),
                                0});
    return;
  }
  found->second.queue.Ask(next.cell);
  GiveItems(found->second);
}

void LocalBackend::On(const StreamTaken& taken) {
  base::StreamCredit credit;
  std::shared_ptr<Coroutine> producer;
  {
    base::MutexLock lock(mutex_);
    const auto found = streams_.find(taken.stream);
    if (found == streams_.end()) return;
    Stream& stream = found->second;
    stream.queue.Taken();
    const auto limit = stream.queue.NewLimit();
    producer = stream.producer.lock();
    if (!limit.has_value() || producer == nullptr) return;
    credit.limit = *limit;
  }
  producer->items->Grant(credit);
}

void LocalBackend::On(const DropStream& drop) {
  // Of what is not over; the stream is still an object.
  static_cast<void>(Cancel({drop.stream, self_}, /*force=*/false,
                           /*recursive=*/true, base::BootTime::Never()));
  base::MutexLock lock(mutex_);
  const auto found = streams_.find(drop.stream);
  if (found == streams_.end()) return;
  const StreamQueue::Left left = found->second.queue.Clear();
  for (const base::ObjectId item : left.items) objects_.Release(item);
  for (const base::ObjectId cell : left.cells) {
    objects_.Settle(cell, {NotRun(base::FailureCode::kCancelled, "",
                                  "the stream was closed"),
                           0});
    TellWatches(cell);
  }
  streams_.erase(found);
  changed_.NotifyAll();
}

void LocalBackend::OpenItems(const std::shared_ptr<Coroutine>& coroutine) {
  base::StreamCredit credit;
  {
    base::MutexLock lock(mutex_);
    const auto found = streams_.find(coroutine->result());
    if (found == streams_.end() || found->second.queue.ended()) {
      credit.closed = true;
    } else {
      found->second.producer = coroutine;
      credit.skip = found->second.queue.received();
      credit.limit = found->second.queue.TellLimit();
    }
  }
  coroutine->items->Grant(credit);
}

void LocalBackend::TakeItem(const Coroutine& coroutine, std::uint64_t index,
                            base::Value value) {
  const auto item = NewId<base::ObjectId>();
  base::MutexLock lock(mutex_);
  const auto found = streams_.find(coroutine.result());
  if (found == streams_.end()) return;
  // It is told to stop, perhaps not yet: what had come before is all.
  const auto run = runs_.find(coroutine.result());
  if (run != runs_.end() && run->second.cancelled) return;
  if (!found->second.queue.Arrived(index, item)) return;
  objects_.Put(item, {std::move(value), coroutine.run.incarnation});
  GiveItems(found->second);
}

void LocalBackend::EndStream(base::ObjectId stream,
                             const base::Outcome& outcome) {
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  std::optional<base::Failure> failure;
  if (const auto* why = std::get_if<base::Failure>(&outcome)) failure = *why;
  found->second.queue.End(std::move(failure));
  GiveItems(found->second);
}

void LocalBackend::GiveItems(Stream& stream) {
  while (std::optional<StreamQueue::Given> given = stream.queue.Give()) {
    Settled settled;
    if (given->failure.has_value()) {
      settled.outcome = *std::move(given->failure);
    } else {
      std::vector<base::ObjectName> inside;
      if (given->item.has_value()) inside.push_back({*given->item, self_});
      settled.outcome = base::Value(base::Bytes(), std::move(inside));
    }
    objects_.Settle(given->cell, std::move(settled));
    TellWatches(given->cell);
    // The cell holds it now.
    if (given->item.has_value()) objects_.Release(*given->item);
  }
  changed_.NotifyAll();
}

}  // namespace mobula::runtime
