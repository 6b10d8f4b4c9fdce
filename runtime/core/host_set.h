// HostSet is the half of a runtime core that runs what other processes ask for:
// one Host for tasks and an actor that has the worker for itself, and one for
// each shared actor, so that each has its own order and they run beside one
// another.
//
//   CreateActor{shared} --> a Host of its own, Execute{shared} ...
//   LeaveActor --> nothing more starts --what runs has ended--> EndActor
//   --ActorEnded--> ActorLeft, the Host is gone
// Owner: runtime::Core.   Threading: none; pure.
// Invariants: (1) of one actor at most one incarnation is here, until it has
// left; (2) every LeaveActor is answered once, as the last word about its
// actor; (3) those of each Host, for its own.
#ifndef MOBULA_RUNTIME_CORE_HOST_SET_H_
#define MOBULA_RUNTIME_CORE_HOST_SET_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "base/boot_time.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "runtime/core/events.h"
#include "runtime/core/host.h"
#include "runtime/refs/references.h"

namespace mobula::runtime {

class HostSet {
 public:
  // A driver hosts nothing: it refuses all.
  HostSet(bool accepts, References& refs)
      : accepts_(accepts), refs_(refs), main_(accepts, refs) {}
  HostSet(const HostSet&) = delete;
  HostSet& operator=(const HostSet&) = delete;

  // Each step begins with it: what is late does not start.
  void Begin(base::BootTime now) {
    now_ = now;
    main_.Begin(now);
  }
  // What was told to stop because nobody can want it any more.
  [[nodiscard]] std::vector<base::TaskId> TakeStopped();

  // As of Host.
  void Run(base::ProcessId from, base::RunTask run, Effects& effects) {
    main_.Run(from, std::move(run), effects);
  }
  void Construct(base::ProcessId from, base::CreateActor create,
                 Effects& effects);
  void Call(base::ProcessId from, base::CallActor call, Effects& effects);
  void Cancel(base::ProcessId from, const base::CancelTask& cancel,
              Effects& effects);
  bool Stop(base::ProcessId from, const base::StopTask& stop, Effects& effects);
  void Aside(const SetAside& aside, Effects& effects);
  void Open(base::TaskId task, Effects& effects) {
    HostOfStarted(task).Open(task, effects);
  }
  void Yield(Yielded yielded, Effects& effects);
  void Credit(base::ProcessId from, const base::StreamCredit& credit,
              Effects& effects) {
    HostOfStarted(credit.task).Credit(from, credit, effects);
  }
  void Finish(Executed executed, Effects& effects);
  void PeerLost(base::ProcessId process, Effects& effects);
  void Retire(Effects& effects);

  void Leave(base::ProcessId from, const base::LeaveActor& leave,
             Effects& effects);
  // CHECKs: it was asked for.
  void Ended(base::ActorId actor, Effects& effects);

  [[nodiscard]] bool idle() const;
  [[nodiscard]] std::size_t queued() const;
  [[nodiscard]] bool Runs(base::TaskId task) const {
    return started_.contains(task) || main_.Runs(task);
  }
  [[nodiscard]] std::size_t aside() const;
  // That has the worker for itself; nil if none does.
  [[nodiscard]] base::ActorId actor() const { return main_.actor(); }
  // Shared ones, those that leave too.
  [[nodiscard]] std::size_t shared() const { return shared_.size(); }
  template <class F>
  void ForEachHeld(F&& each) const {
    main_.ForEachHeld(each);
    for (const auto& [actor, shared] : shared_) shared.host.ForEachHeld(each);
  }

 private:
  struct Shared {
    Shared(bool accepts, References& refs) : host(accepts, refs) {}
    Host host;
    base::ProcessId owner;
    std::int64_t incarnation = 0;
    bool leaves = false;
    bool ends = false;  // EndActor is asked for
  };

  Shared* Find(base::ActorId actor);
  Host& HostOf(base::ActorId actor);
  Host& HostOfStarted(base::TaskId task);
  void NoteStops(Host& host);
  // Of the effects from `first` on: these run here now.
  void NoteStarts(base::ActorId actor, std::size_t first, Effects& effects);
  void EndIfIdle(base::ActorId actor, Shared& shared, Effects& effects);

  const bool accepts_;
  References& refs_;
  base::BootTime now_;
  bool retired_ = false;
  Host main_;
  std::map<base::ActorId, Shared> shared_;
  // What runs or waits here of shared actors; of which.
  std::unordered_map<base::TaskId, base::ActorId> started_;
  std::vector<base::TaskId> stopped_;  // of shared ones
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_CORE_HOST_SET_H_
