// StoreAudit follows a control store through all its lives from outside: what
// it is told, what it writes, what is durable and what it says.
//
//   audit.OnStart(epoch, now);  audit.OnEvent(event, now);
//   audit.OnWrite(write);       // in the order of the core
//   audit.OnDurable(write);     // the disk has it
//   audit.OnSend(send, now);    // somebody sees it
//
// A life's view of the tables is what was durable when it began, and what it
// wrote since.
// Owner: World.   Threading: none.
// Checks: I7 (what is said is durable), I8 (epochs, incarnations and versions
// never decrease), I9 (the dead stay dead, and nobody is declared dead early),
// unique names among the living.
#ifndef MOBULA_TESTS_SIM_STORE_AUDIT_H_
#define MOBULA_TESTS_SIM_STORE_AUDIT_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/control/records.h"
#include "base/ids.h"
#include "gcs/core/events.h"
#include "tests/sim/ledger.h"
#include "tests/sim/verdict.h"

namespace mobula::sim {

class StoreAudit {
 public:
  // What is known of actors, nodes and keys.
  struct View {
    std::map<base::ActorId, base::ActorRecord> actors;
    std::map<base::NodeId, base::NodeRecord> nodes;
    std::map<std::string, base::KeyRecord> keys;  // by "namespace/key"
    // The living's, by "namespace/name".
    std::map<std::string, base::ActorId> names;
  };

  // Tells the ledger of nodes that are declared dead.
  StoreAudit(Verdict& verdict, Ledger& ledger)
      : verdict_(verdict), ledger_(ledger) {}

  void OnStart(std::uint64_t epoch, base::BootTime now);
  void OnEvent(const gcs::Event& event, base::BootTime now);
  void OnWrite(const gcs::Write& write);
  void OnDurable(const gcs::Write& write);
  void OnSend(const gcs::Send& send, base::BootTime now);
  // The node could not be heard for this while, which began now. Nobody is
  // declared dead without such reasons; what the store itself did is none.
  void Disturb(base::NodeId node, base::BootTime from, base::Duration length);

  [[nodiscard]] const View& durable() const { return durable_; }
  // Declared dead although its raylet lived, as far as this can be seen.
  [[nodiscard]] bool IsDead(base::NodeId node) const;

 private:
  struct Disturbance {
    base::NodeId node;
    base::BootTime from;
    base::BootTime until;
  };

  void Apply(View& view, const gcs::Write& write, bool check);
  void ApplyActor(View& view, const gcs::Write& write, bool check);
  void ApplyNode(View& view, const gcs::Write& write, bool check);
  void ApplyKey(View& view, const gcs::Write& write, bool check);
  void CheckActor(const View& view, const base::ActorRecord& now);
  void CheckDeath(const base::NodeRecord& node);
  void CheckSaid(const base::ActorRecord& actor);
  void Violate(std::string_view invariant, std::string text);

  Verdict& verdict_;
  Ledger& ledger_;
  View durable_;
  View view_;
  std::uint64_t epoch_ = 0;
  base::BootTime started_;
  base::BootTime now_;
  std::map<base::ProcessId, base::NodeId> node_of_;  // by raylet
  std::map<base::NodeId, base::BootTime> heard_;
  std::vector<Disturbance> disturbances_;
  std::map<base::ActorId, std::int64_t> hosted_;  // the last HostActor
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_STORE_AUDIT_H_
