// InitOptions is what a program asks of its runtime.
//
//   mobula::Runtime runtime = mobula::Init(
//       argc, argv, mobula::InitOptions().Cpus(4).Resource("gpu", 1));
//
// Every setter throws BadArgument for a value that makes no sense.
// Threading: values.
#ifndef MOBULA_API_MOBULA_INIT_OPTIONS_H_
#define MOBULA_API_MOBULA_INIT_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/mobula/timeout.h"
#include "base/scheduling/byte_amount.h"

namespace mobula {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

// Lines that a worker wrote to its standard output or error.
struct WorkerLines {
  int pid = 0;
  std::string function;  // that was running; "" if none
  bool is_stderr = false;
  std::vector<std::string> lines;
  std::uint64_t omitted = 0;  // left out before these by the rate limit
  std::string node;           // host name
};

class InitOptions {
 public:
  static constexpr int kWeightMax = 1'000;

  InitOptions();

  // Where to begin: the address of a cluster's control store
  // ("127.0.0.1:6380", "unix:/run/..."), "auto" for any node that runs here,
  // "embedded" for a head of this program's own. Default: see Init.
  InitOptions& Address(std::string address);
  // Of this program's actors' names and its keys; default "default". Workers
  // have that of their job.
  InitOptions& Namespace(std::string ns);
  // Of this program's share of a node that several programs use, 1 to 1000:
  // under full load 3 beside 1 gets three times as many slots. Default: what
  // MOBULA_WEIGHT says, else 1.
  InitOptions& Weight(int weight);
  // Logical processors to offer, more than 0; default: what this process may
  // use (mask and cgroup quota).
  InitOptions& Cpus(double cpus);
  // Bytes to offer; default: what the machine or cgroup has.
  InitOptions& Memory(std::int64_t bytes);
  // Of memory that processes share, for values of more than 4 KiB: what is over
  // it is written to disk. 0: none, and every value is copied in messages.
  // Default: 30 % of what the machine or cgroup has free, "30%".
  InitOptions& ObjectStoreMemory(std::int64_t bytes);
  // "512MiB", "2GiB", or a share of what is free: "50%".
  InitOptions& ObjectStoreMemory(std::string_view amount);
  // Of this process's memory, for how results that lie in the store were made:
  // those whose bytes are lost can be made again. Over it the oldest is
  // forgotten. Default 256 MiB, enough for half a million results; workers,
  // which may have tasks of their own, have that always. 0: none is kept.
  InitOptions& LineageMemory(std::int64_t bytes);
  // Where values go that have no room in memory, in turn; of each disk a folder
  // that exists. Their files have no names and end with the head. Default: the
  // first of the session's folder, /var/tmp and /tmp that is on a disk.
  InitOptions& SpillFolders(std::vector<std::string> folders);
  // Offers a resource of your own: Resource("gpu", 2).
  InitOptions& Resource(std::string_view name, double quantity);
  // Worker processes at most, actors included; default: the head's own.
  InitOptions& WorkersMax(int workers);
  // All in this process and thread: a task runs inside Spawn.
  InitOptions& Local(bool local = true);
  // Least level that this process logs; default kWarning, or what
  // MOBULA_LOG_LEVEL says, which is also for what this process starts.
  InitOptions& LogLevel(mobula::LogLevel level);
  // One JSON object a line, here and in the logs of a head of this program's
  // own; default: what MOBULA_LOG_JSON says (0 or 1), else lines for people.
  InitOptions& LogJson(bool json = true);
  // Gets the workers' output instead of standard output and error. Called on a
  // thread of the runtime, one call at a time; must not block.
  InitOptions& OnWorkerOutput(std::function<void(const WorkerLines&)> callback);
  // The `mobula` program to start, instead of looking for it.
  InitOptions& Program(std::string path);
  // How long the head may take to come up; default 10 s.
  InitOptions& StartTimeout(Timeout timeout);

  struct Values {
    std::string address;
    std::string ns = "default";
    std::optional<int> weight;
    std::optional<double> cpus;
    std::optional<std::int64_t> memory_bytes;
    std::optional<base::ByteAmount> object_store;
    std::optional<std::int64_t> lineage_bytes;
    std::vector<std::string> spill_folders;
    std::map<std::string, double> resources;
    std::optional<int> workers_max;
    bool local = false;
    std::optional<mobula::LogLevel> log_level;
    std::optional<bool> log_json;
    std::function<void(const WorkerLines&)> on_worker_output;
    std::string program;
    Timeout start_timeout;
  };
  [[nodiscard]] const Values& values() const { return values_; }

 private:
  Values values_;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_INIT_OPTIONS_H_
