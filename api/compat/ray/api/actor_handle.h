// ActorHandle<T> names an actor whose factory gives a T*.
//
//   ray::ActorHandle<Counter> counter =
//       ray::Actor(Counter::FactoryCreate).Remote(0);
//   int n = *counter.Task(&Counter::Add).Remote(1).Get();
//   counter.Kill();
//
// Calls of one caller run in the order made. A method may be one of a base
// class of T. A handle goes wherever a value does: as an argument, a result, in
// containers and in classes with MSGPACK_DEFINE; nobody counts handles, an
// actor lives until Kill, ExitActor, or the end of the process that created it.
// Threading: a value like std::shared_ptr: each thread its own copy.
#ifndef MOBULA_API_COMPAT_RAY_API_ACTOR_HANDLE_H_
#define MOBULA_API_COMPAT_RAY_API_ACTOR_HANDLE_H_

#include <memory>
#include <msgpack.hpp>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "api/compat/ray/api/actor_task_caller.h"
#include "api/compat/ray/api/remote_functions.h"
#include "api/compat/ray/internal/call_traits.h"
#include "api/compat/ray/internal/calls.h"
#include "api/compat/ray/internal/xlang_function.h"
#include "api/compat/ray/values/held_actor.h"
#include "base/codec/codec.h"

namespace ray {

template <typename ActorType, bool kIsOfAnotherLanguage = false>
class ActorHandle {
 public:
  // Names no actor; calls throw RayException.
  ActorHandle() = default;
  // Of an id that ID gave, here or in another process.
  ActorHandle(const std::string& id)  // NOLINT: as Ray's
      : held_(HeldFrom(id)) {}
  explicit ActorHandle(internal::HeldActorPtr held) : held_(std::move(held)) {}

  // Used to tell it from other classes.
  static bool IsActorHandle() { return true; }

  // The actor's id, as bytes; "" if it names no actor.
  [[nodiscard]] const std::string& ID() const { return internal::IdOf(held_); }

  template <typename F>
  internal::ActorTaskCaller<F> Task(F method) const {
    static_assert(std::is_member_function_pointer_v<F>,
                  "ray: ActorHandle::Task wants a method, &Class::Method, of "
                  "the actor's class");
    static_assert(!kIsOfAnotherLanguage,
                  "ray: this handle has no class: ray::GetActor<Class>(name)");
    using C = typename internal::CallTraits<F>::Class;
    static_assert(std::is_base_of_v<C, ActorType>,
                  "ray: the method is of another class than the actor");
    return {held_, internal::RemoteFunctions::Instance().FindBy(method)};
  }
  template <typename R>
  internal::ActorTaskCaller<PyActorMethod<R>> Task(PyActorMethod<R>) const {
    return {};
  }
  template <typename R>
  internal::ActorTaskCaller<JavaActorMethod<R>> Task(JavaActorMethod<R>) const {
    return {};
  }

  // Ends its process without a destructor. Calls that have no answer fail with
  // RayActorException; with no_restart = false they wait for its next life, if
  // SetMaxRestarts allows one.
  void Kill() const { Kill(true); }
  void Kill(bool no_restart) const { internal::KillActor(held_, no_restart); }

  static ActorHandle FromBytes(const std::string& serialized_actor_handle) {
    return ActorHandle(serialized_actor_handle);
  }

  void MobulaEncode(mobula::base::Writer& out) const { out.Str(ID()); }
  bool MobulaDecode(mobula::base::Reader& in) {
    std::string_view id;
    if (!in.Str(&id)) return false;
    held_ = HeldFrom(std::string(id));
    return true;
  }

  template <typename Packer>
  void msgpack_pack(Packer& packer) const {
    packer.pack_array(1);
    packer.pack(ID());
  }
  void msgpack_unpack(const msgpack::object& from) {
    std::tuple<std::string> id;
    from.convert(id);
    held_ = HeldFrom(std::get<0>(id));
  }
  template <typename Object>
  void msgpack_object(Object* to, msgpack::zone& zone) const {
    *to = msgpack::object(std::tuple<std::string>(ID()), zone);
  }

 private:
  static internal::HeldActorPtr HeldFrom(const std::string& id) {
    if (id.empty()) return nullptr;
    return std::make_shared<const internal::HeldActor>(id);
  }

  internal::HeldActorPtr held_;
};

using ActorHandleXlang = ActorHandle<void, true>;

}  // namespace ray

#endif  // MOBULA_API_COMPAT_RAY_API_ACTOR_HANDLE_H_
