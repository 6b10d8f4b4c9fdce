// What frames say of the processes of a node that a raylet asks for a tool: a
// part of the vocabulary (base/frames/message.h).
// Threading: values.
#ifndef MOBULA_BASE_FRAMES_QUESTION_MESSAGE_H_
#define MOBULA_BASE_FRAMES_QUESTION_MESSAGE_H_

#include <cstdint>
#include <string>

#include "base/failure.h"
#include "base/ids.h"

namespace mobula::base {

struct AskedProcess {
  ProcessId process;
  std::string role;  // raylet, driver, worker
  std::int32_t pid = 0;
  JobId job;
  std::string name;       // program, function or class, for people
  bool is_actor = false;  // that is a class
  // It has said all. Else: since when it has been asked without an answer; 0 if
  // it was not asked, since it is new or about to end.
  bool is_complete = false;
  std::int64_t silent_ms = 0;
};

// The end of the answer as well.
struct QuestionRefused {
  Failure failure;  // kLimit
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_FRAMES_QUESTION_MESSAGE_H_
