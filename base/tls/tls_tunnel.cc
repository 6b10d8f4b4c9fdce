#include "base/tls/tls_tunnel.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <map>
#include <utility>

#include "base/check.h"
#include "base/error_text.h"
#include "base/rpc/greeting.h"
#include "base/security/credentials.h"
#include "base/strand.h"
#include "base/tls/tls_pipe.h"

namespace mobula::base {
namespace {

constexpr char kJoinAgain[] =
    "; join again, with a new token: mobula start --address ... --token-file "
    "FILE";

}  // namespace

struct TlsTunnel::Thread {
  // One connection: until the store has said something the local end is kept
  // back, so that what went wrong can be said in the store's place.
  struct Way {
    std::unique_ptr<TlsPipe> pipe;
    UniqueFd local;
    bool to_store = true;
  };

  explicit Thread(Options the_options) : options(std::move(the_options)) {}

  void Begin(UniqueFd tcp, UniqueFd local, bool to_store,
             std::shared_ptr<const TlsContext> context);
  void OnOpen(std::uint64_t id);
  void OnLocal(std::uint64_t id);
  void OnInput(std::uint64_t id);
  void OnEnd(std::uint64_t id, const std::string& why, bool for_good);

  const Options options;
  std::map<std::uint64_t, Way> ways;
  std::uint64_t last_id = 0;
  Strand strand{"mobula-tls"};
};

void TlsTunnel::Thread::Begin(UniqueFd tcp, UniqueFd local, bool to_store,
                              std::shared_ptr<const TlsContext> context) {
  const std::uint64_t id = ++last_id;
  Way& way = ways[id];
  way.local = std::move(local);
  way.to_store = to_store;
  TlsPipe::Callbacks callbacks;
  callbacks.on_open = [this, id] { OnOpen(id); };
  callbacks.on_input = [this, id] { OnInput(id); };
  callbacks.on_end = [this, id](const std::string& why, bool for_good) {
    OnEnd(id, why, for_good);
  };
  way.pipe =
      std::make_unique<TlsPipe>(strand, std::move(tcp), std::move(context),
                                /*accepts=*/false, std::move(callbacks));
  // Who gave up meanwhile.
  strand.Watch(way.local.get(), 0, [this, id](std::uint32_t) {
    strand.AssertHeld();
    OnEnd(id, "", false);
  });
}

// The greeting goes through by hand.
void TlsTunnel::Thread::OnOpen(std::uint64_t id) {
  strand.Watch(ways.at(id).local.get(), Strand::kReadable,
               [this, id](std::uint32_t) {
                 strand.AssertHeld();
                 OnLocal(id);
               });
}

void TlsTunnel::Thread::OnLocal(std::uint64_t id) {
  Way& way = ways.at(id);
  char bytes[kGreetingBytes];
  const ssize_t count = ::recv(way.local.get(), bytes, sizeof bytes, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) return OnEnd(id, "", false);
  way.pipe->Send({bytes, static_cast<std::size_t>(count)});
}

// The store speaks: from now on both are one connection.
void TlsTunnel::Thread::OnInput(std::uint64_t id) {
  Way& way = ways.at(id);
  if (!way.local.valid()) return;
  strand.Unwatch(way.local.get());
  way.pipe->Relay(std::move(way.local));
}

void TlsTunnel::Thread::OnEnd(std::uint64_t id, const std::string& why,
                              bool for_good) {
  auto node = ways.extract(id);
  if (node.empty()) return;
  Way& way = node.mapped();
  if (way.local.valid()) {
    strand.Unwatch(way.local.get());
    const Admission admission{
        for_good ? AdmissionCode::kWrongCertificate
                 : AdmissionCode::kUnreachable,
        why + (for_good && way.to_store ? kJoinAgain : "")};
    const std::string bytes = EncodeAdmission(admission);
    (void)!::send(way.local.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  // It may be the caller.
  strand.Post(
      [pipe = std::shared_ptr<TlsPipe>(std::move(way.pipe))] { (void)pipe; });
}

TlsTunnel::TlsTunnel(Options options)
    : thread_(std::make_shared<Thread>(std::move(options))) {
  thread_->strand.StartThread();
}

TlsTunnel::~TlsTunnel() {
  thread_->strand.Post([thread = thread_.get()] {
    thread->strand.AssertHeld();
    thread->ways.clear();
    thread->strand.Stop();
  });
  thread_->strand.Join();
}

UniqueFd TlsTunnel::Wrap(UniqueFd tcp, std::string* error) {
  return Begin(0, std::move(tcp), error);
}

UniqueFd TlsTunnel::WrapTo(std::uint64_t maker, UniqueFd tcp,
                           std::string* error) {
  MOBULA_CHECK(maker != 0);
  return Begin(maker, std::move(tcp), error);
}

UniqueFd TlsTunnel::Begin(std::uint64_t maker, UniqueFd tcp,
                          std::string* error) {
  const Options& options = thread_->options;
  const auto mine = ReadCredentials(options.credentials_file, error);
  if (!mine) return UniqueFd();
  if (mine->own.ends_s() <= options.clock()) {
    *error = "the certificate in " + options.credentials_file + " has expired" +
             kJoinAgain;
    return UniqueFd();
  }
  int fds[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                   fds) != 0) {
    *error = WithErrorText("no connection can be made");
    return UniqueFd();
  }
  UniqueFd ours(fds[0]);
  auto way = std::make_shared<std::pair<UniqueFd, UniqueFd>>(std::move(tcp),
                                                             UniqueFd(fds[1]));
  const bool to_store = maker == 0;
  thread_->strand.Post(
      [thread = thread_.get(), way, to_store,
       context = to_store ? TlsContext::ForNode(*mine, options.clock)
                          : TlsContext::ForPeer(*mine, maker, options.clock)] {
        thread->strand.AssertHeld();
        thread->Begin(std::move(way->first), std::move(way->second), to_store,
                      context);
      });
  return ours;
}

}  // namespace mobula::base
