// Keepers finds out which objects and actors keep one another, and which of
// them somebody else keeps as well.
//
//   std::vector<Cycle> cycles = Keepers(report, processes, join).FindCycles();
// marks the entries of `join` that nothing but cycles keeps. What cannot be
// known is taken to be kept: what is on its way, what silent processes may
// have, what was only counted, and each actor while a process is silent.
// Threading: a value; what it is given outlives it.
#ifndef MOBULA_CLI_MEMORY_KEEPERS_H_
#define MOBULA_CLI_MEMORY_KEEPERS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/frames/memory_message.h"
#include "base/ids.h"
#include "cli/memory/memory_view.h"
#include "cli/memory/object_join.h"
#include "cli/memory/ref_graph.h"

namespace mobula::cli {

class Keepers {
 public:
  Keepers(const MemoryReport& report,
          const std::vector<ProcessEntry>& processes, ObjectJoin& join);

  std::vector<Cycle> FindCycles();

 private:
  struct ActorSaid {
    RefGraph::Node node = 0;
    std::string name;
  };
  // What is which node, in the order of nodes.
  using Things = std::vector<CycleMember>;

  ActorSaid& NodeOf(base::ActorId actor);
  // Null: the process is no actor's.
  const ActorSaid* ActorIn(std::size_t process);
  void AddActors();
  void AddActor(std::size_t process, const base::HeldActor& held);
  void AddObject(base::ObjectId id, ObjectJoin::Said& said);
  void AddRow(RefGraph::Node node, base::ObjectId id,
              const ObjectJoin::Row& row);
  [[nodiscard]] bool IsLentAway(const ObjectJoin::Said& said,
                                const base::HeldObject& held) const;
  [[nodiscard]] Things AllThings() const;
  [[nodiscard]] Cycle Describe(const std::vector<RefGraph::Node>& members,
                               const Things& things) const;

  const MemoryReport& report_;
  const std::vector<ProcessEntry>& processes_;
  ObjectJoin& join_;
  RefGraph graph_;
  std::map<base::ObjectId, RefGraph::Node> objects_;
  std::map<base::ActorId, ActorSaid> actors_;
  // Of each process and object: the constructors' arguments that are known.
  std::map<std::pair<std::size_t, base::ObjectId>, std::int64_t> constructors_;
};

}  // namespace mobula::cli

#endif  // MOBULA_CLI_MEMORY_KEEPERS_H_
