// JSON as text, for programs that read what `mobula ... --json` prints.
//
//   JsonObject object;
//   object.Add("name", JsonString(name)).Add("pid", std::to_string(pid));
//   object.text();                              // {"name":"...","pid":17}
// Keys are ours and need no escape. Bytes that are no UTF-8 become U+FFFD.
// Threading: values and pure functions.
#ifndef MOBULA_CLI_TABLES_JSON_TEXT_H_
#define MOBULA_CLI_TABLES_JSON_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

namespace mobula::cli {

std::string JsonString(std::string_view text);
std::string JsonArray(const std::vector<std::string>& items);
inline std::string JsonBool(bool value) { return value ? "true" : "false"; }

class JsonObject {
 public:
  JsonObject& Add(std::string_view key, std::string_view json);
  [[nodiscard]] std::string text() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

// How many bytes the UTF-8 character at the beginning has; 0 if it is none.
std::size_t Utf8Size(std::string_view text);
// Fit for a terminal: control characters and what is no UTF-8 as '?'.
std::string Printable(std::string_view text);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TABLES_JSON_TEXT_H_
