// StreamReader is the caller's end of a stream without the type of its items:
// what RefStream stands on. Not for users.
//
//   reader.Cell()           // the object that holds what is next
//   reader.Take(outcome)    // what it held: an item, or null at the end
// A cell that was asked for stays the next one until it is taken, also where
// a wait for it was given up.
// Owner: RefStream.   Threading: one thread or coroutine at a time.
// Failure: Cell throws RuntimeClosed; Take what the stream failed with.
#ifndef MOBULA_API_MOBULA_STREAMS_STREAM_READER_H_
#define MOBULA_API_MOBULA_STREAMS_STREAM_READER_H_

#include <memory>

#include "base/failure.h"

namespace mobula::detail {

class ObjectHandle;
using ObjectPtr = std::shared_ptr<const ObjectHandle>;

class StreamReader {
 public:
  // `stream`: what the call gave.
  explicit StreamReader(ObjectPtr stream);
  // Cancels what is to give the rest.
  ~StreamReader();
  StreamReader(const StreamReader&) = delete;
  StreamReader& operator=(const StreamReader&) = delete;

  const ObjectPtr& Cell();
  ObjectPtr Take(base::Outcome outcome);
  [[nodiscard]] const ObjectPtr& stream() const { return stream_; }

 private:
  const ObjectPtr stream_;
  ObjectPtr cell_;  // asked for and not taken; null if there is none
};

// Throws BadArgument for null.
StreamReader& Checked(const std::unique_ptr<StreamReader>& reader);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_STREAMS_STREAM_READER_H_
