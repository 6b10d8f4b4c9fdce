// Completion writes a script by which a shell completes the words of `mobula`.
//
//   bash  source <(mobula completion bash)
//   zsh   source <(mobula completion zsh)
//   fish  mobula completion fish | source
// Threading: pure functions.
#ifndef MOBULA_CLI_TABLES_COMPLETION_H_
#define MOBULA_CLI_TABLES_COMPLETION_H_

#include <string>
#include <string_view>
#include <vector>

namespace mobula::cli {

// One command; names and words of [a-z0-9-] alone.
struct CommandWords {
  std::string name;
  std::string description;
  std::vector<std::string> options;  // "--json"
  std::vector<std::string> values;   // "nodes", of its first argument
};

// `shell`: bash, zsh or fish; "" for another one.
std::string Completion(std::string_view shell,
                       const std::vector<CommandWords>& commands);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TABLES_COMPLETION_H_
