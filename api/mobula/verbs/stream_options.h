// StreamOptions says how far a Stream goes ahead, and in which order it gives.
//
//   mobula::Stream<Fetch>(mobula::StreamOptions().Window(100).Ordered(false),
//                         urls);
//
// Threading: a value.
#ifndef MOBULA_API_MOBULA_VERBS_STREAM_OPTIONS_H_
#define MOBULA_API_MOBULA_VERBS_STREAM_OPTIONS_H_

#include <cstddef>
#include <utility>

#include "api/mobula/error.h"
#include "api/mobula/options.h"

namespace mobula {

class StreamOptions {
 public:
  StreamOptions() = default;

  // Calls that were started and not yet given, at most; default 32. Throws
  // BadArgument for 0.
  StreamOptions& Window(std::size_t calls_max) {
    if (calls_max == 0) detail::ThrowBadArgument("a window of 0 holds no call");
    values_.window = calls_max;
    return *this;
  }
  // By the order of the elements (default), else as they are done.
  StreamOptions& Ordered(bool ordered = true) {
    values_.ordered = ordered;
    return *this;
  }
  // Of each call.
  StreamOptions& Task(TaskOptions task) {
    values_.task = std::move(task);
    return *this;
  }

  struct Values {
    std::size_t window = 32;
    bool ordered = true;
    TaskOptions task;
  };
  [[nodiscard]] const Values& values() const { return values_; }

 private:
  Values values_;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_VERBS_STREAM_OPTIONS_H_
