#include "cli/cluster/cluster_state.h"

#include "cli/cluster/spec_reader.h"
#include "cli/cluster/yaml.h"
#include "cli/tables/json_text.h"

namespace mobula::cli {
namespace {

constexpr char kVersion[] = "1";

std::string NodeText(const NodeRecord& node) {
  JsonObject object;
  object.Add("name", JsonString(node.name))
      .Add("type", JsonString(node.type))
      .Add("stage", JsonString(node.is_up ? "up" : "making"))
      .Add("folder", JsonString(node.folder))
      .Add("container", JsonString(node.container))
      .Add("host", JsonString(node.host))
      .Add("print", JsonString(node.print));
  return object.text();
}

// What reads one word into `to`.
auto Into(SpecReader* reader, std::string* to) {
  return [reader, to](const YamlNode& node) {
    *to = reader->Text(node, "each value");
  };
}

NodeRecord ReadNode(SpecReader* reader, const YamlNode& node) {
  NodeRecord record;
  std::string stage;
  reader->Map(node, "a node",
              {{"name", Into(reader, &record.name)},
               {"type", Into(reader, &record.type)},
               {"stage", Into(reader, &stage)},
               {"folder", Into(reader, &record.folder)},
               {"container", Into(reader, &record.container)},
               {"host", Into(reader, &record.host)},
               {"print", Into(reader, &record.print)}});
  record.is_up = stage == "up";
  return record;
}

// Folders are removed with all that is in them: only such as the launcher
// makes.
bool IsWhole(const ClusterState& state, const NodeRecord& node) {
  const std::string ending = "/mobula-" + state.id + "/" + node.name;
  return IsClusterName(node.name) && IsClusterName(node.type) &&
         node.folder.starts_with("/") && node.folder.ends_with(ending) &&
         node.folder.find("/../") == std::string::npos;
}

}  // namespace

const NodeRecord* ClusterState::Find(std::string_view node) const {
  for (const NodeRecord& record : nodes) {
    if (record.name == node) return &record;
  }
  return nullptr;
}

NodeRecord* ClusterState::Find(std::string_view node) {
  for (NodeRecord& record : nodes) {
    if (record.name == node) return &record;
  }
  return nullptr;
}

std::string WriteClusterState(const ClusterState& state) {
  std::vector<std::string> nodes;
  for (const NodeRecord& node : state.nodes) nodes.push_back(NodeText(node));
  JsonObject object;
  object.Add("version", kVersion)
      .Add("name", JsonString(state.name))
      .Add("id", JsonString(state.id))
      .Add("file", JsonString(state.file))
      .Add("address", JsonString(state.address))
      .Add("nodes", JsonArray(nodes))
      .Add("text", JsonString(state.text));
  return object.text() + "\n";
}

std::optional<ClusterState> ReadClusterState(std::string_view text,
                                             std::string* error) {
  const auto root = ReadYaml(text, error);
  if (!root) return std::nullopt;
  std::vector<SpecError> errors;
  SpecReader reader(&errors);
  ClusterState state;
  std::string version;
  reader.Map(*root, "the state",
             {{"version", Into(&reader, &version)},
              {"name", Into(&reader, &state.name)},
              {"id", Into(&reader, &state.id)},
              {"file", Into(&reader, &state.file)},
              {"address", Into(&reader, &state.address)},
              {"text", Into(&reader, &state.text)},
              {"nodes", [&reader, &state](const YamlNode& node) {
                 for (const YamlNode& item : node.items) {
                   state.nodes.push_back(ReadNode(&reader, item));
                 }
               }}});
  if (errors.empty() && version != kVersion) {
    reader.Wrong(1, "it is of another version of mobula");
  }
  if (errors.empty() &&
      (!IsClusterName(state.name) || !IsClusterName(state.id))) {
    reader.Wrong(1, "it names no cluster");
  }
  for (const NodeRecord& node : state.nodes) {
    if (errors.empty() && !IsWhole(state, node)) {
      reader.Wrong(1, "a node's record is not whole: '" + node.name + "'");
    }
  }
  if (errors.empty()) return state;
  *error = errors[0].what;
  return std::nullopt;
}

}  // namespace mobula::cli
