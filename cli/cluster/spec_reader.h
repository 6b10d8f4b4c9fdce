// SpecReader takes values out of a YamlNode and notes what is wrong with them:
// what a cluster's file and the launcher's own state are read with.
//
//   SpecReader reader(&errors);
//   reader.Map(node, "provider", {{"type", [&](auto& v) {...}}, ...});
//   reader.Number(value, "cpus", 0, 1e6) ...
// It goes on after an error, so that all of them are seen at once.
// Threading: one thread, pure.
// Failure: a SpecError in `errors`, of which there are kSpecErrorsMax at most;
// the value is then the default.
#ifndef MOBULA_CLI_CLUSTER_SPEC_READER_H_
#define MOBULA_CLI_CLUSTER_SPEC_READER_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/cluster/spec_error.h"
#include "cli/cluster/yaml.h"

namespace mobula::cli {

class SpecReader {
 public:
  // What is done with the value of each key that may stand in a map.
  using Keys =
      std::map<std::string, std::function<void(const YamlNode&)>, std::less<>>;

  explicit SpecReader(std::vector<SpecError>* errors) : errors_(errors) {}

  void Wrong(int line, const std::string& what);
  // Refuses keys that are not there, saying which there are. Nothing (null) is
  // an empty map.
  void Map(const YamlNode& node, const std::string& what, const Keys& keys);
  // Any scalar as it stands; nothing at all is "".
  std::string Text(const YamlNode& node, const std::string& what);
  // The same, but not "".
  std::string Words(const YamlNode& node, const std::string& what);
  std::optional<double> Number(const YamlNode& node, const std::string& what,
                               double least, double most);
  std::optional<int> WholeNumber(const YamlNode& node, const std::string& what,
                                 int least, int most);
  // An amount of memory, as it stands.
  std::string Size(const YamlNode& node, const std::string& what);
  std::vector<std::string> List(const YamlNode& node, const std::string& what);
  std::map<std::string, std::string> TextMap(
      const YamlNode& node, const std::string& what,
      const std::function<std::string(const std::string& key)>& wrong_key);

 private:
  std::vector<SpecError>* const errors_;
};

}  // namespace mobula::cli

#endif  // MOBULA_CLI_CLUSTER_SPEC_READER_H_
