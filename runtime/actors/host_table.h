// HostTable knows the workers in which the shared actors of this owner live,
// and which of them lives where.
//
//   Place --none has room--> Asked (a lease) --Granted--> Up
//   Up --empty | its worker is lost | emptied--> Take: gone
//   an actor: Placed --Leave--> leaving --Left--> gone
// A host holds kActorsMax actors at most, and those of one group: all classes
// together, but for a class that has ended kSeparateAfter hosts (Charge), which
// has hosts of its own from then on. What has left one for whatever reason does
// not come back to it, so that what two lives of an actor say there cannot be
// taken for one another.
// Owner: ActorTable, which asks for the leases, and says so to the workers.
// Threading: none; pure.
// Invariants: (1) an actor is placed in at most one host; (2) hosts of one
// group are filled in the order in which they were made.
#ifndef MOBULA_RUNTIME_ACTORS_HOST_TABLE_H_
#define MOBULA_RUNTIME_ACTORS_HOST_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/ids.h"
#include "runtime/core/worker_loss.h"

namespace mobula::runtime {

class HostTable {
 public:
  static constexpr std::size_t kActorsMax = 10'000;
  static constexpr int kSeparateAfter = 2;

  struct Leaver {
    std::string class_name;
    // What is not gone by then is ended with the host.
    base::BootTime deadline = base::BootTime::Never();
  };
  struct Host {
    base::LeaseId lease;
    std::string group;       // a separated class, "" for all others
    base::ProcessId worker;  // nil while the lease is asked for
    std::int32_t pid = 0;
    std::set<base::ActorId> actors;  // that live there or are to
    std::map<base::ActorId, Leaver> leavers;
    std::set<base::ActorId> been;  // that came, or are to
    WorkerLoss loss;
    base::ActorId charged;  // whose doing the loss was, as far as is known

    [[nodiscard]] bool IsEmpty() const {
      return actors.empty() && leavers.empty();
    }
    // Of those that leave; Never if none must.
    [[nodiscard]] base::BootTime FirstDeadline() const;
  };

  // Where the actor is to live from now on; a host that is new (its `actors`
  // holds no other) gets the lease of that name. CHECKs: it lives nowhere.
  Host& Place(base::ActorId actor, const std::string& class_name,
              base::IdSource& ids);
  // It does not live there any more; it leaves until Left, where it had come.
  void Leave(Host& host, base::ActorId actor, std::optional<Leaver> leaver);
  // It is gone. Null if it did not leave that worker.
  Host* Left(base::ProcessId worker, base::ActorId actor);
  [[nodiscard]] bool IsLeaving(base::ActorId actor) const {
    return leaving_.contains(actor);
  }
  // The host is no more: who lived there, and who was leaving.
  Host Take(base::LeaseId lease);
  void Granted(Host& host, base::ProcessId worker, std::int32_t pid);

  // The class has ended a host.
  void Charge(const std::string& class_name);
  [[nodiscard]] bool IsSeparated(const std::string& class_name) const;

  // Null if there is none.
  Host* Find(base::LeaseId lease);
  Host* OfWorker(base::ProcessId worker);
  [[nodiscard]] std::vector<base::LeaseId> Leases() const;
  [[nodiscard]] std::size_t size() const { return hosts_.size(); }
  void Clear();

 private:
  [[nodiscard]] std::string GroupOf(const std::string& class_name) const;

  // In the order made.
  std::map<std::uint64_t, Host> hosts_;
  std::uint64_t next_ = 1;
  std::map<base::LeaseId, std::uint64_t> of_lease_;
  std::map<base::ProcessId, std::uint64_t> of_worker_;
  std::set<base::ActorId> leaving_;
  std::map<std::string, int> crashes_;  // by class
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_ACTORS_HOST_TABLE_H_
