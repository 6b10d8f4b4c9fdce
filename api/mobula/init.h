// Init begins the runtime of this program; the Runtime that it returns ends it.
//
//   int main(int argc, char** argv) {
//     mobula::Runtime runtime = mobula::Init(argc, argv);
//     ...
//   }                                           // ended here
//
// It starts a head for this program alone (the program `mobula`, found by
// MOBULA_HOME, beside the executable, in the runfiles or on the path), which
// ends with this program, also when it is killed. Workers run this executable;
// main never runs in them. In local mode everything runs in this process and
// thread, for debuggers and unit tests.
// argv: --mobula-cpus N, --mobula-memory BYTES (K, M, G, T allowed),
// --mobula-resource NAME=N, --mobula-workers-max N, --mobula-local,
// --mobula-log-level debug|info|warning|error, --mobula-program PATH; also as
// --mobula-cpus=N. They win over InitOptions and are taken out of argv. What
// comes after "--" is not looked at.
// Threading: Init and Shutdown from one thread at a time.
#ifndef MOBULA_API_MOBULA_INIT_H_
#define MOBULA_API_MOBULA_INIT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/mobula/timeout.h"

namespace mobula {

namespace detail {
class Session;
}  // namespace detail

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

// Lines that a worker wrote to its standard output or error.
struct WorkerLines {
  int pid = 0;
  std::string function;  // that was running; "" if none
  bool is_stderr = false;
  std::vector<std::string> lines;
  std::uint64_t omitted = 0;  // left out before these by the rate limit
};

// What a program asks of its runtime. Setters throw BadArgument.
class InitOptions {
 public:
  InitOptions();

  // Logical processors to offer; default: what this process may use (mask and
  // cgroup quota).
  InitOptions& Cpus(double cpus);
  // Bytes to offer; default: what the machine or cgroup has.
  InitOptions& Memory(std::int64_t bytes);
  // Offers a resource of your own: Resource("gpu", 2).
  InitOptions& Resource(std::string_view name, double quantity);
  // Worker processes at most, actors included; default: the head's own.
  InitOptions& WorkersMax(int workers);
  // All in this process and thread: a task runs inside Spawn.
  InitOptions& Local(bool local = true);
  // Least level that this process and its head log; default kWarning.
  InitOptions& LogLevel(mobula::LogLevel level);
  // Gets the workers' output instead of standard output and error. Called on a
  // thread of the runtime, one call at a time; must not block.
  InitOptions& OnWorkerOutput(std::function<void(const WorkerLines&)> callback);
  // The `mobula` program to start, instead of looking for it.
  InitOptions& Program(std::string path);
  // How long the head may take to come up; default 10 s.
  InitOptions& StartTimeout(Timeout timeout);

  struct Values {
    std::optional<double> cpus;
    std::optional<std::int64_t> memory_bytes;
    std::map<std::string, double> resources;
    std::optional<int> workers_max;
    bool local = false;
    mobula::LogLevel log_level = mobula::LogLevel::kWarning;
    std::function<void(const WorkerLines&)> on_worker_output;
    std::string program;
    Timeout start_timeout;
  };
  [[nodiscard]] const Values& values() const { return values_; }

 private:
  Values values_;
};

// The runtime of this program while it lives. Movable, not copyable.
class Runtime {
 public:
  Runtime(Runtime&& other) noexcept;
  Runtime& operator=(Runtime&& other) noexcept;
  // Shutdown.
  ~Runtime();

  // Ends workers and head; what they wrote has been delivered. Refs and actor
  // handles are inert from here on. Twice is once; Init may follow.
  void Shutdown();

  // Host name, and what the node offers in all.
  [[nodiscard]] std::string NodeName() const;
  [[nodiscard]] double Cpus() const;

 private:
  explicit Runtime(std::shared_ptr<detail::Session> session);
  friend Runtime Init(const InitOptions& options);
  std::shared_ptr<detail::Session> session_;
};

// Throw InitError, with what to do: no `mobula` found (and where it was looked
// for), another version of it, no resources, a second runtime, unknown
// --mobula- flag, MOBULA_ADDRESS set (joining a cluster that runs already is
// not in this version).
Runtime Init(const InitOptions& options);
Runtime Init(int& argc, char** argv);
Runtime Init(int& argc, char** argv, InitOptions options);
// As above for an argc that cannot change: nothing is taken out of argv.
Runtime Init(const int& argc, char** argv);
Runtime Init(const int& argc, char** argv, InitOptions options);

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_INIT_H_
