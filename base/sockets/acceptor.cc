#include "base/sockets/acceptor.h"

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "base/error_text.h"
#include "base/log.h"

namespace mobula::base {
namespace {

// In one turn, so that a flood does not keep others waiting.
constexpr int kAcceptsATurn = 16;
constexpr Duration kRest = std::chrono::milliseconds(100);
constexpr Duration kLogGap = std::chrono::seconds(1);

}  // namespace

Acceptor::Acceptor(Strand& strand, std::string name, Callbacks callbacks)
    : strand_(strand),
      name_(std::move(name)),
      callbacks_(std::move(callbacks)) {}

Acceptor::~Acceptor() {
  if (rest_ != 0) strand_.Cancel(rest_);
  if (!accepts_) return;
  for (const ListenerSocket& listener : listeners_) {
    strand_.Unwatch(listener.fd());
  }
}

bool Acceptor::Listen(const ControlAddress& address, ControlAddress* bound,
                      std::string* error) {
  auto listener = ListenerSocket::Open(address, bound, error);
  if (!listener) return false;
  if (accepts_) {
    for (const ListenerSocket& known : listeners_) strand_.Unwatch(known.fd());
    accepts_ = false;
  }
  listeners_.push_back(*std::move(listener));
  Update();
  return true;
}

void Acceptor::Update() {
  const bool wants = rest_ == 0 && callbacks_.has_room();
  if (wants == accepts_) return;
  accepts_ = wants;
  for (const ListenerSocket& listener : listeners_) {
    const int fd = listener.fd();
    if (!wants) {
      strand_.Unwatch(fd);
      continue;
    }
    strand_.Watch(fd, Strand::kReadable, [this, fd](std::uint32_t) {
      strand_.AssertHeld();
      for (const ListenerSocket& known : listeners_) {
        if (known.fd() == fd) return Accept(known);
      }
    });
  }
}

void Acceptor::Accept(const ListenerSocket& listener) {
  for (int i = 0; i < kAcceptsATurn && callbacks_.has_room(); ++i) {
    UniqueFd socket(::accept4(listener.fd(), nullptr, nullptr,
                              SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.valid()) {
      callbacks_.on_accepted(std::move(socket), listener.is_unix());
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      Rest(errno);
      break;
    }
  }
  Update();
}

void Acceptor::Rest(int error) {
  const BootTime now = strand_.Now();
  if (now >= logged_at_ + kLogGap) {
    logged_at_ = now;
    MOBULA_LOG(WARNING) << name_ << ": no connection can be accepted: "
                        << ErrorText(error);
  }
  rest_ = strand_.PostAt(now + kRest, [this] {
    strand_.AssertHeld();
    rest_ = 0;
    Update();
  });
}

}  // namespace mobula::base
