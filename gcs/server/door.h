// Door decides who may become a node of the cluster, and has certificates made
// for those who may.
//
//   question --token--> Core (TokenTable) --durable--> signed, answered
//   question --own certificate--> signed anew, answered
// With it the store's own certificate, which it makes anew before that ends.
// Without a listener for other machines it refuses all, and says how to have
// one.
// Owner: gcs::Server.   Threading: everything on the strand.
// Invariants: (1) no certificate leaves before the use of its token is durable;
// (2) a certificate that is renewed names whom it named.
// Failure: a question that is refused is answered with why, and is audited.
#ifndef MOBULA_GCS_SERVER_DOOR_H_
#define MOBULA_GCS_SERVER_DOOR_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/control/control_address.h"
#include "base/ids.h"
#include "base/rpc/control_server.h"
#include "base/security/audit_log.h"
#include "base/security/authority.h"
#include "base/strand.h"
#include "base/tls/door_message.h"
#include "base/tls/tls_context.h"
#include "gcs/core/events.h"

namespace mobula::gcs {

class Door {
 public:
  struct Options {
    std::string folder;  // of the head: FOLDER/ca, FOLDER/audit.log
    base::ClusterId cluster;
    std::int64_t certificate_s = 24 * 3600;
    base::WallClock clock = base::WallNowS;
  };
  struct Callbacks {
    std::function<void(Event event)> to_core;
    std::function<void(std::uint64_t question, std::string body)> answer;
    // From now on the store shows this.
    std::function<void(std::shared_ptr<const base::TlsContext>)> use;
  };

  Door(base::Strand& strand, Options options, Callbacks callbacks);
  ~Door();
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  // Opens it: what the store shows; nothing, and why.
  std::shared_ptr<const base::TlsContext> Open(std::string* error);

  void OnQuestion(base::ControlServer::DoorQuestion asked);
  void OnTokenAnswer(const TokenAnswer& answer);
  void OnVerdict(const base::TlsDoor::Verdict& verdict);

 private:
  using Asked = base::ControlServer::DoorQuestion;
  struct Waiting {
    Asked asked;
    std::string request;    // of JoinAsked
    base::JoinToken token;  // that was made, of TokenAsked
    bool makes = false;
  };

  void OnJoin(Asked asked, const base::JoinAsked& join);
  void OnRenew(const Asked& asked, const base::RenewAsked& renew);
  void OnToken(Asked asked, const base::TokenAsked& wanted);
  void Sign(const Asked& asked, const std::string& request, std::uint64_t maker,
            const char* why);
  void Refuse(const Asked& asked, base::DoorRefusal code,
              const std::string& reason);
  void RenewAt(std::int64_t next_s, std::int64_t wait_s);
  std::shared_ptr<const base::TlsContext> MakeOwn();

  base::Strand& strand_;
  const Options options_;
  const Callbacks callbacks_;
  std::optional<base::Authority> authority_;  // once it is open
  std::unique_ptr<base::AuditLog> audit_;
  std::uint64_t calls_ = 0;
  std::map<std::uint64_t, Waiting> waiting_;  // for the core
  base::Strand::TimerId timer_ = 0;
  base::BootTime logged_at_;
  std::uint64_t unlogged_ = 0;
};

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_SERVER_DOOR_H_
