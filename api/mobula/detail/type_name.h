// Names of types and functions as a person writes them, taken from the compiler
// without cost at run time. Not for users.
//
//   TypeName<Index>()          "Index"
//   FunctionName<&Index::Add>  "Index::Add"
//
// Threading: pure.
#ifndef MOBULA_API_MOBULA_DETAIL_TYPE_NAME_H_
#define MOBULA_API_MOBULA_DETAIL_TYPE_NAME_H_

#include <cstddef>
#include <string_view>

namespace mobula::detail {

// "F" of "{anonymous}::F" (GCC) and "(anonymous namespace)::F" (clang).
constexpr std::string_view WithoutUnnamed(std::string_view name) {
  for (const std::string_view mark :
       {std::string_view("{anonymous}::"),
        std::string_view("(anonymous namespace)::")}) {
    const std::size_t at = name.substr(0, name.find('<')).rfind(mark);
    if (at != name.npos) name.remove_prefix(at + mark.size());
  }
  return name;
}

// What stands behind "kWhat = " or "What = " in the compiler's text for a
// template: up to the ';' or the ']' that ends it.
constexpr std::string_view TemplateArgument(std::string_view text) {
  constexpr std::string_view kMark = "What = ";
  const std::size_t mark = text.find(kMark);
  if (mark == text.npos) return text;
  text.remove_prefix(mark + kMark.size());
  const std::size_t other = text.find("; ");
  text = text.substr(0, other != text.npos ? other : text.size() - 1);
  while (!text.empty() && (text.front() == '&' || text.front() == ' ')) {
    text.remove_prefix(1);
  }
  return WithoutUnnamed(text);
}

template <class What>
constexpr std::string_view TypeName() {
  return TemplateArgument(__PRETTY_FUNCTION__);
}

template <auto kWhat>
constexpr std::string_view FunctionName() {
  const std::string_view name = TemplateArgument(__PRETTY_FUNCTION__);
  // "<lambda closure object>main()::<lambda(int)>()", "(lambda at a.cc:3:5){}"
  if (name.find("lambda") != name.npos) return "lambda";
  return name;
}

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_DETAIL_TYPE_NAME_H_
