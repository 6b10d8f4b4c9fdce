// RuntimeProcess is a simulated driver or worker: the very runtime::Core that
// ships, with user code, a slot thread and links made of virtual time.
//
//   Begin --Hello, Register--> registered --JobEnded | Exit | killed--> dead
//
// It does what runtime/process does: events go through a queue, each is run to
// its last effect before the next begins, and the process may die between any
// two effects.
// Owner: World.   Threading: none.
#ifndef MOBULA_TESTS_SIM_RUNTIME_PROCESS_H_
#define MOBULA_TESTS_SIM_RUNTIME_PROCESS_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/frames/message.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/core.h"
#include "runtime/core/events.h"
#include "tests/ownership/ref_audit.h"
#include "tests/sim/control_program.h"
#include "tests/sim/driver_program.h"
#include "tests/sim/owner_tap.h"
#include "tests/sim/process.h"
#include "tests/sim/ref_user.h"
#include "tests/sim/slot_thread.h"
#include "tests/sim/store_port.h"
#include "tests/sim/surroundings.h"
#include "tests/sim/user_api.h"

namespace mobula::sim {

class RuntimeProcess : public Process {
 public:
  struct Options {
    base::ProcessId id;
    base::Role role = base::Role::kWorker;
    base::JobId job;
    base::ProcessId raylet;
    base::NodeId node;
    std::int32_t weight = 1;
    int operations = 0;  // of a driver
  };

  RuntimeProcess(const Options& options, Surroundings& world);
  ~RuntimeProcess() override;

  // The link to the raylet is there.
  void Begin();
  // A driver's program is over: asks the raylet to end the job.
  void EndJob();

  void OnMessage(base::ProcessId from, const base::Message& message) override;
  void OnLinkClosed(base::ProcessId peer) override;

  [[nodiscard]] base::ProcessId raylet() const { return options_.raylet; }
  // Nothing runs, nothing is awaited.
  [[nodiscard]] bool idle() const;
  // Reads every object of which it has a handle.
  void ReadAll() { refs_.ReadAll(); }
  // A driver drops all it has.
  void LetAll();
  [[nodiscard]] bool raylet_lost() const { return raylet_lost_; }
  [[nodiscard]] const StorePort& store() const { return store_; }
  // As it is to be audited; nothing before it has begun.
  [[nodiscard]] std::optional<ownership::Scene::Seat> Seat() const;
  // What the core still holds, for people; "" if nothing.
  [[nodiscard]] std::string Leftovers() const;

 private:
  using SeenFn = std::function<void(const runtime::Ready&)>;
  // Of a reader that found lost bytes and has reported that.
  struct Remaking {
    base::Extent lost;
    bool insists = false;
    SeenFn then;
  };

  void Post(runtime::Event event);
  void Drain();
  void Step(const runtime::Event& event);
  void CarryOut(const runtime::Effect& effect);
  // A slot whose crash is charged to that actor; nil: to nobody.
  std::unique_ptr<SlotThread> MakeSlot(base::ActorId actor);
  SlotThread& SlotOf(const runtime::Execute& execute);
  void StopRun(base::TaskId task);
  void EndActor(base::ActorId actor);
  [[nodiscard]] bool AnySlotBusy() const;
  void OnReady(const runtime::Ready& ready);
  // Whether somebody waited for what is made instead of lost bytes.
  bool TakeRemade(const runtime::Ready& ready);
  // The same with the bytes, when they are there; of what is made instead where
  // they are lost. `insists`: while there is no room to read, it asks again.
  void Fetch(const runtime::Ready& ready, bool insists, const SeenFn& then);
  // A reader finds nothing; is there a reason?
  void NoteMissed(const base::Value& stored);
  // What user code sees of it, now or when it is mapped.
  void OnSeen(const runtime::Ready& ready, bool is_own_told);
  [[nodiscard]] bool IsOwn(base::ObjectId object) const;
  void OnOwnReady(OpIndex index, const runtime::Ready& ready);
  void OnActorChanged(const runtime::ActorChanged& changed);
  void OnControlReady(const runtime::ControlReady& ready);
  void OnCancelReady(const runtime::CancelReady& ready);
  void SetTimer(base::BootTime at);

  const Options options_;
  Surroundings& world_;
  std::unique_ptr<runtime::Core> core_;
  OwnerTap tap_;
  UserApi api_;
  StorePort store_;
  RefUser refs_;
  std::unique_ptr<SlotThread> slot_;
  // Of a host: one for each shared actor, as long as it is there.
  std::map<base::ActorId, std::unique_ptr<SlotThread>> shared_;
  std::map<base::TaskId, base::ActorId> shared_tasks_;  // that run there
  std::unique_ptr<DriverProgram> program_;              // of a driver
  std::unique_ptr<ControlProgram> control_program_;
  std::deque<runtime::Event> events_;
  std::multimap<base::ObjectId, Remaking> remakings_;
  std::set<base::ObjectId> reported_;  // lost, once or more often
  bool stepping_ = false;
  bool ending_ = false;
  bool raylet_lost_ = false;
  std::uint64_t timer_ = 0;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_RUNTIME_PROCESS_H_
