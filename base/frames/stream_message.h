// What frames say of streams: the part of the vocabulary
// (base/frames/message.h) by which a generator that runs in a worker hands its
// items to who called it, and is held back by it.
//
//   worker -> owner  StreamOpened      (answered by StreamCredit)
//   worker -> owner  StreamItem ...    then TaskDone, as of every task
//   owner  -> worker StreamCredit      as items are taken
// Each item is an object of the caller's. Its name follows from who makes it
// and in which attempt, so that the owner can have freed what a worker stored
// and, being dead, never told of.
// Threading: values and a pure function.
#ifndef MOBULA_BASE_FRAMES_STREAM_MESSAGE_H_
#define MOBULA_BASE_FRAMES_STREAM_MESSAGE_H_

#include <cstdint>

#include "base/ids.h"
#include "base/value.h"

namespace mobula::base {

// A generator has begun. `stream` is the object that is to hold its end: the
// `result` of its RunTask or CallActor.
struct StreamOpened {
  TaskId task;
  ObjectId stream;
  std::int32_t attempt = 1;
};

// Item `index`, from 0. Those of one attempt come without gaps, from the first
// that was not to be skipped.
struct StreamItem {
  TaskId task;
  ObjectId stream;
  std::int32_t attempt = 1;
  std::uint64_t index = 0;
  Value value;
};

// The first `skip` items are there, of earlier attempts, and are not to be sent
// again; those before `limit` may be sent. Neither ever shrinks. An attempt
// that is the first may send item 0 unasked.
struct StreamCredit {
  TaskId task;
  std::uint64_t skip = 0;
  std::uint64_t limit = 0;
  bool closed = false;  // nobody takes items: the caller wanted one value
};

// The object that holds item `index` of that attempt, made by `producer`.
inline ObjectId ItemId(ObjectId stream, ProcessId producer,
                       std::int32_t attempt, std::uint64_t index) {
  // The finisher of MurmurHash3: the upper half is as good as 64 random bits.
  const auto mixed = [](std::uint64_t x) {
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdULL;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53ULL;
    return x ^ x >> 33;
  };
  std::uint64_t hi = static_cast<std::uint64_t>(attempt);
  for (const std::uint64_t part :
       {producer.lo, producer.hi, stream.lo, stream.hi}) {
    hi = mixed((hi + 0x9e3779b97f4a7c15ULL) ^ part);
  }
  return {hi, index + 1};
}

}  // namespace mobula::base

#endif  // MOBULA_BASE_FRAMES_STREAM_MESSAGE_H_
