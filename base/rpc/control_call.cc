#include "base/rpc/control_call.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <variant>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/control/control_codec.h"
#include "base/control/control_message.h"
#include "base/error_text.h"
#include "base/rpc/client_greeting.h"
#include "base/rpc/store_channel.h"
#include "base/session/backoff.h"
#include "base/sockets/connect_within.h"
#include "base/sockets/listener_socket.h"
#include "base/sockets/poll_wait.h"

namespace mobula::base {
namespace {

constexpr Duration kGreetingMax = std::chrono::seconds(3);

// How one attempt went.
struct Attempt {
  enum class Kind : std::uint8_t { kAnswered, kAway, kLate, kRefused };
  Kind kind = Kind::kAway;
  std::string text;        // the answer, or what was met
  bool is_nobody = false;  // nobody listens there
};

// Shakes hands over the socket until `end`.
Attempt Greet(int fd, const std::string& token, BootTime end) {
  ClientGreeting greeting(fd, token);
  for (;;) {
    const ClientGreeting::Step step = greeting.Continue();
    if (step == ClientGreeting::Step::kDone) {
      return {Attempt::Kind::kAnswered, ""};
    }
    if (step == ClientGreeting::Step::kFailed) {
      return {
          greeting.refused() ? Attempt::Kind::kRefused : Attempt::Kind::kAway,
          greeting.error()};
    }
    if (BootNow() >= end) {
      return {Attempt::Kind::kAway, kSilence};
    }
    pollfd waits{};
    waits.fd = fd;
    waits.events = step == ClientGreeting::Step::kWrite ? POLLOUT : POLLIN;
    ::poll(&waits, 1, PollTimeout(end));
  }
}

constexpr char kNoCredentials[] =
    "it speaks TLS, and no credentials of its cluster are here: join it first "
    "(mobula start --address ... --token-file FILE)";

Attempt TryOnce(const ControlAddress& address, const std::string& token,
                const std::string& question, BootTime deadline,
                TlsTunnel* tunnel) {
  Attempt attempt;
  const BootTime greeted = std::min(deadline, BootNow() + kGreetingMax);
  int failed = 0;
  UniqueFd socket = ConnectWithin(address, greeted, &failed);
  if (!socket.valid()) {
    attempt.text = ErrorText(failed);
    attempt.is_nobody = IsNobody(failed);
    return attempt;
  }
  if (address.tls) {
    attempt.kind = Attempt::Kind::kRefused;
    attempt.text = kNoCredentials;
    if (tunnel == nullptr) return attempt;
    socket = tunnel->Wrap(std::move(socket), &attempt.text);
    if (!socket.valid()) return attempt;
  }
  attempt = Greet(socket.get(), token, greeted);
  if (attempt.kind != Attempt::Kind::kAnswered) return attempt;
  const Duration left = std::max(deadline - BootNow(), Duration::zero());
  switch (Ask(std::move(socket), question, left, &attempt.text)) {
    case AskResult::kAnswered:
      attempt.kind = Attempt::Kind::kAnswered;
      break;
    case AskResult::kLate:
      attempt.kind = Attempt::Kind::kLate;
      break;
    case AskResult::kBroken:
      attempt.kind = Attempt::Kind::kAway;
      break;
    case AskResult::kRefused:
      attempt.kind = Attempt::Kind::kRefused;
      break;
  }
  return attempt;
}

ControlReply ReadAnswer(std::string answer, RequestId request,
                        const std::string& where) {
  ControlMessage message;
  std::string error;
  if (!DecodeControl(Bytes::Own(std::move(answer)), &message, &error)) {
    return MakeFailure(FailureCode::kDecode, Executed::kMaybe,
                       where + " answers what cannot be read: " + error);
  }
  auto* const reply = std::get_if<ControlAnswer>(&message);
  if (reply == nullptr || reply->request != request) {
    return MakeFailure(FailureCode::kDecode, Executed::kMaybe,
                       where + " answers something else than was asked");
  }
  return std::move(reply->body);
}

// Lets the time pass before the next attempt.
void WaitFor(Duration wait) {
  ::poll(nullptr, 0, PollTimeout(BootNow() + wait));
}

}  // namespace

UniqueFd ConnectControl(const ControlAddress& address, std::string* error,
                        TlsTunnel* tunnel) {
  if (address.tls && tunnel == nullptr) {
    *error = kNoCredentials;
    return UniqueFd();
  }
  UniqueFd socket = MakeSocket(address);
  const int failed =
      socket.valid() ? ConnectSocket(address, socket.get()) : errno;
  if (failed == 0 || failed == EINPROGRESS) {
    return address.tls ? tunnel->Wrap(std::move(socket), error)
                       : std::move(socket);
  }
  *error = ErrorText(failed);
  return UniqueFd();
}

ControlReply CallControl(const ControlAddress& address,
                         const std::string& token, ControlRequest request,
                         Duration timeout, Duration absence,
                         TlsTunnel* tunnel) {
  const BootTime deadline = BootNow() + timeout;
  BootTime nobody_since = BootTime::Never();
  IdSource ids(RandomBits());
  ControlCall call;
  call.request = ids.Next<RequestId>();
  call.from = ids.Next<ProcessId>();
  call.body = std::move(request);
  const std::string where = "the control store at " + address.ToString();
  const std::string question = EncodeControl(ControlMessage(call));
  if (question.size() > kControlMessageBytesMax) {
    return MakeFailure(FailureCode::kTooLarge, Executed::kMaybe,
                       "the request has " + std::to_string(question.size()) +
                           " bytes; at most " +
                           std::to_string(kControlMessageBytesMax) +
                           " can be sent");
  }
  BackoffOptions waits;
  waits.first = std::chrono::milliseconds(10);
  waits.max = std::chrono::milliseconds(500);
  Backoff backoff(waits, RandomBits());
  for (;;) {
    Attempt attempt = TryOnce(address, token, question, deadline, tunnel);
    switch (attempt.kind) {
      case Attempt::Kind::kAnswered:
        return ReadAnswer(std::move(attempt.text), call.request, where);
      case Attempt::Kind::kRefused:
        return MakeFailure(FailureCode::kBadArgument, Executed::kMaybe,
                           where + ": " + attempt.text);
      case Attempt::Kind::kLate:
        return MakeFailure(FailureCode::kTimeout, Executed::kMaybe,
                           where + " did not answer in time");
      case Attempt::Kind::kAway:
        break;
    }
    const BootTime now = BootNow();
    nobody_since =
        attempt.is_nobody ? std::min(nobody_since, now) : BootTime::Never();
    const Duration left = std::min(deadline, nobody_since + absence) - now;
    if (left <= Duration::zero()) {
      return MakeFailure(FailureCode::kControlAway, Executed::kMaybe,
                         where + " is away: " + attempt.text);
    }
    WaitFor(std::min(backoff.Next(), left));
  }
}

}  // namespace mobula::base
