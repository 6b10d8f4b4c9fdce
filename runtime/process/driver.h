// StartDriver gives a program its runtime: a link to a node that runs, or to an
// embedded head that it starts, and a registered job.
//
//   auto started = StartDriver(DriverOptions());
//   if (auto* error = std::get_if<StartError>(&started)) ...
//   std::unique_ptr<Backend> backend = std::move(std::get<0>(started));
//
// Threading: from any thread; the result is used from any thread.
// Failure: a StartError; nothing is left behind.
#ifndef MOBULA_RUNTIME_PROCESS_DRIVER_H_
#define MOBULA_RUNTIME_PROCESS_DRIVER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "base/boot_time.h"
#include "base/frames/message.h"
#include "runtime/process/backend.h"
#include "runtime/process/embedded_head.h"
#include "runtime/process/start_error.h"
#include "runtime/refs/lineage.h"

namespace mobula::runtime {

struct DriverOptions {
  // The socket of a started node's raylet; "": a head of its own.
  std::string raylet_socket;
  HeadOptions head;
  std::int32_t weight = 1;  // of the job's share, >= 1
  std::string ns = "default";
  base::Duration start_timeout = std::chrono::seconds(10);
  std::size_t lineage_bytes = Lineage::kBytesMax;
  // Gets the workers' output, on the runtime's own thread; absent: printed to
  // standard output and error as "(function pid=N) line".
  std::function<void(const base::WorkerOutput& output)> on_output;
};

std::variant<std::unique_ptr<Backend>, StartError> StartDriver(
    DriverOptions options);

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_PROCESS_DRIVER_H_
