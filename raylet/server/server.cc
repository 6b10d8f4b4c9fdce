#include "raylet/server/server.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/log.h"
#include "raylet/spawn/exit_story.h"
#include "raylet/spawn/orphans.h"
#include "raylet/spawn/process_tree.h"

namespace mobula::raylet {
namespace {

using base::Strand;
using base::UniqueFd;

// Output that the driver does not take waits up to here, then is left out.
constexpr std::size_t kOutputQueuedMax = std::size_t{8} << 20;
// All workers of a driver that is gone have been killed; then we leave.
constexpr base::Duration kEndPatience = std::chrono::seconds(2);
constexpr base::Duration kSweepAgainAfter = std::chrono::milliseconds(5);
constexpr int kSweepsMax = 200;

UniqueFd OpenSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
    ::sigaddset(&signals, signal);
  }
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return UniqueFd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace

Server::Server(Strand& strand, Options options)
    : strand_(strand),
      options_(std::move(options)),
      core_(options_.core, base::IdSource(options_.id_maker)),
      launcher_({std::move(options_.program), options_.session,
                 options_.core.self, options_.open_files}),
      reaper_(strand,
              [this](pid_t pid, int status) {
                strand_.AssertHeld();
                OnChildEnded(pid, status);
              }),
      signals_(OpenSignals()) {
  strand_.AssertHeld();
  WatchEnds();
  OpenDriverLink(std::move(options_.driver));
}

Server::~Server() {
  strand_.AssertHeld();
  for (const auto& [pid, process] : by_pid_) ::kill(pid, SIGKILL);
  new_link_.reset();
  links_.clear();
  workers_.clear();
}

void Server::WatchEnds() {
  WatchOnce(signals_.get(), &Server::StopNow);
  WatchOnce(options_.janitor.get(), &Server::StopNow);
  if (options_.driver_pid <= 0) return;
  driver_pidfd_ = OpenPidfd(options_.driver_pid);
  if (driver_pidfd_.valid()) {
    WatchOnce(driver_pidfd_.get(), &Server::OnDriverGone);
  }
}

void Server::WatchOnce(int fd, void (Server::*then)()) {
  if (fd < 0) return;
  strand_.Watch(fd, Strand::kReadable, [this, fd, then](std::uint32_t) {
    strand_.AssertHeld();
    strand_.Unwatch(fd);
    (this->*then)();
  });
}

void Server::OpenDriverLink(UniqueFd socket) {
  base::Link::Options link;
  link.self = options_.core.self;
  link.role = base::Role::kRaylet;
  base::Link::Callbacks callbacks;
  callbacks.on_open = [this](ProcessId peer, base::Role /*role*/) {
    strand_.AssertHeld();
    driver_ = peer;
    links_[peer] = std::move(new_link_);
  };
  callbacks.on_message = [this](base::Message message, UniqueFd /*fd*/) {
    strand_.AssertHeld();
    OnMessage(driver_, std::move(message));
  };
  callbacks.on_closed = [this](const std::string& reason) {
    strand_.AssertHeld();
    MOBULA_LOG(INFO) << "driver: " << reason;
    OnDriverGone();
  };
  new_link_ = std::make_unique<base::Link>(
      strand_, std::move(socket), std::move(link), std::move(callbacks));
}

void Server::OpenWorkerLink(ProcessId process, UniqueFd socket) {
  base::Link::Options link;
  link.self = options_.core.self;
  link.role = base::Role::kRaylet;
  link.peer = process;
  base::Link::Callbacks callbacks;
  callbacks.on_open = [](ProcessId, base::Role) {};
  callbacks.on_message = [this, process](base::Message message, UniqueFd) {
    strand_.AssertHeld();
    OnMessage(process, std::move(message));
  };
  callbacks.on_closed = [this, process](const std::string& reason) {
    strand_.AssertHeld();
    OnClosed(process, reason);
  };
  links_[process] = std::make_unique<base::Link>(
      strand_, std::move(socket), std::move(link), std::move(callbacks));
}

void Server::OnMessage(ProcessId from, base::Message message) {
  if (driver_gone_ && from == driver_) return;
  Handle(Received{from, std::move(message)});
}

void Server::OnClosed(ProcessId process, const std::string& reason) {
  MOBULA_LOG(DEBUG) << "link to worker " << process << ": " << reason;
  DropLink(process);
  Handle(PeerLost{process});
}

void Server::OnDriverGone() {
  if (driver_gone_) return;
  driver_gone_ = true;
  MOBULA_LOG(INFO) << "the driver is gone";
  if (!driver_.IsNil()) {
    DropLink(driver_);
    Handle(PeerLost{driver_});
  }
  StopIfDone();
  strand_.PostAt(strand_.Now() + kEndPatience, [this] {
    strand_.AssertHeld();
    StopNow();
  });
}

void Server::StopIfDone() {
  if (driver_gone_ && workers_.empty()) StopNow();
}

void Server::StopNow() { strand_.Stop(); }

void Server::Handle(Event event) {
  events_.push_back(std::move(event));
  if (handling_) return;
  handling_ = true;
  while (!events_.empty()) {
    const Event next = std::move(events_.front());
    events_.pop_front();
    Effects effects;
    core_.Step(next, strand_.Now(), effects);
    for (const Effect& effect : effects) CarryOut(effect);
  }
  handling_ = false;
}

void Server::CarryOut(const Effect& effect) {
  if (const auto* send = std::get_if<Send>(&effect)) {
    SendTo(send->to, send->message);
  } else if (const auto* connect = std::get_if<Connect>(&effect)) {
    ConnectPair(*connect);
  } else if (const auto* start = std::get_if<StartWorker>(&effect)) {
    Start(*start);
  } else if (const auto* kill = std::get_if<KillWorker>(&effect)) {
    Kill(kill->process);
  } else if (const auto* timer = std::get_if<SetTimer>(&effect)) {
    SetCoreTimer(timer->at);
  } else if (const auto* close = std::get_if<ClosePeer>(&effect)) {
    DropLink(close->process);
  }
}

void Server::Start(const StartWorker& start) {
  auto launched = launcher_.Launch(start.process, start.job);
  if (const auto* reason = std::get_if<std::string>(&launched)) {
    MOBULA_LOG(WARNING) << "worker not started: " << *reason;
    Handle(WorkerStartFailed{start.process, *reason});
    return;
  }
  auto& started = std::get<LaunchedWorker>(launched);
  const ProcessId process = start.process;
  WorkerProcess& worker = workers_[process];
  worker.pid = started.pid;
  worker.job = start.job;
  worker.page.emplace(std::move(started.page));
  worker.output = std::make_unique<WorkerOutput>(
      strand_, std::move(started.out), std::move(started.err),
      OutputLines::Limits(), [this, process](const OutputBatch& batch) {
        strand_.AssertHeld();
        return PassOn(process, batch);
      });
  by_pid_[started.pid] = process;
  OpenWorkerLink(process, std::move(started.socket));
  MOBULA_LOG(DEBUG) << "worker " << process << " started, pid " << started.pid;
  Handle(WorkerStarted{process, started.pid});
}

void Server::Kill(ProcessId process) {
  const auto found = workers_.find(process);
  if (found != workers_.end()) ::kill(found->second.pid, SIGKILL);
}

void Server::OnChildEnded(pid_t pid, int status) {
  const auto found = by_pid_.find(pid);
  if (found == by_pid_.end()) return;  // an orphan
  const ProcessId process = found->second;
  by_pid_.erase(found);
  WorkerProcess& worker = workers_.at(process);
  worker.output->Drain();
  base::Failure failure =
      FailureOfExit(pid, status, worker.page->Running(), worker.output->Tail());
  MOBULA_LOG(INFO) << failure.message << ", pid " << pid;
  workers_.erase(process);
  DropLink(process);
  SweepOrphans(pid, kSweepsMax);
  Handle(WorkerExited{process, std::move(failure)});
  StopIfDone();
}

void Server::SweepOrphans(pid_t ended, int rounds) {
  LiveWorkers live;
  live.ended = ended;
  for (const auto& [pid, process] : by_pid_) {
    live.pids.insert(pid);
    live.processes.insert(process);
  }
  if (KillOrphans(live) == 0 || rounds == 0) return;
  strand_.PostAt(strand_.Now() + kSweepAgainAfter, [this, ended, rounds] {
    strand_.AssertHeld();
    SweepOrphans(ended, rounds - 1);
  });
}

void Server::ConnectPair(const Connect& connect) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    MOBULA_LOG(ERROR) << "no link between two processes: "
                      << std::strerror(errno);
    // Without it they would wait for one another for ever. They are told of
    // a link that has ended, since what is sent next counts on having one.
    Kill(workers_.contains(connect.b) ? connect.b : connect.a);
    ends[0] = ends[1] = -1;
  }
  UniqueFd first(ends[0]);
  UniqueFd second(ends[1]);
  SendTo(connect.a, base::Attach{connect.b}, std::move(first));
  SendTo(connect.b, base::Attach{connect.a}, std::move(second));
}

void Server::SetCoreTimer(base::BootTime at) {
  if (timer_ != 0) strand_.Cancel(timer_);
  timer_ = 0;
  if (at.IsNever()) return;
  timer_ = strand_.PostAt(at, [this] {
    strand_.AssertHeld();
    timer_ = 0;
    Handle(Tick{});
  });
}

void Server::DropLink(ProcessId process) {
  const auto found = links_.find(process);
  if (found == links_.end()) return;
  // It may be the one that is calling us.
  std::shared_ptr<base::Link> link = std::move(found->second);
  links_.erase(found);
  strand_.Post([link] {});
}

void Server::SendTo(ProcessId process, const base::Message& message,
                    UniqueFd fd) {
  const auto found = links_.find(process);
  if (found == links_.end()) return;
  found->second->Send(message, std::move(fd));
}

bool Server::PassOn(ProcessId process, const OutputBatch& batch) {
  const WorkerProcess& worker = workers_.at(process);
  const auto link = links_.find(driver_);
  if (link == links_.end()) return true;  // nobody will ever ask for it
  if (link->second->queued_bytes() > kOutputQueuedMax) return false;
  base::WorkerOutput output;
  output.pid = worker.pid;
  output.function = worker.page->Running();
  output.is_stderr = batch.is_stderr;
  output.lines = batch.lines;
  output.omitted = batch.omitted;
  link->second->Send(output);
  return true;
}

}  // namespace mobula::raylet
