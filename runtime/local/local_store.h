// LocalStore is the control store of the local mode: names, keys and published
// values in memory, with the answers of the real one. It knows no nodes, jobs
// or other programs, and ends with the process.
//
// Owner: LocalBackend, under its lock.   Threading: none.
// Invariants: (1) names of living actors are unique in their namespace;
// (2) versions of a key only grow, also when it is deleted and made again.
// Failure: as of the control store: a Failure that changed nothing.
#ifndef MOBULA_RUNTIME_LOCAL_LOCAL_STORE_H_
#define MOBULA_RUNTIME_LOCAL_LOCAL_STORE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/control/control_request.h"
#include "base/control/object_records.h"
#include "base/control/records.h"
#include "base/failure.h"
#include "base/ids.h"

namespace mobula::runtime {

class LocalStore {
 public:
  base::ControlReply Register(const base::RegisterActor& request);
  // All but RegisterActor and EndActor, which are not the store's alone.
  base::ControlReply Ask(const base::ControlRequest& request);

  // No effect on an actor that was not registered.
  void Lives(base::ActorId actor, std::int64_t incarnation);
  void Ended(base::ActorId actor);

 private:
  // Namespace and name, or key.
  using Name = std::pair<std::string, std::string>;

  base::ControlReply Find(const base::FindActor& request) const;
  base::ControlReply Put(const base::PutKey& request);
  base::ControlReply Delete(const base::DeleteKey& request);
  base::ControlReply Get(const base::GetKey& request) const;
  base::ControlReply List(const base::ListKeys& request) const;
  base::ControlReply Publish(const base::PublishValue& request);
  base::ControlReply Unpublish(const base::UnpublishValue& request);
  base::ControlReply Find(const base::FindPublished& request) const;
  std::optional<base::Failure> Conflict(
      const Name& name, std::optional<std::uint64_t> expected) const;

  std::map<base::ActorId, base::ActorRecord> actors_;  // living
  std::map<Name, base::ActorId> names_;
  std::map<Name, base::KeyRecord> keys_;
  std::uint64_t deleted_version_ = 0;  // highest of a deleted key
  std::map<Name, base::PublishedRecord> published_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_LOCAL_LOCAL_STORE_H_
