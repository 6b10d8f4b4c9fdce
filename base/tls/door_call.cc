#include "base/tls/door_call.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <utility>
#include <variant>

#include "base/clock.h"
#include "base/error_text.h"
#include "base/rpc/greeting.h"
#include "base/session/backoff.h"
#include "base/sockets/connect_within.h"
#include "base/sockets/poll_wait.h"
#include "base/tls/tls_end.h"

namespace mobula::base {
namespace {

constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kChunkBytes = 16384;

std::size_t LengthIn(std::string_view bytes) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length |= std::size_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return length;
}

// One question and its answer over a socket, plain or by TLS.
class Conversation {
 public:
  Conversation(UniqueFd socket, std::shared_ptr<const TlsContext> context,
               BootTime deadline)
      : socket_(std::move(socket)), deadline_(deadline) {
    if (context == nullptr) return;
    tls_ = std::make_unique<TlsEnd>(std::move(context), /*accepts=*/false);
  }

  std::optional<std::string> Ask(const std::string& words, std::string* error) {
    if (!Open(error)) return std::nullopt;
    if (tls_ != nullptr) {
      tls_->Send(words);
    } else {
      out_ = words;
    }
    while (true) {
      const std::string& in = tls_ != nullptr ? tls_->input() : in_;
      if (in.size() >= kLengthBytes) {
        const std::size_t length = LengthIn(in);
        if (length > kDoorBytesMax) {
          *error = "its answer makes no sense";
          return std::nullopt;
        }
        if (in.size() >= kLengthBytes + length) {
          return in.substr(kLengthBytes, length);
        }
      }
      if (!Exchange(error)) return std::nullopt;
    }
  }
  // What ended it would end another one, too.
  [[nodiscard]] bool for_good() const {
    return tls_ != nullptr && tls_->for_good();
  }

 private:
  bool Open(std::string* error) {
    if (tls_ == nullptr) return true;
    tls_->Feed("");
    while (tls_->state() == TlsEnd::State::kShaking) {
      if (!Exchange(error)) return false;
    }
    return true;
  }

  // Sends what is to be sent and takes in what has come.
  bool Exchange(std::string* error) {
    if (tls_ != nullptr) out_ += tls_->TakeOutput();
    if (!SendAll(error)) return false;
    if (tls_ != nullptr && tls_->state() == TlsEnd::State::kEnded) {
      *error = tls_->why();
      return false;
    }
    if (!WaitReadable(socket_.get(), deadline_)) {
      *error = "it does not answer in time";
      return false;
    }
    std::array<char, kChunkBytes> chunk;
    const ssize_t count = ::recv(socket_.get(), chunk.data(), chunk.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (count <= 0) {
      *error = count < 0 ? ErrorText()
                         : "it closed the connection without an answer";
      return false;
    }
    const std::string_view bytes(chunk.data(), static_cast<std::size_t>(count));
    if (tls_ == nullptr) {
      in_ += bytes;
      return true;
    }
    tls_->Feed(bytes);
    const bool is_over = tls_->state() == TlsEnd::State::kEnded;
    if (is_over && tls_->input().size() < kLengthBytes) {
      out_ += tls_->TakeOutput();  // an alert says to it what is wrong
      std::string none;
      (void)SendAll(&none);
      *error = tls_->why();
      return false;
    }
    return true;
  }

  bool SendAll(std::string* error) {
    while (!out_.empty()) {
      const ssize_t count =
          ::send(socket_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
      if (count > 0) {
        out_.erase(0, static_cast<std::size_t>(count));
        continue;
      }
      if (errno != EAGAIN && errno != EINTR) {
        *error = ErrorText();
        return false;
      }
      pollfd waits{socket_.get(), POLLOUT, 0};
      if (::poll(&waits, 1, PollTimeout(deadline_)) == 0) {
        *error = "it takes nothing in time";
        return false;
      }
    }
    return true;
  }

  const UniqueFd socket_;
  const BootTime deadline_;
  std::unique_ptr<TlsEnd> tls_;
  std::string out_;
  std::string in_;
};

bool MayPass(const std::optional<DoorAnswer>& answer) {
  if (!answer) return true;
  const auto* const refused = std::get_if<DoorRefused>(&*answer);
  return refused != nullptr && refused->code == DoorRefusal::kBusy;
}

std::optional<Credentials> Take(const DoorAnswer& answer, const KeyPair& key,
                                std::string* error) {
  if (const auto* const refused = std::get_if<DoorRefused>(&answer)) {
    *error = refused->reason;
    return std::nullopt;
  }
  const auto* const given = std::get_if<Certified>(&answer);
  const auto own =
      given == nullptr ? std::nullopt : Certificate::FromPem(given->own_pem);
  const auto above = given == nullptr
                         ? std::nullopt
                         : Certificate::FromPem(given->authority_pem);
  if (!own || !above || !own->IsOf(key) || !own->identity()) {
    *error = "it answers something else than was asked";
    return std::nullopt;
  }
  return Credentials{key, *own, *above};
}

}  // namespace

std::optional<DoorAnswer> AskAtDoor(const ControlAddress& address,
                                    std::shared_ptr<const TlsContext> context,
                                    const DoorQuestion& question,
                                    Duration timeout, std::string* error,
                                    bool* for_good) {
  const BootTime deadline = BootNow() + timeout;
  const std::string where = "the control store at " + address.ToString();
  int failed = 0;
  UniqueFd socket = ConnectWithin(address, deadline, &failed);
  if (!socket.valid()) {
    *error = where + " is not reached: " + ErrorText(failed);
    return std::nullopt;
  }
  const std::string body = EncodeQuestion(question);
  Conversation conversation(std::move(socket), std::move(context), deadline);
  std::string why;
  const auto words =
      conversation.Ask(EncodeDoorGreeting(body.size()) + body, &why);
  DoorAnswer answer;
  if (words && DecodeAnswer(*words, &answer, &why)) return answer;
  *error = where + ": " + why;
  if (for_good != nullptr) *for_good = conversation.for_good();
  return std::nullopt;
}

std::optional<Credentials> JoinCluster(const ControlAddress& address,
                                       const JoinToken& token,
                                       const KeyPair& key, Duration timeout,
                                       std::string* error) {
  const JoinAsked asked{token.cluster, token.id, token.secret,
                        key.SigningRequest()};
  const BootTime deadline = BootNow() + timeout;
  const auto context = TlsContext::ForJoiner(token.cluster, token.authority);
  BackoffOptions waits;
  waits.first = std::chrono::milliseconds(20);
  waits.max = std::chrono::milliseconds(500);
  Backoff backoff(waits, RandomBits());
  std::optional<DoorAnswer> answer;
  while (true) {
    bool for_good = false;
    answer = AskAtDoor(address, context, asked, deadline - BootNow(), error,
                       &for_good);
    const BootTime next = BootNow() + backoff.Next();
    if (!MayPass(answer) || for_good || next >= deadline) break;
    ::poll(nullptr, 0, PollTimeout(next));
  }
  if (!answer) return std::nullopt;
  auto mine = Take(*answer, key, error);
  if (!mine) {
    *error = "the control store at " + address.ToString() +
             " refuses this machine: " + *error;
    return std::nullopt;
  }
  if (mine->authority.Fingerprint() == token.authority) return mine;
  *error = "the control store at " + address.ToString() +
           " answers with another cluster's authority";
  return std::nullopt;
}

std::optional<Credentials> RenewCredentials(const ControlAddress& address,
                                            const Credentials& credentials,
                                            Duration timeout,
                                            std::string* error,
                                            WallClock clock) {
  const KeyPair key = KeyPair::Make();
  const auto answer =
      AskAtDoor(address, TlsContext::ForNode(credentials, std::move(clock)),
                RenewAsked{key.SigningRequest()}, timeout, error);
  if (!answer) return std::nullopt;
  auto renewed = Take(*answer, key, error);
  if (!renewed) return std::nullopt;
  if (renewed->identity() == credentials.identity() &&
      renewed->authority.Fingerprint() == credentials.authority.Fingerprint()) {
    return renewed;
  }
  *error = "the control store at " + address.ToString() +
           " answers with a certificate of somebody else";
  return std::nullopt;
}

std::optional<std::string> AskForToken(const ControlAddress& address,
                                       const TokenAsked& asked,
                                       Duration timeout, std::string* error) {
  const auto answer = AskAtDoor(address, nullptr, asked, timeout, error);
  if (!answer) return std::nullopt;
  if (const auto* const made = std::get_if<TokenMade>(&*answer)) {
    return made->token;
  }
  const auto* const refused = std::get_if<DoorRefused>(&*answer);
  *error = "the control store at " + address.ToString() + ": " +
           (refused != nullptr ? refused->reason : "it answers something else");
  return std::nullopt;
}

}  // namespace mobula::base
