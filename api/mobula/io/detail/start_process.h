// StartProcess makes the pipes of a program and starts it. Not for users.
// Threading: a coroutine. Errors: BadArgument, SubprocessError, and what the
// scope throws, before it is started.
#ifndef MOBULA_API_MOBULA_IO_DETAIL_START_PROCESS_H_
#define MOBULA_API_MOBULA_IO_DETAIL_START_PROCESS_H_

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "api/mobula/coro/coro.h"
#include "api/mobula/io/byte_stream.h"
#include "api/mobula/io/subprocess_options.h"

namespace mobula::detail {

struct ProcessState;

struct StartedProcess {
  std::shared_ptr<ProcessState> process;
  // Of its 0, 1 and 2; null where it has no pipe there.
  std::array<StreamPtr, 3> pipes;
};

[[nodiscard]] Coro<StartedProcess> StartProcess(
    std::vector<std::string> argv, SubprocessOptions::Values options);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_IO_DETAIL_START_PROCESS_H_
