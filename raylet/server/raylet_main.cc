#include "raylet/server/raylet_main.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/control/control_address.h"
#include "base/control/node_file.h"
#include "base/control/records.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/rpc/control_call.h"
#include "base/scheduling/resource_vector.h"
#include "base/security/credentials.h"
#include "base/settings/log_settings.h"
#include "base/sockets/peer.h"
#include "base/sockets/poll_wait.h"
#include "base/strand.h"
#include "base/tls/credential_renewer.h"
#include "base/tls/tls_context.h"
#include "base/tls/tls_tunnel.h"
#include "base/unique_fd.h"
#include "raylet/arenas/spill_folders.h"
#include "raylet/server/line_plan.h"
#include "raylet/server/node_resources.h"
#include "raylet/server/server.h"
#include "raylet/server/store_size.h"
#include "raylet/spawn/child_reaper.h"
#include "raylet/spawn/janitor.h"
#include "raylet/spawn/runtime_folder.h"

namespace mobula::raylet {
namespace {

using base::UniqueFd;

constexpr double kQuantityMax = 9e14;
constexpr int kWorkersMax = 100'000;
constexpr std::size_t kTokenBytesMax = 4096;
// The head's store may only be beginning.
constexpr base::Duration kCertifyPatience = std::chrono::seconds(20);
constexpr base::Duration kCertifyPause = std::chrono::milliseconds(50);

int Complain(int code, const std::string& sentence) {
  std::fprintf(stderr, "mobula raylet: %s\n", sentence.c_str());
  return code;
}

bool IsQuantity(double value, double max) {
  return std::isfinite(value) && value >= 0 && value <= max;
}

// What is wrong with what is offered; empty if nothing is.
std::string WrongWith(const RayletOptions& options) {
  if (options.cpus && !IsQuantity(*options.cpus, kCpusMax)) {
    return "--cpus is not a number of processors";
  }
  if (options.memory &&
      (options.memory->is_zero() || options.memory->Of(0) > kQuantityMax)) {
    return "--memory is not an amount of memory";
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

std::string WrongWithDriver(const RayletOptions& options) {
  struct stat stat;
  if (::fstat(options.driver_fd, &stat) != 0 || !S_ISSOCK(stat.st_mode)) {
    return "--driver-fd is not a socket; this program is started by a driver";
  }
  if (::fstat(options.program_fd, &stat) != 0 || !S_ISREG(stat.st_mode)) {
    return "--program-fd is not an executable file";
  }
  return WrongWithSpillFolders(options.spill_folders);
}

base::ResourceVector TotalOf(const RayletOptions& options, double cpus) {
  if (!options.control.empty()) return base::ResourceVector();
  base::ResourceVector total = base::ResourceVector::Cpus(cpus);
  const auto all = static_cast<std::uint64_t>(DetectMemoryBytes());
  const std::uint64_t memory = options.memory ? options.memory->Of(all) : all;
  total = total.With("memory", static_cast<double>(memory));
  for (const auto& [name, quantity] : options.resources) {
    total = total.With(name, quantity);
  }
  return total;
}

// Who made the socketpair; 0 if it lives in another pid namespace.
pid_t DriverOf(int socket) {
  const auto driver = base::PeerOf(socket);
  return driver ? driver->pid : 0;
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

// Milliseconds of the wall clock, for people only.
std::int64_t NowForPeople() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// False, and why, where what was asked makes no sense here.
bool PlanStore(const RayletOptions& options, const std::string& session_folder,
               Server::Options* server, std::string* error) {
  MemoryRoom room;
  room.all_bytes = static_cast<std::uint64_t>(DetectMemoryBytes());
  room.free_bytes = static_cast<std::uint64_t>(DetectFreeMemoryBytes());
  // A node that offers nothing to tasks has a store for its own driver.
  const double offered = server->core.total.Get("memory");
  room.offered_bytes =
      offered > 0 ? static_cast<std::uint64_t>(offered) : room.all_bytes;
  const auto bytes = StoreBytes(options.object_store, room, error);
  if (!bytes) {
    *error = "--object-store-memory: " + *error;
    return false;
  }
  server->core.object_store_bytes = *bytes;
  server->spill_folders = options.spill_folders.empty()
                              ? DefaultSpillFolders(session_folder)
                              : options.spill_folders;
  return true;
}

// Of both forms.
Server::Options ServerOptions(const RayletOptions& options) {
  Server::Options server;
  server.open_files = RaiseOpenFiles();
  server.id_maker = base::RandomBits();
  server.core.maker = server.id_maker;
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
  return server;
}

void LogStore(const Server::Options& options) {
  std::string folders;
  for (const std::string& folder : options.spill_folders) {
    folders += (folders.empty() ? "" : ", ") + folder;
  }
  if (folders.empty()) {
    folders = "nowhere: no folder here is on a disk; --spill-folder names one";
  }
  MOBULA_LOG(INFO) << "its store has " << options.core.object_store_bytes
                   << " bytes; what is more goes to " << folders;
}

int Serve(Server::Options options) {
  ChildReaper::Block();
  std::string error;
  base::LogOptions log;
  log.name = "raylet";
  log.file = options.folder + "/raylet.log";
  if (!base::ApplyLogEnvironment(&log, &error)) Complain(0, error);
  if (!base::StartLog(log, &error)) Complain(0, error);
  options.core.pid = ::getpid();
  MOBULA_LOG(INFO) << "node " << options.core.node << " on "
                   << options.core.node_name << " has " << options.core.total;
  LogStore(options);
  if (options.driver.has_value()) {
    MOBULA_LOG(INFO) << "driver pid " << options.driver->pid;
  }
  base::Strand strand("raylet");
  const Server server(strand, std::move(options));
  strand.Run();
  MOBULA_LOG(INFO) << "ends";
  if (server.why().empty()) return 0;
  return Complain(server.refused() ? kLeftCluster : 1, server.why());
}

// The secret in a file; nothing, and why.
std::optional<std::string> ReadToken(const std::string& path,
                                     std::string* error) {
  if (path.empty()) return "";
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char buffer[kTokenBytesMax];
  const ssize_t n = ::read(file.get(), buffer, sizeof(buffer));
  if (n <= 0) {
    *error = "the token file " + path + " cannot be read";
    return std::nullopt;
  }
  std::string token(buffer, static_cast<std::size_t>(n));
  while (!token.empty() && token.back() == '\n') token.pop_back();
  return token;
}

// What a line by TLS needs for as long as it lives; its threads begin with it.
struct TlsLine {
  TlsLine(const base::ControlAddress& address, const std::string& file)
      : tunnel({file, base::WallNowS}), renewer(RenewalOf(address, file)) {}

  static base::CredentialRenewer::Options RenewalOf(
      const base::ControlAddress& address, const std::string& file) {
    base::CredentialRenewer::Options options;
    options.address = address;
    options.file = file;
    return options;
  }

  base::TlsTunnel tunnel;
  base::CredentialRenewer renewer;
};

// The ids of this node are of the making that its certificate names.
void BeOf(std::uint64_t maker, Server::Options* server) {
  server->core.self = base::ProcessId{maker, base::RandomBits()};
  server->core.node = base::NodeId{maker, base::RandomBits()};
}

bool JoinByTls(const base::ControlAddress& address,
               const std::string& credentials_file, Server::Options* server,
               std::string* error) {
  const std::string file =
      base::ChooseCredentials(address.HostAndPort(), credentials_file);
  const auto mine = base::ReadCredentials(file, error);
  if (!mine) return false;
  BeOf(mine->identity().maker, server);
  server->lines.credentials_file = file;
  server->core.has_control = true;
  server->core.address = address.ToString();
  server->node_file.control = address.ToString();
  server->control.connect = [address, file, line = std::shared_ptr<TlsLine>()](
                                std::string* why) mutable -> UniqueFd {
    // Not before: who makes these options may fork.
    if (line == nullptr) line = std::make_shared<TlsLine>(address, file);
    return base::ConnectControl(address, why, &line->tunnel);
  };
  return true;
}

// Makes it reach the control store; false, and why.
bool JoinCluster(const std::string& control, const std::string& token_file,
                 Server::Options* server, std::string* error) {
  const auto address = base::ControlAddress::Parse(control, error);
  if (!address) return false;
  if (address->tls) return JoinByTls(*address, token_file, server, error);
  std::optional<std::string> token = ReadToken(token_file, error);
  if (!token) return false;
  server->core.has_control = true;
  server->node_file.control = address->ToString();
  server->core.address = address->ToString();
  server->control.connect = [address = *address](std::string* why) {
    return base::ConnectControl(address, why);
  };
  server->control.token = std::move(*token);
  return true;
}

// The head reaches its store without TLS, and other nodes by it: what it shows
// those its store signs, which may only be beginning. False, and why.
bool CertifyOwn(const NodeOptions& options, const UniqueFd& keeper,
                Server::Options* server, std::string* error) {
  const auto control = base::ControlAddress::Parse(options.control, error);
  const auto listen = base::ControlAddress::Parse(options.listen, error);
  if (!control || !listen) return false;
  const std::string file = options.folder + "/node.pem";
  const auto mine = CertifyHead(
      *control, *listen, file, base::BootNow() + kCertifyPatience,
      [&keeper] {
        return !base::WaitReadable(keeper.get(),
                                   base::BootNow() + kCertifyPause);
      },
      error);
  if (!mine) return false;
  BeOf(mine->identity().maker, server);
  server->lines.credentials_file = file;
  server->control.connect = [connect = std::move(server->control.connect),
                             renewal = TlsLine::RenewalOf(*listen, file),
                             renewer =
                                 std::shared_ptr<base::CredentialRenewer>()](
                                std::string* why) mutable -> UniqueFd {
    if (renewer == nullptr) {
      renewer = std::make_shared<base::CredentialRenewer>(renewal);
    }
    return connect(why);
  };
  return true;
}

// False, and why.
bool PlanDoor(LineRequest request, Server::Options* server,
              std::string* error) {
  const auto address = base::ControlAddress::Parse(server->core.address, error);
  if (!request.store && address && address->tls) request.store = address;
  const auto plan = PlanLines(request, error);
  if (!plan) return false;
  server->lines.self = server->core.node;
  server->lines.raylet = server->core.self;
  server->lines.door = plan->door;
  server->lines.door_host = plan->door_host;
  return true;
}

// A node in a cluster for one driver alone.
void OfferNothing(const RayletOptions& options, pid_t driver,
                  Core::Options* core) {
  core->workers.pool = 0;
  core->labels[base::kDriverLabel] = std::to_string(driver);
  core->infeasible_advice =
      "it was started for this program alone and offers nothing, since no node "
      "of the cluster runs on this machine; `mobula start --address " +
      options.control + "` begins one";
}

std::function<std::vector<std::string>(const std::string& cause)> ReportOf(
    const RayletOptions& options, base::NodeId node) {
  return [options, node](const std::string& cause) {
    std::vector<std::string> words = {"report-node-dead",
                                      "--address",
                                      options.control,
                                      "--node",
                                      node.ToString(),
                                      "--cause",
                                      cause};
    if (!options.token_file.empty()) {
      words.insert(words.end(), {"--token-file", options.token_file});
    }
    return words;
  };
}

}  // namespace

int RunRaylet(const RayletOptions& options) {
  std::string wrong = WrongWithDriver(options);
  if (wrong.empty()) wrong = WrongWith(options);
  if (!wrong.empty()) return Complain(2, wrong);
  base::ExportLogSettings(options.log);  // for its control store, too
  Server::Options server = ServerOptions(options);
  HeadDriver& driver = server.driver.emplace();
  driver.socket.Reset(options.driver_fd);
  driver.program.Reset(options.program_fd);
  ::fcntl(options.driver_fd, F_SETFD, FD_CLOEXEC);
  ::fcntl(options.program_fd, F_SETFD, FD_CLOEXEC);
  driver.pid = DriverOf(options.driver_fd);
  const std::vector<std::string> roots = base::SessionRoots();
  std::string error;
  if (!options.control.empty()) {
    if (!JoinCluster(options.control, options.token_file, &server, &error)) {
      return Complain(1, error);
    }
    server.join_patience = std::chrono::milliseconds(options.join_patience_ms);
    OfferNothing(options, driver.pid, &server.core);
  }
  std::optional<RuntimeFolder> folder = RuntimeFolder::Plan(roots, &error);
  if (!folder) return Complain(1, error);
  if (!PlanStore(options, folder->path(), &server, &error)) {
    return Complain(2, error);
  }
  LineRequest door;
  door.folder = folder->path();
  door.asked = options.node_listen;
  if (!options.control.empty() && !PlanDoor(door, &server, &error)) {
    return Complain(2, error);
  }
  server.session = folder->session();
  server.folder = folder->path();
  server.programs_folder = folder->path() + "/programs";
  JanitorOptions janitor;
  janitor.driver = driver.pid;
  janitor.stale_roots = roots;
  janitor.let_go = [&server] { server.driver.reset(); };
  if (!options.control.empty()) {
    janitor.report = ReportOf(options, server.core.node);
  }
  return RunUnderJanitor(std::move(*folder), janitor,
                         [&server](UniqueFd parent) {
                           server.parent = std::move(parent);
                           return Serve(std::move(server));
                         });
}

int RunNode(const NodeOptions& options, UniqueFd keeper) {
  const std::string wrong = WrongWith(options.offers);
  if (!wrong.empty()) return Complain(2, wrong);
  std::string error;
  Server::Options server = ServerOptions(options.offers);
  if (!PlanStore(options.offers, options.folder, &server, &error)) {
    return Complain(2, error);
  }
  if (!JoinCluster(options.control, options.token_file, &server, &error)) {
    return Complain(1, error);
  }
  LineRequest door;
  door.folder = options.folder;
  door.asked = options.offers.node_listen;
  door.is_head = options.is_head;
  if (!options.listen.empty()) {
    if (!CertifyOwn(options, keeper, &server, &error)) {
      return Complain(1, error);
    }
    door.store = base::ControlAddress::Parse(options.listen, &error);
  }
  if (!PlanDoor(door, &server, &error)) return Complain(2, error);
  server.session = options.session;
  server.folder = options.folder;
  server.programs_folder = options.state_folder;
  server.parent = std::move(keeper);
  server.core.socket = options.folder + "/raylet.sock";
  server.core.is_head = options.is_head;
  server.core.labels = options.labels;
  server.node_file.folder = options.folder;
  server.node_file.control = options.control;
  server.node_file.raylet = server.core.socket;
  server.node_file.token_file = options.token_file;
  server.node_file.node = server.core.node;
  server.node_file.pid = options.keeper_pid;
  server.node_file.is_head = options.is_head;
  server.node_file.started_ms = NowForPeople();
  server.node_file.spill_folders = server.spill_folders;
  return Serve(std::move(server));
}

}  // namespace mobula::raylet
