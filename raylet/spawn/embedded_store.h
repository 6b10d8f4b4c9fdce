// EmbeddedStore is the control store of an embedded head: a child of the
// raylet, `mobula gcs --serve-fd 3 --dir FOLDER --log-file FILE`, which speaks
// over one connection, the descriptor that it was started with.
//
//   Connect --> started, its connection is ours --it ended, or the connection
//   did--> (killed) --the next Connect--> started again
// It ends with the raylet (PDEATHSIG) and keeps what it knows in the session's
// folder: it is as durable as the head is.
// Owner: Server.   Threading: the thread that starts it must live as long as
// it does (the kernel ends it with that thread).
// Invariants: (1) there is at most one; (2) a second one is not started before
// the first has been reaped.
// Failure: a sentence; the next Connect tries again.
#ifndef MOBULA_RAYLET_SPAWN_EMBEDDED_STORE_H_
#define MOBULA_RAYLET_SPAWN_EMBEDDED_STORE_H_

#include <sys/types.h>

#include <string>

#include "base/unique_fd.h"

namespace mobula::raylet {

class EmbeddedStore {
 public:
  struct Options {
    std::string program = "/proc/self/exe";  // `mobula`
    std::string folder;                      // for what it keeps
    std::string log_file;  // also of what it writes to stdout and stderr
    std::string session;   // the mark
  };

  explicit EmbeddedStore(Options options);
  ~EmbeddedStore();  // kills it; whoever reaps children reaps it
  EmbeddedStore(const EmbeddedStore&) = delete;
  EmbeddedStore& operator=(const EmbeddedStore&) = delete;

  // Starts it and gives our end of the connection, non-blocking. While one
  // still runs, whose connection is of no more use, that one is killed, and the
  // answer is nothing.
  base::UniqueFd Connect(std::string* error);
  // A child was reaped; whether it was this one.
  bool Ended(pid_t pid);

  [[nodiscard]] pid_t pid() const { return pid_; }  // 0: it does not run

 private:
  const Options options_;
  pid_t pid_ = 0;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SPAWN_EMBEDDED_STORE_H_
