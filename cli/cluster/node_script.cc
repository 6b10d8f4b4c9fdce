#include "cli/cluster/node_script.h"

#include <utility>

namespace mobula::cli {
namespace {

// The environment of the node; its control store, where it has one by now.
constexpr char kEnter[] = R"sh(
. "$1/env" || exit 1
for keeper in "$1"/run/mobula/*/keeper; do
  [ -e "$keeper" ] || continue
  MOBULA_ADDRESS=$(sed -n 2p "$keeper")
  export MOBULA_ADDRESS
done
)sh";

// The pids of what carries the mark $2; grep -x is of whole variables.
constexpr char kMarked[] = R"sh(
marked() {
  grep -lszxF -e "$2" /proc/[0-9]*/environ | sed 's|^/proc/||; s|/.*||'
}
)sh";

constexpr char kEnd[] = R"sh(
for keeper in "$1"/run/mobula/*/keeper; do
  [ -e "$keeper" ] || continue
  read -r pid <"$keeper" || continue
  (. "$1/env" && "$1/bin/mobula" stop "$pid") >/dev/null 2>&1
done
rounds=0
while pids=$(marked "$@") && [ -n "$pids" ]; do
  kill -s KILL $pids 2>/dev/null
  rounds=$((rounds + 1))
  if [ "$rounds" -gt 300 ]; then
    echo "these processes do not end:" $pids >&2
    exit 1
  fi
  sleep 0.05
done
)sh";

Script Of(std::string text, const NodeRecord& node,
          std::vector<std::string> more = {}) {
  Script script{std::move(text), {node.folder}};
  script.arguments.insert(script.arguments.end(), more.begin(), more.end());
  return script;
}

void Append(std::vector<std::string>* words, const std::string& option,
            const std::string& value) {
  if (value.empty()) return;
  words->push_back(option);
  words->push_back(value);
}

// As short as it can be, so that 1 is no 1.000000.
std::string NumberText(double number) {
  std::string text = std::to_string(number);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

std::vector<std::string> OfferWords(const NodeType& type) {
  std::vector<std::string> words;
  if (type.cpus) Append(&words, "--cpus", NumberText(*type.cpus));
  Append(&words, "--memory", type.memory);
  Append(&words, "--object-store-memory", type.object_store_memory);
  if (type.workers_max) {
    Append(&words, "--workers-max", std::to_string(*type.workers_max));
  }
  for (const auto& [name, quantity] : type.resources) {
    Append(&words, "--resource", name + "=" + NumberText(quantity));
  }
  for (const auto& [key, value] : type.labels) {
    Append(&words, "--label", key + "=" + value);
  }
  return words;
}

std::string Export(const std::string& name, const std::string& value) {
  return "export " + name + "=" + ShellWord(value) + "\n";
}

}  // namespace

std::string ShellWord(std::string_view word) {
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string MarkOf(const ClusterState& cluster, const std::string& node) {
  return std::string(kClusterMark) + "=" + cluster.id + "/" + node;
}

Script MakeFolder(const NodeRecord& node) {
  return Of(R"sh(
umask 077
above=${1%/*}
if ! [ -d "${above%/*}" ]; then
  echo "there is no folder ${above%/*}" >&2
  exit 1
fi
mkdir -p "$above"
if ! [ -O "$above" ] || [ -L "$above" ]; then
  echo "$above is not this user's" >&2
  exit 1
fi
mkdir "$1" && cd "$1" && mkdir bin files run state programs drivers
)sh",
            node);
}

Script PutFile(const NodeRecord& node, const std::string& name,
               const std::string& mode) {
  return Of(R"sh(
umask 077
cd "$1" && cat >"$2.new" && chmod "$3" "$2.new" && mv "$2.new" "$2"
)sh",
            node, {name, mode});
}

std::string EnvironmentText(const ClusterState& cluster, const NodeRecord& node,
                            const ClusterSpec& spec) {
  std::map<std::string, std::string> all = spec.environment;
  if (const NodeType* const type = spec.FindType(node.type)) {
    for (const auto& [name, value] : type->environment) all[name] = value;
  }
  std::string text;
  for (const auto& [name, value] : all) text += Export(name, value);
  text += Export("XDG_RUNTIME_DIR", node.folder + "/run");
  text += Export("XDG_STATE_HOME", node.folder + "/state");
  text += Export("MOBULA_FILES", node.folder + "/files");
  text += Export(kClusterMark, cluster.id + "/" + node.name);
  // Of whoever called the launcher.
  text += "unset MOBULA_ADDRESS MOBULA_TOKEN_FILE MOBULA_SESSION\n";
  text += "PATH=" + ShellWord(node.folder + "/bin") + ":$PATH\nexport PATH\n";
  return text;
}

Script LinkMobula(const NodeRecord& node, const std::string& path) {
  return Of(R"sh(
if ! [ -x "$2" ]; then
  echo "there is no program $2" >&2
  exit 1
fi
ln -sfn "$2" "$1/bin/mobula" && "$1/bin/mobula" version
)sh",
            node, {path});
}

Script AskVersion(const NodeRecord& node) {
  return Of("\"$1/bin/mobula\" version\n", node);
}

Script UnpackFile(const NodeRecord& node, const std::string& base,
                  const std::string& to) {
  return Of(R"sh(
set -e
umask 077
cd "$1/files"
unpacked=$(mktemp -d .unpacked.XXXXXX)
tar -xf - -C "$unpacked"
mkdir -p "./$(dirname "$3")"
rm -rf "./$3"
mv "$unpacked/$2" "./$3"
rm -rf "$unpacked"
)sh",
            node, {base, to});
}

Script RunSetup(const NodeRecord& node) {
  return Of(R"sh(
. "$1/env" && cd "$1/files" && exec /bin/sh "$1/setup" </dev/null
)sh",
            node);
}

Script StartNode(const NodeRecord& node, const NodeType& type,
                 const std::string& address, bool with_token) {
  std::vector<std::string> words;
  if (node.name == kHeadNode) {
    words = {"--head", "--dir", node.folder + "/head", "--listen", address};
  } else {
    words = {"--address", address};
  }
  if (with_token) {
    Append(&words, "--token-file", node.folder + "/token");
  }
  const std::vector<std::string> offers = OfferWords(type);
  words.insert(words.end(), offers.begin(), offers.end());
  return Of(R"sh(
. "$1/env" || exit 1
folder=$1
shift
"$folder/bin/mobula" start "$@" </dev/null
code=$?
rm -f "$folder/token"
exit $code
)sh",
            node, std::move(words));
}

Script MakeToken(const NodeRecord& head) {
  return Of(R"sh(
. "$1/env" || exit 1
for store in "$1"/run/mobula/*/control.sock; do
  exec "$1/bin/mobula" token create --ttl 15m --show --address "unix:$store"
done
)sh",
            head);
}

Script FindNode(const NodeRecord& node) {
  return Of(R"sh(
if ! [ -d "$1" ]; then
  echo absent
  exit
fi
for keeper in "$1"/run/mobula/*/keeper; do
  [ -e "$keeper" ] && read -r pid <"$keeper" || continue
  case $(cat "/proc/$pid/stat") in
    "$pid (mobula-keeper) "[ZX]*) ;;
    "$pid (mobula-keeper) "*)
      echo "up $pid"
      exit
      ;;
  esac
done 2>/dev/null
echo down
)sh",
            node);
}

Script EndNode(const NodeRecord& node, const std::string& mark) {
  return Of(std::string(kMarked) + kEnd + "rm -rf \"$1\"/run/mobula\n", node,
            {mark});
}

Script RemoveNode(const NodeRecord& node, const std::string& mark) {
  return Of(std::string(kMarked) + kEnd + R"sh(
rounds=0
until rm -rf "$1"; do
  # What a launcher that was killed had under way may still be writing.
  rounds=$((rounds + 1))
  [ "$rounds" -le 20 ] || exit 1
  sleep 0.05
done
rmdir "${1%/*}" 2>/dev/null
exit 0
)sh",
            node, {mark});
}

Script HasProgram(const NodeRecord& node, const std::string& hash,
                  const std::string& name) {
  return Of("[ -x \"$1/programs/$2/$3\" ]\n", node, {hash, name});
}

Script PutProgram(const NodeRecord& node, const std::string& hash,
                  const std::string& name) {
  return Of(R"sh(
umask 077
cd "$1/programs" && mkdir -p "$2" && cat >"$2/.$$" || exit 1
if [ "$(sha256sum <"$2/.$$" | cut -c 1-64)" != "$2" ]; then
  echo "what came is not what was sent" >&2
  rm -f "$2/.$$"
  exit 1
fi
chmod 500 "$2/.$$" && mv "$2/.$$" "$2/$3"
)sh",
            node, {hash, name});
}

Script RunCommandLine(const NodeRecord& node, const std::string& id,
                      const std::vector<std::string>& command,
                      bool tells_signal) {
  std::vector<std::string> words = {id};
  words.insert(words.end(), command.begin(), command.end());
  // The shell that writes its pid is the command then.
  return Of(std::string(kEnter) + R"sh(
cd "$1/files" || exit 1
pid_file=$1/drivers/$2
shift 2
)sh" +
                (tells_signal ? R"sh(
/bin/sh -c 'echo $$ >"$0" && exec "$@"' "$pid_file" "$@"
code=$?
rm -f "$pid_file"
exit $code
)sh"
                              : R"sh(
echo $$ >"$pid_file" && exec "$@"
)sh"),
            node, std::move(words));
}

Script SignalCommand(const NodeRecord& node, const std::string& id,
                     const std::string& signal) {
  return Of(R"sh(
rounds=0
until [ -s "$1/drivers/$2" ]; do
  rounds=$((rounds + 1))
  [ "$rounds" -le 50 ] || exit 1
  sleep 0.1
done
read -r pid <"$1/drivers/$2" && kill -s "$3" "$pid"
)sh",
            node, {id, signal});
}

Script RunTool(const NodeRecord& node, const std::vector<std::string>& words) {
  return Of(std::string(kEnter) + R"sh(
folder=$1
shift
exec "$folder/bin/mobula" "$@"
)sh",
            node, words);
}

std::vector<std::string> LogsCommandLine(int lines, bool follow) {
  std::vector<std::string> words = {
      "/bin/sh", "-c", R"sh(
for keeper in "$XDG_RUNTIME_DIR"/mobula/*/keeper; do
  [ -e "$keeper" ] && read -r pid <"$keeper" &&
    exec mobula logs --node "$pid" "$@"
done
echo "no node runs there" >&2
exit 1
)sh", "logs", "--lines", std::to_string(lines)};
  if (follow) words.push_back("--follow");
  return words;
}

Script ForgetCommand(const NodeRecord& node, const std::string& id) {
  return Of("rm -f \"$1/drivers/$2\"\n", node, {id});
}

}  // namespace mobula::cli
