#include "api/mobula/io/subprocess.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <exception>
#include <string_view>

#include "api/mobula/coro/task_group.h"
#include "api/mobula/coro/with_scope.h"
#include "api/mobula/error.h"
#include "api/mobula/io/detail/collect.h"
#include "api/mobula/io/detail/process_state.h"
#include "api/mobula/io/detail/start_process.h"
#include "api/mobula/io/detail/stream_state.h"
#include "api/mobula/io/system_error.h"
#include "runtime/executor/io_loop.h"

namespace mobula {
namespace detail {
namespace {

DescriptorPtr PidfdOf(const ProcessPtr& process) {
  if (process == nullptr) ThrowBadArgument("this Subprocess is none");
  return process->pidfd;
}

// What Run gathers while the program runs.
struct Gathering {
  explicit Gathering(const SubprocessOptions::Values& options)
      : options(options) {}

  const SubprocessOptions::Values& options;
  StartedProcess started;
  std::atomic<bool> has_ended{false};
  ProgramResult result;

  // Whoever holds the pipes beyond its end is not waited for.
  void End() {
    has_ended = true;
    for (const StreamPtr& pipe : started.pipes) {
      if (pipe == nullptr) continue;
      if (const DescriptorPtr kept = pipe->descriptor.get()) kept->TryAll();
    }
    if (started.pipes[0] != nullptr) started.pipes[0]->Close();
  }
};

Coro<> Feed(StreamPtr in, std::string_view input) {
  try {
    co_await WriteWait(in, input, Timeout());
  } catch (const NetworkError&) {  // NOLINT: it need not read all
  }
  in->Close();
}

Coro<> Collect(Gathering& all, std::size_t at, std::string& into, bool& cut) {
  co_await CollectWait(all.started.pipes[at], all.has_ended,
                       all.options.output_max, into, cut);
}

Coro<> GatherAll(Gathering& all) {
  const auto body = [&all](TaskGroup& group) -> Coro<> {
    const StartedProcess& started = all.started;
    if (started.pipes[0] != nullptr) {
      group.Start(Feed(started.pipes[0], *all.options.input));
    }
    ProgramResult& result = all.result;
    if (started.pipes[1] != nullptr) {
      group.Start(Collect(all, 1, result.out, result.out_cut));
    }
    if (started.pipes[2] != nullptr) {
      group.Start(Collect(all, 2, result.err, result.err_cut));
    }
    result.status = co_await ExitWait(started.process, Timeout());
    all.End();
  };
  Coro<> gathering = WithGroup(body);
  co_await gathering;
}

Coro<ExitStatus> StopProcess(ProcessPtr process, Timeout grace) {
  process->Signal(SIGTERM);
  // A process that is stopped hears of it once it goes on.
  process->Signal(SIGCONT);
  try {
    co_return co_await ExitWait(process, grace);
  } catch (const TimeoutError&) {  // NOLINT: it has had its time
  }
  process->Signal(SIGKILL);
  co_return co_await ExitWait(process, Timeout());
}

// What it still writes is read and dropped: it is to end by itself, not by a
// pipe that is full.
Coro<> Drain(Gathering& all, std::size_t at) {
  std::string dropped;
  bool cut = false;
  try {
    co_await CollectWait(all.started.pipes[at], all.has_ended,
                         /*bytes_max=*/0, dropped, cut);
  } catch (const NetworkError&) {  // NOLINT: there is nothing to drain
  }
}

Coro<> StopAll(Gathering& all) {
  const auto body = [&all](TaskGroup& group) -> Coro<> {
    for (const std::size_t at : {1U, 2U}) {
      if (all.started.pipes[at] != nullptr) group.Start(Drain(all, at));
    }
    Coro<ExitStatus> stop = StopProcess(all.started.process, all.options.grace);
    co_await stop;
    all.End();
  };
  Coro<> stopping = WithGroup(body);
  co_await stopping;
}

}  // namespace

ExitWait::ExitWait(ProcessPtr process, Timeout timeout)
    : IoWait(PidfdOf(process), Direction::kRead, timeout),
      process_(std::move(process)) {}

IoWait::Attempt ExitWait::Try() noexcept {
  return process_->TryReap() ? Attempt::kOver : Attempt::kNotReady;
}

ExitStatus ExitWait::await_resume() {
  Finish();
  const ProcessState::End end = process_->end();
  if (end.error != 0) {
    ThrowSubprocessError(end.error,
                         "the end of " + process_->program + " is not known",
                         process_->program);
  }
  ExitStatus status;
  status.code = end.code;
  status.signal = end.signal;
  return status;
}

}  // namespace detail

Subprocess& Subprocess::operator=(Subprocess&& other) noexcept {
  if (this != &other) {
    Kill();
    process_ = std::move(other.process_);
    in_ = std::move(other.in_);
    out_ = std::move(other.out_);
    err_ = std::move(other.err_);
  }
  return *this;
}

Subprocess::~Subprocess() { Kill(); }

void Subprocess::Kill() {
  if (process_ != nullptr) detail::KillAndForget(std::move(process_));
  process_ = nullptr;
}

Coro<Subprocess> Subprocess::Start(std::vector<std::string> argv,
                                   SubprocessOptions options) {
  if (options.values().input.has_value()) {
    detail::ThrowBadArgument("Input is for Run; write to in() of a pipe");
  }
  Coro<detail::StartedProcess> start =
      detail::StartProcess(std::move(argv), options.values());
  detail::StartedProcess started = co_await start;
  Subprocess made;
  made.process_ = std::move(started.process);
  ByteStream* const streams[] = {&made.in_, &made.out_, &made.err_};
  for (std::size_t i = 0; i < started.pipes.size(); ++i) {
    if (started.pipes[i] == nullptr) continue;
    *streams[i] = ByteStreamAccess::Make(std::move(started.pipes[i]));
  }
  co_return made;
}

Coro<ProgramResult> Subprocess::Run(std::vector<std::string> argv,
                                    SubprocessOptions options) {
  SubprocessOptions::Values values = options.values();
  if (values.std_in == ProgramStream::kPipe) {
    detail::ThrowBadArgument("what Run writes to a program is its Input");
  }
  if (values.input.has_value()) values.std_in = ProgramStream::kPipe;
  detail::Gathering all(values);
  Coro<detail::StartedProcess> start =
      detail::StartProcess(std::move(argv), values);
  all.started = co_await start;
  std::exception_ptr failure;
  try {
    Coro<> gathering = detail::GatherAll(all);
    co_await gathering;
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure != nullptr) {
    // The program ends before this does, stopped or not.
    if (all.started.pipes[0] != nullptr) all.started.pipes[0]->Close();
    Coro<> stop = Shield(detail::StopAll(all));
    co_await stop;
  }
  for (const detail::StreamPtr& pipe : all.started.pipes) {
    if (pipe != nullptr) pipe->Close();
  }
  if (failure != nullptr) std::rethrow_exception(failure);
  co_return std::move(all.result);
}

pid_t Subprocess::pid() const {
  return process_ == nullptr ? 0 : process_->pid;
}

void Subprocess::Signal(int signal) {
  if (signal < 1 || signal > 64) {
    detail::ThrowBadArgument("there is no signal " + std::to_string(signal));
  }
  if (process_ != nullptr) process_->Signal(signal);
}

Coro<ExitStatus> Subprocess::Stop(Timeout grace) {
  if (process_ == nullptr) {
    detail::ThrowBadArgument("this Subprocess is none");
  }
  in_.Close();
  Coro<ExitStatus> stop = detail::StopProcess(process_, grace);
  co_return co_await stop;
}

}  // namespace mobula
