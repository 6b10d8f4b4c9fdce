// ObjectRef<T> is a value that a task, an actor's method or Put gave or will
// give.
//
//   ray::ObjectRef<int> two = ray::Task(Plus).Remote(1, 1);
//   ray::ObjectRef<int> three = ray::Task(Plus).Remote(two, 1);
//   int n = *three.Get();
//
// Copies share one value, which is kept until the last of them is gone, in
// whatever process it is. Get copies it out each time. Where a T is wanted, an
// ObjectRef<T> stands for its value; a parameter of type ObjectRef<T>, or a
// value with refs inside (in containers, and in classes with MSGPACK_DEFINE),
// gets the refs themselves, which may have no value yet.
// Threading: a value like std::shared_ptr: each thread its own copy.
// Errors thrown by Get: those of ray_exception.h.
#ifndef MOBULA_API_COMPAT_RAY_API_OBJECT_REF_H_
#define MOBULA_API_COMPAT_RAY_API_OBJECT_REF_H_

#include <memory>
#include <msgpack.hpp>
#include <string>
#include <tuple>
#include <utility>

#include "api/compat/ray/internal/await.h"
#include "api/compat/ray/values/held_object.h"
#include "api/compat/ray/values/packed_refs.h"
#include "api/compat/ray/values/wire.h"
#include "api/mobula/detail/calls.h"
#include "api/mobula/detail/type_name.h"
#include "base/codec/codec.h"
#include "base/value.h"

namespace ray {
namespace internal {

// What all ObjectRefs are, whatever they refer to.
class AnyRef {
 public:
  // Used to tell it from other classes.
  static bool IsObjectRef() { return true; }

  // The object's id, as bytes; "" if it refers to nothing.
  [[nodiscard]] const std::string& ID() const { return IdOf(held_); }
  [[nodiscard]] const HeldPtr& held() const { return held_; }

  // As one of the refs beside the value.
  void MobulaEncode(mobula::base::Writer& out) const {
    mobula::detail::WriteRef(out, ObjectOf(held_));
  }
  bool MobulaDecode(mobula::base::Reader& in) {
    mobula::detail::ObjectPtr object;
    if (!mobula::detail::ReadRef(in, &object)) return false;
    held_ = Share(std::move(object));
    return true;
  }

  template <typename Packer>
  void msgpack_pack(Packer& packer) const {
    if (held_ != nullptr && held_->object() != nullptr) PackedRefs::Note(held_);
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

 protected:
  AnyRef() = default;
  explicit AnyRef(HeldPtr held) : held_(std::move(held)) {}
  explicit AnyRef(const std::string& id) : held_(HeldFrom(id)) {}
  ~AnyRef() = default;
  AnyRef(const AnyRef&) = default;
  AnyRef(AnyRef&&) noexcept = default;
  AnyRef& operator=(const AnyRef&) = default;
  AnyRef& operator=(AnyRef&&) noexcept = default;

  static HeldPtr Share(mobula::detail::ObjectPtr object) {
    if (object == nullptr) return nullptr;
    return std::make_shared<const HeldObject>(std::move(object));
  }

 private:
  static HeldPtr HeldFrom(const std::string& id) {
    if (id.empty()) return nullptr;
    if (HeldPtr beside = PackedRefs::Find(id)) return beside;
    return std::make_shared<const HeldObject>(id);
  }

  HeldPtr held_;
};

// A copy of the value, made from its bytes.
template <class T>
std::shared_ptr<T> ValueOf(const mobula::base::Value& value) {
  auto result = std::make_shared<T>();
  std::string why;
  if (!ReadWire(value, result.get(), &why)) {
    RefuseValue(mobula::detail::TypeName<T>(), why);
  }
  return result;
}

}  // namespace internal

template <typename T>
class ObjectRef : public internal::AnyRef {
 public:
  // Refers to nothing; Get throws RayException.
  ObjectRef() = default;
  // Of an id that ID gave, in this process or in one that still holds a ref.
  ObjectRef(const std::string& id) : AnyRef(id) {}  // NOLINT: as Ray's
  explicit ObjectRef(internal::HeldPtr held) : AnyRef(std::move(held)) {}

  bool operator==(const ObjectRef& other) const {
    return internal::IsSame(held(), other.held());
  }

  // Waits for the value, for ever or that long (-1: for ever), and copies it.
  std::shared_ptr<T> Get() const { return Get(-1); }
  std::shared_ptr<T> Get(const int& timeout_ms) const {
    return internal::ValueOf<T>(internal::AwaitValue(held(), timeout_ms));
  }
};

template <>
class ObjectRef<void> : public internal::AnyRef {
 public:
  ObjectRef() = default;
  ObjectRef(const std::string& id) : AnyRef(id) {}  // NOLINT: as Ray's
  explicit ObjectRef(internal::HeldPtr held) : AnyRef(std::move(held)) {}

  bool operator==(const ObjectRef& other) const {
    return internal::IsSame(held(), other.held());
  }

  void Get() const { Get(-1); }
  void Get(const int& timeout_ms) const {
    internal::AwaitValue(held(), timeout_ms);
  }
};

namespace internal {

template <class T>
inline constexpr bool kIsObjectRef = false;
template <class T>
inline constexpr bool kIsObjectRef<ObjectRef<T>> = true;

template <class T>
struct RefTarget {};
template <class T>
struct RefTarget<ObjectRef<T>> {
  using Type = T;
};

}  // namespace internal
}  // namespace ray

#endif  // MOBULA_API_COMPAT_RAY_API_OBJECT_REF_H_
