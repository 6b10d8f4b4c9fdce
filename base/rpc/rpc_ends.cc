#include "base/rpc/rpc_ends.h"

#include <sys/socket.h>
#include <unistd.h>

#include <utility>
#include <variant>

#include "base/check.h"
#include "base/clock.h"
#include "base/rpc/control_call.h"

namespace mobula::base {
namespace {

constexpr Duration kPatience = std::chrono::seconds(60);

}  // namespace

void Story::Tell(std::string line) {
  MutexLock lock(mutex_);
  lines_.push_back(std::move(line));
  changed_.NotifyAll();
}

bool Story::WaitFor(const std::string& start, std::size_t count) {
  const BootTime end = BootNow() + kPatience;
  MutexLock lock(mutex_);
  while (CountLocked(start) < count) {
    const Duration left = end - BootNow();
    if (left <= Duration::zero()) return false;
    changed_.WaitFor(mutex_, left);
  }
  return true;
}

std::size_t Story::Count(const std::string& start) {
  MutexLock lock(mutex_);
  return CountLocked(start);
}

std::size_t Story::CountLocked(const std::string& start) {
  std::size_t count = 0;
  for (const std::string& line : lines_) {
    if (line.starts_with(start)) ++count;
  }
  return count;
}

std::vector<std::string> Story::lines() {
  MutexLock lock(mutex_);
  return lines_;
}

std::string Story::WrongOrder(const std::string& what, std::size_t count) {
  std::size_t next = 1;
  for (const std::string& line : lines()) {
    if (!line.starts_with(what)) continue;
    const std::string wanted = what + std::to_string(next++);
    if (line != wanted) return line + " in place of " + wanted;
  }
  if (next == count + 1) return "";
  return std::to_string(next - 1) + " lines and not " + std::to_string(count);
}

void RunOn(Strand& strand, const std::function<void()>& closure) {
  Mutex mutex;
  CondVar changed;
  bool done = false;
  strand.Post([&mutex, &changed, &done, &closure] {
    closure();
    MutexLock lock(mutex);
    done = true;
    changed.NotifyOne();
  });
  MutexLock lock(mutex);
  while (!done) changed.Wait(mutex);
}

ControlMessage Renewal(std::uint64_t sequence) {
  RenewNode renew;
  renew.node = {7, 7};
  renew.sequence = sequence;
  return renew;
}

EchoStore::EchoStore(const Options& options) : strand_("store") {
  ControlServer::Options server;
  server.self = {100, options.epoch};
  server.epoch = options.epoch;
  server.cluster = {9, 9};
  server.token = options.token;
  server.connections_max = options.connections_max;
  server.handshake_timeout = options.handshake_timeout;
  server.lost_after = options.lost_after;
  server.clock = options.clock;
  ControlServer::Callbacks callbacks;
  callbacks.on_open = [this](ProcessId peer) {
    story.Tell("open " + peer.ToString());
  };
  callbacks.on_lost = [this](ProcessId peer, const std::string& reason) {
    story.Tell("lost " + peer.ToString() + " " + reason);
  };
  callbacks.on_message = [this](ProcessId peer, const ControlMessage& message) {
    OnMessage(peer, message);
  };
  callbacks.on_verdict = [this](const TlsDoor::Verdict& verdict) {
    story.Tell((verdict.admitted ? "admitted " : "turned away ") +
               std::to_string(verdict.maker) +
               (verdict.admitted ? "" : " " + verdict.reason));
  };
  callbacks.on_question = [this](ControlServer::DoorQuestion asked) {
    story.Tell("asked " + std::to_string(asked.maker) +
               (asked.is_local ? " here " : " ") + asked.body);
    server_->Answer(asked.id, asked.body);
  };
  server_ = std::make_unique<ControlServer>(strand_, std::move(server),
                                            std::move(callbacks));
  strand_.StartThread();
}

EchoStore::~EchoStore() {
  RunOn(strand_, [this] { server_ = nullptr; });
}

std::string EchoStore::Listen(const std::string& where) {
  std::string error;
  ControlAddress bound;
  const auto address = ControlAddress::Parse(where, &error);
  MOBULA_CHECK(address.has_value()) << error;
  bool good = false;
  RunOn(strand_, [this, &address, &bound, &error, &good] {
    good = server_->Listen(*address, &bound, &error);
  });
  return good ? bound.ToString() : "error: " + error;
}

std::string EchoStore::ListenTls(const std::string& where,
                                 std::shared_ptr<const TlsContext> context) {
  std::string error;
  ControlAddress bound;
  const auto address = ControlAddress::Parse(where, &error);
  MOBULA_CHECK(address.has_value() && address->tls) << error;
  bool good = false;
  RunOn(strand_, [this, &address, &context, &bound, &error, &good] {
    good = server_->ListenTls(*address, context, &bound, &error);
  });
  return good ? bound.ToString() : "error: " + error;
}

void EchoStore::Adopt(UniqueFd socket) {
  RunOn(strand_, [this, &socket] { server_->Adopt(std::move(socket)); });
}

void EchoStore::Pause(bool paused) {
  RunOn(strand_, [this, paused] { server_->Pause(paused); });
}

void EchoStore::Send(ProcessId peer, const ControlMessage& message) {
  RunOn(strand_, [this, peer, &message] { server_->Send(peer, message); });
}

void EchoStore::Close(ProcessId peer, const std::string& reason) {
  RunOn(strand_, [this, peer, &reason] { server_->Close(peer, reason); });
}

void EchoStore::OnMessage(ProcessId peer, const ControlMessage& message) {
  if (const auto* renew = std::get_if<RenewNode>(&message)) {
    story.Tell("renew " + std::to_string(renew->sequence));
    NodeRenewed renewed;
    renewed.sequence = renew->sequence;
    server_->Send(peer, renewed);
  }
  if (const auto* call = std::get_if<ControlCall>(&message)) {
    story.Tell("call " + call->request.ToString());
    if (!answering) return;
    StatusAnswer status;
    status.epoch = 5;
    ControlAnswer answer;
    answer.request = call->request;
    answer.to = call->from;
    answer.body = status;
    server_->Send(peer, answer);
  }
}

namespace {

EchoClient::Options At(const std::string& where) {
  EchoClient::Options options;
  options.where = where;
  return options;
}

}  // namespace

EchoClient::EchoClient(const std::string& where) : EchoClient(At(where)) {}

EchoClient::EchoClient(const Options& options) : strand_("client") {
  ControlClient::Options client;
  client.self = options.self;
  client.token = options.token;
  client.handshake_timeout = options.handshake_timeout;
  client.queued_bytes_max = options.queued_bytes_max;
  client.reconnect_max = std::chrono::milliseconds(50);
  client.connect = [this, options](std::string* error) {
    if (options.connect) return options.connect(error);
    const auto address = ControlAddress::Parse(options.where, error);
    MOBULA_CHECK(address.has_value()) << *error;
    UniqueFd socket = ConnectControl(*address, error);
    socket_ = UniqueFd(::dup(socket.get()));
    return socket;
  };
  ControlClient::Callbacks callbacks;
  callbacks.on_up = [this](std::uint64_t epoch, ClusterId cluster) {
    story.Tell("up " + std::to_string(epoch) + " " + cluster.ToString());
  };
  callbacks.on_down = [this](const std::string& reason) {
    story.Tell("down " + reason);
  };
  callbacks.on_refused = [this](const std::string& reason) {
    story.Tell("refused " + reason);
  };
  if (options.tells_failures) {
    callbacks.on_failed = [this](const std::string& reason) {
      story.Tell("failed " + reason);
    };
  }
  callbacks.on_message = [this](const ControlMessage& message) {
    if (const auto* renewed = std::get_if<NodeRenewed>(&message)) {
      story.Tell("renewed " + std::to_string(renewed->sequence));
    }
    if (const auto* answer = std::get_if<ControlAnswer>(&message)) {
      const auto* failure = std::get_if<Failure>(&answer->body);
      story.Tell("answer " + (failure == nullptr ? "" : failure->message));
    }
  };
  client_ = std::make_unique<ControlClient>(strand_, std::move(client),
                                            std::move(callbacks));
  strand_.StartThread();
}

EchoClient::~EchoClient() {
  RunOn(strand_, [this] { client_ = nullptr; });
}

void EchoClient::Send(const ControlMessage& message) {
  RunOn(strand_, [this, &message] { client_->Send(message); });
}

void EchoClient::SendRenewals(std::uint64_t first, std::uint64_t last) {
  RunOn(strand_, [this, first, last] {
    for (std::uint64_t i = first; i <= last; ++i) client_->Send(Renewal(i));
  });
}

void EchoClient::Break() {
  RunOn(strand_, [this] { ::shutdown(socket_.get(), SHUT_RDWR); });
}

}  // namespace mobula::base
