// Store is the control store that a tool asks: which one, and how.
//
//   std::optional<Store> store = ChooseStore(flags, &error);
//   base::ControlReply reply = Ask(*store, base::GetStatus());
// Chosen by --address, else MOBULA_ADDRESS, else a node that runs here (the
// latest started). The token for TCP is in the file named, else in the one that
// a node which runs here has written down for that address; over TLS that is
// the file of credentials, by default base::CredentialsPath. A node that is
// being started again counts, and is waited for, kAbsenceMax.
// Threading: blocks the calling thread.
// Failure: a sentence; of Ask, a Failure as the reply.
#ifndef MOBULA_CLI_TOOLS_STORE_H_
#define MOBULA_CLI_TOOLS_STORE_H_

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/boot_time.h"
#include "base/control/control_address.h"
#include "base/control/control_request.h"
#include "base/failure.h"
#include "base/tls/tls_tunnel.h"

namespace mobula::cli {

struct StoreFlags {
  std::string address;
  std::string token_file;
};

struct Store {
  base::ControlAddress address;
  std::string token;
  // How long nobody may listen there: none where no keeper of this machine is
  // known that would start it again.
  base::Duration absence{0};
  // Of one that is reached by TLS.
  std::shared_ptr<base::TlsTunnel> tunnel = nullptr;
};

// For an answer, and for a control store that its keeper starts again.
inline constexpr base::Duration kAskPatience = std::chrono::seconds(5);
inline constexpr base::Duration kAbsenceMax = std::chrono::seconds(2);

// Neither is one named nor does a node run here.
bool KnowsNoStore(const StoreFlags& flags);

std::optional<Store> ChooseStore(const StoreFlags& flags, std::string* error);

base::ControlReply Ask(const Store& store, base::ControlRequest request,
                       base::Duration timeout = kAskPatience);

// The same, where only one kind of answer will do; else nothing and why.
template <class Answer>
std::optional<Answer> AskFor(const Store& store, base::ControlRequest request,
                             std::string* error) {
  base::ControlReply reply = Ask(store, std::move(request));
  if (auto* const answer = std::get_if<Answer>(&reply)) {
    return std::move(*answer);
  }
  const auto* const failure = std::get_if<base::Failure>(&reply);
  *error = failure != nullptr ? failure->message
                              : "the control store answered something else";
  return std::nullopt;
}

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TOOLS_STORE_H_
