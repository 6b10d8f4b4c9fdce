#include "api/mobula/init.h"

#include <poll.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "api/mobula/coro/detail/process_executor.h"
#include "api/mobula/detail/init_flags.h"
#include "api/mobula/detail/node_choice.h"
#include "api/mobula/detail/session.h"
#include "api/mobula/error.h"
#include "base/clock.h"
#include "base/control/control_address.h"
#include "base/control/node_file.h"
#include "base/error_text.h"
#include "base/function_table.h"
#include "base/log.h"
#include "base/settings/log_settings.h"
#include "base/sockets/connect_within.h"
#include "base/unique_fd.h"
#include "runtime/local/local_backend.h"
#include "runtime/process/driver.h"
#include "runtime/process/worker_main.h"

namespace mobula {
namespace {

constexpr base::Duration kConnectPatience = std::chrono::seconds(2);
// For a node that is being started, and how often it is looked for.
constexpr base::Duration kNodePatience = std::chrono::seconds(2);
constexpr int kLookMilliseconds = 20;

base::LogLevel ToBaseLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return base::LogLevel::kDEBUG;
    case LogLevel::kInfo:
      return base::LogLevel::kINFO;
    case LogLevel::kWarning:
      return base::LogLevel::kWARNING;
    case LogLevel::kError:
      return base::LogLevel::kERROR;
  }
  return base::LogLevel::kWARNING;
}

// Options go before the environment. Where nothing asks for JSON the log is
// left as it is: a program may have its own.
void StartLog(const InitOptions::Values& values) {
  base::LogSettings environment;
  std::string error;
  if (!base::ReadLogEnvironment(&environment, &error)) {
    detail::ThrowInitError(std::move(error));
  }
  base::LogOptions log;
  log.name = "driver";
  log.level = environment.level.value_or(base::LogLevel::kWARNING);
  if (values.log_level) log.level = ToBaseLevel(*values.log_level);
  log.json = values.log_json.value_or(environment.json.value_or(false));
  if (log.json) {
    if (!base::StartLog(log, &error)) detail::ThrowInitError(std::move(error));
  } else {
    base::log_level.store(log.level);
  }
}

std::shared_ptr<runtime::Backend> StartLocal(
    const InitOptions::Values& values) {
  base::ResourceVector total;
  for (const auto& [name, quantity] : values.resources) {
    total = total.With(name, quantity);
  }
  runtime::LocalBackend::Options options;
  options.cpus = values.cpus;
  options.memory_bytes = values.memory_bytes;
  options.resources = std::move(total);
  options.ns = values.ns;
  options.pool = &detail::DefaultExecutor;
  return std::make_shared<runtime::LocalBackend>(base::FunctionTable::Get(),
                                                 std::move(options));
}

std::function<void(const base::WorkerOutput&)> ToOutputCallback(
    std::function<void(const WorkerLines&)> callback) {
  if (callback == nullptr) return nullptr;
  return [callback = std::move(callback)](const base::WorkerOutput& output) {
    WorkerLines lines;
    lines.pid = output.pid;
    lines.function = output.function;
    lines.is_stderr = output.is_stderr;
    lines.lines = output.lines;
    lines.omitted = output.omitted;
    lines.node = output.node;
    callback(lines);
  };
}

// Why nobody can be spoken to there, "" if somebody listens.
std::string WhyDeaf(const std::string& control) {
  std::string error;
  const auto address = base::ControlAddress::Parse(control, &error);
  if (!address) return error;
  int failed = 0;
  const base::UniqueFd socket = base::ConnectWithin(
      *address, base::BootNow() + kConnectPatience, &failed);
  // One that is busy listens.
  return socket.valid() || failed == EAGAIN ? "" : base::ErrorText(failed);
}

detail::NodeChoice FindNode(const InitOptions::Values& values) {
  const char* const named = std::getenv("MOBULA_ADDRESS");
  const std::string environment = named == nullptr ? "" : named;
  const std::vector<std::string> roots = base::SessionRoots();
  const base::BootTime deadline = base::BootNow() + kNodePatience;
  while (true) {
    detail::NodeChoice choice =
        detail::ChooseNode(values, environment, roots, base::FindNodes(roots));
    // A node whose raylet has died has another one in a moment.
    const bool may_come = !choice.control.empty() &&
                          base::IsNodeStarting(roots, choice.control) &&
                          base::BootNow() < deadline;
    if (!may_come) return choice;
    ::poll(nullptr, 0, kLookMilliseconds);
  }
}

std::shared_ptr<runtime::Backend> StartDriver(const InitOptions& given) {
  const InitOptions::Values& values = given.values();
  const char* const weight = std::getenv("MOBULA_WEIGHT");
  runtime::DriverOptions options;
  options.weight = detail::WeightOf(given, weight == nullptr ? "" : weight);
  detail::NodeChoice node = FindNode(values);
  if (!node.control.empty()) {
    const std::string why = WhyDeaf(node.control);
    if (!why.empty()) {
      detail::ThrowInitError(std::move(node.absence) +
                             "\nNor is there a control store at " +
                             node.control + ": " + why);
    }
  }
  if (!node.unused.empty()) {
    MOBULA_LOG(WARNING) << "a cluster's nodes say what they offer: "
                        << node.unused << " of InitOptions is not used";
  }
  options.raylet_socket = std::move(node.raylet_socket);
  options.ns = values.ns;
  options.head.program = values.program;
  options.head.cpus = values.cpus;
  options.head.memory_bytes = values.memory_bytes;
  options.head.object_store = values.object_store;
  if (values.lineage_bytes.has_value()) {
    options.lineage_bytes = static_cast<std::size_t>(*values.lineage_bytes);
  }
  options.head.spill_folders = values.spill_folders;
  options.head.resources = values.resources;
  options.head.workers_max = values.workers_max;
  options.head.log_json = values.log_json.value_or(false);
  options.head.control = std::move(node.control);
  options.on_output = ToOutputCallback(values.on_worker_output);
  if (!values.start_timeout.IsInfinite()) {
    options.start_timeout = values.start_timeout.nanoseconds();
  }
  auto started = runtime::StartDriver(std::move(options));
  if (auto* const error = std::get_if<runtime::StartError>(&started)) {
    detail::ThrowInitError(std::move(error->message));
  }
  return std::get<std::unique_ptr<runtime::Backend>>(std::move(started));
}

void RefuseClashes() {
  const std::vector<std::string> clashes = base::FunctionTable::Get().Clashes();
  if (clashes.empty()) return;
  std::string message = clashes.front();
  for (std::size_t i = 1; i < clashes.size(); ++i) {
    message += "\n" + clashes[i];
  }
  detail::ThrowInitError(std::move(message));
}

// Prints the flags and ends the program where it is asked to.
std::vector<char*> WithoutFlags(const std::vector<char*>& args,
                                InitOptions* options) {
  detail::GivenFlags given = detail::ApplyFlags(args, options);
  if (given.help) {
    std::fputs(detail::FlagsHelp().c_str(), stdout);
    std::exit(0);
  }
  return std::move(given.others);
}

}  // namespace

Runtime::Runtime(std::shared_ptr<detail::Session> session)
    : session_(std::move(session)) {}

Runtime::Runtime(Runtime&& other) noexcept = default;

Runtime& Runtime::operator=(Runtime&& other) noexcept {
  if (this != &other) {
    Shutdown();
    session_ = std::move(other.session_);
  }
  return *this;
}

Runtime::~Runtime() { Shutdown(); }

void Runtime::Shutdown() {
  if (session_ == nullptr) return;
  session_->Close();
  session_.reset();
  detail::RestAtShutdown();
}

std::string Runtime::NodeName() const {
  return session_ == nullptr ? "" : session_->OpenBackend().node().name;
}

double Runtime::Cpus() const {
  if (session_ == nullptr) return 0;
  return session_->OpenBackend().node().total.Get("cpu");
}

Runtime Init(const InitOptions& options) {
  const InitOptions::Values& values = options.values();
  if (detail::Session::Current() != nullptr) {
    detail::ThrowInitError(
        "this process has a runtime already; Shutdown ends it");
  }
  if (runtime::IsWorkerProcess()) {
    detail::ThrowInitError(
        "a worker process has the runtime that it serves and no other: not in "
        "MOBULA_WORKER_SETUP, nor in main, which runs here only where a fully "
        "static executable is linked without -Wl,--wrap=main");
  }
  RefuseClashes();
  StartLog(values);
  auto session = std::make_shared<detail::Session>(
      values.local ? StartLocal(values) : StartDriver(options));
  if (!detail::Session::MakeCurrent(session)) {
    session->Close();
    detail::ThrowInitError("two threads called Init at once");
  }
  return Runtime(std::move(session));
}

Runtime Init(int& argc, char** argv, InitOptions options) {
  const std::vector<char*> others =
      WithoutFlags(std::vector<char*>(argv, argv + argc), &options);
  Runtime runtime = Init(options);
  if (others.size() == static_cast<std::size_t>(argc)) return runtime;
  for (std::size_t i = 0; i < others.size(); ++i) argv[i] = others[i];
  argc = static_cast<int>(others.size());
  argv[argc] = nullptr;
  return runtime;
}

Runtime Init(int& argc, char** argv) { return Init(argc, argv, InitOptions()); }

Runtime Init(const int& argc, char** argv, InitOptions options) {
  WithoutFlags(std::vector<char*>(argv, argv + argc), &options);
  return Init(options);
}

Runtime Init(const int& argc, char** argv) {
  return Init(argc, argv, InitOptions());
}

}  // namespace mobula
