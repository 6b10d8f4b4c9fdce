// RunCommand runs another program to its end, within a time.
//
//   CommandOptions options;
//   options.input = token;                       // on its standard input
//   const CommandEnd end = RunCommand({"docker", "ps"}, options);
//   if (end.code != 0) Complain(end.errors);
// It has no terminal, and is killed when the caller ends: nothing that the
// launcher began goes on without it.
// Threading: called in a process with one thread.
// Failure: code -1 and a sentence in `errors` where it could not be run.
#ifndef MOBULA_CLI_CLUSTER_RUN_COMMAND_H_
#define MOBULA_CLI_CLUSTER_RUN_COMMAND_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/boot_time.h"

namespace mobula::cli {

struct CommandOptions {
  std::string input;       // what it reads; else of `input_file`, else nothing
  std::string input_file;  // a path
  base::Duration patience = std::chrono::seconds(60);
};

struct CommandEnd {
  int code = -1;       // 128 + signal where one ended it
  std::string output;  // its last MiB
  std::string errors;  // its last 64 KiB
  bool timed_out = false;
};

CommandEnd RunCommand(const std::vector<std::string>& words,
                      const CommandOptions& options);

// With this process's own standard input, output and error, however long it
// takes. SIGINT, SIGTERM, SIGHUP and SIGQUIT to this process are handed to
// `forward` instead, by their number. Returns the exit code.
int RunAttached(const std::vector<std::string>& words,
                const std::function<void(int signal)>& forward);

// Runs each task in a process of its own, `most` at a time. `done` is told what
// one gave as soon as it has, in this process; a task whose process was killed
// gave "it was killed". Nothing else that a task changes is seen here.
void RunSideBySide(
    const std::vector<std::function<std::string()>>& tasks, std::size_t most,
    const std::function<void(std::size_t task, const std::string& gave)>& done);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_CLUSTER_RUN_COMMAND_H_
