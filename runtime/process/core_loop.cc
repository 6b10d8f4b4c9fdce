#include "runtime/process/core_loop.h"

#include <sys/resource.h>

#include <chrono>
#include <sstream>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/log.h"

namespace mobula::runtime {
namespace {

using base::BootTime;
using base::ProcessId;

// Between looks at a link whose peer reads slowly.
constexpr base::Duration kHeldRetry = std::chrono::milliseconds(1);

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

Core::Options CoreOptions(const base::Register& whoami,
                          std::size_t lineage_bytes) {
  Core::Options options;
  options.self = whoami.process;
  options.role = whoami.role;
  options.job = whoami.job;
  options.seed = base::RandomBits();
  options.lineage.bytes_max = lineage_bytes;
  return options;
}

std::string Describe(const Fingerprint& print) {
  std::string text = std::to_string(print.byte_count) + " bytes";
  if (print.digest == 0) return text;
  std::ostringstream digest;
  digest << ", digest " << std::hex << print.digest;
  return text + digest.str();
}

std::string NoDescriptor() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  return "this process has no free descriptor for a link to its worker: it may "
         "have " +
         std::to_string(files.rlim_cur) +
         " files open, and has; close some, or raise that (ulimit -n)";
}

// Of a driver it appears at once, of a worker among its output.
void LogRemade(const Remade& remade) {
  if (!remade.differs) {
    MOBULA_LOG(INFO) << "lost bytes: the result " << remade.object << " of "
                     << remade.function << " was made again by attempt "
                     << remade.attempt;
    return;
  }
  MOBULA_LOG(WARNING) << "lost bytes: attempt " << remade.attempt << " of "
                      << remade.function << " gave another result for object "
                      << remade.object
                      << " than before: " << Describe(remade.now) << ", it was "
                      << Describe(remade.before)
                      << "; a task whose result differs from run to run should "
                         "have Retries(0)";
}

}  // namespace

CoreLoop::CoreLoop(base::Strand& strand, base::Register whoami, Sink& sink,
                   std::size_t lineage_bytes)
    : strand_(strand),
      whoami_(std::move(whoami)),
      sink_(sink),
      peers_(
          strand, whoami_.process, whoami_.role,
          Peers::Callbacks{
              [this](ProcessId peer) { Opened(peer); },
              [this](ProcessId from, base::Message message, base::UniqueFd fd) {
                Took(from, std::move(message), std::move(fd));
              },
              [this](ProcessId peer, const std::string& reason) {
                Lost(peer, reason);
              }}),
      core_(CoreOptions(whoami_, lineage_bytes),
            base::IdSource(base::RandomBits())) {}

CoreLoop::~CoreLoop() = default;

void CoreLoop::Connect(base::UniqueFd socket, ProcessId raylet,
                       base::UniqueFd program) {
  strand_.AssertHeld();
  program_ = std::move(program);
  raylet_ = raylet;
  peers_.Connect(std::move(socket), raylet);
}

void CoreLoop::Opened(ProcessId peer) {
  strand_.AssertHeld();
  if (raylet_.IsNil()) raylet_ = peer;
  // Before anything else: the raylet knows us by it.
  if (peer == raylet_) peers_.Send(peer, whoami_, std::move(program_));
}

void CoreLoop::Lost(ProcessId peer, const std::string& reason) {
  strand_.AssertHeld();
  if (peer == raylet_) {
    LoseRaylet(reason);
  } else {
    Step(PeerLost{peer});
  }
}

void CoreLoop::LoseRaylet(const std::string& reason) {
  strand_.AssertHeld();
  raylet_lost_ = true;
  base::Failure failure =
      job_over_
          ? base::NotRun(base::FailureCode::kShutdown,
                         "this program's job was ended by request (mobula "
                         "kill): it has no node any more, until it calls Init "
                         "again")
          : base::NotRun(base::FailureCode::kRayletDied,
                         "the node's agent (mobula raylet) has ended");
  sink_.OnRayletLost(reason, failure);
  Step(PeerLost{raylet_, std::move(failure)});
}

void CoreLoop::Took(ProcessId from, base::Message message, base::UniqueFd fd) {
  strand_.AssertHeld();
  sink_.StepPosted();
  if (from == raylet_ && TookFromRaylet(message, &fd)) return;
  Step(Received{from, std::move(message)});
}

bool CoreLoop::TookFromRaylet(const base::Message& message,
                              base::UniqueFd* fd) {
  strand_.AssertHeld();
  if (const auto* registered = std::get_if<base::Registered>(&message)) {
    // The core first: what the Sink wakes may ask it for something at once.
    Step(Received{raylet_, *registered});
    sink_.OnRegistered(*registered);
    return true;
  }
  if (const auto* output = std::get_if<base::WorkerOutput>(&message)) {
    sink_.OnOutput(*output);
    return true;
  }
  if (std::holds_alternative<base::JobEnded>(message)) {
    job_over_ = !ending_;
    sink_.OnJobEnded();
    return true;
  }
  if (const auto* attach = std::get_if<base::Attach>(&message)) {
    // The core sees it too: from here on it may send there.
    TookAttach(*attach, std::move(*fd));
    return false;
  }
  if (const auto* granted = std::get_if<base::LeaseGranted>(&message)) {
    if (!unlinked_.contains(granted->worker)) return false;
    LoseUnlinked(*granted);
    return true;
  }
  if (const auto* gone = std::get_if<base::PeerGone>(&message)) {
    unlinked_.erase(gone->peer);
    return false;
  }
  return sink_.OnStoreMessage(message, *fd);
}

void CoreLoop::TookAttach(const base::Attach& attach, base::UniqueFd fd) {
  strand_.AssertHeld();
  if (ending_) return;
  if (fd.valid()) {
    unlinked_.erase(attach.peer);
  } else {
    MOBULA_LOG(ERROR) << NoDescriptor();
    unlinked_.insert(attach.peer);
  }
  peers_.Connect(std::move(fd), attach.peer, attach.is_afar);
}

void CoreLoop::LoseUnlinked(const base::LeaseGranted& granted) {
  strand_.AssertHeld();
  Step(Received{raylet_, granted});
  // The raylet believes that we have a link to it, and would grant it again.
  TellRaylet(base::ReturnLease{granted.lease, /*discard=*/true});
  base::LeaseLost lost;
  lost.lease = granted.lease;
  lost.worker = granted.worker;
  lost.failure = base::MakeFailure(base::FailureCode::kWorkerDied,
                                   base::Executed::kMaybe, NoDescriptor());
  lost.failure.pid = granted.pid;
  Step(Received{raylet_, std::move(lost)});
}

void CoreLoop::Step(Event event) {
  strand_.AssertHeld();
  if (ending_) return;
  pending_.push_back(std::move(event));
  if (stepping_) return;
  stepping_ = true;
  while (!pending_.empty() && !ending_) {
    Event next = std::move(pending_.front());
    pending_.pop_front();
    core_.Step(std::move(next), strand_.Now(), effects_);
    for (Effect& effect : effects_) Apply(std::move(effect));
    effects_.clear();
  }
  stepping_ = false;
}

void CoreLoop::Apply(Effect effect) {
  strand_.AssertHeld();
  std::visit(
      Overloaded{
          [this](Send send) {
            strand_.AssertHeld();
            peers_.Send(send.to, send.message);
          },
          [this](Ready ready) { sink_.OnReady(std::move(ready)); },
          [this](ActorChanged changed) { sink_.OnActorChanged(changed); },
          [this](Execute execute) {
            strand_.AssertHeld();
            held_.push_back(std::move(execute));
            StartHeld();
          },
          [this](StopExecution stop) { sink_.OnStopExecution(stop.task); },
          [this](const EndActor& end) { sink_.OnEndActor(end.actor); },
          [this](GiveCredit give) { sink_.OnGiveCredit(give); },
          [this](CancelReady ready) { sink_.OnCancelReady(ready); },
          [this](SetTimer timer) {
            strand_.AssertHeld();
            SetTimerAt(timer.at);
          },
          [this](ControlReady ready) {
            sink_.OnControlReady(std::move(ready));
          },
          [](const Remade& remade) { LogRemade(remade); },
          [this](Exit exit) { sink_.OnExit(exit.reason); },
      },
      std::move(effect));
}

void CoreLoop::StartHeld() {
  strand_.AssertHeld();
  if (held_timer_ || ending_) return;
  if (peers_.Flush()) {
    for (Execute& execute : held_) sink_.OnExecute(std::move(execute));
    held_.clear();
    return;
  }
  held_timer_ = true;
  strand_.PostAt(strand_.Now() + kHeldRetry, [this] {
    strand_.AssertHeld();
    held_timer_ = false;
    StartHeld();
  });
}

void CoreLoop::SetTimerAt(BootTime at) {
  strand_.AssertHeld();
  if (at == timer_at_) return;
  if (timer_ != 0) strand_.Cancel(timer_);
  timer_ = 0;
  timer_at_ = at;
  if (at.IsNever()) return;
  timer_ = strand_.PostAt(at, [this] {
    strand_.AssertHeld();
    timer_ = 0;
    timer_at_ = BootTime::Never();
    Step(Tick{});
  });
}

void CoreLoop::TellRaylet(const base::Message& message) {
  strand_.AssertHeld();
  if (!raylet_lost_) peers_.Send(raylet_, message);
}

void CoreLoop::SetEnding() {
  strand_.AssertHeld();
  ending_ = true;
  SetTimerAt(BootTime::Never());
}

void CoreLoop::Close() {
  strand_.AssertHeld();
  SetEnding();
  peers_.CloseAll();
}

}  // namespace mobula::runtime
