// Result holds a value or the Error that there is instead: what TryGet returns.
//
//   mobula::Result<int> result = mobula::TryGet(ref, 1s);
//   if (result.ok()) {
//     Use(*result);
//   } else if (result.error().code() == mobula::ErrorCode::kTimeout) ...
//
// Threading: a value.
#ifndef MOBULA_API_MOBULA_RESULT_H_
#define MOBULA_API_MOBULA_RESULT_H_

#include <optional>
#include <utility>
#include <variant>

#include "api/mobula/error.h"

namespace mobula {

template <class T>
class [[nodiscard]] Result {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): return either as it is.
  Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(Error error) : held_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool ok() const { return held_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Throws the error if there is no value.
  [[nodiscard]] T& value() & { return Checked(), std::get<0>(held_); }
  [[nodiscard]] const T& value() const& {
    return Checked(), std::get<0>(held_);
  }
  [[nodiscard]] T&& value() && {
    return Checked(), std::get<0>(std::move(held_));
  }
  [[nodiscard]] T& operator*() & { return value(); }
  [[nodiscard]] const T& operator*() const& { return value(); }
  [[nodiscard]] T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // Only where ok() is false; std::bad_variant_access otherwise.
  [[nodiscard]] const Error& error() const { return std::get<1>(held_); }

 private:
  void Checked() const {
    if (!ok()) error().Throw();
  }
  std::variant<T, Error> held_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  // Throws the error if there is one.
  void value() const {
    if (!ok()) error_->Throw();
  }
  // Only where ok() is false; std::bad_optional_access otherwise.
  [[nodiscard]] const Error& error() const { return error_.value(); }

 private:
  std::optional<Error> error_;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_RESULT_H_
