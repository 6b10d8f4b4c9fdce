#include "raylet/lines/lane_dial.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "base/error_text.h"
#include "base/rpc/greeting.h"
#include "base/sockets/listener_socket.h"

namespace mobula::raylet {

using base::Strand;

LaneDial::LaneDial(Strand& strand, const Target& target, NodeHello hello,
                   std::function<void(Outcome)> done)
    : strand_(strand), hello_(hello), done_(std::move(done)) {
  std::string why = Begin(target);
  if (!why.empty()) {
    FinishLater(std::move(why));
    return;
  }
  timer_ = strand_.PostAt(strand_.Now() + target.timeout, [this] {
    strand_.AssertHeld();
    timer_ = 0;
    Finish({nullptr, {}, "it does not answer in time"});
  });
}

LaneDial::~LaneDial() {
  if (timer_ != 0) strand_.Cancel(timer_);
  if (socket_.valid()) strand_.Unwatch(socket_.get());
}

std::string LaneDial::Begin(const Target& target) {
  std::string error;
  const auto address = base::ControlAddress::Parse(target.door, &error);
  if (!address) return error;
  if (address->path.empty() && !address->tls) {
    return target.door + " is no door of a raylet";
  }
  if (address->tls && target.tunnel == nullptr) {
    return "it waits at " + target.door +
           ", and this node has no certificate to speak TLS with";
  }
  socket_ = base::MakeSocket(*address);
  if (!socket_.valid()) return base::WithErrorText("no socket can be made");
  // Of no meaning to a Unix socket.
  const auto silence_ms =
      static_cast<unsigned>(target.silence_max / std::chrono::milliseconds(1));
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms,
               sizeof silence_ms);
  const int failed = base::ConnectSocket(*address, socket_.get());
  if (failed != 0 && failed != EINPROGRESS) return base::ErrorText(failed);
  if (!address->tls) {
    SayHello();
    return "";
  }
  socket_ = target.tunnel->WrapTo(hello_.to.hi, std::move(socket_), &error);
  if (!socket_.valid()) return error;
  // A new socket pair has room. Where the tunnel has ended already it has said
  // why.
  const std::string greeting = base::EncodeGreeting("");
  (void)!::send(socket_.get(), greeting.data(), greeting.size(), MSG_NOSIGNAL);
  strand_.Watch(socket_.get(), Strand::kReadable, [this](std::uint32_t) {
    strand_.AssertHeld();
    ReadAdmission();
  });
  return "";
}

// Exactly that: what follows is the wire's.
void LaneDial::ReadAdmission() {
  char bytes[base::kAdmissionBytes];
  const ssize_t count = ::recv(socket_.get(), bytes,
                               base::kAdmissionBytes - admission_.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    return Finish({nullptr, {}, "it closed the connection"});
  }
  admission_.append(bytes, static_cast<std::size_t>(count));
  if (admission_.size() < base::kAdmissionBytes) return;
  base::Admission admission;
  std::string error;
  if (!base::DecodeAdmission(admission_, &admission, &error)) {
    return Finish({nullptr, {}, error});
  }
  if (admission.code != base::AdmissionCode::kAdmitted) {
    return Finish({nullptr, {}, admission.reason});
  }
  strand_.Unwatch(socket_.get());
  SayHello();
}

void LaneDial::SayHello() {
  wire_ = std::make_unique<LaneWire>(strand_, std::move(socket_));
  LaneWire::Callbacks callbacks;
  callbacks.on_hello = [this](const base::Bytes& bytes) {
    strand_.AssertHeld();
    OnWelcome(bytes);
  };
  callbacks.on_frame = [this](const base::SessionHeader&, const base::Bytes&) {
    strand_.AssertHeld();
    Finish({nullptr, {}, "it says something before its welcome"});
  };
  callbacks.on_closed = [this](const std::string& why) {
    strand_.AssertHeld();
    Finish({nullptr, {}, "the connection ended before its welcome: " + why});
  };
  wire_->Start(std::move(callbacks));
  wire_->SendHello(EncodeNodeHello(hello_));
}

void LaneDial::OnWelcome(const base::Bytes& bytes) {
  Outcome outcome;
  std::string error;
  if (!DecodeNodeWelcome(bytes.view(), &outcome.welcome, &error)) {
    return Finish({nullptr, {}, error});
  }
  outcome.wire = std::move(wire_);
  Finish(std::move(outcome));
}

void LaneDial::Finish(Outcome outcome) {
  // This may be gone when it returns.
  const auto done = std::exchange(done_, nullptr);
  if (timer_ != 0) strand_.Cancel(std::exchange(timer_, 0));
  if (done != nullptr) done(std::move(outcome));
}

void LaneDial::FinishLater(std::string why) {
  if (socket_.valid()) socket_.Reset();
  timer_ = strand_.PostAt(strand_.Now(), [this, why = std::move(why)] {
    strand_.AssertHeld();
    timer_ = 0;
    Finish({nullptr, {}, why});
  });
}

}  // namespace mobula::raylet
