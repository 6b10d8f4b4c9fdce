#include "base/rpc/connection_gate.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/rpc/greeting.h"
#include "base/sockets/peer.h"

namespace mobula::base {
namespace {

constexpr Duration kLogGap = std::chrono::seconds(1);

// Who is told why it is refused; the greeting's answer fits into any socket.
void Tell(int fd, const Admission& admission) {
  const std::string bytes = EncodeAdmission(admission);
  (void)!::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

// "" if the other end is of this user.
std::string WrongWithUser(int fd) {
  const auto peer = PeerOf(fd);
  if (!peer) return "it is not known whose process asks";
  if (peer->uid == ::geteuid()) return "";
  return "process " + std::to_string(peer->pid) + " is of user " +
         std::to_string(peer->uid) + ", the control store of user " +
         std::to_string(::geteuid());
}

}  // namespace

ConnectionGate::ConnectionGate(Strand& strand, Options options,
                               Callbacks callbacks)
    : strand_(strand),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)),
      acceptor_(strand, "control store",
                {[this] {
                   return arriving_.size() + alive_.size() <
                          options_.connections_max;
                 },
                 [this](UniqueFd socket, bool is_unix) {
                   Take(std::move(socket), is_unix);
                 }}) {
  MOBULA_CHECK(options_.connections_max > 0);
}

ConnectionGate::~ConnectionGate() {
  while (!arriving_.empty()) Remove(arriving_.begin()->first);
  for (const auto& [fd, owned] : alive_) strand_.Unwatch(fd);
}

bool ConnectionGate::Listen(const ControlAddress& address,
                            ControlAddress* bound, std::string* error) {
  if (!address.tls) return acceptor_.Listen(address, bound, error);
  *error = address.ToString() + " is for TLS";
  return false;
}

void ConnectionGate::Adopt(UniqueFd socket) {
  const int flags = ::fcntl(socket.get(), F_GETFL);
  ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK);
  ::fcntl(socket.get(), F_SETFD, FD_CLOEXEC);
  Begin(std::move(socket), /*trusted=*/true);
}

void ConnectionGate::Take(UniqueFd socket, bool is_unix) {
  if (is_unix) {
    const std::string wrong = WrongWithUser(socket.get());
    if (!wrong.empty()) {
      Tell(socket.get(), {AdmissionCode::kWrongUser, wrong});
      return LogRefusal(wrong);
    }
  }
  Begin(std::move(socket), is_unix);
}

void ConnectionGate::Begin(UniqueFd socket, bool trusted) {
  const int fd = socket.get();
  Arriving& arriving = arriving_[fd];
  arriving.socket = std::move(socket);
  arriving.trusted = trusted;
  arriving.timer =
      strand_.PostAt(strand_.Now() + options_.handshake_timeout, [this, fd] {
        strand_.AssertHeld();
        arriving_.at(fd).timer = 0;
        Refuse(fd, "a connection said nothing in time");
      });
  strand_.Watch(fd, Strand::kReadable, [this, fd](std::uint32_t) {
    strand_.AssertHeld();
    OnReadable(fd);
  });
}

void ConnectionGate::OnReadable(int fd) {
  Arriving& arriving = arriving_.at(fd);
  std::array<char, 4096> buffer;
  const std::size_t wanted =
      std::min(buffer.size(), kGreetingBytes + arriving.question_bytes -
                                  arriving.greeting.size());
  const ssize_t count = ::recv(fd, buffer.data(), wanted, 0);
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
  // Who says nothing and goes only looked whether somebody listens.
  if (count == 0 && arriving.greeting.empty()) {
    Remove(fd);
    return acceptor_.Update();
  }
  if (count <= 0) return Refuse(fd, "a connection ended before its greeting");
  arriving.greeting.append(buffer.data(), static_cast<std::size_t>(count));
  if (arriving.greeting.size() < kGreetingBytes + arriving.question_bytes) {
    return;
  }
  if (arriving.question_bytes > 0) return AskFor(fd);
  const auto question = DoorQuestionBytes(arriving.greeting);
  if (!question || !arriving.trusted) return Judge(fd);
  arriving.question_bytes = *question;
}

void ConnectionGate::AskFor(int fd) {
  Arriving& arriving = arriving_.at(fd);
  strand_.Watch(fd, 0, [this, fd](std::uint32_t) {
    strand_.AssertHeld();
    Remove(fd);
    acceptor_.Update();
  });
  strand_.Cancel(arriving.timer);
  arriving.timer = strand_.PostAt(
      strand_.Now() + options_.handshake_timeout * 10, [this, fd] {
        strand_.AssertHeld();
        arriving_.at(fd).timer = 0;
        Refuse(fd, "a question was not answered in time");
      });
  arriving.question = ++questions_;
  callbacks_.on_question(arriving.question,
                         arriving.greeting.substr(kGreetingBytes));
}

void ConnectionGate::Answer(std::uint64_t question, const std::string& body) {
  const auto asks = [question](const auto& one) {
    return one.second.question == question;
  };
  const auto who = std::find_if(arriving_.begin(), arriving_.end(), asks);
  if (question == 0 || who == arriving_.end()) return;
  const UniqueFd socket = Remove(who->first);
  const std::string bytes = FrameDoorAnswer(body);
  (void)!::send(socket.get(), bytes.data(), bytes.size(),
                MSG_NOSIGNAL | MSG_DONTWAIT);
  acceptor_.Update();
}

void ConnectionGate::Judge(int fd) {
  const Arriving& arriving = arriving_.at(fd);
  const Admission admission = JudgeGreeting(
      arriving.greeting, arriving.trusted ? std::string() : options_.token);
  Tell(fd, admission);
  if (admission.code != AdmissionCode::kAdmitted) {
    return Refuse(fd, admission.reason);
  }
  UniqueFd socket = Remove(fd);
  KeepCount(socket.get());
  callbacks_.on_admitted(std::move(socket));
}

void ConnectionGate::Refuse(int fd, const std::string& reason) {
  LogRefusal(reason);
  const UniqueFd socket = Remove(fd);
  // What it sent and was not read must not turn the close into a reset, which
  // would take the answer away from it.
  ::shutdown(socket.get(), SHUT_WR);
  std::array<char, 4096> rest;
  (void)!::recv(socket.get(), rest.data(), rest.size(), MSG_DONTWAIT);
  acceptor_.Update();
}

void ConnectionGate::LogRefusal(const std::string& reason) {
  const BootTime now = strand_.Now();
  if (now < logged_at_ + kLogGap) {
    ++unlogged_;
    return;
  }
  logged_at_ = now;
  MOBULA_LOG(WARNING) << "control store: connection refused: " << reason << " ("
                      << std::exchange(unlogged_, 0)
                      << " more since the last of these lines)";
}

UniqueFd ConnectionGate::Remove(int fd) {
  const auto node = arriving_.extract(fd);
  MOBULA_CHECK(!node.empty());
  strand_.Unwatch(fd);
  if (node.mapped().timer != 0) strand_.Cancel(node.mapped().timer);
  return std::move(node.mapped().socket);
}

// gRPC does not say when a connection ends, but it shuts the socket down: a
// second descriptor of it sees that.
void ConnectionGate::KeepCount(int fd) {
  UniqueFd second(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!second.valid()) return;  // it is not counted, and goes like all others
  const int watched = second.get();
  alive_[watched] = std::move(second);
  strand_.Watch(watched, 0, [this, watched](std::uint32_t) {
    strand_.AssertHeld();
    OnGone(watched);
  });
}

void ConnectionGate::OnGone(int fd) {
  strand_.Unwatch(fd);
  alive_.erase(fd);
  acceptor_.Update();
}

}  // namespace mobula::base
