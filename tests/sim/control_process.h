// ControlProcess is one life of a simulated control store: the very gcs::Core
// and gcs::CommitQueue that ship, a Disk, and a session to each raylet.
//
//   Begin (restores from the disk, epoch + 1) --> serving --killed, or a sync
//   failed--> dead; the next life is another ControlProcess
//
// It may die before and after it appends a batch, and before each effect.
// Owner: World.   Threading: none.
// Checks: the core's invariants after each event; StoreAudit's.
#ifndef MOBULA_TESTS_SIM_CONTROL_PROCESS_H_
#define MOBULA_TESTS_SIM_CONTROL_PROCESS_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/control/control_request.h"
#include "base/ids.h"
#include "gcs/core/commit_queue.h"
#include "gcs/core/core.h"
#include "gcs/core/events.h"
#include "tests/sim/control_line.h"
#include "tests/sim/disk.h"
#include "tests/sim/line_end.h"
#include "tests/sim/process.h"
#include "tests/sim/rng.h"
#include "tests/sim/store_audit.h"
#include "tests/sim/surroundings.h"

namespace mobula::sim {

class ControlProcess : public Process {
 public:
  ControlProcess(base::ProcessId id, Surroundings& world, Disk& disk,
                 StoreAudit& audit);

  void Begin();
  // A raylet's connection; the store has side 1 of it.
  void Accept(const LineHello& hello, std::shared_ptr<LineConnection> line,
              const ControlDoor::Agreed& agreed);
  // A tool's call, and what it is answered; at most once.
  void AskAsTool(const base::ControlCall& call,
                 std::function<void(const base::ControlReply&)> answered);
  // It is gone: the disk keeps what it keeps, lines end.
  void Abandon();

  void OnMessage(base::ProcessId from, const base::Message& message) override;
  void OnLinkClosed(base::ProcessId peer) override;

  [[nodiscard]] const gcs::Core& core() const { return *core_; }
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
  [[nodiscard]] std::string Describe() const;

 private:
  struct Peer {
    std::shared_ptr<LineEnd> end;
    std::uint64_t connections = 0;
  };

  void Post(gcs::Event event);
  void Drain();
  void Commit(gcs::Effects& effects);
  void Step(const gcs::Event& event);
  void Release(gcs::Effects& released);
  void CarryOut(const gcs::Effect& effect);
  void SendToPeer(const gcs::Send& send);
  bool Dies();
  void OnDurable(std::uint64_t number);
  void OnDisk(bool full);
  void OpenPeer(base::ProcessId raylet);
  void LosePeer(base::ProcessId raylet);
  void OnDetached(base::ProcessId raylet);
  void SetTimer(base::BootTime at);

  Surroundings& world_;
  Disk& disk_;
  StoreAudit& audit_;
  Rng rng_;
  std::uint64_t epoch_ = 0;
  std::unique_ptr<gcs::Core> core_;
  gcs::CommitQueue commit_;
  std::map<base::ProcessId, Peer> peers_;
  std::map<base::RequestId, std::function<void(const base::ControlReply&)>>
      tools_;
  std::deque<gcs::Event> events_;
  bool stepping_ = false;
  std::uint64_t timer_ = 0;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_CONTROL_PROCESS_H_
