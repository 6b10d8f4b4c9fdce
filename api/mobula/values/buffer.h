// NewBuffer gives memory of the node's store to write a value into: what would
// be put elsewhere and copied comes to be where it will be read.
//
//   mobula::Buffer<float> image = mobula::NewBuffer<float>(width * height);
//   Render(std::span<float>(image));                // fill it
//   mobula::Ref<std::vector<float>> ref = image.Seal();
//   mobula::Spawn<Encode>(ref);                     // reads it there
//
// Elements: numbers and bytes. A new buffer holds anything; numbers of 1 KiB or
// more begin at a multiple of 64 bytes, as Eigen::Map with Eigen::Aligned64
// wants it. After Seal pointers into it are void: writing through one ends the
// process with SIGSEGV, in the whole pages of a buffer of 1 MiB or more; in its
// first and last 4 KiB, and in a shorter one, what others read is not defined.
// A buffer that is destroyed without Seal gives its room back.
// Where there is no store (local mode), or it is short, its memory is this
// process's own; everything else is the same.
// Threading: one thread at a time has the buffer; its elements are as those of
// an array.
// Errors thrown by NewBuffer: ObjectStoreFull by the deadline (PutOptions),
// ValueTooLarge where the store can never hold it, RuntimeClosed. By Seal:
// RuntimeClosed; BadArgument the second time.
// The idea: create, fill and seal, of the object store "Plasma" (Apache Arrow).
#ifndef MOBULA_API_MOBULA_VALUES_BUFFER_H_
#define MOBULA_API_MOBULA_VALUES_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/mobula/error.h"
#include "api/mobula/ref.h"
#include "api/mobula/values/buffer_memory.h"
#include "api/mobula/values/put_options.h"
#include "base/codec/codec.h"
#include "base/codec/in_place.h"

namespace mobula {

template <class T>
class Buffer {
 public:
  using Element = T;

  // Of nothing.
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : memory_(std::exchange(other.memory_, detail::BufferMemory())),
        items_(std::exchange(other.items_, std::span<T>())) {}
  Buffer& operator=(Buffer&& other) noexcept {
    memory_ = std::exchange(other.memory_, detail::BufferMemory());
    items_ = std::exchange(other.items_, std::span<T>());
    return *this;
  }

  [[nodiscard]] T* data() const { return items_.data(); }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] bool empty() const { return items_.empty(); }
  [[nodiscard]] auto begin() const { return items_.begin(); }
  [[nodiscard]] auto end() const { return items_.end(); }
  T& operator[](std::size_t index) const { return items_[index]; }
  [[nodiscard]] std::span<T> span() const { return items_; }
  operator std::span<T>() const { return items_; }  // NOLINT

  // What was written is the value from now on; the buffer is of nothing then.
  Ref<std::vector<T>> Seal() {
    items_ = {};
    return RefAccess::Make<std::vector<T>>(
        std::exchange(memory_, detail::BufferMemory()).Seal());
  }

 private:
  template <class E>
  friend Buffer<E> NewBuffer(std::size_t size, const PutOptions& options);

  detail::BufferMemory memory_;
  std::span<T> items_;
};

namespace detail {

template <class T>
constexpr void CheckElement() {
  static_assert(base::InPlace<T>,
                "mobula: the elements of a Buffer are numbers or bytes: build "
                "other values by themselves and Put them");
}

}  // namespace detail

// Room for `size` elements. Waits while the store is full.
template <class T>
Buffer<T> NewBuffer(std::size_t size,
                    const PutOptions& options = PutOptions()) {
  detail::CheckElement<T>();
  Buffer<T> buffer;
  if constexpr (base::InPlace<T>) {
    if (size > std::numeric_limits<std::uint32_t>::max() / sizeof(T)) {
      detail::ThrowFailure(base::NotRun(
          ErrorCode::kTooLarge, "NewBuffer of " + std::to_string(size) +
                                    " elements: a value has at most 4 GiB"));
    }
    try {
      base::Writer count((std::span<char>()));
      base::WriteHead<T>(count, size);
      const std::size_t byte_count = count.size() + size * sizeof(T);
      buffer.memory_ =
          detail::BufferMemory(byte_count, options.values().timeout);
      const std::span<char> bytes = buffer.memory_.bytes();
      base::Writer out(bytes);
      base::WriteHead<T>(out, size);
      buffer.items_ = {reinterpret_cast<T*>(bytes.data() + out.size()), size};
    } catch (const base::EncodeError& error) {
      detail::ThrowFailure(base::NotRun(ErrorCode::kTooLarge, error.what()));
    }
  }
  return buffer;
}

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_VALUES_BUFFER_H_
