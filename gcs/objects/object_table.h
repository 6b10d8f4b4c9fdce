// ObjectTable is the directory of objects: which lie in which node's store, as
// the raylets tell it.
//
//   Tell(begins) -> what is known of the node is doubtful
//   Tell         -> there, or gone
//   Tell(ends)   -> what is still doubtful is gone
//   ForgetNode   -> nothing of the node is known
// Soft state: it is never written, and rebuilt from what raylets tell to each
// new session. It may be a batch behind the truth; nothing is decided by it.
// Owner: gcs::Core.   Threading: none.
// Invariants: (1) an object has at least one place, and one a node; (2) no more
// places than places_max: beyond it objects are counted and have no name.
// Failure: none; what makes no sense changes nothing.
#ifndef MOBULA_GCS_OBJECTS_OBJECT_TABLE_H_
#define MOBULA_GCS_OBJECTS_OBJECT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "base/control/control_message.h"
#include "base/control/control_request.h"
#include "base/control/object_records.h"
#include "base/ids.h"

namespace mobula::gcs {

class ObjectTable {
 public:
  struct Options {
    std::size_t places_max = 1'000'000;
  };

  explicit ObjectTable(Options options) : options_(options) {}

  // Of the node that says so itself.
  void Tell(const base::NodeObjects& said);
  void ForgetNode(base::NodeId node);

  [[nodiscard]] base::ObjectsAnswer List(
      const base::ListObjects& request) const;
  [[nodiscard]] std::size_t size() const { return objects_.size(); }
  [[nodiscard]] std::size_t places() const { return places_; }
  // That raylets have counted and that are not known by name.
  [[nodiscard]] std::uint64_t unnamed() const;
  void CheckInvariants() const;

 private:
  struct Place {
    base::NodeId node;
    base::ObjectCopies copies;
    std::uint64_t list = 0;            // of the node, in which it was said last
    std::vector<base::ObjectId> kept;  // published, over the same bytes
  };
  struct Object {
    base::ProcessId owner;
    base::JobId job;
    std::vector<Place> places;  // few, in the order of telling
  };
  struct Node {
    std::uint64_t list = 0;  // grows with each list that begins
    std::set<base::ObjectId> objects;
    std::uint64_t count = 0;  // as told
  };

  void Put(base::NodeId node, Node& of, const base::ObjectAt& object);
  void Erase(base::NodeId node, Node& of, base::ObjectId object);
  void EraseDoubtful(base::NodeId node, Node& of);
  static Place* FindPlace(Object& object, base::NodeId node);

  const Options options_;
  std::map<base::ObjectId, Object> objects_;
  std::map<base::NodeId, Node> nodes_;
  std::size_t places_ = 0;
};

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_OBJECTS_OBJECT_TABLE_H_
