#include "cli/cluster/cluster_spec.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <utility>

#include "base/control/control_address.h"
#include "base/control/records.h"
#include "cli/cluster/spec_reader.h"
#include "cli/cluster/yaml.h"

namespace mobula::cli {
namespace {

constexpr std::size_t kNameSizeMax = 32;
constexpr std::size_t kTypeSizeMax = 20;
constexpr std::size_t kUnixPathMax = 107;
constexpr int kPortMax = 65'535;
constexpr double kCpusMax = 1e6;  // as `mobula start` has it
constexpr double kResourceMax = 1e12;
// What follows a node's name in the path of its longest socket, what stands
// between the folder of all and that name, and what follows a type's name.
constexpr std::string_view kBelowNode =
    "/run/mobula/0123456789abcdef/control.sock";
constexpr std::string_view kAboveNode = "/mobula-0123456789ab/";
constexpr std::string_view kNumber = "-999";

bool IsNameOf(std::string_view name, std::size_t size_max) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !name.empty() && name.size() <= size_max && name.front() != '-' &&
         name.back() != '-' && std::all_of(name.begin(), name.end(), fits);
}

std::string WrongWithVariable(const std::string& name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_';
  };
  if (name.empty() || !std::all_of(name.begin(), name.end(), fits) ||
      (name.front() >= '0' && name.front() <= '9')) {
    return "'" + name + "' is no name of a variable";
  }
  constexpr std::array kOurs = {
      std::string_view("XDG_RUNTIME_DIR"), std::string_view("XDG_STATE_HOME"),
      std::string_view("MOBULA_ADDRESS"),  std::string_view("MOBULA_SESSION"),
      std::string_view("MOBULA_WORKER"),   std::string_view("MOBULA_FILES"),
      std::string_view(kClusterMark)};
  if (std::find(kOurs.begin(), kOurs.end(), name) == kOurs.end()) return "";
  return name + " is set by mobula itself";
}

std::string WrongWithLabel(const std::string& key) {
  if (key.empty() || key.find('=') != std::string::npos) {
    return "'" + key + "' is no key of a label";
  }
  if (!key.starts_with(base::kOwnLabels)) return "";
  return "'" + key + "': labels that begin so are Mobula's own";
}

std::string WrongWithResource(const std::string& name) {
  if (name.empty() || name.find('=') != std::string::npos) {
    return "'" + name + "' is no name of a resource";
  }
  if (name == "cpu") return "'cpu': the key cpus says that";
  return name == "memory" ? "'memory': the key memory says that" : "";
}

// Reads one file.
class FileReader {
 public:
  FileReader(const SpecSurroundings& surroundings,
             std::vector<SpecError>* errors)
      : surroundings_(surroundings), reader_(errors) {}

  ClusterSpec Read(const YamlNode& root) {
    if (root.kind != YamlNode::Kind::kMap) {
      reader_.Wrong(root.line,
                    "it says nothing of a cluster: begin with name:");
      return {};
    }
    reader_.Map(root, "the file", TopKeys());
    for (const char* const key : {"name", "provider", "head"}) {
      if (root.Find(key) != nullptr) continue;
      reader_.Wrong(root.line, std::string("there is no ") + key +
                                   (key == std::string("head")
                                        ? ": say head: {} for one as it comes"
                                        : ""));
    }
    CheckWhole(root);
    return std::move(spec_);
  }

 private:
  SpecReader::Keys TopKeys() {
    return {{"name", [this](const YamlNode& node) { ReadName(node); }},
            {"provider", [this](const YamlNode& node) { ReadProvider(node); }},
            {"head",
             [this](const YamlNode& node) {
               spec_.head.name = kHeadNode;
               ReadType(node, /*is_head=*/true, &spec_.head);
             }},
            {"workers", [this](const YamlNode& node) { ReadWorkers(node); }},
            {"environment",
             [this](const YamlNode& node) {
               spec_.environment =
                   reader_.TextMap(node, "environment", WrongWithVariable);
             }},
            {"files", [this](const YamlNode& node) { ReadFiles(node); }},
            {"setup", [this](const YamlNode& node) {
               spec_.setup = reader_.List(node, "setup");
             }}};
  }

  void ReadName(const YamlNode& node) {
    spec_.name = reader_.Text(node, "name");
    if (IsClusterName(spec_.name)) return;
    reader_.Wrong(node.line, "name is of a-z, 0-9 and - within, 32 at most");
  }

  // The absolute path of something on this machine, which must be there.
  std::string Needed(const YamlNode& node, const std::string& what,
                     bool is_secret) {
    const std::string text = reader_.Words(node, what);
    if (text.empty()) return "";
    std::filesystem::path path = text;
    if (text.starts_with("~/")) {
      if (surroundings_.home.empty()) {
        reader_.Wrong(node.line, what + ": there is no HOME for ~/");
      }
      path = surroundings_.home + text.substr(1);
    }
    path = (surroundings_.folder / path).lexically_normal();
    spec_.needed.push_back({node.line, path, what, is_secret});
    return path;
  }

  // One on the nodes.
  std::string AbsolutePath(const YamlNode& node, const std::string& what) {
    std::string path = reader_.Words(node, what);
    if (!path.empty() && (path[0] != '/' || path.size() > kUnixPathMax ||
                          path.find('\n') != std::string::npos)) {
      reader_.Wrong(node.line, what + " is an absolute path");
    }
    return path;
  }

  void ReadProvider(const YamlNode& node) {
    if (node.kind != YamlNode::Kind::kMap) {
      reader_.Map(node, "provider", {});
      if (node.kind != YamlNode::Kind::kNull) return;
    }
    const YamlNode* const type = node.Find("type");
    if (type == nullptr) {
      reader_.Wrong(node.line, "provider needs a type: local, docker or ssh");
      return;
    }
    Provider& to = spec_.provider;
    SpecReader::Keys keys = {{"type", [](const YamlNode&) {}}};
    const auto add = [&keys](const std::string& key, auto read) {
      keys.emplace(key, read);
    };
    const auto folder = [this, &to](const YamlNode& value) {
      to.folder = AbsolutePath(value, "folder");
      folder_line_ = value.line;
    };
    const auto mobula = [this, &to](const YamlNode& value) {
      to.mobula = AbsolutePath(value, "mobula");
    };
    const auto listen = [this, &to](const YamlNode& value) {
      to.listen_port =
          reader_.WholeNumber(value, "listen_port", 1, kPortMax).value_or(1);
    };
    const std::string which = reader_.Text(*type, "type");
    if (which == "local") {
      add("folder", folder);
    } else if (which == "docker") {
      to.kind = ProviderKind::kDocker;
      add("mobula", mobula);
      add("image", [this, &to](const YamlNode& value) {
        to.image = reader_.Words(value, "image");
        if (!to.image.starts_with("-")) return;
        reader_.Wrong(value.line, "image begins with -");
      });
      add("listen_port", listen);
    } else if (which == "ssh") {
      to.kind = ProviderKind::kSsh;
      add("folder", folder);
      add("mobula", mobula);
      add("listen_port", listen);
      AddSshKeys(node, &keys);
    } else {
      reader_.Wrong(type->line, "there is no provider '" + which +
                                    "': local, docker or ssh");
      return;
    }
    reader_.Map(node, "provider " + which, keys);
    if (to.kind == ProviderKind::kDocker && node.Find("image") == nullptr) {
      reader_.Wrong(node.line, "provider docker needs an image");
    }
    if (to.kind == ProviderKind::kSsh && node.Find("hosts") == nullptr) {
      reader_.Wrong(node.line, "provider ssh needs hosts");
    }
  }

  void CheckFolder() {
    std::size_t longest = std::string_view(kHeadNode).size();
    for (const NodeType& type : spec_.workers) {
      longest = std::max(longest, type.name.size() + kNumber.size());
    }
    const std::size_t size_max =
        kUnixPathMax - kAboveNode.size() - longest - kBelowNode.size();
    if (spec_.provider.folder.size() <= size_max) return;
    reader_.Wrong(folder_line_,
                  "folder is too long for the paths of sockets below it: " +
                      std::to_string(size_max) + " bytes at most");
  }

  void AddSshKeys(const YamlNode& provider, SpecReader::Keys* keys) {
    Provider& to = spec_.provider;
    keys->emplace("key", [this, &to](const YamlNode& value) {
      to.key = Needed(value, "the key", /*is_secret=*/true);
    });
    keys->emplace("known_hosts", [this, &to](const YamlNode& value) {
      to.known_hosts =
          Needed(value, "the file of known hosts", /*is_secret=*/false);
    });
    // Read before the hosts, whose default it is.
    usual_ = {};
    if (const YamlNode* const user = provider.Find("user")) {
      usual_.user = User(*user);
    }
    if (const YamlNode* const port = provider.Find("port")) {
      usual_.port = Port(*port);
    }
    keys->emplace("user", [](const YamlNode&) {});
    keys->emplace("port", [](const YamlNode&) {});
    keys->emplace("hosts", [this](const YamlNode& value) { ReadHosts(value); });
  }

  std::string User(const YamlNode& node) {
    std::string user = reader_.Words(node, "user");
    if (user.starts_with("-") || user.find('@') != std::string::npos) {
      reader_.Wrong(node.line, "'" + user + "' is no name of a user");
    }
    return user;
  }
  int Port(const YamlNode& node) {
    return reader_.WholeNumber(node, "port", 1, kPortMax).value_or(1);
  }

  void ReadHosts(const YamlNode& node) {
    if (node.kind != YamlNode::Kind::kList || node.items.empty()) {
      reader_.Wrong(node.line, "hosts is a list of one or more");
      return;
    }
    std::set<std::pair<std::string, int>> known;
    for (const YamlNode& item : node.items) {
      SshHost host = ReadHost(item);
      if (!known.emplace(host.host, host.port).second) {
        reader_.Wrong(item.line, "the host " + host.host + " is there twice");
      }
      spec_.provider.hosts.push_back(std::move(host));
    }
  }

  SshHost ReadHost(const YamlNode& node) {
    SshHost host = usual_;
    host.line = node.line;
    if (node.kind == YamlNode::Kind::kScalar) {
      host.host = reader_.Words(node, "host");
    } else {
      reader_.Map(node, "a host", HostKeys(&host));
    }
    if (host.host.empty() || host.host.starts_with("-") ||
        host.host.find_first_of("@/ \n") != std::string::npos) {
      reader_.Wrong(node.line,
                    "'" + host.host + "' is no name or number of a host");
    }
    if (host.address.empty()) host.address = IsNumber(host.host);
    return host;
  }

  SpecReader::Keys HostKeys(SshHost* host) {
    return {{"host",
             [this, host](const YamlNode& value) {
               host->host = reader_.Words(value, "host");
             }},
            {"user",
             [this, host](const YamlNode& value) { host->user = User(value); }},
            {"port",
             [this, host](const YamlNode& value) { host->port = Port(value); }},
            {"address",
             [this, host](const YamlNode& value) {
               const std::string text = reader_.Words(value, "address");
               host->address = IsNumber(text);
               if (!host->address.empty()) return;
               reader_.Wrong(value.line,
                             "address is a number such as "
                             "10.0.0.1, and here is '" +
                                 text + "'");
             }},
            {"type", [this, host](const YamlNode& value) {
               host->type = reader_.Words(value, "type");
             }}};
  }

  // The number as addresses hold it; "" if it is a name.
  static std::string IsNumber(const std::string& host) {
    const bool six = host.find(':') != std::string::npos;
    std::string ignored;
    const auto address = base::ControlAddress::Parse(
        "tls:" + (six ? "[" + host + "]" : host) + ":1", &ignored);
    return address && !host.empty() ? address->host : "";
  }

  void ReadWorkers(const YamlNode& node) {
    if (node.kind == YamlNode::Kind::kNull) return;
    if (node.kind != YamlNode::Kind::kMap) {
      reader_.Wrong(node.line, "workers is a map of types of nodes");
      return;
    }
    for (const YamlEntry& entry : node.entries) {
      NodeType type;
      type.name = entry.key;
      if (entry.key == kHeadNode) {
        reader_.Wrong(entry.line,
                      "a type of workers is named head; that is "
                      "the name of the head itself");
      } else if (!IsNameOf(entry.key, kTypeSizeMax)) {
        reader_.Wrong(entry.line, "'" + entry.key +
                                      "': a type's name is of a-z, 0-9 and - "
                                      "within, 20 at most");
      }
      ReadType(entry.value, /*is_head=*/false, &type);
      spec_.workers.push_back(std::move(type));
    }
  }

  void ReadType(const YamlNode& node, bool is_head, NodeType* type) {
    SpecReader::Keys keys = {
        {"cpus",
         [this, type](const YamlNode& value) {
           type->cpus = reader_.Number(value, "cpus", 0, kCpusMax);
         }},
        {"memory",
         [this, type](const YamlNode& value) {
           type->memory = reader_.Size(value, "memory");
         }},
        {"object_store_memory",
         [this, type](const YamlNode& value) {
           type->object_store_memory =
               reader_.Size(value, "object_store_memory");
         }},
        {"workers_max",
         [this, type](const YamlNode& value) {
           type->workers_max =
               reader_.WholeNumber(value, "workers_max", 1, 1'000'000);
         }},
        {"resources",
         [this, type](const YamlNode& value) { ReadResources(value, type); }},
        {"labels",
         [this, type](const YamlNode& value) {
           type->labels = reader_.TextMap(value, "labels", WrongWithLabel);
         }},
        {"environment",
         [this, type](const YamlNode& value) {
           type->environment =
               reader_.TextMap(value, "environment", WrongWithVariable);
         }},
        {"setup", [this, type](const YamlNode& value) {
           type->setup = reader_.List(value, "setup");
         }}};
    if (!is_head) {
      keys.emplace("count", [this, type](const YamlNode& value) {
        type->count =
            reader_.WholeNumber(value, "count", 0, kNodesMax - 1).value_or(1);
      });
    }
    reader_.Map(node, is_head ? "head" : "workers " + type->name, keys);
  }

  void ReadResources(const YamlNode& node, NodeType* type) {
    if (node.kind != YamlNode::Kind::kMap) {
      if (node.kind != YamlNode::Kind::kNull) {
        reader_.Wrong(node.line, "resources is a map");
      }
      return;
    }
    for (const YamlEntry& entry : node.entries) {
      const std::string wrong = WrongWithResource(entry.key);
      if (!wrong.empty()) reader_.Wrong(entry.line, "resources: " + wrong);
      const auto quantity =
          reader_.Number(entry.value, "resource " + entry.key, 0, kResourceMax);
      type->resources[entry.key] = quantity.value_or(0);
    }
  }

  void ReadFiles(const YamlNode& node) {
    if (node.kind == YamlNode::Kind::kNull) return;
    if (node.kind != YamlNode::Kind::kList) {
      reader_.Wrong(node.line, "files is a list of {from: PATH, to: PATH}");
      return;
    }
    std::set<std::string> targets;
    for (const YamlNode& item : node.items) {
      FileCopy copy;
      reader_.Map(item, "a file",
                  {{"from",
                    [this, &copy](const YamlNode& value) {
                      copy.from = Needed(value, "the file to copy", false);
                    }},
                   {"to", [this, &copy](const YamlNode& value) {
                      copy.to = reader_.Words(value, "to");
                    }}});
      if (copy.from.empty()) {
        reader_.Wrong(item.line, "a file needs from: what is to be copied");
        continue;
      }
      const std::filesystem::path from = copy.from;
      if (copy.to.empty()) copy.to = from.filename();
      const std::filesystem::path to =
          std::filesystem::path(copy.to).lexically_normal();
      if (to.is_absolute() || to.empty() || to == "." || *to.begin() == ".." ||
          to.filename().empty()) {
        reader_.Wrong(item.line,
                      "to is a path within the node's folder of "
                      "files, and here is '" +
                          copy.to + "'");
      }
      copy.to = to;
      if (!targets.insert(copy.to).second) {
        reader_.Wrong(item.line, "two files go to " + copy.to);
      }
      spec_.files.push_back(std::move(copy));
    }
  }

  // What no part shows by itself.
  void CheckWhole(const YamlNode& root) {
    CheckFolder();
    int nodes = 1;
    for (const NodeType& type : spec_.workers) nodes += type.count;
    const YamlNode* const workers = root.Find("workers");
    if (nodes > kNodesMax) {
      reader_.Wrong(workers->line, std::to_string(nodes) +
                                       " nodes; the most are " +
                                       std::to_string(kNodesMax));
    }
    if (spec_.provider.kind != ProviderKind::kSsh) return;
    for (const SshHost& host : spec_.provider.hosts) {
      if (host.type.empty() || spec_.FindType(host.type) != nullptr) continue;
      reader_.Wrong(host.line, "there is no type of nodes '" + host.type + "'");
    }
  }

  const SpecSurroundings& surroundings_;
  SpecReader reader_;
  ClusterSpec spec_;
  SshHost usual_;
  int folder_line_ = 1;
};

}  // namespace

const NodeType* ClusterSpec::FindType(std::string_view type) const {
  if (type == kHeadNode) return &head;
  for (const NodeType& worker : workers) {
    if (worker.name == type) return &worker;
  }
  return nullptr;
}

std::optional<ClusterSpec> ParseClusterSpec(
    std::string_view text, const SpecSurroundings& surroundings,
    std::vector<SpecError>* errors) {
  errors->clear();
  if (text.size() > kSpecBytesMax) {
    errors->push_back(
        {1, "it is larger than " + std::to_string(kSpecBytesMax) + " bytes"});
    return std::nullopt;
  }
  std::string error;
  const auto root = ReadYaml(text, &error);
  if (!root) {
    const std::size_t colon = error.find(": ");
    errors->push_back(
        {std::stoi(error.substr(0, colon)), error.substr(colon + 2)});
    return std::nullopt;
  }
  ClusterSpec spec = FileReader(surroundings, errors).Read(*root);
  if (errors->empty()) return spec;
  std::stable_sort(
      errors->begin(), errors->end(),
      [](const SpecError& a, const SpecError& b) { return a.line < b.line; });
  return std::nullopt;
}

bool IsClusterName(std::string_view name) {
  return IsNameOf(name, kNameSizeMax);
}

}  // namespace mobula::cli
