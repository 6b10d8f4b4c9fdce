#include "api/mobula/init_options.h"

#include <utility>

#include "api/mobula/detail/quantities.h"
#include "api/mobula/error.h"

namespace mobula {

InitOptions::InitOptions() = default;

InitOptions& InitOptions::Address(std::string address) {
  values_.address = std::move(address);
  return *this;
}

InitOptions& InitOptions::Namespace(std::string ns) {
  detail::CheckName("Namespace", ns);
  values_.ns = std::move(ns);
  return *this;
}

InitOptions& InitOptions::Weight(int weight) {
  if (weight < 1 || weight > kWeightMax) {
    detail::ThrowBadArgument("Weight(" + std::to_string(weight) + "): 1 to " +
                             std::to_string(kWeightMax));
  }
  values_.weight = weight;
  return *this;
}

InitOptions& InitOptions::Cpus(double cpus) {
  if (cpus == 0) {
    detail::ThrowBadArgument(
        "Cpus(0): with none no task could run; leave it out to offer all of "
        "this machine's");
  }
  values_.cpus = detail::CheckedQuantity("cpu", cpus);
  return *this;
}

InitOptions& InitOptions::Memory(std::int64_t bytes) {
  detail::CheckedQuantity("memory", static_cast<double>(bytes));
  values_.memory_bytes = bytes;
  return *this;
}

InitOptions& InitOptions::ObjectStoreMemory(std::int64_t bytes) {
  if (bytes < 0) {
    detail::ThrowBadArgument("ObjectStoreMemory(" + std::to_string(bytes) +
                             "): 0 or more bytes; 0 for no store");
  }
  values_.object_store =
      base::ByteAmount::Bytes(static_cast<std::uint64_t>(bytes));
  return *this;
}

InitOptions& InitOptions::ObjectStoreMemory(std::string_view amount) {
  std::string error;
  const auto parsed = base::ByteAmount::Parse(amount, &error);
  if (!parsed) detail::ThrowBadArgument("ObjectStoreMemory: " + error);
  values_.object_store = *parsed;
  return *this;
}

InitOptions& InitOptions::LineageMemory(std::int64_t bytes) {
  if (bytes < 0) {
    detail::ThrowBadArgument("LineageMemory(" + std::to_string(bytes) +
                             "): 0 or more bytes; 0 keeps none");
  }
  values_.lineage_bytes = bytes;
  return *this;
}

InitOptions& InitOptions::SpillFolders(std::vector<std::string> folders) {
  for (const std::string& folder : folders) {
    const bool is_path =
        folder.find_first_of(std::string_view("\0\n", 2)) == std::string::npos;
    if (folder.empty() || !is_path) {
      detail::ThrowBadArgument("SpillFolders: '" + folder +
                               "' is not the path of a folder");
    }
  }
  values_.spill_folders = std::move(folders);
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

InitOptions& InitOptions::LogJson(bool json) {
  values_.log_json = json;
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
