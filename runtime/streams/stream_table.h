// StreamTable holds the streams of this owner: of each generator that it called
// the items that came and were not taken, and who makes them.
//
//   Add --Opened--> made by one worker --Answered | LinkEnded--> made by nobody
//   (another attempt opens it again)      any --Ended--> no more items
//   ended, made by nobody, Dropped--> (gone)
// An item has one reference of this table from Arrived until a cell mentions
// it. The first attempt's first item needs no leave; each attempt hears by the
// answer to StreamOpened what is here already.
// Owner: runtime::Owner, which keeps the references and ends the tasks.
// Threading: none; pure.
// Invariants: those of StreamQueue; what a worker that is gone may have stored
// and not told of is in Produced::lost_attempts, once. Failure: items that
// nobody waits for are refused; who opens what is no stream is told so.
#ifndef MOBULA_RUNTIME_STREAMS_STREAM_TABLE_H_
#define MOBULA_RUNTIME_STREAMS_STREAM_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "base/failure.h"
#include "base/frames/stream_message.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/core/produced.h"
#include "runtime/streams/stream_queue.h"

namespace mobula::runtime {

class StreamTable {
 public:
  explicit StreamTable(base::ProcessId self) : self_(self) {}

  // The outcome of `task` is to be the end of the new stream.
  void Add(base::ObjectId stream, base::TaskId task, std::uint32_t window);
  // The API: false if there is no such stream.
  bool Next(const StreamNext& next, Produced& out);
  void Taken(base::ObjectId stream, Produced& out);
  // Nobody reads it any more: who still waits for an item is told. The items
  // that nobody took, whose references end.
  std::deque<base::ObjectId> Drop(base::ObjectId stream, Produced& out);

  void Opened(base::ProcessId from, const base::StreamOpened& opened,
              Produced& out);
  // Whether the item is wanted: then there must be its object, with its value.
  bool Arrived(base::ProcessId from, const base::StreamItem& item,
               Produced& out);
  // The task has its outcome; others are let pass.
  void Ended(base::ObjectId stream, const base::Outcome& outcome,
             Produced& out);
  // The worker has answered for the task: it yields nothing more.
  void Answered(base::ProcessId from, base::TaskId task);
  void LinkEnded(base::ProcessId worker, Produced& out);

  [[nodiscard]] bool empty() const { return rows_.empty(); }
  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  // Items that cells mention: once those are settled, the references of this
  // table end. Its owner empties it.
  std::vector<base::ObjectId>& given() { return given_; }

 private:
  struct Row {
    Row(base::TaskId of, std::uint32_t window) : task(of), queue(window) {}
    base::TaskId task;
    StreamQueue queue;
    base::ProcessId producer;  // nil: nobody makes items now
    std::int32_t attempt = 0;
    bool dropped = false;
  };
  using Rows = std::map<base::ObjectId, Row>;

  void Give(Row& row, Produced& out);
  // Its producer makes nothing more, and cannot say what it made.
  static void LoseProducer(Rows::iterator it, Produced& out);
  // Forgets it if nothing more can come of it; the next one.
  Rows::iterator ForgetIfOver(Rows::iterator it);

  const base::ProcessId self_;
  Rows rows_;
  std::map<base::TaskId, base::ObjectId> of_task_;
  std::vector<base::ObjectId> given_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_STREAMS_STREAM_TABLE_H_
