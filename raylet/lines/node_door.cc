#include "raylet/lines/node_door.h"

#include <unistd.h>

#include <utility>

#include "base/log.h"
#include "base/security/credentials.h"
#include "base/security/node_identity.h"
#include "base/sockets/peer.h"

namespace mobula::raylet {
namespace {

using base::ControlAddress;
using base::UniqueFd;

constexpr base::Duration kLogGap = std::chrono::seconds(1);

}  // namespace

NodeDoor::NodeDoor(base::Strand& strand, Options options, OnArrival on_arrival)
    : strand_(strand),
      options_(std::move(options)),
      on_arrival_(std::move(on_arrival)) {}

NodeDoor::~NodeDoor() {
  strand_.AssertHeld();
  if (look_ != 0) strand_.Cancel(look_);
  for (auto& [number, guest] : guests_) strand_.Cancel(guest.timer);
}

bool NodeDoor::Listen(const std::string& door, ControlAddress* bound,
                      std::string* error) {
  strand_.AssertHeld();
  const auto address = ControlAddress::Parse(door, error);
  if (!address) return false;
  if (address->tls) return ListenTls(*address, bound, error);
  if (address->path.empty()) {
    *error =
        "a raylet waits for others at unix:PATH or tls:HOST:PORT, not at " +
        door;
    return false;
  }
  unix_ = std::make_unique<base::Acceptor>(
      strand_, "raylet, for other nodes",
      base::Acceptor::Callbacks{[this] {
                                  strand_.AssertHeld();
                                  return guests_.size() < options_.arriving_max;
                                },
                                [this](UniqueFd socket, bool) {
                                  strand_.AssertHeld();
                                  const auto peer = base::PeerOf(socket.get());
                                  if (!peer || peer->uid != ::geteuid()) {
                                    return LogRefused(
                                        "a connection of another user");
                                  }
                                  LetIn(std::move(socket), 0);
                                }});
  return unix_->Listen(*address, bound, error);
}

std::shared_ptr<const base::TlsContext> NodeDoor::ReadContext(
    std::string* error) {
  const auto mine = base::ReadCredentials(options_.credentials_file, error);
  if (!mine) return nullptr;
  shown_ = mine->own.Fingerprint();
  return base::TlsContext::ForNodes(*mine, options_.clock);
}

bool NodeDoor::ListenTls(const ControlAddress& address, ControlAddress* bound,
                         std::string* error) {
  auto context = ReadContext(error);
  if (context == nullptr) return false;
  base::TlsDoor::Options options;
  options.handshake_timeout = options_.hello_timeout;
  options.takes_questions = false;
  options.name = "raylet, for other nodes";
  options.clock = options_.clock;
  base::TlsDoor::Callbacks callbacks;
  callbacks.on_admitted = [this](base::TlsDoor::Admitted admitted) {
    strand_.AssertHeld();
    if (guests_.size() >= options_.arriving_max) {
      return LogRefused("more connections than may arrive at once");
    }
    LetIn(std::move(admitted.socket), admitted.maker);
  };
  callbacks.on_gone = [](const std::string&) {};  // its socket says so
  callbacks.on_question = [](const base::TlsDoor::Question&) {};
  callbacks.on_verdict = [this](const base::TlsDoor::Verdict& verdict) {
    strand_.AssertHeld();
    if (verdict.admitted) return;
    LogRefused(verdict.from + ": " + verdict.reason);
  };
  tls_ = std::make_unique<base::TlsDoor>(strand_, std::move(options),
                                         std::move(callbacks));
  if (!tls_->Listen(address, std::move(context), bound, error)) return false;
  LookLater();
  return true;
}

void NodeDoor::LookLater() {
  look_ = strand_.PostAt(strand_.Now() + options_.look, [this] {
    strand_.AssertHeld();
    const std::string before = shown_;
    std::string error;
    auto context = ReadContext(&error);
    if (context == nullptr) {
      LogRefused("the node's own certificate, which cannot be read: " + error);
    } else if (shown_ != before) {
      tls_->Use(std::move(context));
    }
    LookLater();
  });
}

void NodeDoor::LetIn(UniqueFd socket, std::uint64_t maker) {
  const std::uint64_t number = ++last_number_;
  Guest& guest = guests_[number];
  guest.maker = maker;
  guest.timer =
      strand_.PostAt(strand_.Now() + options_.hello_timeout, [this, number] {
        strand_.AssertHeld();
        Remove(number, "it says no hello");
      });
  guest.wire = std::make_unique<LaneWire>(strand_, std::move(socket));
  LaneWire::Callbacks callbacks;
  callbacks.on_hello = [this, number](const base::Bytes& bytes) {
    strand_.AssertHeld();
    OnHello(number, bytes);
  };
  callbacks.on_frame = [this, number](const base::SessionHeader&,
                                      const base::Bytes&) {
    strand_.AssertHeld();
    Remove(number, "it says something before its hello");
  };
  callbacks.on_closed = [this, number](const std::string& why) {
    strand_.AssertHeld();
    Remove(number, why);
  };
  guest.wire->Start(std::move(callbacks));
}

void NodeDoor::OnHello(std::uint64_t number, const base::Bytes& bytes) {
  const auto found = guests_.find(number);
  if (found == guests_.end()) return;
  Arrival arrival;
  std::string error;
  if (!DecodeNodeHello(bytes.view(), &arrival.hello, &error)) {
    const NodeWelcome refusal{NodeRefusal::kOther, error, 0, 0};
    found->second.wire->SendHello(EncodeNodeWelcome(refusal));
    return Remove(number, error);
  }
  strand_.Cancel(found->second.timer);
  arrival.wire = std::move(found->second.wire);
  arrival.maker = found->second.maker;
  guests_.erase(found);
  if (unix_ != nullptr) unix_->Update();
  on_arrival_(std::move(arrival));
}

void NodeDoor::Remove(std::uint64_t number, const std::string& why) {
  const auto found = guests_.find(number);
  if (found == guests_.end()) return;
  strand_.Cancel(found->second.timer);
  const std::uint64_t maker = found->second.maker;
  guests_.erase(found);
  if (unix_ != nullptr) unix_->Update();
  LogRefused((maker == 0 ? "a connection" : base::MakerText(maker)) + ": " +
             why);
}

void NodeDoor::LogRefused(const std::string& why) {
  const base::BootTime now = strand_.Now();
  if (logged_at_ != base::BootTime() && now - logged_at_ < kLogGap) return;
  logged_at_ = now;
  MOBULA_LOG(WARNING) << "at the door for other nodes was refused: " << why;
}

}  // namespace mobula::raylet
