#include "cli/cluster/node_command.h"

namespace mobula::cli {
namespace {

// $0 of the scripts: what a shell's complaints begin with.
constexpr char kShellName[] = "node";

Words ShellWords(const Script& script) {
  Words words = {"/bin/sh", "-c", script.text, kShellName};
  words.insert(words.end(), script.arguments.begin(), script.arguments.end());
  return words;
}

// ssh makes one text of its words, which the user's shell there takes apart.
std::string OneText(const Words& words) {
  std::string text = "exec";
  for (const std::string& word : words) text += " " + ShellWord(word);
  return text;
}

Words SshWords(const Provider& provider, const SshHost& host) {
  // No password is asked for, no unknown host is spoken to.
  Words words = {"ssh", "-T",
                 "-o",  "BatchMode=yes",
                 "-o",  "StrictHostKeyChecking=yes",
                 "-o",  "ConnectTimeout=10",
                 "-o",  "ServerAliveInterval=15",
                 "-o",  "ServerAliveCountMax=4",
                 "-p",  std::to_string(host.port)};
  if (!provider.known_hosts.empty()) {
    words.insert(words.end(),
                 {"-o", "UserKnownHostsFile=\"" + provider.known_hosts + "\""});
  }
  if (!provider.key.empty()) {
    words.insert(words.end(), {"-i", provider.key, "-o", "IdentitiesOnly=yes"});
  }
  if (!host.user.empty()) words.insert(words.end(), {"-l", host.user});
  words.insert(words.end(), {"--", host.host});
  return words;
}

std::string Label(const ClusterState& cluster) {
  return "mobula.cluster-id=" + cluster.id;
}

}  // namespace

Words CommandOn(const Provider& provider, const NodeRecord& node,
                const SshHost* host, const Script& script) {
  Words words = ShellWords(script);
  if (provider.kind == ProviderKind::kDocker) {
    words.insert(words.begin(), {"docker", "exec", "-i", node.container});
  } else if (provider.kind == ProviderKind::kSsh) {
    Words ssh = SshWords(provider, *host);
    ssh.push_back(OneText(words));
    return ssh;
  }
  return words;
}

Words MakeNetwork(const ClusterState& cluster) {
  return {"docker",
          "network",
          "create",
          "--label",
          Label(cluster),
          "--label",
          "mobula.cluster=" + cluster.name,
          "mobula-" + cluster.name};
}

Words MakeContainer(const ClusterState& cluster, const Provider& provider,
                    const NodeRecord& node) {
  // Its first process waits for ends, as one that waits for orphans must.
  return {"docker",
          "run",
          "--detach",
          "--name",
          node.container,
          "--hostname",
          node.name,
          "--label",
          Label(cluster),
          "--label",
          "mobula.cluster=" + cluster.name,
          "--label",
          "mobula.node=" + node.name,
          "--network",
          "mobula-" + cluster.name,
          "--no-healthcheck",
          "--entrypoint",
          "/bin/sh",
          provider.image,
          "-c",
          "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"};
}

Words InspectContainer(const NodeRecord& node) {
  return {"docker",
          "container",
          "inspect",
          "--format",
          "{{.State.Running}} {{range .NetworkSettings.Networks}}"
          "{{.IPAddress}}{{end}}",
          node.container};
}

Words RemoveContainers(const Words& ids) {
  Words words = {"docker", "container", "rm", "--force", "--volumes"};
  words.insert(words.end(), ids.begin(), ids.end());
  return words;
}

Words RemoveNetworks(const Words& ids) {
  Words words = {"docker", "network", "rm"};
  words.insert(words.end(), ids.begin(), ids.end());
  return words;
}

Words FindContainers(const ClusterState& cluster) {
  return {"docker",
          "container",
          "ls",
          "--all",
          "--quiet",
          "--filter",
          "label=" + Label(cluster)};
}

Words FindContainer(const ClusterState& cluster, const NodeRecord& node) {
  Words words = FindContainers(cluster);
  words.insert(words.end(), {"--filter", "label=mobula.node=" + node.name});
  return words;
}

Words FindNetworks(const ClusterState& cluster) {
  return {"docker",  "network",  "ls",
          "--quiet", "--filter", "label=" + Label(cluster)};
}

}  // namespace mobula::cli
