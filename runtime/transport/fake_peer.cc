#include "runtime/transport/fake_peer.h"

#include <sys/socket.h>

#include <string>

namespace mobula::runtime {

std::pair<base::UniqueFd, base::UniqueFd> SocketPair() {
  int ends[2];
  MOBULA_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  return {base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
}

FakePeer::FakePeer(base::UniqueFd socket, base::ProcessId self, base::Role role,
                   ScriptFn script, bool rings)
    : script_(std::move(script)), strand_("fake") {
  base::Link::Options options;
  options.self = self;
  options.role = role;
  options.rings = rings;
  base::Link::Callbacks callbacks;
  callbacks.on_open = [](base::ProcessId, base::Role) {};
  callbacks.on_message = [this](base::Message message, base::UniqueFd) {
    if (script_) script_(*this, message);
    base::MutexLock lock(mutex_);
    got_.push_back(std::move(message));
    changed_.NotifyAll();
  };
  callbacks.on_closed = [this](const std::string&) {
    base::MutexLock lock(mutex_);
    closed_ = true;
    changed_.NotifyAll();
  };
  link_ = std::make_unique<base::Link>(strand_, std::move(socket), options,
                                       std::move(callbacks));
  strand_.StartThread();
}

FakePeer::~FakePeer() {
  strand_.Post([this] {
    strand_.AssertHeld();
    link_.reset();
    strand_.Stop();
  });
  strand_.Join();
}

void FakePeer::Send(base::Message message, base::UniqueFd fd) {
  // A closure must be copyable; a descriptor is not.
  auto shared = std::make_shared<base::UniqueFd>(std::move(fd));
  strand_.Post([this, message = std::move(message), shared] {
    strand_.AssertHeld();
    if (link_ != nullptr) link_->Send(message, std::move(*shared));
  });
}

base::UniqueFd FakePeer::Attach(base::ProcessId peer, bool is_afar) {
  auto [mine, theirs] = SocketPair();
  Send(base::Attach{peer, is_afar}, std::move(theirs));
  return std::move(mine);
}

void FakePeer::Close() {
  strand_.Post([this] {
    strand_.AssertHeld();
    link_.reset();
  });
}

void FakePeer::WaitClosed() {
  const base::BootTime deadline = base::BootNow() + kPatience;
  base::MutexLock lock(mutex_);
  while (!closed_) {
    const base::BootTime now = base::BootNow();
    MOBULA_CHECK(now < deadline, "the link did not close");
    changed_.WaitFor(mutex_, deadline - now);
  }
}

}  // namespace mobula::runtime
