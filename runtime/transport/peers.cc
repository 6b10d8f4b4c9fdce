#include "runtime/transport/peers.h"

#include <cstdlib>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace mobula::runtime {
namespace {

using base::Link;
using base::ProcessId;

constexpr std::size_t kLostKept = 65'536;

bool WantsRings() {
  const char* const value = std::getenv("MOBULA_RINGS");
  return value == nullptr || std::string_view(value) != "0";
}

}  // namespace

Peers::Peers(base::Strand& strand, ProcessId self, base::Role role,
             Callbacks callbacks)
    : strand_(strand),
      self_(self),
      role_(role),
      rings_(WantsRings()),
      callbacks_(std::move(callbacks)) {
  MOBULA_CHECK(callbacks_.on_open && callbacks_.on_message &&
               callbacks_.on_lost);
}

Peers::~Peers() { *alive_ = false; }

void Peers::Connect(base::UniqueFd socket, ProcessId peer, bool is_afar) {
  strand_.AssertHeld();
  const LinkNumber number = ++numbers_;
  if (!socket.valid()) {
    peer_of_[number] = peer;
    // What is sent there before that is heard goes nowhere.
    if (!links_.contains(peer)) RememberLost(peer);
    Closed(number, "the socket did not arrive: no free descriptor");
    return;
  }
  const auto found = links_.find(peer);
  if (found != links_.end()) {
    if (!found->second->closed()) {
      MOBULA_LOG(WARNING) << "a second link to " << peer.ToString()
                          << " was offered and refused";
      return;
    }
    // Its loss is on its way; what it knew is in peer_of_.
    links_.erase(found);
  }
  peer_of_[number] = peer;
  if (lost_.erase(peer) > 0) std::erase(lost_order_, peer);
  Link::Options options;
  options.self = self_;
  options.role = role_;
  options.peer = peer;
  options.rings = rings_ && !is_afar;
  links_[peer] = std::make_unique<Link>(strand_, std::move(socket), options,
                                        CallbacksOf(number));
}

Link::Callbacks Peers::CallbacksOf(LinkNumber number) {
  Link::Callbacks callbacks;
  callbacks.on_open = [this, number](ProcessId peer, base::Role) {
    strand_.AssertHeld();
    Opened(number, peer);
  };
  callbacks.on_message = [this, number](base::Message message,
                                        base::UniqueFd fd) {
    strand_.AssertHeld();
    const auto found = peer_of_.find(number);
    if (found == peer_of_.end()) return;
    callbacks_.on_message(found->second, std::move(message), std::move(fd));
  };
  callbacks.on_closed = [this, number](std::string reason) {
    Closed(number, std::move(reason));
  };
  return callbacks;
}

void Peers::Opened(LinkNumber number, ProcessId peer) {
  strand_.AssertHeld();
  const auto found = peer_of_.find(number);
  if (found == peer_of_.end()) return;
  if (found->second != peer) {
    MOBULA_CHECK(found->second.IsNil(), "a link says who its peer is once");
    auto node = links_.extract(found->second);
    MOBULA_CHECK(!node.empty() && !links_.contains(peer));
    node.key() = peer;
    links_.insert(std::move(node));
    found->second = peer;
  }
  callbacks_.on_open(peer);
}

// A link must not be destroyed within its own callback, so the rest is posted.
void Peers::Closed(LinkNumber number, std::string reason) {
  strand_.Post([this, alive = alive_, number, reason = std::move(reason)] {
    if (!*alive) return;
    strand_.AssertHeld();
    const auto found = peer_of_.find(number);
    if (found == peer_of_.end()) return;
    const ProcessId peer = found->second;
    peer_of_.erase(found);
    const auto link = links_.find(peer);
    // A newer link to the same process may have taken its place.
    if (link != links_.end() && link->second->closed()) links_.erase(link);
    if (!links_.contains(peer)) {
      unflushed_.erase(peer);
      RememberLost(peer);
    }
    callbacks_.on_lost(peer, reason);
  });
}

void Peers::RememberLost(ProcessId peer) {
  strand_.AssertHeld();
  if (!lost_.insert(peer).second) return;
  lost_order_.push_back(peer);
  if (lost_order_.size() <= kLostKept) return;
  lost_.erase(lost_order_.front());
  lost_order_.pop_front();
}

bool Peers::Has(ProcessId peer) const {
  strand_.AssertHeld();
  return links_.contains(peer);
}

bool Peers::HasRings(ProcessId peer) const {
  strand_.AssertHeld();
  const auto found = links_.find(peer);
  return found != links_.end() && found->second->has_rings();
}

void Peers::Send(ProcessId peer, const base::Message& message,
                 base::UniqueFd fd) {
  strand_.AssertHeld();
  const auto found = links_.find(peer);
  if (found == links_.end()) {
    MOBULA_CHECK(lost_.contains(peer), "a message to a process without a link")
        << peer.ToString() << ", message " << message.index();
    return;
  }
  found->second->Send(message, std::move(fd));
  unflushed_.insert(peer);
}

bool Peers::Flush() {
  strand_.AssertHeld();
  for (auto it = unflushed_.begin(); it != unflushed_.end();) {
    const auto found = links_.find(*it);
    if (found != links_.end()) found->second->Flush();
    const bool is_left = found != links_.end() && !found->second->closed() &&
                         found->second->queued_bytes() > 0;
    it = is_left ? std::next(it) : unflushed_.erase(it);
  }
  return unflushed_.empty();
}

void Peers::CloseAll() {
  strand_.AssertHeld();
  peer_of_.clear();
  for (auto& [peer, link] : links_) link->Flush();
  links_.clear();
}

}  // namespace mobula::runtime
