#include "api/mobula/init_options.h"

#include <utility>

#include "api/mobula/detail/quantities.h"
#include "api/mobula/error.h"

namespace mobula {

InitOptions::InitOptions() = default;

InitOptions& InitOptions::Cpus(double cpus) {
  values_.cpus = detail::CheckedQuantity("cpu", cpus);
  return *this;
}

InitOptions& InitOptions::Memory(std::int64_t bytes) {
  detail::CheckedQuantity("memory", static_cast<double>(bytes));
  values_.memory_bytes = bytes;
  return *this;
}

InitOptions& InitOptions::Resource(std::string_view name, double quantity) {
  if (name == "cpu" || name == "memory") {
    detail::ThrowBadArgument("Resource(\"" + std::string(name) +
                             "\"): use Cpus or Memory");
  }
  values_.resources[std::string(name)] =
      detail::CheckedQuantity(name, quantity);
  return *this;
}

InitOptions& InitOptions::WorkersMax(int workers) {
  if (workers < 1) {
    detail::ThrowBadArgument("WorkersMax(" + std::to_string(workers) +
                             "): at least 1");
  }
  values_.workers_max = workers;
  return *this;
}

InitOptions& InitOptions::Local(bool local) {
  values_.local = local;
  return *this;
}

InitOptions& InitOptions::LogLevel(mobula::LogLevel level) {
  values_.log_level = level;
  return *this;
}

InitOptions& InitOptions::OnWorkerOutput(
    std::function<void(const WorkerLines&)> callback) {
  values_.on_worker_output = std::move(callback);
  return *this;
}

InitOptions& InitOptions::Program(std::string path) {
  values_.program = std::move(path);
  return *this;
}

InitOptions& InitOptions::StartTimeout(Timeout timeout) {
  values_.start_timeout = timeout;
  return *this;
}

}  // namespace mobula
