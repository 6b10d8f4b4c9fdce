#include "examples/flags/flags.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <sstream>
#include <utility>

namespace examples {
namespace {

constexpr std::size_t kHelpColumn = 22;

template <class T>
std::string Shown(T number) {
  std::ostringstream text;
  text << number;
  return text.str();
}

std::string Joined(const std::vector<std::string>& words) {
  std::string joined;
  for (const std::string& word : words) {
    joined += (joined.empty() ? "" : "|") + word;
  }
  return joined;
}

}  // namespace

Flags::Flags(std::string program, std::string purpose)
    : program_(std::move(program)), purpose_(std::move(purpose)) {
  Switch("--help", &help_, "this text (also -h)");
}

template <class T>
void Flags::AddNumber(const std::string& name, T* variable, T min, T max,
                      const std::string& help) {
  const auto read = [variable, min, max](const std::string& text) {
    T number{};
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    // Not "number < min": a NaN is in no range.
    if (error != std::errc() || rest != end) return false;
    if (!(number >= min && number <= max)) return false;
    *variable = number;
    return true;
  };
  flags_.push_back({name, help, "N", Shown(*variable),
                    "a number from " + Shown(min) + " to " + Shown(max), read});
}

void Flags::Number(const std::string& name, std::uint32_t* variable,
                   std::uint32_t min, std::uint32_t max,
                   const std::string& help) {
  AddNumber(name, variable, min, max, help);
}

void Flags::Number(const std::string& name, std::uint64_t* variable,
                   std::uint64_t min, std::uint64_t max,
                   const std::string& help) {
  AddNumber(name, variable, min, max, help);
}

void Flags::Number(const std::string& name, double* variable, double min,
                   double max, const std::string& help) {
  AddNumber(name, variable, min, max, help);
}

void Flags::Text(const std::string& name, std::string* variable,
                 const std::string& help) {
  const auto read = [variable](const std::string& text) {
    *variable = text;
    return !text.empty();
  };
  flags_.push_back({name, help, "TEXT", *variable, "a text", read});
}

void Flags::Choice(const std::string& name, std::size_t* variable,
                   std::vector<std::string> choices, const std::string& help) {
  const std::string all = Joined(choices);
  const std::string initially = choices.at(*variable);
  const auto read = [variable,
                     choices = std::move(choices)](const std::string& text) {
    const auto found = std::find(choices.begin(), choices.end(), text);
    *variable = static_cast<std::size_t>(found - choices.begin());
    return found != choices.end();
  };
  flags_.push_back({name, help, all, initially, "one of " + all, read});
}

void Flags::Switch(const std::string& name, bool* variable,
                   const std::string& help) {
  const auto read = [variable](const std::string&) {
    *variable = true;
    return true;
  };
  flags_.push_back({name, help, "", "", "no value", read});
}

const Flags::Flag& Flags::Find(const std::string& name) const {
  for (const Flag& flag : flags_) {
    if (flag.name == name) return flag;
  }
  throw BadFlag("there is no option " + name);
}

void Flags::Parse(const std::vector<std::string>& arguments) {
  std::size_t next = 0;
  while (next < arguments.size()) {
    const std::string& argument = arguments[next++];
    const std::size_t equals = argument.find('=');
    const bool has_value = equals != std::string::npos;
    const std::string name =
        argument == "-h" ? "--help" : argument.substr(0, equals);
    if (name.starts_with("--mobula-")) {
      const bool is_switch =
          name == "--mobula-local" || name == "--mobula-help";
      if (!has_value && !is_switch) ++next;
      continue;
    }
    const Flag& flag = Find(name);
    std::string value = has_value ? argument.substr(equals + 1) : "";
    if (flag.shown.empty()) {
      if (has_value) throw BadFlag(name + " wants no value");
    } else if (!has_value && next < arguments.size()) {
      value = arguments[next++];
    }
    if (!flag.read(value)) {
      throw BadFlag(name + " wants " + flag.wanted + ", not \"" + value + "\"");
    }
  }
}

std::string Flags::Usage() const {
  std::string text =
      "usage: " + program_ + " [options]\n\n" + purpose_ + "\n\n";
  for (const Flag& flag : flags_) {
    std::string line = "  " + flag.name;
    if (!flag.shown.empty()) line += " " + flag.shown;
    line.resize(std::max(line.size() + 2, kHelpColumn), ' ');
    line += flag.help;
    if (!flag.initially.empty()) line += " (default " + flag.initially + ")";
    text += line + "\n";
  }
  return text + "  --mobula-...        options of the runtime: --mobula-help\n";
}

}  // namespace examples
