// The events and the effect of runtime/core that concern streams: the items of
// a generator, on their way from who runs it to who called it
// (docs/decisions/0023).
// Threading: values.
#ifndef MOBULA_RUNTIME_CORE_STREAM_EVENTS_H_
#define MOBULA_RUNTIME_CORE_STREAM_EVENTS_H_

#include <cstdint>

#include "base/frames/stream_message.h"
#include "base/ids.h"
#include "base/value.h"

namespace mobula::runtime {

// ---- of the API -------------------------------------------------------------

// Of a stream that is the result of a Submit or Call with `items_max`: `cell`,
// a new object with one reference, comes to hold what is next: a value that
// mentions the item, one that mentions nothing at the end, or why there are no
// more, once, before the end.
struct StreamNext {
  base::ObjectId stream;
  base::ObjectId cell;
};

// An item that a cell gave has reached who asked: there is room for another.
struct StreamTaken {
  base::ObjectId stream;
};

// Nobody asks any more: what is to give the stream is cancelled, and what
// nobody has taken freed. Before the DropObject of the stream.
struct DropStream {
  base::ObjectId stream;
};

// ---- of who runs it ---------------------------------------------------------

// What an Execute asked for is a generator and begins.
struct StreamBegun {
  base::TaskId task;
};

// It has given an item; a stored value is named by the item (base::ItemId).
struct Yielded {
  base::TaskId task;
  std::uint64_t index = 0;
  base::Value value;
};

// What it may give from here on. It may have ended.
struct GiveCredit {
  base::StreamCredit credit;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_CORE_STREAM_EVENTS_H_
