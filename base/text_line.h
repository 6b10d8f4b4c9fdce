// TextLine gathers one line of text from pieces, as a stream would, without
// what <iostream> costs to include and to start.
//
//   TextLine line;
//   line << "worker " << pid << " ended";
// Threading: a value.
#ifndef MOBULA_BASE_TEXT_LINE_H_
#define MOBULA_BASE_TEXT_LINE_H_

#include <string>
#include <string_view>
#include <type_traits>

namespace mobula::base {

class TextLine {
 public:
  template <class T>
  TextLine& operator<<(const T& piece) {
    if constexpr (std::is_convertible_v<const T&, std::string_view>) {
      text_.append(std::string_view(piece));
    } else if constexpr (std::is_same_v<T, bool>) {
      text_.append(piece ? "true" : "false");
    } else if constexpr (std::is_same_v<T, char>) {
      text_.push_back(piece);
    } else if constexpr (std::is_enum_v<T>) {
      text_.append(
          std::to_string(static_cast<std::underlying_type_t<T>>(piece)));
    } else if constexpr (std::is_arithmetic_v<T>) {
      text_.append(std::to_string(piece));
    } else {
      text_.append(piece.ToString());
    }
    return *this;
  }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_TEXT_LINE_H_
