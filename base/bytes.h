// Bytes is an immutable, shared block of bytes: an encoded value, an argument,
// a message. Copying one copies a pointer.
//
//   Bytes value = Bytes::Own(std::move(string));
//   std::string_view text = value.view();
//
// Later a block of shared memory stands behind the same type.
// Threading: a value; the bytes never change, so any thread may read them.
#ifndef MOBULA_BASE_BYTES_H_
#define MOBULA_BASE_BYTES_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mobula::base {

class Bytes {
 public:
  Bytes() = default;

  // Takes the string's storage; no copy.
  static Bytes Own(std::string bytes) {
    Bytes result;
    auto owner = std::make_shared<const std::string>(std::move(bytes));
    result.view_ = *owner;
    result.owner_ = std::move(owner);
    return result;
  }

  // A part of a block that `owner` keeps alive; no copy.
  static Bytes Share(std::shared_ptr<const void> owner, std::string_view view) {
    Bytes result;
    result.owner_ = std::move(owner);
    result.view_ = view;
    return result;
  }

  // A part of these bytes, kept alive by the same owner; no copy. `part` must
  // lie within view().
  [[nodiscard]] Bytes Part(std::string_view part) const {
    return Share(owner_, part);
  }

  [[nodiscard]] std::string_view view() const { return view_; }
  [[nodiscard]] std::size_t size() const { return view_.size(); }
  [[nodiscard]] bool empty() const { return view_.empty(); }
  friend bool operator==(const Bytes& a, const Bytes& b) {
    return a.view_ == b.view_;
  }

 private:
  std::shared_ptr<const void> owner_;
  std::string_view view_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_BYTES_H_
