#include "cli/cluster/spec_reader.h"

#include <charconv>
#include <cmath>
#include <system_error>

#include "base/scheduling/byte_amount.h"
#include "cli/tables/json_text.h"

namespace mobula::cli {
namespace {

const char* NameOf(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kScalar:
      return "a word";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map";
  }
  return "";
}

std::string Shown(double number) {
  if (number == std::floor(number) && std::abs(number) < 1e15) {
    return std::to_string(static_cast<long long>(number));
  }
  return std::to_string(number);
}

template <class Value>
std::optional<Value> Parsed(const YamlNode& node) {
  Value value{};
  const char* const end = node.text.data() + node.text.size();
  const auto [stop, failed] = std::from_chars(node.text.data(), end, value);
  if (node.quoted || node.text.empty() || failed != std::errc() ||
      stop != end) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

void SpecReader::Wrong(int line, const std::string& what) {
  if (errors_->size() < kSpecErrorsMax) {
    errors_->push_back({line, Printable(what)});
  }
}

void SpecReader::Map(const YamlNode& node, const std::string& what,
                     const Keys& keys) {
  if (node.kind == YamlNode::Kind::kNull) return;
  if (node.kind != YamlNode::Kind::kMap) {
    Wrong(node.line, what + " is a map, and here is " + NameOf(node.kind));
    return;
  }
  for (const YamlEntry& entry : node.entries) {
    const auto known = keys.find(entry.key);
    if (known != keys.end()) {
      known->second(entry.value);
      continue;
    }
    std::string all;
    for (const auto& [key, ignored] : keys) {
      all += (all.empty() ? "" : ", ") + key;
    }
    Wrong(entry.line,
          "'" + entry.key + "' is no key of " + what + "; there are: " + all);
  }
}

std::string SpecReader::Text(const YamlNode& node, const std::string& what) {
  if (node.kind == YamlNode::Kind::kNull) return "";
  if (node.kind != YamlNode::Kind::kScalar) {
    Wrong(node.line, what + " is a word, and here is " + NameOf(node.kind));
    return "";
  }
  return node.text;
}

std::string SpecReader::Words(const YamlNode& node, const std::string& what) {
  const std::size_t before = errors_->size();
  std::string text = Text(node, what);
  if (text.empty() && errors_->size() == before) {
    Wrong(node.line, what + " is empty");
  }
  return text;
}

std::optional<double> SpecReader::Number(const YamlNode& node,
                                         const std::string& what, double least,
                                         double most) {
  const auto number = node.kind == YamlNode::Kind::kScalar
                          ? Parsed<double>(node)
                          : std::nullopt;
  if (number && *number >= least && *number <= most) return number;
  Wrong(node.line,
        what + " is a number from " + Shown(least) + " to " + Shown(most) +
            ", and here is " +
            (node.kind == YamlNode::Kind::kScalar ? "'" + node.text + "'"
                                                  : NameOf(node.kind)));
  return std::nullopt;
}

std::optional<int> SpecReader::WholeNumber(const YamlNode& node,
                                           const std::string& what, int least,
                                           int most) {
  const auto number =
      node.kind == YamlNode::Kind::kScalar ? Parsed<int>(node) : std::nullopt;
  if (number && *number >= least && *number <= most) return number;
  Wrong(node.line,
        what + " is a whole number from " + Shown(least) + " to " +
            Shown(most) + ", and here is " +
            (node.kind == YamlNode::Kind::kScalar ? "'" + node.text + "'"
                                                  : NameOf(node.kind)));
  return std::nullopt;
}

std::string SpecReader::Size(const YamlNode& node, const std::string& what) {
  const std::size_t before = errors_->size();
  std::string text = Words(node, what);
  std::string error;
  if (errors_->size() == before && !base::ByteAmount::Parse(text, &error)) {
    Wrong(node.line, what + ": " + error);
  }
  return text;
}

std::vector<std::string> SpecReader::List(const YamlNode& node,
                                          const std::string& what) {
  std::vector<std::string> all;
  if (node.kind == YamlNode::Kind::kNull) return all;
  if (node.kind != YamlNode::Kind::kList) {
    Wrong(node.line, what + " is a list, and here is " + NameOf(node.kind));
    return all;
  }
  for (const YamlNode& item : node.items) {
    all.push_back(Words(item, "each of " + what));
  }
  return all;
}

std::map<std::string, std::string> SpecReader::TextMap(
    const YamlNode& node, const std::string& what,
    const std::function<std::string(const std::string& key)>& wrong_key) {
  std::map<std::string, std::string> all;
  if (node.kind == YamlNode::Kind::kNull) return all;
  if (node.kind != YamlNode::Kind::kMap) {
    Wrong(node.line, what + " is a map, and here is " + NameOf(node.kind));
    return all;
  }
  for (const YamlEntry& entry : node.entries) {
    const std::string wrong = wrong_key(entry.key);
    if (!wrong.empty()) Wrong(entry.line, what + ": " + wrong);
    all[entry.key] = Text(entry.value, "each value of " + what);
  }
  return all;
}

}  // namespace mobula::cli
