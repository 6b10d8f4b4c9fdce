#include "cli/cluster/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <sstream>
#include <utility>

#include "cli/tables/json_text.h"

namespace mobula::cli {
namespace {

// Thrown through the parser, and caught below.
struct Refused {
  int line;
  std::string why;
};

int LineOf(const YAML::Mark& mark) { return mark.line + 1; }

// Builds the tree of one document.
class TreeBuilder : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) Refuse(mark, "there is a second document (---)");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    Take(NodeAt(mark));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    Refuse(mark, "aliases (*name) are not taken: write it out");
  }
  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    // The parser calls this for what has no anchor, too.
    if (name.empty()) return;
    Refuse(mark, "anchors (&" + name + ") are not taken: write it out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag,
                YAML::anchor_t /*anchor*/, const std::string& value) override {
    CheckTag(mark, tag);
    // By an escape ("\0"); no word of a command can hold one.
    if (value.find('\0') != std::string::npos) Refuse(mark, "a zero byte");
    YamlNode node = NodeAt(mark);
    node.kind = YamlNode::Kind::kScalar;
    node.text = value;
    node.quoted = tag == "!";
    Take(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag,
                       YAML::anchor_t /*anchor*/,
                       YAML::EmitterStyle::value /*style*/) override {
    CheckTag(mark, tag);
    Open(mark, YamlNode::Kind::kList);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag,
                  YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {
    CheckTag(mark, tag);
    Open(mark, YamlNode::Kind::kMap);
  }
  void OnMapEnd() override { Close(); }

  YamlNode TakeRoot() { return std::move(root_); }

 private:
  // A list or map whose end has not come.
  struct Level {
    YamlNode node;
    std::string key;  // of a map, for the value that comes next
    int key_line = 0;
    bool has_key = false;
  };

  [[noreturn]] static void Refuse(const YAML::Mark& mark, std::string why) {
    throw Refused{LineOf(mark), std::move(why)};
  }
  static void CheckTag(const YAML::Mark& mark, const std::string& tag) {
    // "?": plain, "!": quoted, "": as it comes.
    if (tag.empty() || tag == "?" || tag == "!") return;
    Refuse(mark, "tags (" + Printable(tag) + ") are not taken");
  }
  YamlNode NodeAt(const YAML::Mark& mark) {
    if (++nodes_ > kYamlNodesMax) {
      Refuse(mark, "more than " + std::to_string(kYamlNodesMax) + " values");
    }
    YamlNode node;
    node.line = LineOf(mark);
    return node;
  }
  void Open(const YAML::Mark& mark, YamlNode::Kind kind) {
    if (levels_.size() >= kYamlDepthMax) {
      Refuse(mark, "nested deeper than " + std::to_string(kYamlDepthMax));
    }
    if (!levels_.empty() && levels_.back().node.kind == YamlNode::Kind::kMap &&
        !levels_.back().has_key) {
      Refuse(mark, "a key is a word, no list and no map");
    }
    Level level;
    level.node = NodeAt(mark);
    level.node.kind = kind;
    levels_.push_back(std::move(level));
  }
  void Close() {
    YamlNode done = std::move(levels_.back().node);
    levels_.pop_back();
    Take(std::move(done));
  }
  // A whole value, or a key.
  void Take(YamlNode node) {
    if (levels_.empty()) {
      root_ = std::move(node);
      return;
    }
    Level& level = levels_.back();
    if (level.node.kind == YamlNode::Kind::kList) {
      level.node.items.push_back(std::move(node));
    } else if (level.has_key) {
      level.has_key = false;
      level.node.entries.push_back(
          {std::move(level.key), level.key_line, std::move(node)});
    } else {
      TakeKey(&level, std::move(node));
    }
  }
  static void TakeKey(Level* level, YamlNode node) {
    if (node.kind != YamlNode::Kind::kScalar) {
      throw Refused{node.line, "a key is a word"};
    }
    const YamlNode* const before = level->node.Find(node.text);
    if (before != nullptr) {
      throw Refused{node.line, "'" + Printable(node.text) +
                                   "' stands there twice; first in line " +
                                   std::to_string(before->line)};
    }
    level->key = std::move(node.text);
    level->key_line = node.line;
    level->has_key = true;
  }

  YamlNode root_;
  std::vector<Level> levels_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

// Said here because the parser says it in words of its own, or not at all.
std::string WrongWithLines(std::string_view text) {
  int number = 1;
  bool within = false;  // behind the first sign of the line
  for (const char sign : text) {
    const std::string at = std::to_string(number) + ": ";
    if (sign == '\n') {
      ++number;
      within = false;
    } else if (sign == '\t' && !within) {
      return at + "a tab at the beginning: indent with spaces";
    } else if (static_cast<unsigned char>(sign) < ' ' && sign != '\t' &&
               sign != '\r') {
      return at + "a control character";
    } else if (sign != ' ') {
      within = true;
    }
  }
  number = 1;
  while (!text.empty()) {
    const std::size_t size = Utf8Size(text);
    if (size == 0) return std::to_string(number) + ": it is no UTF-8";
    if (text.front() == '\n') ++number;
    text.remove_prefix(size);
  }
  return "";
}

}  // namespace

const YamlNode* YamlNode::Find(std::string_view key) const {
  for (const YamlEntry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

std::optional<YamlNode> ReadYaml(std::string_view text, std::string* error) {
  if (text.size() > kYamlBytesMax) {
    *error = "1: it is larger than " + std::to_string(kYamlBytesMax) + " bytes";
    return std::nullopt;
  }
  *error = WrongWithLines(text);
  if (!error->empty()) return std::nullopt;
  std::istringstream in{std::string(text)};
  TreeBuilder builder;
  try {
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refused& refused) {
    *error = std::to_string(refused.line) + ": " + refused.why;
    return std::nullopt;
  } catch (const YAML::Exception& wrong) {
    *error = std::to_string(LineOf(wrong.mark)) + ": " + wrong.msg;
    return std::nullopt;
  }
  return builder.TakeRoot();
}

}  // namespace mobula::cli
