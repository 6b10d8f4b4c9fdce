// One reference of this process to an object or actor: what Ref and Actor
// share. An object may be another process's. Not for users.
// Owner: shared pointers in handles.   Threading: any.
#ifndef MOBULA_API_MOBULA_DETAIL_HANDLES_H_
#define MOBULA_API_MOBULA_DETAIL_HANDLES_H_

#include <memory>
#include <utility>

#include "api/mobula/detail/session.h"
#include "base/ids.h"
#include "base/value.h"

namespace mobula::detail {

class ObjectHandle {
 public:
  // Of an object that the runtime has been told of (Submit, Call, Put,
  // HoldObject).
  ObjectHandle(std::shared_ptr<Session> session, const base::ObjectName& name)
      : session_(std::move(session)), name_(name) {}
  ~ObjectHandle();
  ObjectHandle(const ObjectHandle&) = delete;
  ObjectHandle& operator=(const ObjectHandle&) = delete;

  [[nodiscard]] const Session& session() const { return *session_; }
  [[nodiscard]] const std::shared_ptr<Session>& shared_session() const {
    return session_;
  }
  [[nodiscard]] base::ObjectId id() const { return name_.object; }
  [[nodiscard]] const base::ObjectName& name() const { return name_; }

 private:
  const std::shared_ptr<Session> session_;
  const base::ObjectName name_;
};

// Of an actor that the runtime has been told of (Create, Adopt).
class ActorHandle {
 public:
  // `owner`: nil where it is this process.
  ActorHandle(std::shared_ptr<Session> session, base::ActorId id,
              bool detached = false, base::ProcessId owner = {})
      : session_(std::move(session)),
        id_(id),
        owner_(owner),
        detached_(detached) {}
  ~ActorHandle();
  ActorHandle(const ActorHandle&) = delete;
  ActorHandle& operator=(const ActorHandle&) = delete;

  [[nodiscard]] const std::shared_ptr<Session>& session() const {
    return session_;
  }
  [[nodiscard]] base::ActorId id() const { return id_; }
  // Nil where it is this process, or nobody.
  [[nodiscard]] base::ProcessId owner() const { return owner_; }
  // Nobody owns it: the control store alone can end it.
  [[nodiscard]] bool detached() const { return detached_; }

 private:
  const std::shared_ptr<Session> session_;
  const base::ActorId id_;
  const base::ProcessId owner_;
  const bool detached_;
};

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_DETAIL_HANDLES_H_
