#include "runtime/streams/stream_table.h"

#include <iterator>
#include <optional>
#include <utility>
#include <variant>

#include "base/bytes.h"
#include "base/check.h"

namespace mobula::runtime {

void StreamTable::Add(base::ObjectId stream, base::TaskId task,
                      std::uint32_t window) {
  MOBULA_CHECK(rows_.try_emplace(stream, task, window).second,
               "a stream is new");
  MOBULA_CHECK(of_task_.emplace(task, stream).second);
}

bool StreamTable::Next(const StreamNext& next, Produced& out) {
  const auto it = rows_.find(next.stream);
  if (it == rows_.end() || it->second.dropped) return false;
  it->second.queue.Ask(next.cell);
  Give(it->second, out);
  return true;
}

void StreamTable::Give(Row& row, Produced& out) {
  while (std::optional<StreamQueue::Given> given = row.queue.Give()) {
    if (given->failure.has_value()) {
      out.Settle(given->cell, *std::move(given->failure));
      continue;
    }
    std::vector<base::ObjectName> inside;
    if (given->item.has_value()) {
      inside.push_back({*given->item, self_});
      given_.push_back(*given->item);
    }
    out.Settle(given->cell, base::Value(base::Bytes(), std::move(inside)));
  }
}

void StreamTable::Taken(base::ObjectId stream, Produced& out) {
  const auto it = rows_.find(stream);
  if (it == rows_.end()) return;
  Row& row = it->second;
  row.queue.Taken();
  if (row.producer.IsNil()) return;  // it is told when it opens
  if (const auto limit = row.queue.NewLimit()) {
    base::StreamCredit credit;
    credit.task = row.task;
    credit.limit = *limit;
    out.SendTo(row.producer, credit);
  }
}

std::deque<base::ObjectId> StreamTable::Drop(base::ObjectId stream,
                                             Produced& out) {
  const auto it = rows_.find(stream);
  if (it == rows_.end()) return {};
  it->second.dropped = true;
  StreamQueue::Left left = it->second.queue.Clear();
  for (const base::ObjectId cell : left.cells) {
    out.Settle(cell, base::NotRun(base::FailureCode::kCancelled,
                                  "the stream was closed"));
  }
  ForgetIfOver(it);
  return std::move(left.items);
}

void StreamTable::Opened(base::ProcessId from, const base::StreamOpened& opened,
                         Produced& out) {
  base::StreamCredit credit;
  credit.task = opened.task;
  const auto it = rows_.find(opened.stream);
  if (it == rows_.end() || it->second.task != opened.task) {
    credit.closed = true;
    out.SendTo(from, credit);
    return;
  }
  Row& row = it->second;
  if (!row.producer.IsNil()) LoseProducer(it, out);
  row.producer = from;
  row.attempt = opened.attempt;
  credit.skip = row.queue.received();
  credit.limit = row.queue.TellLimit();
  credit.closed = row.dropped || row.queue.ended();
  out.SendTo(from, credit);
}

bool StreamTable::Arrived(base::ProcessId from, const base::StreamItem& item,
                          Produced& out) {
  const auto it = rows_.find(item.stream);
  if (it == rows_.end()) return false;
  Row& row = it->second;
  if (row.dropped || row.producer != from || row.attempt != item.attempt) {
    return false;
  }
  const base::ObjectId object =
      base::ItemId(item.stream, from, item.attempt, item.index);
  if (item.value.is_stored() &&
      item.value.name() != base::ObjectName{object, self_}) {
    return false;
  }
  if (!row.queue.Arrived(item.index, object)) return false;
  Give(row, out);
  return true;
}

void StreamTable::Ended(base::ObjectId stream, const base::Outcome& outcome,
                        Produced& out) {
  const auto it = rows_.find(stream);
  if (it == rows_.end()) return;
  Row& row = it->second;
  std::optional<base::Failure> failure;
  if (const auto* why = std::get_if<base::Failure>(&outcome)) failure = *why;
  row.queue.End(std::move(failure));
  Give(row, out);
  ForgetIfOver(it);
}

void StreamTable::Answered(base::ProcessId from, base::TaskId task) {
  const auto found = of_task_.find(task);
  if (found == of_task_.end()) return;
  const auto it = rows_.find(found->second);
  if (it->second.producer != from) return;
  it->second.producer = base::ProcessId();
  ForgetIfOver(it);
}

void StreamTable::LinkEnded(base::ProcessId worker, Produced& out) {
  for (auto it = rows_.begin(); it != rows_.end();) {
    if (it->second.producer != worker) {
      ++it;
      continue;
    }
    LoseProducer(it, out);
    it = ForgetIfOver(it);
  }
}

void StreamTable::LoseProducer(Rows::iterator it, Produced& out) {
  Row& row = it->second;
  // What it had leave for and nothing was heard of.
  for (std::uint64_t index = row.queue.received(); index < row.queue.limit();
       ++index) {
    out.lost_attempts.push_back(
        {row.producer,
         base::ItemId(it->first, row.producer, row.attempt, index)});
  }
  row.producer = base::ProcessId();
}

StreamTable::Rows::iterator StreamTable::ForgetIfOver(Rows::iterator it) {
  const Row& row = it->second;
  if (!row.dropped || !row.queue.ended() || !row.producer.IsNil()) {
    return std::next(it);
  }
  of_task_.erase(row.task);
  return rows_.erase(it);
}

}  // namespace mobula::runtime
