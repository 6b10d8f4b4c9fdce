// ObjectJoin puts together what is said of each object of a node.
//
//   ObjectJoin join(report, processes);
//   join.Join();
//   join.entries()          one an object, in order of id
//   join.said().at(id)      what it was made of, for RefGraph
// A published value that lies over another object's bytes is that object.
// Threading: a value; the report outlives it.
#ifndef MOBULA_CLI_MEMORY_OBJECT_JOIN_H_
#define MOBULA_CLI_MEMORY_OBJECT_JOIN_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/frames/memory_message.h"
#include "base/ids.h"
#include "cli/memory/memory_view.h"

namespace mobula::cli {

class ObjectJoin {
 public:
  // One process's row of an object.
  struct Row {
    std::size_t process = 0;
    const base::HeldObject* held = nullptr;
  };
  struct Said {
    ObjectEntry entry;
    std::vector<Row> rows;
    const base::StoredRow* stored = nullptr;
    base::ProcessId owner;
  };
  using Objects = std::map<base::ObjectId, Said>;
  // What mentions an object, as a process tells: by process and object.
  using Mentions = std::map<std::pair<std::size_t, base::ObjectId>,
                            std::vector<base::ObjectId>>;

  ObjectJoin(const MemoryReport& report,
             const std::vector<ProcessEntry>& processes);

  void Join();

  [[nodiscard]] Objects& objects() { return objects_; }
  [[nodiscard]] const Mentions& mentions() const { return mentions_; }
  // The object whose bytes it shares, or itself.
  [[nodiscard]] base::ObjectId Resolve(base::ObjectId object) const;
  // In `processes`; kNobody if it is not there.
  [[nodiscard]] std::size_t PlaceOf(base::ProcessId process) const;
  // It has said all, and had room for it.
  [[nodiscard]] bool IsKnown(std::size_t process) const;

 private:
  void NoteStored(const base::StoredRow& row);
  void NoteHeld(std::size_t process, const base::HeldObject& row);
  void AddHolders(Said& said, const Row& row);
  static bool HasSaid(const Said& said, std::size_t process);
  void AddLent(Said& said, const Row& row);
  void Finish(Said& said);
  [[nodiscard]] bool IsUnclaimed(const Said& said) const;

  const MemoryReport& report_;
  const std::vector<ProcessEntry>& processes_;
  std::map<base::ProcessId, std::size_t> places_;
  std::map<base::ObjectId, base::ObjectId> shares_;  // bytes with
  Objects objects_;
  Mentions mentions_;
};

}  // namespace mobula::cli

#endif  // MOBULA_CLI_MEMORY_OBJECT_JOIN_H_
