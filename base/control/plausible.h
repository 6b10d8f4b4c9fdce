// Plausible tells whether what was decoded can be: it refuses what the types
// allow and no honest process sends or writes (a nil id, an unknown state, a
// negative quantity).
//
//   if (!Plausible()(record)) ...
//   if (!std::visit(Plausible(), control_message)) ...
//
// base/frames derives its own from it: what a raylet passes on to the control
// store is judged alike on both ways, so that no process can make its raylet
// send what ends the raylet's session.
// Threading: pure functions.
#ifndef MOBULA_BASE_CONTROL_PLAUSIBLE_H_
#define MOBULA_BASE_CONTROL_PLAUSIBLE_H_

#include "base/control/control_message.h"
#include "base/control/control_request.h"
#include "base/control/object_records.h"
#include "base/control/records.h"
#include "base/failure.h"
#include "base/scheduling/resource_vector.h"

namespace mobula::base {

struct Plausible {
  bool operator()(const ResourceVector& amount) const;
  bool operator()(const Failure& failure) const;
  bool operator()(const NodeRecord& node) const;
  bool operator()(const NodeLoad& load) const;
  bool operator()(const JobRecord& job) const;
  bool operator()(const ActorSpec& spec) const;
  bool operator()(const ActorRecord& actor) const;
  bool operator()(const KeyRecord& key) const;
  bool operator()(const ObjectCopies& copies) const;
  bool operator()(const ObjectAt& object) const;
  bool operator()(const ObjectRecord& object) const;
  bool operator()(const PublishedRecord& value) const;
  bool operator()(const ActorReport& report) const;
  bool operator()(const JoinNode& join) const;
  bool operator()(const JoinPart& part) const;
  bool operator()(const JobBegan& began) const;
  bool operator()(const HostActor& host) const;
  bool operator()(const NodeObjects& objects) const;
  bool operator()(const ControlCall& call) const;
  bool operator()(const ControlAnswer& answer) const;
  bool operator()(const RegisterActor& request) const;
  bool operator()(const ListKeys& request) const;
  bool operator()(const ListActors& request) const;
  bool operator()(const PublishValue& request) const;
  bool operator()(const ListObjects& request) const;
  bool operator()(const ListPublished& request) const;
  // Of the others everything can be.
  template <class Other>
  bool operator()(const Other&) const {
    return true;
  }
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_CONTROL_PLAUSIBLE_H_
