#include "cli/nodes/start.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/clock.h"
#include "base/control/control_address.h"
#include "base/control/control_request.h"
#include "base/control/node_file.h"
#include "base/error_text.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/settings/log_settings.h"
#include "base/sockets/connect_within.h"
#include "base/unique_fd.h"
#include "cli/nodes/admission.h"
#include "cli/nodes/detach.h"
#include "cli/nodes/head_folder.h"
#include "cli/tools/store.h"
#include "raylet/arenas/spill_folders.h"
#include "raylet/server/node_resources.h"
#include "raylet/spawn/keeper.h"
#include "raylet/spawn/process_tree.h"
#include "raylet/spawn/runtime_folder.h"

namespace mobula::cli {
namespace {

using base::ControlAddress;
using base::UniqueFd;
using raylet::RuntimeFolder;

// After a start that failed, until nothing of it is left.
constexpr int kLeavePatienceMs = 30'000;
constexpr base::Duration kConnectPatience = std::chrono::seconds(2);
constexpr base::Duration kStorePatience = std::chrono::seconds(2);

int Complain(const std::string& sentence) {
  std::fprintf(stderr, "mobula start: %s\n", sentence.c_str());
  return 1;
}

// What the start needs, found out before anything is forked.
struct Plan {
  std::optional<HeadFolder> head;
  std::optional<RuntimeFolder> session;
  std::string folder;  // of the session
  ControlAddress control;
  // Of a head: where it listens to other machines, by TLS.
  std::optional<ControlAddress> listen;
  std::string token_file;   // over TLS: of credentials
  base::BootTime deadline;  // of the start
  std::string doubt;        // about the store to join, "" if none
};

// A port of the host that is free now; 0 if there is none.
std::uint16_t FreePort(const std::string& host) {
  const bool six = host.find(':') != std::string::npos;
  const UniqueFd fd(
      ::socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 wide{};
  sockaddr_in narrow{};
  wide.sin6_family = AF_INET6;
  narrow.sin_family = AF_INET;
  void* const number = six ? static_cast<void*>(&wide.sin6_addr)
                           : static_cast<void*>(&narrow.sin_addr);
  if (::inet_pton(six ? AF_INET6 : AF_INET, host.c_str(), number) != 1) {
    return 0;
  }
  auto* const any = six ? reinterpret_cast<sockaddr*>(&wide)
                        : reinterpret_cast<sockaddr*>(&narrow);
  socklen_t size = six ? sizeof(wide) : sizeof(narrow);
  if (::bind(fd.get(), any, size) != 0 ||
      ::getsockname(fd.get(), any, &size) != 0) {
    return 0;
  }
  return ntohs(six ? wide.sin6_port : narrow.sin_port);
}

// Why nobody listens there, "" if somebody does.
std::string WhyDeaf(const ControlAddress& address) {
  int failed = 0;
  const UniqueFd socket =
      base::ConnectWithin(address, base::BootNow() + kConnectPatience, &failed);
  return socket.valid() ? "" : base::ErrorText(failed);
}

// The store to join may be coming back just now; one that does not is better
// said at once than after the start's whole patience.
std::string FindStore(const ControlAddress& address, base::BootTime until) {
  const base::BootTime deadline =
      std::min(until, base::BootNow() + kStorePatience);
  while (true) {
    const std::string why = WhyDeaf(address);
    if (why.empty()) return "";
    if (base::BootNow() >= deadline) {
      return "there is no control store at " + address.ToString() + ": " + why;
    }
    raylet::WaitForOne({});
  }
}

// Where the token lies that the store to join asks for.
std::string TokenOf(const StartCommand& command,
                    const ControlAddress& address) {
  if (!command.token_file.empty()) {
    std::error_code code;
    return std::filesystem::absolute(command.token_file, code);
  }
  // A head of this user on this machine has written down where it is.
  for (const auto& node : base::FindNodes(base::SessionRoots())) {
    if (node.control == address.ToString()) return node.token_file;
  }
  return "";
}

// Why the store to join will never have this node: a token that is not its own,
// or none. What may pass is left to the start's patience, and kept in `doubt`.
std::string WhyRefused(const StartCommand& command, base::BootTime until,
                       const std::string& token_file, std::string* doubt) {
  std::string error;
  const auto store = ChooseStore({command.address, token_file}, &error);
  if (!store) return error;
  const base::Duration left = until - base::BootNow();
  const base::ControlReply reply =
      Ask(*store, base::GetStatus(),
          std::min<base::Duration>(left, kStorePatience));
  const auto* const failure = std::get_if<base::Failure>(&reply);
  const bool may_pass = failure == nullptr ||
                        failure->code == base::FailureCode::kControlAway ||
                        failure->code == base::FailureCode::kTimeout;
  if (!may_pass) return failure->message;
  if (failure != nullptr) *doubt = failure->message;
  return "";
}

// Of a node that joins.
std::string PlanJoining(const StartCommand& command, Plan* plan) {
  std::string token_file = command.token_file;
  if (plan->control.path.empty() && !plan->control.tls) {
    plan->token_file = TokenOf(command, plan->control);
  }
  const std::string absent = FindStore(plan->control, plan->deadline);
  if (!absent.empty()) return absent;
  if (plan->control.tls) {
    std::string error;
    const base::Duration left = plan->deadline - base::BootNow();
    token_file = Admit(plan->control, token_file, left, &error);
    if (token_file.empty()) return error;
    plan->token_file = token_file;
  }
  return WhyRefused(command, plan->deadline, token_file, &plan->doubt);
}

std::string PlanAddress(const StartCommand& command, Plan* plan) {
  const std::string own = "unix:" + plan->folder + "/control.sock";
  std::string text = command.head ? command.listen : command.address;
  if (text.empty()) text = own;
  std::string error;
  const auto address = ControlAddress::Parse(text, &error);
  if (!address) return error;
  plan->control = *address;
  if (!command.head) return PlanJoining(command, plan);
  if (!plan->control.path.empty()) return "";
  if (plan->control.port == 0) {
    plan->control.port = FreePort(plan->control.host);
    if (plan->control.port == 0) {
      return "there is no free port of " + plan->control.host;
    }
  }
  if (plan->control.tls) {
    // Its own machine reaches it without.
    plan->listen = plan->control;
    plan->control = *ControlAddress::Parse(own, &error);
    return "";
  }
  plan->token_file = plan->head->TokenFile(&error);
  return error;
}

// What stands in the way, "" if nothing.
std::string MakePlan(const StartCommand& command, Plan* plan) {
  std::string error;
  base::LogSettings log;
  if (!base::ReadLogEnvironment(&log, &error)) return error;
  error = raylet::WhyTooFewFiles(/*may_raise=*/false);
  if (error.empty()) {
    error = raylet::WrongWithSpillFolders(command.offers.spill_folders);
  }
  if (!error.empty()) return error;
  if (command.head) {
    const std::string dir =
        command.dir.empty() ? HeadFolder::DefaultPath() : command.dir;
    if (dir.empty()) return "there is no HOME: name a folder with --dir";
    plan->head = HeadFolder::Open(dir, &error);
    if (!plan->head) return error;
  }
  const std::vector<std::string> roots = base::SessionRoots();
  raylet::ReapStale(roots);
  plan->session = RuntimeFolder::Plan(roots, &error);
  if (!plan->session) return error;
  plan->folder = plan->session->path();
  return PlanAddress(command, plan);
}

std::vector<std::string> StoreArguments(const Plan& plan) {
  std::vector<std::string> words = {"gcs",
                                    "--dir",
                                    plan.head->path(),
                                    "--listen",
                                    plan.control.ToString(),
                                    "--log-file",
                                    plan.folder + "/gcs.log",
                                    "--ready-fd",
                                    std::to_string(raylet::kServesFd)};
  if (plan.listen) {
    words.insert(words.end(), {"--listen", plan.listen->ToString()});
  }
  if (!plan.token_file.empty()) {
    words.insert(words.end(), {"--token-file", plan.token_file});
  }
  return words;
}

std::vector<std::string> ReportArguments(const Plan& plan, base::NodeId node,
                                         const std::string& cause) {
  std::vector<std::string> words = {"report-node-dead",
                                    "--address",
                                    plan.control.ToString(),
                                    "--node",
                                    node.ToString(),
                                    "--cause",
                                    cause};
  if (!plan.token_file.empty()) {
    words.insert(words.end(), {"--token-file", plan.token_file});
  }
  return words;
}

raylet::NodeOptions NodeOf(const StartCommand& command, const Plan& plan) {
  raylet::NodeOptions node;
  node.offers = command.offers;
  node.control = plan.control.ToString();
  node.token_file = plan.token_file;
  node.folder = plan.folder;
  node.session = plan.session->session();
  node.state_folder =
      (plan.head ? plan.head->path() : plan.folder) + "/programs";
  node.is_head = command.head;
  if (plan.listen) node.listen = plan.listen->ToString();
  node.labels = command.labels;
  node.keeper_pid = ::getpid();
  return node;
}

// In the keeper.
int Keep(const StartCommand& command, Plan plan, UniqueFd speak) {
  if (plan.head) {
    plan.head->NameHolder("the head with pid " + std::to_string(::getpid()) +
                          ", which serves " + plan.control.ToString());
  }
  base::LogOptions log;
  log.name = "keeper";
  std::string error;
  if (!base::ApplyLogEnvironment(&log, &error) ||
      !base::StartLog(log, &error)) {
    Complain(error);
  }
  raylet::KeeperOptions options;
  options.control = plan.control.ToString();
  if (command.head) options.control_store = StoreArguments(plan);
  const raylet::NodeOptions node = NodeOf(command, plan);
  const bool has_socket = command.head && !plan.control.path.empty();
  options.raylet = [&node, &plan, has_socket](UniqueFd keeper) {
    const UniqueFd watch(::fcntl(keeper.get(), F_DUPFD_CLOEXEC, 0));
    const int code = raylet::RunNode(node, std::move(keeper));
    // The control store has ended with the keeper, and cannot tidy up.
    pollfd gone{watch.get(), POLLIN, 0};
    if (has_socket && ::poll(&gone, 1, 0) > 0) {
      ::unlink(plan.control.path.c_str());
    }
    return code;
  };
  options.report = [&plan](base::NodeId dead, const std::string& cause) {
    return ReportArguments(plan, dead, cause);
  };
  options.ready = std::move(speak);
  const int code =
      raylet::RunKeeper(std::move(*plan.session), std::move(options));
  if (has_socket) ::unlink(plan.control.path.c_str());
  if (plan.head) plan.head->NameHolder("");
  return code;
}

std::string ReadTail(const std::string& path) {
  constexpr std::size_t kBytesMax = 4096;
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(kBytesMax, '\0');
  const off_t size = ::lseek(fd.get(), 0, SEEK_END);
  const off_t from = size > static_cast<off_t>(kBytesMax)
                         ? size - static_cast<off_t>(kBytesMax)
                         : 0;
  const ssize_t n = ::pread(fd.get(), text.data(), text.size(), from);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

// The sentences that `mobula` said ("mobula gcs: ..."); all, if there are none.
std::string Sentences(const std::string& words) {
  std::string sentences;
  std::size_t at = 0;
  while (at < words.size()) {
    const std::size_t end = std::min(words.find('\n', at), words.size());
    const std::string line = words.substr(at, end - at);
    if (line.starts_with("mobula")) sentences += "\n  " + line;
    at = end + 1;
  }
  return sentences.empty() ? "\n" + words : sentences;
}

int SayWhyNot(Plan& plan, const Detached& detached, int patience_s) {
  if (detached.pid == 0) {
    plan.session->Remove();
    return Complain(detached.words);
  }
  std::string reason = detached.words;
  if (detached.timed_out) {
    reason = "it does not serve after " + std::to_string(patience_s) +
             " s, and is ended" +
             (plan.doubt.empty() ? "" : "; " + plan.doubt) + "\n" +
             ReadTail(plan.folder + "/keeper.log") +
             ReadTail(plan.folder + "/raylet.log");
    ::kill(detached.pid, SIGTERM);
  } else if (reason.find_first_not_of(" \n") != std::string::npos) {
    reason = Sentences(reason);
  } else {
    // It ended before it could say why.
    reason = "it has ended" + (plan.doubt.empty() ? "" : "; " + plan.doubt) +
             "\n" + ReadTail(plan.folder + "/raylet.log");
  }
  pollfd ended{detached.pidfd.get(), POLLIN, 0};
  ::poll(&ended, 1, kLeavePatienceMs);
  plan.session->Remove();  // where it was killed before it could
  while (!reason.empty() && reason.back() == '\n') reason.pop_back();
  return Complain("the node did not start: " + reason);
}

void SayHow(const StartCommand& command, const Plan& plan) {
  const std::string address = plan.control.ToString();
  std::printf("%s is up\n", command.head ? "A head" : "A node");
  std::printf("  control store  %s\n", address.c_str());
  if (plan.head)
    std::printf("  state          %s\n", plan.head->path().c_str());
  std::printf("  logs           %s\n\n", plan.folder.c_str());
  if (plan.listen) {
    const std::string listen = plan.listen->ToString();
    std::printf(
        "Other machines join it, each with a token of its own:\n"
        "  mobula token create      makes one, and says in which file it is\n"
        "  mobula start --address %s --token-file FILE    there\n\n",
        listen.c_str());
  }
  std::printf(
      "Programs of yours on this machine find it by themselves. To name it:\n"
      "  export MOBULA_ADDRESS=%s\n"
      "  mobula status    what it does\n"
      "  mobula start --address %s    one more node\n"
      "  mobula stop      ends it\n",
      address.c_str(), address.c_str());
  std::fflush(stdout);
}

sigset_t SignalsToEnd() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    ::sigaddset(&signals, signal);
  }
  return signals;
}

// Ends the node when this process is told to end; its exit code. The signals
// must be blocked since before the node served: one that came then counts.
int StayWith(const Detached& detached) {
  const sigset_t signals = SignalsToEnd();
  const UniqueFd news(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  while (true) {
    pollfd polls[2] = {{detached.pidfd.get(), POLLIN, 0},
                       {news.get(), POLLIN, 0}};
    if (::poll(polls, 2, -1) < 0 && errno != EINTR) return 1;
    signalfd_siginfo info{};
    while (::read(news.get(), &info, sizeof(info)) == sizeof(info)) {
      ::kill(detached.pid, SIGTERM);
    }
    if (polls[0].revents == 0) continue;
    int status = 0;
    if (::waitpid(detached.pid, &status, 0) != detached.pid) return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
}

}  // namespace

int RunStart(const StartCommand& command) {
  // What the shell left open would stay open for as long as the node lives.
  ::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
  base::ExportLogSettings(command.offers.log);  // for all of the node
  Plan plan;
  plan.deadline = base::BootNow() + std::chrono::seconds(command.patience_s);
  std::string error = MakePlan(command, &plan);
  if (!error.empty()) return Complain(error);
  if (!plan.session->Make(&error)) return Complain(error);
  if (command.foreground) {
    const sigset_t signals = SignalsToEnd();
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  }
  DetachOptions detach;
  detach.foreground = command.foreground;
  detach.ready = raylet::kReady;
  detach.deadline = plan.deadline;
  detach.open_log = [&plan] {
    const std::string path = plan.folder + "/" + raylet::kKeeperLog;
    return UniqueFd(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  };
  const Detached detached = Detach(detach, [&command, &plan](UniqueFd speak) {
    return Keep(command, std::move(plan), std::move(speak));
  });
  if (!detached.serves) {
    return SayWhyNot(plan, detached, command.patience_s);
  }
  SayHow(command, plan);
  return command.foreground ? StayWith(detached) : 0;
}

}  // namespace mobula::cli
