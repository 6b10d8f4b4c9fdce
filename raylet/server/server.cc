#include "raylet/server/server.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/error_text.h"
#include "base/log.h"
#include "raylet/spawn/exit_story.h"
#include "raylet/spawn/orphans.h"
#include "raylet/spawn/process_tree.h"

namespace mobula::raylet {
namespace {

using base::Strand;
using base::UniqueFd;

// All workers of a driver that is gone have been killed; then we leave.
constexpr base::Duration kEndPatience = std::chrono::seconds(2);
constexpr base::Duration kSweepAgainAfter = std::chrono::milliseconds(5);
constexpr int kSweepsMax = 200;
// For the control store to take our leave; its keeper tells it anyway.
constexpr base::Duration kLeavePatience = std::chrono::milliseconds(100);

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
      core_(OpenDoor(), base::IdSource(options_.id_maker)),
      launcher_({options_.session, options_.core.self, options_.open_files}),
      programs_(strand, options_.programs_folder),
      channels_(strand, ChannelCallbacks()),
      fetch_(strand, programs_, TellFn()),
      sender_(strand, programs_, SenderCallbacks()),
      reaper_(strand,
              [this](pid_t pid, int status) {
                strand_.AssertHeld();
                OnChildEnded(pid, status);
              }),
      signals_(OpenSignals()),
      door_(strand, {options_.core.self}, DoorCallbacks()),
      old_logs_(options_.folder + "/logs") {
  strand_.AssertHeld();
  if (!why_.empty()) {
    StopNow();
    return;
  }
  WatchEnds();
  if (IsEmbedded()) {
    if (!IsOfCluster()) {
      door_.Adopt(std::move(options_.driver->socket));
      return;
    }
    OpenControl();
    strand_.PostAt(strand_.Now() + options_.join_patience, [this] {
      strand_.AssertHeld();
      GiveUpJoining(
          "the control store to join, at " + options_.node_file.control +
          ", is away: " + (away_.empty() ? "it does not answer" : away_));
    });
    return;
  }
  if (door_.Listen(options_.core.socket, &why_)) {
    OpenControl();
  } else {
    StopNow();
  }
}

Server::~Server() {
  strand_.AssertHeld();
  for (const auto& [pid, process] : by_pid_) ::kill(pid, SIGKILL);
  control_.reset();
  links_.clear();
  workers_.clear();
}

FrontDoor::Callbacks Server::DoorCallbacks() {
  FrontDoor::Callbacks callbacks;
  callbacks.on_open = [this](ProcessId guest, base::Role role) {
    strand_.AssertHeld();
    if (role == base::Role::kDriver) drivers_[guest];
  };
  callbacks.on_message = [this](ProcessId guest, base::Message message,
                                UniqueFd fd) {
    strand_.AssertHeld();
    OnGuest(guest, std::move(message), std::move(fd));
  };
  callbacks.on_closed = [this](ProcessId guest, const std::string& reason) {
    strand_.AssertHeld();
    OnGuestGone(guest, reason);
  };
  return callbacks;
}

void Server::WatchEnds() {
  WatchOnce(signals_.get(), &Server::Leave);
  WatchOnce(options_.parent.get(), &Server::StopNow);
  if (!IsEmbedded() || options_.driver->pid <= 0) return;
  driver_pidfd_ = OpenPidfd(options_.driver->pid);
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

void Server::OpenWorkerLink(ProcessId process, UniqueFd socket) {
  base::Link::Options link;
  link.self = options_.core.self;
  link.role = base::Role::kRaylet;
  link.peer = process;
  base::Link::Callbacks callbacks;
  callbacks.on_open = [](ProcessId, base::Role) {};
  callbacks.on_message = [this, process](base::Message message, UniqueFd) {
    strand_.AssertHeld();
    Handle(Received{process, std::move(message)});
  };
  callbacks.on_closed = [this, process](const std::string& reason) {
    strand_.AssertHeld();
    OnWorkerLinkClosed(process, reason);
  };
  links_[process] = std::make_unique<base::Link>(
      strand_, std::move(socket), std::move(link), std::move(callbacks));
}

void Server::OnGuest(ProcessId guest, base::Message message, UniqueFd fd) {
  if (driver_gone_) return;
  const auto driver = drivers_.find(guest);
  auto* registers = std::get_if<base::Register>(&message);
  if (registers != nullptr) {
    if (driver == drivers_.end()) return;
    if (IsEmbedded()) fd = std::move(options_.driver->program);
    if (fd.valid() && driver->second.job.IsNil()) {
      driver->second.job = registers->job;
      driver->second.program = std::move(fd);
    }
    if (!driver->second.program.valid() ||
        driver->second.job != registers->job) {
      MOBULA_LOG(WARNING) << "a driver without its executable is refused";
      door_.Close(guest);
      OnGuestGone(guest, "refused");
      return;
    }
    registers->role = base::Role::kDriver;  // as its Hello said
    if (!IsEmbedded()) {
      MOBULA_LOG(INFO) << "driver pid " << registers->pid << " ("
                       << registers->program << ") joins as job "
                       << registers->job;
    }
  }
  Handle(Received{guest, std::move(message)});
}

void Server::OnGuestGone(ProcessId guest, const std::string& reason) {
  if (IsEmbedded()) {
    MOBULA_LOG(INFO) << "driver: " << reason;
    OnDriverGone();
    return;
  }
  if (guest.IsNil()) return;
  const bool was_driver = drivers_.erase(guest) > 0;
  if (!was_driver) return;
  MOBULA_LOG(INFO) << "driver " << guest << ": " << reason;
  channels_.ProcessEnding(guest);
  Handle(PeerLost{guest});
}

void Server::OnWorkerLinkClosed(ProcessId process, const std::string& reason) {
  if (!links_.contains(process)) return;  // its end has been told
  MOBULA_LOG(DEBUG) << "link to worker " << process << ": " << reason;
  DropLink(process);
  Handle(PeerLost{process});
}

// Of an embedded head.
void Server::OnDriverGone() {
  if (driver_gone_) return;
  driver_gone_ = true;
  MOBULA_LOG(INFO) << "the driver is gone";
  door_.CloseAll();
  const std::map<ProcessId, DriverProcess> gone = std::move(drivers_);
  drivers_.clear();
  for (const auto& [process, driver] : gone) Handle(PeerLost{process});
  StopIfDone();
  strand_.PostAt(strand_.Now() + kEndPatience, [this] {
    strand_.AssertHeld();
    StopNow();
  });
}

void Server::StopIfDone() {
  if (!driver_gone_ || leaving_) return;
  // Detached actors outlive a driver, but not an embedded head.
  const bool done =
      std::all_of(workers_.begin(), workers_.end(),
                  [](const auto& worker) { return worker.second.is_detached; });
  if (done) Leave();
}

void Server::GiveUpJoining(const std::string& why) {
  if (has_joined_ || !IsEmbedded() || !IsOfCluster()) return;
  why_ = why;
  StopNow();
}

void Server::Leave() {
  if (leaving_ || control_ == nullptr || !IsOfCluster()) return StopNow();
  leaving_ = true;
  MOBULA_LOG(INFO) << "leaves the cluster";
  control_->Send(base::LeaveNode{options_.core.node});
  strand_.PostAt(strand_.Now() + kLeavePatience, [this] {
    strand_.AssertHeld();
    StopNow();
  });
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
    for (Effect& effect : effects) CarryOut(effect);
  }
  handling_ = false;
}

void Server::CarryOut(Effect& effect) {
  if (auto* send = std::get_if<Send>(&effect)) {
    auto* listing = std::get_if<base::LocalListing>(&send->message);
    if (listing != nullptr) FillListing(*listing);
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
    const bool was_driver = drivers_.erase(close->process) > 0;
    door_.Close(close->process);
    DropLink(close->process);
    if (!was_driver || !IsEmbedded()) return;
    // Nobody else will come.
    strand_.Post([this] {
      strand_.AssertHeld();
      OnDriverGone();
    });
  } else {
    const bool known = CarryOutControl(effect) || CarryOutNodes(effect) ||
                       CarryOutStore(effect);
    MOBULA_CHECK(known);
  }
}

UniqueFd Server::ProgramOf(base::JobId job, std::string* error) {
  for (const auto& [process, driver] : drivers_) {
    if (driver.job != job) continue;
    UniqueFd program(::fcntl(driver.program.get(), F_DUPFD_CLOEXEC, 0));
    if (!program.valid()) *error = "no descriptors for a worker";
    return program;
  }
  *error = "its driver is gone";
  return UniqueFd();
}

void Server::Start(const StartWorker& start) {
  if (start.program.empty()) {
    ProgramStore::Opened opened;
    opened.program = ProgramOf(start.job, &opened.reason);
    return Launch(start, opened);
  }
  awaiting_program_.insert(start.process);
  OpenProgram(start, 0);
}

void Server::Launch(const StartWorker& start,
                    const ProgramStore::Opened& opened) {
  auto launched =
      opened.program.valid()
          ? launcher_.Launch(start.process, start.job, opened.program)
          : std::variant<LaunchedWorker, std::string>(opened.reason);
  if (const auto* reason = std::get_if<std::string>(&launched)) {
    MOBULA_LOG(WARNING) << "worker not started: " << *reason;
    Handle(WorkerStartFailed{start.process, *reason, opened.is_lacking});
    return;
  }
  auto& started = std::get<LaunchedWorker>(launched);
  const ProcessId process = start.process;
  WorkerProcess& worker = workers_[process];
  worker.pid = started.pid;
  worker.driver = start.driver;
  worker.driver_node = start.driver_node;
  worker.is_detached = !start.program.empty() && start.driver_node.IsNil();
  if (!IsEmbedded() || start.driver.IsNil()) {
    worker.log =
        std::make_unique<WorkerLog>(options_.folder + "/logs", started.pid);
    // The number may have been that of one that has ended.
    old_logs_.Reuse(worker.log->path());
  }
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
  if (awaiting_program_.erase(process) > 0) {
    Handle(WorkerStartFailed{process, "it was ended before it began"});
    return;
  }
  const auto found = workers_.find(process);
  if (found != workers_.end()) ::kill(found->second.pid, SIGKILL);
}

void Server::OnChildEnded(pid_t pid, int status) {
  if (store_.has_value() && store_->Ended(pid)) {
    const std::string story = StoryOfExit("it", status);
    MOBULA_LOG(WARNING) << "the control store, pid " << pid << ": " << story;
    OnStoreFailed(story);
    return;
  }
  const auto found = by_pid_.find(pid);
  if (found == by_pid_.end()) return;  // an orphan
  const ProcessId process = found->second;
  by_pid_.erase(found);
  WorkerProcess& worker = workers_.at(process);
  worker.output->Drain();
  base::Failure failure =
      FailureOfExit(pid, status, worker.page->Running(), worker.output->Tail());
  MOBULA_LOG(INFO) << failure.message << ", pid " << pid;
  const base::ActorId charged = worker.page->Charged();
  if (worker.log != nullptr) old_logs_.Keep(worker.log->path());
  workers_.erase(process);
  HearLastWords(process);
  DropLink(process);
  SweepOrphans(pid, kSweepsMax);
  channels_.ProcessEnding(process);  // its last words, before its end
  Handle(WorkerExited{process, std::move(failure), charged});
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
    MOBULA_LOG(ERROR) << "no link between two processes: " << base::ErrorText();
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
    Tick tick;
    for (const auto& [process, worker] : workers_) {
      if (!worker.page->Running().empty()) tick.at_work.push_back(process);
    }
    Handle(std::move(tick));
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

// What it stored and claimed counts; its end may be seen before they are read.
void Server::HearLastWords(ProcessId process) {
  const auto found = links_.find(process);
  if (found != links_.end()) found->second->Drain();
}

void Server::SendTo(ProcessId process, const base::Message& message,
                    UniqueFd fd) {
  const auto found = links_.find(process);
  if (found == links_.end()) {
    door_.Send(process, message, std::move(fd));
  } else {
    found->second->Send(message, std::move(fd));
  }
}

bool Server::PassOn(ProcessId process, const OutputBatch& batch) {
  const WorkerProcess& worker = workers_.at(process);
  const bool has_driver = door_.Has(worker.driver);
  if (has_driver && door_.QueuedBytes(worker.driver) > kOutputQueuedMax) {
    return false;
  }
  const bool is_afar = !worker.driver_node.IsNil();
  if (!has_driver && !is_afar) {
    if (worker.log != nullptr) worker.log->Append(batch);
    return true;  // nobody will ever ask for it
  }
  base::WorkerOutput output;
  output.pid = worker.pid;
  output.function = worker.page->Last();
  output.is_stderr = batch.is_stderr;
  output.lines = batch.lines;
  output.omitted = batch.omitted;
  output.node = options_.core.node_name;
  if (is_afar && !PassOnAfar(worker, output)) return false;
  if (worker.log != nullptr) worker.log->Append(batch);
  if (!is_afar) door_.Send(worker.driver, output);
  return true;
}

}  // namespace mobula::raylet
