#include "api/compat/ray/api/ray_remote.h"

#include "api/compat/ray/api/ray_exception.h"

namespace ray::internal {
namespace {

std::string Trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return std::string(text);
}

// How far the brackets are open behind this character. "<" and ">" are
// brackets where they are not part of "->", "<=" and the like.
int Depth(std::string_view text, std::size_t at) {
  switch (text[at]) {
    case '(':
    case '[':
    case '{':
    case '<':
      return 1;
    case ')':
    case ']':
    case '}':
      return -1;
    case '>':
      return at > 0 && text[at - 1] == '-' ? 0 : -1;
    default:
      return 0;
  }
}

}  // namespace

std::vector<std::string> SplitArguments(std::string_view text) {
  std::vector<std::string> arguments;
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    depth += Depth(text, i);
    if (text[i] != ',' || depth != 0) continue;
    arguments.push_back(Trimmed(text.substr(begin, i - begin)));
    begin = i + 1;
  }
  std::string last = Trimmed(text.substr(begin));
  // A comma at the end says nothing.
  if (!last.empty() || !arguments.empty()) arguments.push_back(std::move(last));
  return arguments;
}

void CheckNames(std::string_view text, std::size_t names,
                std::size_t functions) {
  if (names == functions) return;
  throw RayException("RAY_REMOTE(" + std::string(text) + ") has " +
                     std::to_string(functions) + " functions and " +
                     std::to_string(names) +
                     " names: register them one by one");
}

}  // namespace ray::internal
