#include "base/tls/tls_pipe.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/error_text.h"

namespace mobula::base {
namespace {

constexpr std::size_t kBufferedMax = std::size_t{256} << 10;
constexpr std::size_t kChunkBytes = std::size_t{64} << 10;
constexpr char kHandshakeRecord = 0x16;  // with which TLS begins

bool IsNotYet(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR ||
         error == ENOTCONN || error == EINPROGRESS;
}

// What somebody seems to speak who does not speak TLS.
std::string NotTls(std::string_view first) {
  if (first.starts_with("mobula")) {
    return "plain text of Mobula came, and this address speaks TLS: a tls: is "
           "missing before it";
  }
  if (first.starts_with("GET ") || first.starts_with("POST ") ||
      first.starts_with("PRI ")) {
    return "plain HTTP came, and this address speaks TLS";
  }
  return "what came is not TLS";
}

}  // namespace

TlsPipe::TlsPipe(Strand& strand, UniqueFd socket,
                 std::shared_ptr<const TlsContext> context, bool accepts,
                 Callbacks callbacks)
    : strand_(strand),
      socket_(std::move(socket)),
      end_(std::move(context), accepts),
      callbacks_(std::move(callbacks)),
      accepts_(accepts) {
  // What it sends is gathered already. Of no meaning to a Unix socket.
  const int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!accepts) end_.Feed("");  // it speaks first
  Watch();
}

TlsPipe::~TlsPipe() {
  *alive_ = false;
  if (socket_.valid()) strand_.Unwatch(socket_.get());
  if (local_.valid()) strand_.Unwatch(local_.get());
}

void TlsPipe::Send(std::string_view plain) {
  if (end_.state() != TlsEnd::State::kOpen) return;
  end_.Send(plain);
  Watch();
}

void TlsPipe::Relay(UniqueFd local) {
  local_ = std::move(local);
  relays_ = true;
  Watch();
}

void TlsPipe::EndAfterSending() {
  end_.Close();
  ending_ = true;
  why_ = end_.why();
  Watch();
}

// What is wanted of both sockets now.
void TlsPipe::Watch() {
  if (finished_) return;
  to_wire_ += end_.TakeOutput();
  std::uint32_t events = to_wire_.empty() ? 0 : Strand::kWritable;
  if (!ending_ && end_.input().size() < kBufferedMax) {
    events |= Strand::kReadable;
  }
  WatchOne(socket_, events, &TlsPipe::OnSocket);
  if (!local_.valid()) return;
  std::uint32_t local = end_.input().empty() ? 0 : Strand::kWritable;
  const bool is_open = end_.state() == TlsEnd::State::kOpen;
  if (!ending_ && is_open && to_wire_.size() < kBufferedMax) {
    local |= Strand::kReadable;
  }
  WatchOne(local_, local, &TlsPipe::OnLocal);
}

// Of which nothing is wanted is not watched: its end would be told for ever.
void TlsPipe::WatchOne(const UniqueFd& fd, std::uint32_t events,
                       void (TlsPipe::*then)(std::uint32_t)) {
  if (events == 0) return strand_.Unwatch(fd.get());
  strand_.Watch(fd.get(), events, [this, then](std::uint32_t ready) {
    strand_.AssertHeld();
    (this->*then)(ready);
  });
}

// False, and it is finished, if the other side is gone.
bool TlsPipe::Flush(const UniqueFd& fd, std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t count = ::send(fd.get(), bytes.data() + sent,
                                 bytes.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && IsNotYet(errno)) break;
    if (count < 0) {
      const std::string error = ErrorText();
      if (fd.get() == socket_.get()) HearLastWords();
      Finish(ending_ ? why_ : error, for_good_);
      return false;
    }
    sent += static_cast<std::size_t>(count);
  }
  bytes.erase(0, sent);
  return true;
}

// Of a peer that takes nothing any more: an alert may say why.
void TlsPipe::HearLastWords() {
  if (ending_) return;
  std::array<char, kChunkBytes> chunk;
  const ssize_t count =
      ::recv(socket_.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
  if (count > 0) end_.Feed({chunk.data(), static_cast<std::size_t>(count)});
  if (end_.state() != TlsEnd::State::kEnded) return;
  ending_ = true;
  why_ = end_.why();
  for_good_ = end_.for_good();
}

void TlsPipe::OnSocket(std::uint32_t ready) {
  const std::shared_ptr<bool> alive = alive_;
  if ((ready & Strand::kReadable) != 0 || (ready & Strand::kHangup) != 0) {
    if (ending_) {
      // Nobody reads what is left to be sent.
      if ((ready & Strand::kHangup) != 0) return Finish(why_, for_good_);
    } else {
      ReadSocket();
      if (!*alive || finished_) return;
    }
  }
  if (!Flush(socket_, to_wire_)) return;
  Advance();
}

void TlsPipe::ReadSocket() {
  if (end_.input().size() >= kBufferedMax) return;
  std::array<char, kChunkBytes> chunk;
  const ssize_t count = ::recv(socket_.get(), chunk.data(), chunk.size(), 0);
  if (count < 0 && IsNotYet(errno)) return;
  if (count <= 0) {
    const std::string error = count < 0 ? ErrorText() : "";
    ending_ = true;
    to_wire_.clear();
    why_ = count < 0 ? error : "it closed the connection";
    return;
  }
  const std::string_view bytes(chunk.data(), static_cast<std::size_t>(count));
  if (accepts_ && !std::exchange(heard_, true) &&
      bytes.front() != kHandshakeRecord) {
    return Finish(NotTls(bytes), true);
  }
  end_.Feed(bytes);
}

void TlsPipe::OnLocal(std::uint32_t ready) {
  const bool reads = (ready & (Strand::kReadable | Strand::kHangup)) != 0;
  if (reads && !ending_) {
    ReadLocal();
    if (finished_) return;
  } else if ((ready & Strand::kHangup) != 0) {
    return Finish(why_, for_good_);
  }
  Advance();
}

void TlsPipe::ReadLocal() {
  if (end_.state() != TlsEnd::State::kOpen) return;
  std::array<char, kChunkBytes> chunk;
  const ssize_t count = ::recv(local_.get(), chunk.data(), chunk.size(), 0);
  if (count < 0 && IsNotYet(errno)) return;
  if (count > 0) {
    return end_.Send({chunk.data(), static_cast<std::size_t>(count)});
  }
  EndAfterSending();
  end_.input().clear();  // nobody is there to read it
}

void TlsPipe::Advance() {
  const std::shared_ptr<bool> alive = alive_;
  if (!opened_ && end_.state() == TlsEnd::State::kOpen) {
    opened_ = true;
    if (callbacks_.on_open) callbacks_.on_open();
    if (!*alive || finished_) return;
  }
  if (!relays_ && !end_.input().empty() && callbacks_.on_input) {
    callbacks_.on_input();
    if (!*alive || finished_) return;
  }
  if (relays_ && !Flush(local_, end_.input())) return;
  if (!ending_ && end_.state() == TlsEnd::State::kEnded) {
    ending_ = true;
    why_ = end_.why();
    for_good_ = end_.for_good();
  }
  to_wire_ += end_.TakeOutput();
  if (!Flush(socket_, to_wire_)) return;
  const bool all_said = to_wire_.empty() && (!relays_ || end_.input().empty());
  if (ending_ && all_said) return Finish(why_, for_good_);
  Watch();
}

void TlsPipe::Finish(std::string why, bool for_good) {
  if (std::exchange(finished_, true)) return;
  strand_.Unwatch(socket_.get());
  if (local_.valid()) strand_.Unwatch(local_.get());
  // What was not read must not turn the close into a reset, which would take
  // from the peer what it has not read.
  ::shutdown(socket_.get(), SHUT_WR);
  std::array<char, 4096> rest;
  (void)!::recv(socket_.get(), rest.data(), rest.size(), MSG_DONTWAIT);
  if (local_.valid()) ::shutdown(local_.get(), SHUT_WR);
  const auto on_end = std::move(callbacks_.on_end);
  if (on_end) on_end(std::move(why), for_good);
}

}  // namespace mobula::base
