// Serializer turns values into MessagePack's buffers and back, as Ray's does:
// for programs that use it by themselves. What travels with tasks and actors
// goes another way (values/wire.h).
// Threading: pure.   Failure: the exceptions of MessagePack's library.
#ifndef MOBULA_API_COMPAT_RAY_API_SERIALIZER_H_
#define MOBULA_API_COMPAT_RAY_API_SERIALIZER_H_

#include <cstddef>
#include <msgpack.hpp>
#include <utility>

#include "api/compat/ray/values/adaptors.h"

namespace ray::internal {

class Serializer {
 public:
  template <typename T>
  static msgpack::sbuffer Serialize(const T& value) {
    msgpack::sbuffer buffer;
    msgpack::pack(buffer, value);
    return buffer;
  }

  // The bytes themselves, as one item.
  static msgpack::sbuffer Serialize(const char* data, std::size_t size) {
    msgpack::sbuffer buffer;
    msgpack::packer<msgpack::sbuffer> packer(buffer);
    packer.pack_bin(static_cast<std::uint32_t>(size));
    packer.pack_bin_body(data, static_cast<std::uint32_t>(size));
    return buffer;
  }

  template <typename T>
  static T Deserialize(const char* data, std::size_t size) {
    return msgpack::unpack(data, size).get().as<T>();
  }

  template <typename T>
  static T Deserialize(const char* data, std::size_t size, std::size_t offset) {
    return Deserialize<T>(data + offset, size - offset);
  }

  // Moves *offset behind the item.
  template <typename T>
  static T Deserialize(const char* data, std::size_t size,
                       std::size_t* offset) {
    return msgpack::unpack(data, size, *offset).get().as<T>();
  }

  // False, and a T made from nothing, where the item is nil.
  template <typename T>
  static std::pair<bool, T> DeserializeWhenNil(const char* data,
                                               std::size_t size) {
    T value{};
    std::size_t offset = 0;
    const bool is_there =
        msgpack::unpack(data, size, offset).get().convert_if_not_nil(value);
    return {is_there, std::move(value)};
  }

  // Whether it is nil and more, which is how errors were packed.
  static bool HasError(const char* data, std::size_t size) {
    std::size_t offset = 0;
    return size > 1 && msgpack::unpack(data, size, offset).get().is_nil();
  }
};

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_API_SERIALIZER_H_
