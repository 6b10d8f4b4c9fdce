#include "gcs/server/server.h"

#include <unistd.h>

#include <chrono>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/clock.h"
#include "base/control/control_request.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/security/node_identity.h"

namespace mobula::gcs {
namespace {

using base::ControlMessage;
using base::ControlServer;
using base::ProcessId;
using base::Strand;

// For the points in time in records, which people read.
std::int64_t WallOffsetMs(base::BootTime now) {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return (duration_cast<milliseconds>(wall) -
          duration_cast<milliseconds>(now.since_boot()))
      .count();
}

// Why a node of another machine may not say that, "" if it may: it speaks for
// itself, and there is one head.
std::string WrongFrom(std::uint64_t maker, const ControlMessage& message) {
  base::NodeId node;
  if (const auto* const join = std::get_if<base::JoinNode>(&message)) {
    if (join->node.is_head) return "a node of another machine is no head";
    node = join->node.node;
  } else if (const auto* part = std::get_if<base::JoinPart>(&message)) {
    node = part->node;
  } else if (const auto* call = std::get_if<base::ControlCall>(&message)) {
    const auto* const dead = std::get_if<base::ReportNodeDead>(&call->body);
    if (dead == nullptr) return "";
    node = dead->node;
  } else {
    return "";  // the core looks at which node has joined on the session
  }
  if (node.hi == maker) return "";
  return "the certificate is of node " + base::MakerText(maker) +
         ", and it speaks for " + node.ToString();
}

// Keys hold bytes of any kind.
std::string Printable(std::string_view key) {
  constexpr std::size_t kShownMax = 64;
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char byte : key.substr(0, kShownMax)) {
    if (byte >= ' ' && byte <= '~') {
      text += byte;
      continue;
    }
    text += "\\x";
    text += kDigits[static_cast<unsigned char>(byte) >> 4];
    text += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

}  // namespace

Server::Server(Strand& strand, CommitQueue::Options queue)
    : strand_(strand), queue_(queue) {}

Server::~Server() {
  strand_.AssertHeld();
  lines_.reset();
  door_.reset();
  strand_.Cancel(timer_);
  log_.reset();
}

std::unique_ptr<Server> Server::Open(Strand& strand, Options options,
                                     std::string* error) {
  strand.AssertHeld();
  std::unique_ptr<Server> server(new Server(strand, options.queue));
  server->strand_.AssertHeld();
  if (!server->OpenLog(std::move(options.log), error)) return nullptr;
  if (!server->Restore(error)) return nullptr;
  if (!server->Serve(std::move(options), error)) return nullptr;
  return server;
}

bool Server::OpenLog(ControlLog::Options options, std::string* error) {
  log_ = ControlLog::Open(strand_, std::move(options),
                          {[this](std::uint64_t number) {
                             strand_.AssertHeld();
                             OnDurable(number);
                           },
                           [this](bool full, std::int64_t free_bytes) {
                             strand_.AssertHeld();
                             Handle(DiskChanged{full, free_bytes});
                           }},
                          error);
  return log_ != nullptr;
}

bool Server::Restore(std::string* error) {
  const base::BootTime now = strand_.Now();
  Core::Options options;
  options.cluster = log_->cluster();
  options.epoch = log_->epoch();
  options.pid = ::getpid();
  options.wall_offset_ms = WallOffsetMs(now);
  core_ = std::make_unique<Core>(options);
  bool whole = true;
  std::uint64_t records = 0;
  Core& core = *core_;
  log_->ForEach([&](std::string_view key, std::string_view value) {
    std::string why;
    ++records;
    if (!whole || core.Restore(key, value, &why)) return;
    whole = false;
    *error = "record " + Printable(key) + " of the log is wrong: " + why;
  });
  if (!whole) return false;
  MOBULA_LOG(INFO) << "epoch " << log_->epoch() << " of cluster "
                   << log_->cluster() << " begins with " << records
                   << " records";
  core_->Start(now, effects_);
  return true;
}

bool Server::Serve(Options options, std::string* error) {
  base::IdSource ids(base::RandomBits());
  ControlServer::Options lines;
  lines.self = ids.Next<ProcessId>();
  lines.epoch = log_->epoch();
  lines.cluster = log_->cluster();
  lines.token = std::move(options.token);
  lines_ = std::make_unique<ControlServer>(
      strand_, std::move(lines),
      ControlServer::Callbacks{
          [](ProcessId) {},  // the core knows a peer by its first message
          [this](ProcessId peer, ControlMessage message) {
            strand_.AssertHeld();
            Hear(peer, std::move(message));
          },
          [this](ProcessId peer, const std::string& reason) {
            strand_.AssertHeld();
            MOBULA_LOG(DEBUG) << "session of " << peer << " ends: " << reason;
            Handle(PeerLost{peer});
          },
          [this](ControlServer::DoorQuestion asked) {
            strand_.AssertHeld();
            door_->OnQuestion(std::move(asked));
          },
          [this](const base::TlsDoor::Verdict& verdict) {
            strand_.AssertHeld();
            door_->OnVerdict(verdict);
          }});
  OpenDoor(std::move(options.door));
  Commit();  // what Start wanted
  Release();
  for (const base::ControlAddress& address : options.listen) {
    if (!Listen(address, error)) return false;
  }
  if (options.served.valid()) lines_->Adopt(std::move(options.served));
  return true;
}

void Server::OpenDoor(Door::Options options) {
  options.cluster = log_->cluster();
  Door::Callbacks callbacks;
  callbacks.to_core = [this](Event event) {
    strand_.AssertHeld();
    Handle(std::move(event));
  };
  callbacks.answer = [this](std::uint64_t question, std::string body) {
    strand_.AssertHeld();
    lines_->Answer(question, std::move(body));
  };
  callbacks.use = [this](std::shared_ptr<const base::TlsContext> context) {
    strand_.AssertHeld();
    lines_->UseTls(std::move(context));
  };
  door_ =
      std::make_unique<Door>(strand_, std::move(options), std::move(callbacks));
}

bool Server::Listen(const base::ControlAddress& address, std::string* error) {
  base::ControlAddress bound;
  if (address.tls) {
    auto context = door_->Open(error);
    if (context == nullptr ||
        !lines_->ListenTls(address, std::move(context), &bound, error)) {
      return false;
    }
  } else if (!lines_->Listen(address, &bound, error)) {
    return false;
  }
  MOBULA_LOG(INFO) << "listens at " << bound.ToString();
  bound_.push_back(std::move(bound));
  return true;
}

void Server::Hear(ProcessId peer, ControlMessage message) {
  const std::uint64_t maker = lines_->MakerOf(peer);
  const std::string wrong = maker == 0 ? "" : WrongFrom(maker, message);
  if (wrong.empty()) return Handle(Received{peer, std::move(message)});
  door_->OnVerdict({false, maker, "node " + base::MakerText(maker), wrong});
  if (const auto* const call = std::get_if<base::ControlCall>(&message)) {
    base::ControlAnswer answer;
    answer.request = call->request;
    answer.to = call->from;
    answer.body = base::NotRun(base::FailureCode::kBadArgument, wrong);
    return lines_->Send(peer, answer);
  }
  lines_->Send(peer, base::NodeRefused{wrong});
}

void Server::Handle(Event event) {
  events_.push_back(std::move(event));
  Drain();
}

void Server::Drain() {
  if (runs_) return;
  runs_ = true;
  while (!events_.empty()) {
    const Event next = std::move(events_.front());
    events_.pop_front();
    core_->SetLogNumber(durable_);
    core_->Step(next, strand_.Now(), effects_);
    Commit();
    Release();
  }
  runs_ = false;
}

void Server::Commit() {
  Batch batch;
  queue_.Take(effects_, released_, batch);
  if (!batch.empty()) queue_.Appended(log_->Append(std::move(batch)));
}

void Server::OnDurable(std::uint64_t number) {
  MOBULA_CHECK(!runs_, "the log speaks on its own, not within Append");
  durable_ = number;
  queue_.Durable(number, released_);
  runs_ = true;
  Release();
  runs_ = false;
  Drain();
}

void Server::Release() {
  const Effects due = std::exchange(released_, {});
  for (const Effect& effect : due) CarryOut(effect);
  if (queue_.Full() == paused_) return;
  paused_ = !paused_;
  lines_->Pause(paused_);
}

void Server::CarryOut(const Effect& effect) {
  if (const auto* const send = std::get_if<Send>(&effect)) {
    lines_->Send(send->to, send->message);
  } else if (const auto* const close = std::get_if<ClosePeer>(&effect)) {
    lines_->Close(close->peer, "the control store ends the session");
  } else if (const auto* const timer = std::get_if<SetTimer>(&effect)) {
    SetCoreTimer(timer->at);
  } else if (const auto* const answer = std::get_if<TokenAnswer>(&effect)) {
    door_->OnTokenAnswer(*answer);
  } else {
    MOBULA_CHECK(false, "a write is no effect to carry out");
  }
}

void Server::SetCoreTimer(base::BootTime at) {
  strand_.Cancel(timer_);
  timer_ = 0;
  if (at.IsNever()) return;
  timer_ = strand_.PostAt(at, [this] {
    strand_.AssertHeld();
    timer_ = 0;
    Handle(Tick{});
  });
}

}  // namespace mobula::gcs
