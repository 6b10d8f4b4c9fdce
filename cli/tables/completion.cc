#include "cli/tables/completion.h"

namespace mobula::cli {
namespace {

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : " ") + word;
  }
  return text;
}

std::string WordsOf(const CommandWords& command) {
  const std::string values = Joined(command.values);
  const std::string options = Joined(command.options);
  return values + (values.empty() || options.empty() ? "" : " ") + options;
}

std::string NamesOf(const std::vector<CommandWords>& commands) {
  std::vector<std::string> names;
  for (const CommandWords& command : commands) names.push_back(command.name);
  return Joined(names);
}

// Within single quotes of any of the shells.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') continue;
    quoted += c;
  }
  return quoted + "'";
}

// Where nothing of ours fits, files are completed: options take paths.
std::string ForBash(const std::vector<CommandWords>& commands) {
  std::string text =
      "_mobula() {\n"
      "  local words='" +
      NamesOf(commands) +
      "'\n"
      "  if [ \"$COMP_CWORD\" -gt 1 ]; then\n"
      "    case \"${COMP_WORDS[1]}\" in\n";
  for (const CommandWords& command : commands) {
    text += "      " + command.name + ") words='" + WordsOf(command) + "' ;;\n";
  }
  text +=
      "      *) words='' ;;\n"
      "    esac\n"
      "  fi\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- "
      "\"${COMP_WORDS[$COMP_CWORD]}\"))\n"
      "}\n"
      "complete -o default -F _mobula mobula\n";
  return text;
}

std::string ForZsh(const std::vector<CommandWords>& commands) {
  std::string text =
      "#compdef mobula\n"
      "_mobula() {\n"
      "  local -a commands\n"
      "  commands=(\n";
  for (const CommandWords& command : commands) {
    text += "    " + Quoted(command.name + ":" + command.description) + "\n";
  }
  text +=
      "  )\n"
      "  if (( CURRENT == 2 )); then\n"
      "    _describe 'command' commands\n"
      "    return\n"
      "  fi\n"
      "  case \"$words[2]\" in\n";
  for (const CommandWords& command : commands) {
    text += "    " + command.name + ") compadd -- " + WordsOf(command) +
            " || _files ;;\n";
  }
  text +=
      "    *) _files ;;\n"
      "  esac\n"
      "}\n"
      "compdef _mobula mobula\n";
  return text;
}

std::string ForFish(const std::vector<CommandWords>& commands) {
  std::string text = "complete -c mobula -f\n";
  for (const CommandWords& command : commands) {
    text += "complete -c mobula -n __fish_use_subcommand -a " + command.name +
            " -d " + Quoted(command.description) + "\n";
    const std::string within =
        "complete -c mobula -n " +
        Quoted("__fish_seen_subcommand_from " + command.name);
    if (!command.values.empty()) {
      text += within + " -a " + Quoted(Joined(command.values)) + "\n";
    }
    for (const std::string& option : command.options) {
      const bool is_long = option.starts_with("--");
      text += within + (is_long ? " -l " : " -s ") +
              option.substr(is_long ? 2 : 1) + "\n";
    }
  }
  return text;
}

}  // namespace

std::string Completion(std::string_view shell,
                       const std::vector<CommandWords>& commands) {
  if (shell == "bash") return ForBash(commands);
  if (shell == "zsh") return ForZsh(commands);
  if (shell == "fish") return ForFish(commands);
  return "";
}

}  // namespace mobula::cli
