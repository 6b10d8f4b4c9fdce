// One reference of this process to an object or actor: what Ref and Actor
// share. Not for users.
// Owner: shared pointers in handles.   Threading: any.
#ifndef MOBULA_API_MOBULA_DETAIL_HANDLES_H_
#define MOBULA_API_MOBULA_DETAIL_HANDLES_H_

#include <memory>
#include <utility>

#include "api/mobula/detail/session.h"
#include "base/ids.h"

namespace mobula::detail {

class ObjectHandle {
 public:
  ObjectHandle(std::shared_ptr<Session> session, base::ObjectId id)
      : session_(std::move(session)), id_(id) {}
  ~ObjectHandle();
  ObjectHandle(const ObjectHandle&) = delete;
  ObjectHandle& operator=(const ObjectHandle&) = delete;

  [[nodiscard]] const Session& session() const { return *session_; }
  [[nodiscard]] base::ObjectId id() const { return id_; }

 private:
  const std::shared_ptr<Session> session_;
  const base::ObjectId id_;
};

// Of an actor that the runtime has been told of (Create, Adopt).
class ActorHandle {
 public:
  ActorHandle(std::shared_ptr<Session> session, base::ActorId id,
              bool detached = false)
      : session_(std::move(session)), id_(id), detached_(detached) {}
  ~ActorHandle();
  ActorHandle(const ActorHandle&) = delete;
  ActorHandle& operator=(const ActorHandle&) = delete;

  [[nodiscard]] const std::shared_ptr<Session>& session() const {
    return session_;
  }
  [[nodiscard]] base::ActorId id() const { return id_; }
  // Nobody owns it: the control store alone can end it.
  [[nodiscard]] bool detached() const { return detached_; }

 private:
  const std::shared_ptr<Session> session_;
  const base::ActorId id_;
  const bool detached_;
};

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_DETAIL_HANDLES_H_
