#include "runtime/process/driver.h"

#include <unistd.h>

#include <climits>
#include <cstdint>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/ids.h"
#include "runtime/process/process.h"

namespace mobula::runtime {
namespace {

std::string ThisProgram() {
  char buffer[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", buffer, sizeof(buffer));
  return length > 0 ? std::string(buffer, static_cast<std::size_t>(length))
                    : "this program";
}

}  // namespace

std::variant<std::unique_ptr<Backend>, StartError> StartDriver(
    DriverOptions options) {
  const base::BootTime deadline = base::BootNow() + options.start_timeout;
  if (options.weight < 1) {
    return StartError{StartError::Code::kBadArgument,
                      "a job's weight is at least 1"};
  }
  auto head = EmbeddedHead::Start(options.head);
  if (auto* error = std::get_if<StartError>(&head)) return std::move(*error);
  base::IdSource ids(base::RandomBits());
  Process::Options process;
  process.whoami.process = ids.Next<base::ProcessId>();
  process.whoami.role = base::Role::kDriver;
  process.whoami.job = ids.Next<base::JobId>();
  process.whoami.pid = static_cast<std::int32_t>(::getpid());
  process.whoami.program = ThisProgram();
  process.whoami.weight = options.weight;
  process.head = std::get<0>(std::move(head));
  process.raylet_socket = process.head->TakeSocket();
  process.on_output = std::move(options.on_output);
  auto backend = std::make_unique<Process>(std::move(process));
  if (auto error = backend->Start(deadline)) return *std::move(error);
  return backend;
}

}  // namespace mobula::runtime
