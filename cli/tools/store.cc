#include "cli/tools/store.h"

#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/control/node_file.h"
#include "base/rpc/control_call.h"
#include "base/security/credentials.h"
#include "base/tls/tls_context.h"

namespace mobula::cli {
namespace {

// How often a node that is being started is looked for.
constexpr int kLookMilliseconds = 20;

// The first word of the file.
bool ReadToken(const std::string& path, std::string* token) {
  std::ifstream file(path);
  return static_cast<bool>(file >> *token);
}

// What to ask: the flag, the environment, a node of this machine.
std::string AddressText(const StoreFlags& flags,
                        const std::vector<base::NodeFile>& nodes) {
  if (!flags.address.empty()) return flags.address;
  const char* const named = std::getenv("MOBULA_ADDRESS");
  std::string text = named == nullptr ? "" : named;
  if (!text.empty() && text != "embedded") return text;
  if (!nodes.empty()) return nodes.front().control;
  return base::StartingControl(base::SessionRoots());
}

// A node whose raylet has died has another one in a moment, and only that says
// where a token is.
std::vector<base::NodeFile> NodesHere() {
  const std::vector<std::string> roots = base::SessionRoots();
  const base::BootTime deadline = base::BootNow() + kAbsenceMax;
  while (true) {
    std::vector<base::NodeFile> nodes = base::FindNodes(roots);
    const bool may_come = nodes.empty() &&
                          !base::StartingControl(roots).empty() &&
                          base::BootNow() < deadline;
    if (!may_come) return nodes;
    ::poll(nullptr, 0, kLookMilliseconds);
  }
}

// By the credentials in the file, or those that this user has for it.
bool OpenTunnel(const std::string& given, Store* store, std::string* error) {
  const std::string file =
      base::ChooseCredentials(store->address.HostAndPort(), given);
  if (file != given) {
    if (::access(file.c_str(), F_OK) != 0) {
      *error = "this machine has not joined " + store->address.ToString() +
               ": `mobula start --address " + store->address.ToString() +
               " --token-file FILE` does, with a token";
      return false;
    }
  }
  if (!base::ReadCredentials(file, error)) return false;
  store->tunnel = std::make_shared<base::TlsTunnel>(
      base::TlsTunnel::Options{file, base::WallNowS});
  return true;
}

}  // namespace

bool KnowsNoStore(const StoreFlags& flags) {
  return AddressText(flags, base::FindNodes(base::SessionRoots())).empty();
}

std::optional<Store> ChooseStore(const StoreFlags& flags, std::string* error) {
  const std::vector<base::NodeFile> nodes = NodesHere();
  const std::string text = AddressText(flags, nodes);
  if (text.empty()) {
    *error =
        "no node of yours runs on this machine; start one with\n"
        "  mobula start --head\nor name one with --address";
    return std::nullopt;
  }
  const auto address = base::ControlAddress::Parse(text, error);
  if (!address) return std::nullopt;
  Store store{*address, ""};
  std::string token_file = flags.token_file;
  for (const base::NodeFile& node : nodes) {
    if (node.control != address->ToString()) continue;
    if (token_file.empty()) token_file = node.token_file;
    store.absence = kAbsenceMax;
  }
  if (base::IsNodeStarting(base::SessionRoots(), address->ToString())) {
    store.absence = kAbsenceMax;
  }
  if (address->tls) {
    if (!OpenTunnel(token_file, &store, error)) return std::nullopt;
    return store;
  }
  if (!token_file.empty() && !ReadToken(token_file, &store.token)) {
    *error = "there is no token in " + token_file;
    return std::nullopt;
  }
  return store;
}

base::ControlReply Ask(const Store& store, base::ControlRequest request,
                       base::Duration timeout) {
  return base::CallControl(store.address, store.token, std::move(request),
                           timeout, store.absence, store.tunnel.get());
}

}  // namespace mobula::cli
