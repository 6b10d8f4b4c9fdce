// ControlLedger is the simulator's own record of what was asked of the control
// store, by whom, and what was answered: what the store must never forget.
//
// User code tells it each wish at the moment of asking and each answer at the
// moment of hearing; it judges at once what can be judged.
// Owner: World.   Threading: none.
// Checks: each ask is answered once, and a failure has its reason; I7 names and
// keys that were acknowledged are there; names are unique among the living.
#ifndef MOBULA_TESTS_SIM_CONTROL_LEDGER_H_
#define MOBULA_TESTS_SIM_CONTROL_LEDGER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_request.h"
#include "base/failure.h"
#include "base/ids.h"
#include "tests/sim/key_history.h"
#include "tests/sim/ledger.h"
#include "tests/sim/verdict.h"

namespace mobula::sim {

// One wish of a process.
struct Ask {
  base::ProcessId process;
  base::ProcessId raylet;  // of its node
  base::ControlRequest body;
  base::Duration timeout{0};
  base::BootTime asked_at;
  std::optional<base::ControlReply> reply;
  std::optional<KeyHistory::Ticket> ticket;
};

// An actor that somebody wanted registered.
struct Registration {
  base::ActorId actor;
  base::ProcessId by;
  base::ProcessId raylet;  // of its node
  std::string name;        // with its namespace; "" if none
  bool detached = false;
  base::BootTime asked_at;
  // When it was acknowledged, and when its end.
  base::BootTime acked_at = base::BootTime::Never();
  base::BootTime ended_at = base::BootTime::Never();
  bool end_asked = false;
};

class ControlLedger {
 public:
  ControlLedger(Verdict& verdict, const Ledger& ledger)
      : verdict_(verdict), ledger_(ledger) {}

  void OnAsk(base::RequestId request, Ask ask);
  void OnAnswer(base::ProcessId process, base::RequestId request,
                const base::ControlReply& reply, base::BootTime now);
  // An end of the actor was wished for in another way.
  void OnEndWished(base::ActorId actor);
  void OnProcessLost(base::ProcessId process, base::BootTime now);
  void OnDiskFull(bool full, base::BootTime now);
  // Workers may fail to start, or be killed, from now on.
  void OnWorkerLost() { workers_lost_ = true; }

  // What this process asked was answered.
  void CheckAnswered(base::ProcessId process);
  // The acknowledged detached actors that nothing has ended.
  [[nodiscard]] std::vector<base::ActorId> MustLive() const;
  [[nodiscard]] const std::map<base::RequestId, Ask>& asks() const {
    return asks_;
  }
  [[nodiscard]] const std::map<std::string, KeyHistory>& keys() const {
    return keys_;
  }
  [[nodiscard]] std::uint64_t answered() const { return answered_; }
  // What is wrong with what the store says of a key at the end.
  std::string CheckKey(const std::string& key, const base::KeyAnswer& answer);

 private:
  void Judge(const Ask& ask, const base::ControlReply& reply,
             base::BootTime now);
  void JudgeFailure(const Ask& ask, const base::Failure& failure,
                    base::BootTime now);
  [[nodiscard]] bool IsJustified(const Ask& ask, const base::Failure& failure,
                                 base::BootTime now) const;
  void JudgeKey(const Ask& ask, const base::ControlReply& reply);
  void JudgeRegister(const Ask& ask, const base::ActorAnswer& answer,
                     base::BootTime now);
  void JudgeFound(const Ask& ask, const base::ActorAnswer& answer);
  void CheckHolder(const std::string& name, base::ActorId actor,
                   base::BootTime asked_at);
  // Nobody has the name: nobody must have it.
  [[nodiscard]] bool MayBeFree(const std::string& name,
                               base::BootTime asked_at) const;
  [[nodiscard]] bool MayHaveEnded(const Registration& registration) const;
  void Violate(std::string_view invariant, const Ask& ask, std::string text);

  Verdict& verdict_;
  const Ledger& ledger_;
  std::map<base::RequestId, Ask> asks_;
  std::map<std::string, KeyHistory> keys_;
  std::map<base::ActorId, Registration> registrations_;
  std::map<base::ProcessId, base::BootTime> lost_;
  base::BootTime disk_full_since_ = base::BootTime::Never();
  base::BootTime disk_full_until_;
  bool workers_lost_ = false;
  std::uint64_t answered_ = 0;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_CONTROL_LEDGER_H_
