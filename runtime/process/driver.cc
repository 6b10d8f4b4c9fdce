#include "runtime/process/driver.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/error_text.h"
#include "base/ids.h"
#include "runtime/process/process.h"
#include "runtime/transport/node_socket.h"

namespace mobula::runtime {
namespace {

// For a head that has given up, to end and to be read.
constexpr base::Duration kLastWords = std::chrono::seconds(1);

std::string ThisProgram() {
  char buffer[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", buffer, sizeof(buffer));
  return length > 0 ? std::string(buffer, static_cast<std::size_t>(length))
                    : "this program";
}

std::optional<StartError> StartHead(const HeadOptions& options,
                                    Process::Options* process) {
  auto head = EmbeddedHead::Start(options);
  if (auto* error = std::get_if<StartError>(&head)) return std::move(*error);
  process->head = std::get<0>(std::move(head));
  process->raylet_socket = process->head->TakeSocket();
  return std::nullopt;
}

std::optional<StartError> JoinNode(const std::string& socket,
                                   Process::Options* process) {
  std::string why;
  process->raylet_socket = ConnectToNode(socket, &why);
  if (!process->raylet_socket.valid()) {
    return StartError{StartError::Code::kSystem, std::move(why)};
  }
  process->raylet_name = "the node's agent at " + socket;
  // The very bytes that run, whatever lies at their path by now.
  process->program.Reset(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  if (process->program.valid()) return std::nullopt;
  return StartError{
      StartError::Code::kSystem,
      base::WithErrorText("cannot open this program's executable")};
}

}  // namespace

std::variant<std::unique_ptr<Backend>, StartError> StartDriver(
    DriverOptions options) {
  const base::BootTime deadline = base::BootNow() + options.start_timeout;
  if (options.weight < 1) {
    return StartError{StartError::Code::kBadArgument,
                      "a job's weight is at least 1"};
  }
  base::IdSource ids(base::RandomBits());
  Process::Options process;
  process.whoami.process = ids.Next<base::ProcessId>();
  process.whoami.role = base::Role::kDriver;
  process.whoami.job = ids.Next<base::JobId>();
  process.whoami.pid = static_cast<std::int32_t>(::getpid());
  process.whoami.program = ThisProgram();
  process.whoami.weight = options.weight;
  process.lineage_bytes = options.lineage_bytes;
  process.whoami.ns = std::move(options.ns);
  // Before we give up ourselves, so that we hear why.
  options.head.join_patience =
      options.start_timeout -
      std::min<base::Duration>(options.start_timeout / 4, kLastWords);
  if (auto error = options.raylet_socket.empty()
                       ? StartHead(options.head, &process)
                       : JoinNode(options.raylet_socket, &process)) {
    return *std::move(error);
  }
  process.on_output = std::move(options.on_output);
  auto backend = std::make_unique<Process>(std::move(process));
  auto error = backend->Start(deadline);
  if (!error) return backend;
  if (error->code == StartError::Code::kTimeout &&
      !options.head.control.empty()) {
    error->message +=
        "\nIt was to join the control store at " + options.head.control;
  }
  return *std::move(error);
}

}  // namespace mobula::runtime
