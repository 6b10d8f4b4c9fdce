// ReadYaml takes a YAML text apart into a tree that remembers its lines.
// yaml-cpp stands behind this header.
//
//   std::string error;
//   const auto root = ReadYaml(text, &error);   // "3: a tab ..." if not
//   if (const YamlNode* head = root->Find("head")) ... head->line ...
// Taken is what a person writes by hand: maps with distinct keys, lists,
// scalars, one document. Refused are anchors and aliases (a few lines of them
// stand for a billion nodes), tags, tabs before the first sign of a line, and
// what is larger, deeper or of more nodes than such a text ever is.
// Threading: values and pure functions.
// Failure: nothing, and "LINE: sentence".
#ifndef MOBULA_CLI_CLUSTER_YAML_H_
#define MOBULA_CLI_CLUSTER_YAML_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mobula::cli {

inline constexpr std::size_t kYamlBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kYamlNodesMax = 20'000;
inline constexpr std::size_t kYamlDepthMax = 16;

struct YamlEntry;

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  int line = 1;
  std::string text;     // of a scalar
  bool quoted = false;  // a scalar that is no number, whatever it looks like
  std::vector<YamlNode> items;     // of a list
  std::vector<YamlEntry> entries;  // of a map, as they stand in the text

  // The value of a key; null if it is no map or has no such key.
  [[nodiscard]] const YamlNode* Find(std::string_view key) const;
};

struct YamlEntry {
  std::string key;
  int line = 1;
  YamlNode value;
};

std::optional<YamlNode> ReadYaml(std::string_view text, std::string* error);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_CLUSTER_YAML_H_
