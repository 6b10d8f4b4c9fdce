#include "raylet/server/raylet_main.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "base/clock.h"
#include "base/control/node_file.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/scheduling/resource_vector.h"
#include "base/strand.h"
#include "base/unique_fd.h"
#include "raylet/server/node_resources.h"
#include "raylet/server/server.h"
#include "raylet/spawn/child_reaper.h"
#include "raylet/spawn/janitor.h"
#include "raylet/spawn/runtime_folder.h"

namespace mobula::raylet {
namespace {

using base::UniqueFd;

constexpr double kCpusMax = 1e6;
constexpr double kQuantityMax = 9e14;
constexpr int kWorkersMax = 100'000;

int Complain(int code, const std::string& sentence) {
  std::fprintf(stderr, "mobula raylet: %s\n", sentence.c_str());
  return code;
}

bool IsQuantity(double value, double max) {
  return std::isfinite(value) && value >= 0 && value <= max;
}

// What is wrong with the arguments; empty if nothing is.
std::string WrongWith(const RayletOptions& options) {
  struct stat stat;
  if (::fstat(options.driver_fd, &stat) != 0 || !S_ISSOCK(stat.st_mode)) {
    return "--driver-fd is not a socket; this program is started by a driver";
  }
  if (::fstat(options.program_fd, &stat) != 0 || !S_ISREG(stat.st_mode)) {
    return "--program-fd is not an executable file";
  }
  if (options.cpus && !IsQuantity(*options.cpus, kCpusMax)) {
    return "--cpus is not a number of processors";
  }
  if (options.memory_bytes && *options.memory_bytes <= 0) {
    return "--memory is not a number of bytes";
  }
  for (const auto& [name, quantity] : options.resources) {
    if (name.empty() || !IsQuantity(quantity, kQuantityMax)) {
      return "--resource " + name + " has no sensible quantity";
    }
  }
  if (options.workers_max &&
      (*options.workers_max < 1 || *options.workers_max > kWorkersMax)) {
    return "--workers-max is not between 1 and " + std::to_string(kWorkersMax);
  }
  return "";
}

base::ResourceVector TotalOf(const RayletOptions& options, double cpus) {
  base::ResourceVector total = base::ResourceVector::Cpus(cpus);
  const std::int64_t memory =
      options.memory_bytes ? *options.memory_bytes : DetectMemoryBytes();
  total = total.With("memory", static_cast<double>(memory));
  for (const auto& [name, quantity] : options.resources) {
    total = total.With(name, quantity);
  }
  return total;
}

// Who made the socketpair; 0 if it lives in another pid namespace.
pid_t DriverOf(int socket) {
  ucred credentials{};
  socklen_t length = sizeof(credentials);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) !=
      0) {
    return 0;
  }
  return credentials.pid;
}

// Three pipes and sockets a worker add up: as many as we may have. Gives what
// we were started with, for the workers.
rlimit RaiseOpenFiles() {
  rlimit before{};
  if (::getrlimit(RLIMIT_NOFILE, &before) != 0) return rlimit{};
  rlimit raised = before;
  raised.rlim_cur = raised.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &raised);
  return before;
}

int ServeDriver(Server::Options options, const std::string& folder) {
  ChildReaper::Block();
  std::string error;
  base::LogOptions log;
  log.name = "raylet";
  log.file = folder + "/raylet.log";
  if (!base::StartLog(log, &error)) Complain(0, error);
  MOBULA_LOG(INFO) << "node " << options.core.node_name << " has "
                   << options.core.total << ", driver pid "
                   << options.driver_pid;
  base::Strand strand("raylet");
  const Server server(strand, std::move(options));
  strand.Run();
  MOBULA_LOG(INFO) << "ends";
  return 0;
}

}  // namespace

int RunRaylet(const RayletOptions& options) {
  const std::string wrong = WrongWith(options);
  if (!wrong.empty()) return Complain(2, wrong);
  Server::Options server;
  server.driver.Reset(options.driver_fd);
  server.program.Reset(options.program_fd);
  ::fcntl(options.driver_fd, F_SETFD, FD_CLOEXEC);
  ::fcntl(options.program_fd, F_SETFD, FD_CLOEXEC);
  server.driver_pid = DriverOf(options.driver_fd);
  server.open_files = RaiseOpenFiles();
  server.id_maker = base::RandomBits();
  base::IdSource ids(base::RandomBits());
  const double cpus = options.cpus ? *options.cpus : DetectCpus();
  server.core.self = ids.Next<base::ProcessId>();
  server.core.node = ids.Next<base::NodeId>();
  server.core.node_name = HostName();
  server.core.total = TotalOf(options, cpus);
  server.core.workers = Core::WorkerOptionsFor(cpus);
  if (options.workers_max) {
    const auto max = static_cast<std::size_t>(*options.workers_max);
    server.core.workers.workers_max = max;
    server.core.workers.pool = std::min(server.core.workers.pool, max);
  }
  const std::vector<std::string> roots = base::SessionRoots();
  std::string error;
  std::optional<RuntimeFolder> folder = RuntimeFolder::Plan(roots, &error);
  if (!folder) return Complain(1, error);
  server.session = folder->session();
  const std::string path = folder->path();
  JanitorOptions janitor;
  janitor.driver = server.driver_pid;
  janitor.stale_roots = roots;
  janitor.let_go = [&server] {
    server.driver.Reset();
    server.program.Reset();
  };
  return RunUnderJanitor(std::move(*folder), janitor,
                         [&server, &path](UniqueFd watch) {
                           server.janitor = std::move(watch);
                           return ServeDriver(std::move(server), path);
                         });
}

}  // namespace mobula::raylet
