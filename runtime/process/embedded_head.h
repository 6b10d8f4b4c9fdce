// EmbeddedHead is a raylet of this program's own: it accepts only this program
// and its workers, and ends with it, however it ends.
//
//   Start --fork, exec `mobula raylet`--> running --socket closed--> gone
// The program is found by FindHead (head_search.h). It runs in a session of its
// own, so that Ctrl-C reaches only the driver; it inherits standard output and
// error as pipes to us, its end of a socketpair and this program's executable,
// and no other descriptor.
// Owner: Process, in a driver.
// Threading: none of its own; one caller at a time.
// Failure: Start returns a StartError and leaves nothing behind.
#ifndef MOBULA_RUNTIME_PROCESS_EMBEDDED_HEAD_H_
#define MOBULA_RUNTIME_PROCESS_EMBEDDED_HEAD_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/scheduling/byte_amount.h"
#include "base/unique_fd.h"
#include "runtime/process/start_error.h"

namespace mobula::runtime {

// What the head offers; what is absent it finds out itself.
struct HeadOptions {
  std::string program;  // the `mobula` to run; "": looked for
  std::optional<double> cpus;
  std::optional<std::int64_t> memory_bytes;
  // Memory of large values, zero for no store; where the rest is written.
  std::optional<base::ByteAmount> object_store;
  std::vector<std::string> spill_folders;
  std::map<std::string, double> resources;
  std::optional<std::int32_t> workers_max;
  bool log_json = false;  // else as the environment says
  // ControlAddress of a control store: then it is no head but a node of that
  // cluster, which offers nothing, whatever is said above.
  std::string control;
  // After which it says why it could not join that, and ends.
  base::Duration join_patience = std::chrono::seconds(30);
};

class EmbeddedHead {
 public:
  static std::variant<std::unique_ptr<EmbeddedHead>, StartError> Start(
      const HeadOptions& options);
  // Ends it if WaitEnd has not.
  ~EmbeddedHead();
  EmbeddedHead(const EmbeddedHead&) = delete;
  EmbeddedHead& operator=(const EmbeddedHead&) = delete;

  // Our end of the link; valid once.
  [[nodiscard]] base::UniqueFd TakeSocket();
  // What it writes to its standard output and error; the caller reads it.
  [[nodiscard]] base::UniqueFd TakeOutput();
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] const std::string& program() const { return program_; }

  // Waits until it has ended (its socket must be closed by then) and reaps it;
  // kills it after `patience`. Twice is once.
  void WaitEnd(base::Duration patience);

 private:
  EmbeddedHead() = default;

  std::string program_;
  pid_t pid_ = 0;
  base::UniqueFd pidfd_;
  base::UniqueFd socket_;
  base::UniqueFd output_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_PROCESS_EMBEDDED_HEAD_H_
