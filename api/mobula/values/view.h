// View<T> is a value read where it lies: no copy is made, however long it is.
//
//   mobula::Ref<std::vector<double>> ref = mobula::Put(Samples());
//   mobula::View<std::vector<double>> samples = mobula::GetView(ref);
//   double first = samples[0];
//   std::span<const double> all = samples;
//
//   double Sum(mobula::View<std::vector<double>> samples);   // a task
//   double Sum(std::span<const double> samples);             // the same
//   std::size_t Words(std::string_view text);                // of a string
//   mobula::Spawn<Sum>(ref);                   // reads in place, in the worker
//
// T is std::string, or a std::vector or std::array of numbers or bytes (not of
// bool). A function that takes a View, a std::span of const elements or a
// std::string_view gets its argument in place, whatever it was given: a value,
// a Ref or a View. The last two last as long as the call, a View as long as it
// lives: it may be moved, copied and kept in an actor.
// A View holds its bytes, and the object that they belong to: neither is freed,
// spilled or used anew while there is one. So keep Views as long as you need
// them and no longer: what they hold counts against the node's store.
// Where it lies: numbers of 1 KiB or more at a multiple of 64 bytes, so that
// vector instructions and libraries of linear algebra can use them:
//
//   Eigen::Map<const Eigen::MatrixXd, Eigen::Aligned64> matrix(
//       samples.data(), rows, columns);
//
// Bytes and text have no alignment. Values up to 4 KiB, and those that another
// language wrote number by number, may be copied once by the way.
// Threading: a value like std::shared_ptr: each thread its own copy; the bytes
// never change, so any number of threads may read them.
// Errors thrown by GetView: as Get. After Shutdown a View still has its bytes.
#ifndef MOBULA_API_MOBULA_VALUES_VIEW_H_
#define MOBULA_API_MOBULA_VALUES_VIEW_H_

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/mobula/detail/calls.h"
#include "api/mobula/detail/type_name.h"
#include "api/mobula/detail/value.h"
#include "api/mobula/error.h"
#include "base/bytes.h"
#include "base/codec/codec.h"
#include "base/codec/in_place.h"
#include "base/value.h"

namespace mobula {
namespace detail {

// What a View is of.
template <class T>
struct ViewOf {
  static constexpr bool kIsPossible = false;
  using Element = char;
};
template <class E>
struct ViewOfMany {
  static constexpr bool kIsPossible = base::InPlace<E>;
  using Element = E;
};
template <>
struct ViewOf<std::string> : ViewOfMany<char> {};
template <class E, class A>
struct ViewOf<std::vector<E, A>> : ViewOfMany<E> {};
template <class E, std::size_t kSize>
struct ViewOf<std::array<E, kSize>> : ViewOfMany<E> {};

template <class T>
inline constexpr bool kIsViewable = ViewOf<T>::kIsPossible;

// What a View holds. The bytes go first.
struct ViewPin {
  ObjectPtr object;                  // null: the bytes are nobody else's
  base::Bytes bytes;                 // encoded
  std::shared_ptr<const void> copy;  // of what could not stay where it was
};

}  // namespace detail

template <class T>
class View {
  static_assert(detail::kIsViewable<T>,
                "mobula: a View is of std::string, or of a std::vector or "
                "std::array of numbers or bytes: other values must be decoded; "
                "take T itself, or use Get");

 public:
  using Value = T;
  using Element = typename detail::ViewOf<T>::Element;

  // Of nothing: size() is 0.
  View() = default;
  View(const View&) = default;
  View& operator=(const View&) = default;
  View(View&& other) noexcept
      : pin_(std::move(other.pin_)),
        items_(std::exchange(other.items_, std::span<const Element>())) {}
  View& operator=(View&& other) noexcept {
    pin_ = std::move(other.pin_);
    items_ = std::exchange(other.items_, std::span<const Element>());
    return *this;
  }

  [[nodiscard]] const Element* data() const { return items_.data(); }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] bool empty() const { return items_.empty(); }
  [[nodiscard]] auto begin() const { return items_.begin(); }
  [[nodiscard]] auto end() const { return items_.end(); }
  const Element& operator[](std::size_t index) const { return items_[index]; }

  // Valid while this View, or a copy of it, lives.
  [[nodiscard]] std::span<const Element> span() const { return items_; }
  operator std::span<const Element>() const { return items_; }  // NOLINT
  operator std::string_view() const                             // NOLINT
    requires std::same_as<T, std::string>
  {
    return {items_.data(), items_.size()};
  }

  // The value itself.
  [[nodiscard]] T Copy() const {
    T copy{};
    if constexpr (requires { copy.assign(items_.begin(), items_.end()); }) {
      copy.assign(items_.begin(), items_.end());
    } else {
      std::copy(items_.begin(), items_.end(), copy.begin());
    }
    return copy;
  }

  // As T. It is decoded as an argument only.
  void MobulaEncode(base::Writer& out) const {
    if constexpr (std::same_as<T, std::string>) {
      base::WriteValue(out, std::string_view(*this));
    } else {
      base::WriteValue(out, items_);
    }
  }

 private:
  friend struct ViewAccess;

  std::shared_ptr<const detail::ViewPin> pin_;
  std::span<const Element> items_;
};

// The library's own way into a View. Not for users.
struct ViewAccess {
  // Null where it is of no object that can be named.
  template <class T>
  static const detail::ObjectPtr* Object(const View<T>& view) {
    return view.pin_ == nullptr || view.pin_->object == nullptr
               ? nullptr
               : &view.pin_->object;
  }

  // `object`, if not null, is what keeps the bytes' place.
  template <class T>
  static bool Read(const base::Value& value, detail::ObjectPtr object,
                   View<T>* view, std::string* why) {
    auto pin = std::make_shared<detail::ViewPin>();
    pin->object = std::move(object);
    pin->bytes = value.bytes();
    base::Reader in(pin->bytes.view());
    if (!ReadItems(in, pin.get(), view) || !in.End()) {
      *why = in.error();
      return false;
    }
    if (!value.is_stored() && value.size() <= base::kInlineBytesMax) {
      // A few bytes would keep the whole message in which they came.
      CopyItems(pin.get(), view);
    }
    view->pin_ = std::move(pin);
    return true;
  }

 private:
  template <class T>
  static void CopyItems(detail::ViewPin* pin, View<T>* view) {
    using Element = typename View<T>::Element;
    const std::string_view data(
        reinterpret_cast<const char*>(view->items_.data()),
        view->items_.size_bytes());
    std::shared_ptr<const void> copy;
    view->items_ = base::CopyAligned<Element>(data, &copy);
    pin->copy = std::move(copy);
    pin->bytes = base::Bytes();
  }

  template <class T>
  static bool ReadItems(base::Reader& in, detail::ViewPin* pin, View<T>* view) {
    if constexpr (std::same_as<T, std::string>) {
      std::string_view text;
      if (!base::ReadInPlace(in, &text)) return false;
      view->items_ = {text.data(), text.size()};
    } else {
      if (!base::ReadInPlace(in, &view->items_, &pin->copy)) return false;
    }
    if constexpr (requires { std::tuple_size<T>::value; }) {
      if (view->items_.size() != std::tuple_size_v<T>) {
        return in.Fail("before this, " + std::to_string(std::tuple_size_v<T>) +
                       " elements");
      }
    }
    return true;
  }
};

namespace detail {

// Throws DecodeError if the bytes hold no T.
template <class T>
View<T> ReadView(const base::Value& value, ObjectPtr object) {
  View<T> view;
  std::string why;
  if (!ViewAccess::Read(value, std::move(object), &view, &why)) {
    ThrowFailure(DecodeFailure(TypeName<T>(), why));
  }
  return view;
}

}  // namespace detail
}  // namespace mobula

#endif  // MOBULA_API_MOBULA_VALUES_VIEW_H_
