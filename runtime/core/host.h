// Host is the half of a runtime core that runs what other processes ask for:
// tasks, and the one actor that may live in a worker.
//
//   RunTask, CreateActor, CallActor --> queued --> Execute --Executed-->
//   TaskDone;   Execute --SetAside--> TaskAside --Executed--> TaskDone
// Things begin in order of arrival, and the next Execute comes after the
// TaskDone of the one before, or its TaskAside: where that is a coroutine that
// waits, or where the actor's gate lets calls run at the same time, which begin
// in the order of their groups. Once one has begun before something that came
// earlier, each is set aside before it begins, which TaskAside says
// (announced). So a shell that carries effects out in order lets an owner be
// certain that of what it asked a dead worker for only those set aside have
// started and, where that was not said, the first other unanswered one. Owner:
// runtime::Core.   Threading: none; pure. While a job is here it holds what its
// arguments refer to. Invariants: (1) at most one Execute is neither answered
// nor set aside, and nothing in the queue came before it; (2) every job that is
// taken gets one TaskDone, except when who asked is gone; (3) what is refused
// says executed = no, and is right.
#ifndef MOBULA_RUNTIME_CORE_HOST_H_
#define MOBULA_RUNTIME_CORE_HOST_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "runtime/actors/mailbox.h"
#include "runtime/core/events.h"
#include "runtime/refs/references.h"
#include "runtime/tasks/run_queue.h"

namespace mobula::runtime {

class Host {
 public:
  // Coroutines that wait here; further ones begin when one of them has ended.
  // An actor's own concurrency stands in place of these.
  static constexpr std::size_t kTasksAsideMax = 10'000;
  static constexpr std::size_t kCallsAsideMax = 1'000;

  // A driver hosts nothing: it refuses all.
  Host(bool accepts, References& refs) : accepts_(accepts), refs_(refs) {}

  // Of the events that follow.
  void Begin(base::BootTime now) { now_ = now; }

  void Run(base::ProcessId from, base::RunTask run, Effects& effects);
  void Construct(base::ProcessId from, base::CreateActor create,
                 Effects& effects);
  void Call(base::ProcessId from, base::CallActor call, Effects& effects);
  void Cancel(base::ProcessId from, base::TaskId task, Effects& effects);
  // The same for good. Whether it runs, and has been told to stop.
  bool Stop(base::ProcessId from, base::TaskId task, Effects& effects);
  void Aside(const SetAside& aside, Effects& effects);
  // What runs is a generator; it gives an item; it may give more.
  void Open(base::TaskId task, Effects& effects);
  void Yield(Yielded yielded, Effects& effects);
  void Credit(base::ProcessId from, const base::StreamCredit& credit,
              Effects& effects);
  void Finish(Executed executed, Effects& effects);
  // Drops what a lost process asked for and has not started; what waits for it
  // is stopped.
  void PeerLost(base::ProcessId process, Effects& effects);
  // Nothing more is started.
  void Retire(Effects& effects);
  // What has is told to stop.
  void StopStarted(Effects& effects);

  [[nodiscard]] bool idle() const {
    return !running_.has_value() && aside_.empty() && queue_.empty();
  }
  [[nodiscard]] std::size_t queued() const { return queue_.size(); }
  // What has been told to stop since the last time, since nobody wants it any
  // more: what it has spawned is to be cancelled.
  std::vector<base::TaskId> TakeStopped() {
    return std::exchange(stopped_, {});
  }
  // Runs here, or is set aside.
  [[nodiscard]] bool Runs(base::TaskId task) const;
  [[nodiscard]] std::size_t aside() const { return aside_.size(); }
  // That lives here, or is being made; nil if none is.
  [[nodiscard]] base::ActorId actor() const;
  // Calls each(name) for what it holds: each time that it does.
  template <class F>
  void ForEachHeld(F&& each) const {
    const auto of_job = [&each](const Job& job) {
      for (const base::ObjectName& name : job.held) each(name);
    };
    if (running_.has_value()) of_job(running_->job);
    for (const auto& [task, started] : aside_) of_job(started.job);
    queue_.ForEach(of_job);
  }

 private:
  struct Started {
    Job job;
    bool asker_is_gone = false;
    bool is_generator = false;
    bool waits = false;  // a coroutine that has waited
  };

  // Where the next one stands that may start; nothing if there is none.
  [[nodiscard]] std::optional<std::size_t> NextLane() const;
  void Start(Job job, Effects& effects);
  // What runs lets others begin.
  void StandAside(std::int64_t run_ns, Effects& effects);
  // Of what nobody waits for any more.
  void StopIfWaits(const Started& started, Effects& effects);
  // What runs or is set aside.
  Started& Find(base::TaskId task);
  // What has ended, which is not here any more.
  Started TakeStarted(base::TaskId task);
  void Enqueue(Job job, Effects& effects);
  void StartNext(Effects& effects);
  // It does not start: nobody waits for it, or may.
  [[nodiscard]] std::optional<base::Failure> WhyNot(const Job& job);
  void StopUnwanted(base::TaskId task, Effects& effects);
  // What that process asked for and has not started; `why` it does not.
  void TakeBack(base::ProcessId from, base::TaskId task, const char* why,
                Effects& effects);
  static void Refuse(const Job& job, base::FailureCode code, std::string why,
                     Effects& effects);
  static void Refuse(const Job& job, base::Failure failure, Effects& effects);
  void NoteExit(const Job& job, Effects& effects);
  // It is not run, or has been: its arguments are not kept.
  void LetGo(const Job& job);

  const bool accepts_;
  References& refs_;
  base::BootTime now_;
  bool retired_ = false;
  // Calls have begun before some that came earlier: from then on each of the
  // actor's is set aside before it begins.
  bool announces_ = false;
  std::optional<Started> running_;
  std::map<base::TaskId, Started> aside_;
  std::vector<base::TaskId> stopped_;
  RunQueue queue_;
  Mailbox mailbox_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_CORE_HOST_H_
