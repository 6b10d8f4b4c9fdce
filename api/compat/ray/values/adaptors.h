// Adaptors for MessagePack's library: vectors of numbers as one block where we
// are the stream, so that a struct with a large vector costs a copy of it; and
// std::any, of which Ray's programs make arguments for other languages.
// Anyone else's packer gets the array that it always got; unpacking takes both.
// Threading: pure.   Failure: msgpack::type_error.
#ifndef MOBULA_API_COMPAT_RAY_VALUES_ADAPTORS_H_
#define MOBULA_API_COMPAT_RAY_VALUES_ADAPTORS_H_

#include <any>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <msgpack.hpp>
#include <string>
#include <type_traits>
#include <vector>

namespace ray::internal {

// Where the bytes of a value that travels go.
class PackStream {
 public:
  void write(const char* bytes, std::size_t count) {
    bytes_.append(bytes, count);
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// Of the extension that a block is; its bytes are the elements, as they lie in
// memory, behind one that says their size.
inline constexpr std::int8_t kBlockType = 77;

template <class T>
struct BlockOf {
  template <class Stream>
  static void Pack(msgpack::packer<Stream>& out, const std::vector<T>& items) {
    const std::size_t bytes = items.size() * sizeof(T);
    if constexpr (std::is_same_v<Stream, PackStream>) {
      if (bytes < std::numeric_limits<std::uint32_t>::max()) {
        const char size = sizeof(T);
        out.pack_ext(bytes + 1, kBlockType);
        out.pack_ext_body(&size, 1);
        if (bytes > 0) {
          out.pack_ext_body(reinterpret_cast<const char*>(items.data()), bytes);
        }
        return;
      }
    }
    out.pack_array(msgpack::checked_get_container_size(items.size()));
    for (const T item : items) out.pack(item);
  }

  static void Unpack(const msgpack::object& from, std::vector<T>* items) {
    if (from.type == msgpack::type::ARRAY) {
      items->resize(from.via.array.size);
      for (std::size_t i = 0; i < items->size(); ++i) {
        from.via.array.ptr[i].convert((*items)[i]);
      }
      return;
    }
    if (from.type != msgpack::type::EXT || from.via.ext.type() != kBlockType ||
        from.via.ext.size == 0 || from.via.ext.data()[0] != sizeof(T) ||
        (from.via.ext.size - 1) % sizeof(T) != 0) {
      throw msgpack::type_error();
    }
    const std::size_t bytes = from.via.ext.size - 1;
    items->resize(bytes / sizeof(T));
    if (bytes > 0) std::memcpy(items->data(), from.via.ext.data() + 1, bytes);
  }
};

}  // namespace ray::internal

namespace msgpack::adaptor {

#define MOBULA_RAY_BLOCK(T)                                      \
  template <>                                                    \
  struct pack<std::vector<T>> {                                  \
    template <class Stream>                                      \
    packer<Stream>& operator()(packer<Stream>& o,                \
                               const std::vector<T>& v) const {  \
      ::ray::internal::BlockOf<T>::Pack(o, v);                   \
      return o;                                                  \
    }                                                            \
  };                                                             \
  template <>                                                    \
  struct convert<std::vector<T>> {                               \
    const msgpack::object& operator()(const msgpack::object& o,  \
                                      std::vector<T>& v) const { \
      ::ray::internal::BlockOf<T>::Unpack(o, &v);                \
      return o;                                                  \
    }                                                            \
  };                                                             \
  template <>                                                    \
  struct as<std::vector<T>> {                                    \
    std::vector<T> operator()(const msgpack::object& o) const {  \
      std::vector<T> v;                                          \
      ::ray::internal::BlockOf<T>::Unpack(o, &v);                \
      return v;                                                  \
    }                                                            \
  };
MOBULA_RAY_BLOCK(float)
MOBULA_RAY_BLOCK(double)
MOBULA_RAY_BLOCK(short)           // NOLINT: each type of its own
MOBULA_RAY_BLOCK(unsigned short)  // NOLINT
MOBULA_RAY_BLOCK(int)
MOBULA_RAY_BLOCK(unsigned)
MOBULA_RAY_BLOCK(long)                // NOLINT
MOBULA_RAY_BLOCK(unsigned long)       // NOLINT
MOBULA_RAY_BLOCK(long long)           // NOLINT
MOBULA_RAY_BLOCK(unsigned long long)  // NOLINT
#undef MOBULA_RAY_BLOCK

template <>
struct pack<std::any> {
  template <class Stream>
  packer<Stream>& operator()(packer<Stream>& o, const std::any& v) const {
    if (!v.has_value()) return o.pack_nil();
    if (!(PackIf<bool>(o, v) || PackIf<std::int64_t>(o, v) ||
          PackIf<std::uint64_t>(o, v) || PackIf<double>(o, v) ||
          PackIf<std::string>(o, v) || PackIf<std::vector<char>>(o, v) ||
          PackIf<msgpack::type::nil_t>(o, v))) {
      throw type_error();
    }
    return o;
  }

 private:
  template <class T, class Stream>
  static bool PackIf(packer<Stream>& o, const std::any& v) {
    const T* const value = std::any_cast<T>(&v);
    if (value != nullptr) o.pack(*value);
    return value != nullptr;
  }
};

template <>
struct convert<std::any> {
  const msgpack::object& operator()(const msgpack::object& o,
                                    std::any& v) const {
    switch (o.type) {
      case type::NIL:
        v = type::nil_t();
        break;
      case type::BOOLEAN:
        v = o.as<bool>();
        break;
      case type::POSITIVE_INTEGER:
        v = o.as<std::uint64_t>();
        break;
      case type::NEGATIVE_INTEGER:
        v = o.as<std::int64_t>();
        break;
      case type::FLOAT32:
      case type::FLOAT64:
        v = o.as<double>();
        break;
      case type::STR:
        v = o.as<std::string>();
        break;
      case type::BIN:
        v = o.as<std::vector<char>>();
        break;
      default:
        throw type_error();
    }
    return o;
  }
};

}  // namespace msgpack::adaptor

#endif  // MOBULA_API_COMPAT_RAY_VALUES_ADAPTORS_H_
