#include "base/tls/tls_door.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/check.h"
#include "base/error_text.h"
#include "base/rpc/greeting.h"
#include "base/security/node_identity.h"
#include "base/sockets/acceptor.h"
#include "base/tls/tls_pipe.h"

namespace mobula::base {
namespace {

constexpr Duration kLinger = std::chrono::milliseconds(500);

struct PeerName {
  std::string host;
  std::string text;  // with the port
};

PeerName NameOf(int socket) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&name), &size) != 0) {
    return {"?", "?"};
  }
  const bool six = name.ss_family == AF_INET6;
  const void* const address =
      six ? static_cast<const void*>(
                &reinterpret_cast<const sockaddr_in6&>(name).sin6_addr)
          : &reinterpret_cast<const sockaddr_in&>(name).sin_addr;
  ::inet_ntop(name.ss_family, address, text.data(), text.size());
  const std::uint16_t port =
      ntohs(reinterpret_cast<const sockaddr_in&>(name).sin_port);
  const std::string host = text.data();
  return {host, (six ? "[" + host + "]" : host) + ":" + std::to_string(port)};
}

struct LocalPair {
  UniqueFd ours;
  UniqueFd theirs;
  std::string name;  // of ours, as the kernel has given it
};

// The kernel gives our end a name that nobody else has, by which what arrives
// at the other end is known to come through here.
LocalPair MakePair() {
  int fds[2] = {-1, -1};
  LocalPair pair;
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                   fds) != 0) {
    return pair;
  }
  pair.ours.Reset(fds[0]);
  pair.theirs.Reset(fds[1]);
  sockaddr_un any{};
  any.sun_family = AF_UNIX;
  if (::bind(fds[0], reinterpret_cast<const sockaddr*>(&any),
             sizeof any.sun_family) != 0) {
    return pair;
  }
  sockaddr_un name{};
  socklen_t size = sizeof name;
  if (::getsockname(fds[0], reinterpret_cast<sockaddr*>(&name), &size) == 0) {
    const std::size_t begin = offsetof(sockaddr_un, sun_path) + 1;
    if (size > begin) pair.name.assign(name.sun_path + 1, size - begin);
  }
  return pair;
}

}  // namespace

struct TlsDoor::Thread : public std::enable_shared_from_this<TlsDoor::Thread> {
  struct Guest {
    std::unique_ptr<TlsPipe> pipe;
    PeerName from;
    std::uint64_t maker = 0;
    Strand::TimerId timer = 0;
    bool asks = false;
    std::string name;     // once admitted
    std::string refused;  // and why
  };

  Thread(Strand& the_owner, Options the_options, Callbacks the_callbacks)
      : owner(the_owner),
        options(std::move(the_options)),
        callbacks(std::move(the_callbacks)) {}

  void Accept(UniqueFd socket);
  void SetTimer(std::uint64_t id, Duration wait, std::string why);
  void OnOpen(std::uint64_t id);
  void OnInput(std::uint64_t id);
  void OnEnd(std::uint64_t id, const std::string& why);
  void Admit(std::uint64_t id);
  void Refuse(std::uint64_t id, Admission admission);
  void Remove(std::uint64_t id);
  void Linger(std::unique_ptr<TlsPipe> pipe, bool refused);
  void Tell(const Guest& guest, bool admitted, std::string reason);
  template <class Fn>
  void ToOwner(Fn fn) {
    owner.Post([self = weak_from_this(), fn = std::move(fn)]() mutable {
      if (const auto thread = self.lock()) fn(thread->callbacks);
    });
  }

  Strand& owner;
  const Options options;
  const Callbacks callbacks;
  std::shared_ptr<const TlsContext> context;
  std::map<std::uint64_t, Guest> guests;
  std::map<std::string, std::size_t> arriving;  // by host
  std::size_t arriving_all = 0;
  std::size_t lingering = 0;
  std::uint64_t last_id = 0;
  std::unique_ptr<Acceptor> acceptor;
  // Ends first: then nothing of the above is touched any more.
  Strand strand{"mobula-tls"};
};

void TlsDoor::Thread::Accept(UniqueFd socket) {
  const std::uint64_t id = ++last_id;
  Guest guest;
  guest.from = NameOf(socket.get());
  std::size_t& of_host = arriving[guest.from.host];
  if (of_host >= options.arriving_per_host_max) {
    return Tell(guest, false,
                "more than " + std::to_string(options.arriving_per_host_max) +
                    " connections of its address shake hands at once");
  }
  ++of_host;
  ++arriving_all;
  TlsPipe::Callbacks of_pipe;
  of_pipe.on_open = [this, id] { OnOpen(id); };
  of_pipe.on_input = [this, id] { OnInput(id); };
  of_pipe.on_end = [this, id](const std::string& why, bool) { OnEnd(id, why); };
  guest.pipe = std::make_unique<TlsPipe>(strand, std::move(socket), context,
                                         /*accepts=*/true, std::move(of_pipe));
  guests.emplace(id, std::move(guest));
  SetTimer(id, options.handshake_timeout, "it said nothing in time");
}

void TlsDoor::Thread::SetTimer(std::uint64_t id, Duration wait,
                               std::string why) {
  Guest& guest = guests.at(id);
  if (guest.timer != 0) strand.Cancel(guest.timer);
  guest.timer =
      strand.PostAt(strand.Now() + wait, [this, id, why = std::move(why)] {
        strand.AssertHeld();
        guests.at(id).timer = 0;
        OnEnd(id, why);
      });
}

void TlsDoor::Thread::OnOpen(std::uint64_t id) {
  Guest& guest = guests.at(id);
  const auto& shown = guest.pipe->end().seen().peer;
  if (shown) guest.maker = shown->identity()->maker;  // it was verified
}

void TlsDoor::Thread::OnInput(std::uint64_t id) {
  Guest& guest = guests.at(id);
  std::string& input = guest.pipe->input();
  if (guest.asks || !guest.refused.empty()) {
    return OnEnd(id, "it says more than it may");
  }
  if (input.size() < kGreetingBytes) return;
  const std::string_view greeting =
      std::string_view(input).substr(0, kGreetingBytes);
  const auto question = DoorQuestionBytes(greeting);
  if (!question) return Admit(id);
  if (!options.takes_questions) {
    return OnEnd(id, "it asks, and here nothing is answered");
  }
  if (input.size() < kGreetingBytes + *question) return;
  guest.asks = true;
  Question asked{id, guest.maker, guest.from.text,
                 input.substr(kGreetingBytes, *question)};
  input.clear();
  SetTimer(id, options.handshake_timeout * 10, "it was not answered in time");
  ToOwner([asked = std::move(asked)](const Callbacks& to) mutable {
    to.on_question(std::move(asked));
  });
}

void TlsDoor::Thread::Admit(std::uint64_t id) {
  Guest& guest = guests.at(id);
  if (guest.maker == 0) {
    return Refuse(id, {AdmissionCode::kWrongCertificate,
                       "it refuses: no certificate was shown; this machine "
                       "has to join first, with a token"});
  }
  std::string& input = guest.pipe->input();
  const Admission admission =
      JudgeGreeting(std::string_view(input).substr(0, kGreetingBytes), "");
  if (admission.code != AdmissionCode::kAdmitted) return Refuse(id, admission);
  LocalPair pair = MakePair();
  if (pair.name.empty()) {
    return Refuse(
        id, {AdmissionCode::kUnreachable, "the process is out of descriptors"});
  }
  guest.name = pair.name;
  input.erase(0, kGreetingBytes);
  guest.pipe->Send(EncodeAdmission(admission));
  guest.pipe->Relay(std::move(pair.ours));
  --arriving_all;
  if (--arriving[guest.from.host] == 0) arriving.erase(guest.from.host);
  const std::int64_t left =
      guest.pipe->end().seen().peer->ends_s() - options.clock();
  SetTimer(id, std::chrono::seconds(std::max<std::int64_t>(left, 0)),
           "its certificate has ended");
  Tell(guest, true, "a node of the cluster");
  ToOwner([name = pair.name, maker = guest.maker,
           socket = std::make_shared<UniqueFd>(std::move(pair.theirs))](
              const Callbacks& to) {
    to.on_admitted(Admitted{std::move(*socket), name, maker});
  });
  acceptor->Update();
}

void TlsDoor::Thread::Refuse(std::uint64_t id, Admission admission) {
  Guest& guest = guests.at(id);
  guest.refused = admission.reason;
  guest.pipe->Send(EncodeAdmission(admission));
  guest.pipe->EndAfterSending();
}

void TlsDoor::Thread::OnEnd(std::uint64_t id, const std::string& why) {
  const auto known = guests.find(id);
  if (known == guests.end()) return;  // it lingers
  Guest& guest = known->second;
  // Who says nothing and goes only looked whether somebody listens.
  const bool only_looked = guest.timer != 0 && !guest.pipe->heard();
  if (!guest.name.empty()) {
    ToOwner([name = guest.name](const Callbacks& to) { to.on_gone(name); });
  } else if (!guest.asks && !only_looked) {
    Tell(guest, false, guest.refused.empty() ? why : guest.refused);
  }
  Remove(id);
}

void TlsDoor::Thread::Remove(std::uint64_t id) {
  auto node = guests.extract(id);
  Guest& guest = node.mapped();
  if (guest.timer != 0) strand.Cancel(guest.timer);
  if (guest.name.empty()) {
    --arriving_all;
    if (--arriving[guest.from.host] == 0) arriving.erase(guest.from.host);
  }
  Linger(std::move(guest.pipe), /*refused=*/guest.name.empty());
  acceptor->Update();
}

// What comes late from one that was refused must not make a reset of the end,
// which would take from it the alert that says why.
void TlsDoor::Thread::Linger(std::unique_ptr<TlsPipe> pipe, bool refused) {
  const bool room = refused && lingering < options.arriving_max;
  if (room) ++lingering;
  std::shared_ptr<TlsPipe> kept(std::move(pipe));
  strand.PostAt(strand.Now() + (room ? kLinger : Duration::zero()),
                [this, room, kept = std::move(kept)]() mutable {
                  strand.AssertHeld();
                  kept.reset();
                  if (room) --lingering;
                });
}

void TlsDoor::Thread::Tell(const Guest& guest, bool admitted,
                           std::string reason) {
  Verdict verdict{admitted, guest.maker, guest.from.text, std::move(reason)};
  ToOwner([verdict = std::move(verdict)](const Callbacks& to) {
    to.on_verdict(verdict);
  });
}

TlsDoor::TlsDoor(Strand& strand, Options options, Callbacks callbacks)
    : strand_(strand),
      thread_(std::make_shared<Thread>(strand, std::move(options),
                                       std::move(callbacks))) {}

TlsDoor::~TlsDoor() {
  // What its thread owns ends on it.
  Strand& of_thread = thread_->strand;
  if (thread_->acceptor == nullptr) return;
  of_thread.Post([thread = thread_.get()] {
    thread->strand.AssertHeld();
    thread->acceptor.reset();
    thread->guests.clear();
    thread->strand.Stop();
  });
  of_thread.Join();
}

bool TlsDoor::Listen(const ControlAddress& address,
                     std::shared_ptr<const TlsContext> context,
                     ControlAddress* bound, std::string* error) {
  Thread* const thread = thread_.get();
  if (thread->acceptor != nullptr) {
    *error =
        "one address of TLS is all: 0.0.0.0 stands for each of this "
        "machine";
    return false;
  }
  thread->context = std::move(context);
  auto acceptor = std::make_unique<Acceptor>(
      thread->strand, thread->options.name,
      Acceptor::Callbacks{
          [thread] {
            return thread->arriving_all < thread->options.arriving_max &&
                   thread->guests.size() < thread->options.connections_max;
          },
          [thread](UniqueFd socket, bool) {
            thread->Accept(std::move(socket));
          }});
  if (!acceptor->Listen(address, bound, error)) return false;
  thread->acceptor = std::move(acceptor);
  thread->strand.StartThread();
  return true;
}

void TlsDoor::Use(std::shared_ptr<const TlsContext> context) {
  thread_->strand.Post(
      [thread = thread_.get(), context = std::move(context)]() mutable {
        thread->context = std::move(context);
      });
}

void TlsDoor::Answer(std::uint64_t question, std::string body) {
  thread_->strand.Post(
      [thread = thread_.get(), question, body = std::move(body)] {
        thread->strand.AssertHeld();
        const auto guest = thread->guests.find(question);
        if (guest == thread->guests.end() || !guest->second.asks) return;
        guest->second.pipe->Send(FrameDoorAnswer(body));
        guest->second.pipe->EndAfterSending();
      });
}

}  // namespace mobula::base
