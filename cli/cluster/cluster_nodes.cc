#include "cli/cluster/cluster_nodes.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <utility>

namespace mobula::cli {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kShownMax = 2000;
constexpr auto kStartPatience = seconds(60);  // mobula start has 30 s
constexpr auto kEndPatience = seconds(90);    // mobula stop has 40 s
constexpr auto kCopyPatience = minutes(10);
constexpr auto kSetupPatience = minutes(30);
constexpr auto kImagePatience = minutes(10);  // it may have to be fetched

CommandOptions Within(base::Duration patience, std::string input = "") {
  CommandOptions options;
  options.patience = patience;
  options.input = std::move(input);
  return options;
}

CommandOptions OfFile(const std::string& path) {
  CommandOptions options;
  options.patience = kCopyPatience;
  options.input_file = path;
  return options;
}

std::string Trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
    text.pop_back();
  }
  return text;
}

Words LinesOf(const std::string& text) {
  Words lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

// Of this program; "" if the system does not tell.
std::string OwnPath() {
  std::error_code code;
  return std::filesystem::read_symlink("/proc/self/exe", code);
}

std::string HostPart(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

}  // namespace

std::string WhyFailed(const std::string& what, const CommandEnd& end) {
  if (end.code == 0) return "";
  std::string said = Trimmed(end.errors);
  if (said.empty()) said = Trimmed(end.output);
  if (said.size() > kShownMax) said = said.substr(said.size() - kShownMax);
  std::string why = what + ": ";
  if (end.timed_out) {
    why += "it took too long, and was ended";
    if (!said.empty()) why += "; it said: " + said;
    return why;
  }
  return why + (said.empty() ? "exit code " + std::to_string(end.code) : said);
}

std::string ClusterNodes::PlaceOf(const NodeRecord& node) const {
  switch (spec_.provider.kind) {
    case ProviderKind::kLocal:
      return "this machine";
    case ProviderKind::kDocker:
      return node.container;
    case ProviderKind::kSsh:
      return node.host;
  }
  return "";
}

Words ClusterNodes::CommandFor(const NodeRecord& node, const Script& script,
                               std::string* error) const {
  const auto& hosts = spec_.provider.hosts;
  const auto host = std::find_if(
      hosts.begin(), hosts.end(),
      [&node](const SshHost& one) { return HostKey(one) == node.host; });
  if (spec_.provider.kind == ProviderKind::kSsh && host == hosts.end()) {
    *error =
        node.name + " is on " + node.host + ", and that is no host of the file";
    return {};
  }
  return CommandOn(spec_.provider, node, host == hosts.end() ? nullptr : &*host,
                   script);
}

CommandEnd ClusterNodes::Run(const NodeRecord& node, const Script& script,
                             const CommandOptions& options) const {
  CommandEnd end;
  const Words words = CommandFor(node, script, &end.errors);
  return words.empty() ? end : RunCommand(words, options);
}

std::string ClusterNodes::Do(const std::string& what, const NodeRecord& node,
                             const Script& script,
                             const CommandOptions& options) const {
  return WhyFailed(what, Run(node, script, options));
}

std::string ClusterNodes::MakeSurroundings() const {
  if (spec_.provider.kind != ProviderKind::kDocker) return "";
  const CommandEnd found = RunCommand(FindNetworks(state_), {});
  if (found.code != 0) return WhyFailed("docker", found);
  if (!Trimmed(found.output).empty()) return "";
  return WhyFailed("cannot make a network",
                   RunCommand(MakeNetwork(state_), {}));
}

std::string ClusterNodes::Make(const NodeRecord& node) const {
  if (spec_.provider.kind == ProviderKind::kDocker) {
    const std::string wrong =
        WhyFailed("cannot make the container",
                  RunCommand(MakeContainer(state_, spec_.provider, node),
                             Within(kImagePatience)));
    if (!wrong.empty()) return wrong;
  }
  return Do("cannot make the folder " + node.folder, node, MakeFolder(node));
}

std::string ClusterNodes::BringMobula(const NodeRecord& node) const {
  const std::string own = OwnPath();
  if (own.empty()) return "cannot find this program in /proc";
  const bool is_local = spec_.provider.kind == ProviderKind::kLocal;
  const std::string& there = is_local ? own : spec_.provider.mobula;
  CommandEnd end;
  if (!there.empty()) {
    end = Run(node, LinkMobula(node, there));
  } else {
    const std::filesystem::path folder =
        std::filesystem::path(own).parent_path();
    for (const char* const name : {"mobula", "mobula-gcs"}) {
      const std::string wrong =
          Do(std::string("cannot copy ") + name, node,
             PutFile(node, std::string("bin/") + name, "500"),
             OfFile(folder / name));
      if (!wrong.empty()) return wrong;
    }
    end = Run(node, AskVersion(node));
  }
  if (end.code != 0) return WhyFailed("mobula does not run there", end);
  const std::string there_is = Trimmed(end.output);
  const std::string here_is = Trimmed(RunCommand({own, "version"}, {}).output);
  if (there_is == here_is) return "";
  return "there is " + there_is + " at " + there + ", and here is " + here_is +
         ": install the same one";
}

std::string ClusterNodes::BringFile(const NodeRecord& node,
                                    const FileCopy& file) const {
  const std::filesystem::path from = file.from;
  const std::string base = from.filename();
  std::string error;
  const Words there = CommandFor(node, UnpackFile(node, base, file.to), &error);
  if (there.empty()) return error;
  // A file that ends early makes tar fail there.
  Words words = {"/bin/sh",
                 "-c",
                 "parent=$1 base=$2; shift 2\n"
                 "tar -C \"$parent\" -cf - -- \"$base\" | \"$@\"",
                 "copy",
                 from.parent_path(),
                 base};
  words.insert(words.end(), there.begin(), there.end());
  return WhyFailed("cannot copy " + file.from,
                   RunCommand(words, Within(kCopyPatience)));
}

std::string ClusterNodes::SetUp(const NodeRecord& node,
                                const std::string& command) const {
  const std::string wrong =
      Do("cannot write the set-up command", node, PutFile(node, "setup", "600"),
         Within(seconds(60), command + "\n"));
  if (!wrong.empty()) return wrong;
  const std::string line = command.substr(0, command.find('\n'));
  return Do("the set-up command '" + line + "' failed", node, RunSetup(node),
            Within(kSetupPatience));
}

std::string ClusterNodes::Furnish(const NodeRecord& node) const {
  std::string wrong =
      Do("cannot write the environment", node, PutFile(node, "env", "600"),
         Within(seconds(60), EnvironmentText(state_, node, spec_)));
  for (const FileCopy& file : spec_.files) {
    if (wrong.empty()) wrong = BringFile(node, file);
  }
  const NodeType* const type = spec_.FindType(node.type);
  std::vector<std::string> commands = spec_.setup;
  commands.insert(commands.end(), type->setup.begin(), type->setup.end());
  for (const std::string& command : commands) {
    if (wrong.empty()) wrong = SetUp(node, command);
  }
  // After the commands, which may install what it needs.
  return wrong.empty() ? BringMobula(node) : wrong;
}

std::string ClusterNodes::AddressOf(const NodeRecord& head,
                                    std::string* error) const {
  const std::string port = ":" + std::to_string(spec_.provider.listen_port);
  if (spec_.provider.kind == ProviderKind::kLocal) {
    return "unix:" + head.folder + "/control";
  }
  if (spec_.provider.kind == ProviderKind::kSsh) {
    for (const SshHost& host : spec_.provider.hosts) {
      if (HostKey(host) != head.host) continue;
      return "tls:" + HostPart(host.address) + port;
    }
    *error = head.host + " is no host of the file";
    return "";
  }
  const CommandEnd end = RunCommand(InspectContainer(head), {});
  const std::string said = Trimmed(end.output);
  if (end.code == 0 && said.starts_with("true ")) {
    return "tls:" + HostPart(said.substr(5)) + port;
  }
  *error = end.code == 0 ? "the container " + head.container + " has ended"
                         : WhyFailed("docker", end);
  return "";
}

std::string ClusterNodes::BringToken(const NodeRecord& node) const {
  const NodeRecord* const head = state_.Find(kHeadNode);
  if (head == nullptr) return "there is no head to join";
  const CommandEnd token = Run(*head, MakeToken(*head));
  if (token.code != 0) return WhyFailed("the head gives no token", token);
  return Do("cannot bring the token", node, PutFile(node, "token", "600"),
            Within(seconds(60), token.output));
}

std::string ClusterNodes::Start(const NodeRecord& node,
                                const std::string& address) const {
  const bool with_token =
      node.name != kHeadNode && spec_.provider.kind != ProviderKind::kLocal;
  if (with_token) {
    const std::string wrong = BringToken(node);
    if (!wrong.empty()) return wrong;
  }
  return Do("it does not start", node,
            StartNode(node, *spec_.FindType(node.type), address, with_token),
            Within(kStartPatience));
}

std::optional<Found> ClusterNodes::Find(const NodeRecord& node,
                                        std::string* error) const {
  if (spec_.provider.kind == ProviderKind::kDocker) {
    const CommandEnd found = RunCommand(FindContainer(state_, node), {});
    if (found.code != 0) {
      *error = WhyFailed("docker", found);
      return std::nullopt;
    }
    // Nothing in one that has ended can be started again.
    const CommandEnd runs = RunCommand(InspectContainer(node), {});
    if (runs.code != 0 || !runs.output.starts_with("true")) {
      return Found::kAbsent;
    }
  }
  const CommandEnd end = Run(node, FindNode(node));
  if (end.code != 0) {
    *error = WhyFailed("cannot reach " + PlaceOf(node), end);
    return std::nullopt;
  }
  if (end.output.starts_with("up")) return Found::kUp;
  return end.output.starts_with("down") ? Found::kDown : Found::kAbsent;
}

std::string ClusterNodes::End(const NodeRecord& node) const {
  return Do("it does not end", node, EndNode(node, MarkOf(state_, node.name)),
            Within(kEndPatience));
}

std::string ClusterNodes::RemoveAll(const Words& find,
                                    Words (*remove)(const Words&)) const {
  const CommandEnd found = RunCommand(find, {});
  if (found.code != 0) return WhyFailed("docker", found);
  const Words ids = LinesOf(found.output);
  if (ids.empty()) return "";
  return WhyFailed("docker", RunCommand(remove(ids), Within(kEndPatience)));
}

std::string ClusterNodes::Remove(const NodeRecord& node) const {
  if (spec_.provider.kind == ProviderKind::kDocker) {
    return RemoveAll(FindContainer(state_, node), RemoveContainers);
  }
  return Do("cannot remove it from " + PlaceOf(node), node,
            RemoveNode(node, MarkOf(state_, node.name)), Within(kEndPatience));
}

std::string ClusterNodes::RemoveSurroundings() const {
  if (spec_.provider.kind != ProviderKind::kDocker) return "";
  const std::string wrong = RemoveAll(FindContainers(state_), RemoveContainers);
  return wrong.empty() ? RemoveAll(FindNetworks(state_), RemoveNetworks)
                       : wrong;
}

}  // namespace mobula::cli
