// HeadOutput keeps the last of what the head printed, for the error that says
// why it is gone. (The head's own log is in files.)
//
// Owner: Process. Threading: one thread at a time: the strand, and after it has
// stopped whoever ends the process.
// Failure: a pipe that cannot be read counts as ended.
#ifndef MOBULA_RUNTIME_PROCESS_HEAD_OUTPUT_H_
#define MOBULA_RUNTIME_PROCESS_HEAD_OUTPUT_H_

#include <string>

#include "base/unique_fd.h"

namespace mobula::runtime {

class HeadOutput {
 public:
  // Makes `pipe` non-blocking; it may be invalid.
  explicit HeadOutput(base::UniqueFd pipe);

  [[nodiscard]] int fd() const { return pipe_.get(); }
  // Reads what is there; false when there will be no more.
  bool Read();
  // The last few KiB, whole lines where possible, no newline at the end.
  [[nodiscard]] std::string Tail() const;

 private:
  base::UniqueFd pipe_;
  std::string tail_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_PROCESS_HEAD_OUTPUT_H_
