#include "tests/sim/control_line.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace mobula::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr base::Duration kHandshakeTimeout = seconds(3);

base::BackoffOptions ReconnectOptions() {
  base::BackoffOptions options;
  options.first = milliseconds(10);
  options.max = milliseconds(500);
  options.first_at_once = true;
  return options;
}

}  // namespace

ControlLine::ControlLine(const World& world, Process& raylet, Rng rng,
                         Callbacks callbacks)
    : world_(world),
      raylet_(raylet),
      rng_(rng),
      callbacks_(std::move(callbacks)),
      backoff_(ReconnectOptions(), rng_.Next()) {}

void ControlLine::Start() {
  if (std::exchange(started_, true)) return;
  Connect();
}

void ControlLine::Send(const base::ControlMessage& message) {
  if (end_ != nullptr) end_->Send(message);
}

void ControlLine::Retry() {
  const std::uint64_t attempt = ++attempt_;
  // A refusal takes a while, however soon the next attempt is.
  const base::Duration wait =
      backoff_.Next() + rng_.Within(microseconds(20), microseconds(200));
  raylet_.After(wait, [this, attempt] {
    if (attempt == attempt_) Connect();
  });
}

void ControlLine::Connect() {
  const std::uint64_t attempt = ++attempt_;
  if (world_.queue.now() < blocked_until_) {
    Retry();
    return;
  }
  if (connecting_ != nullptr) connecting_->Close(0);
  connecting_ = std::make_shared<LineConnection>(world_.network);
  early_.clear();
  const std::weak_ptr<LineConnection> weak = connecting_;
  connecting_->Read(0, {[this, weak](const LinePacket& packet) {
                          if (weak.lock() == connecting_) {
                            early_.push_back(packet);
                          }
                        },
                        [this, attempt] {
                          raylet_.Turn([this, attempt] {
                            if (attempt == attempt_) Retry();
                          });
                        }});
  LineHello hello;
  hello.raylet = raylet_.id();
  hello.epoch = end_ == nullptr ? 0 : end_->epoch();
  const bool listens = world_.door.Knock(
      hello, connecting_, [this, attempt](const LineWelcome& welcome) {
        raylet_.Turn([this, attempt, welcome] {
          if (attempt != attempt_) return;
          OnAgreed(std::exchange(connecting_, nullptr), welcome);
        });
      });
  if (!listens) {
    Retry();
    return;
  }
  raylet_.After(kHandshakeTimeout, [this, attempt] {
    if (attempt != attempt_ || connecting_ == nullptr) return;
    std::exchange(connecting_, nullptr)->Close(0);
    Retry();
  });
}

void ControlLine::OnAgreed(std::shared_ptr<LineConnection> connection,
                           const LineWelcome& welcome) {
  ++attempt_;
  backoff_.Reset();
  const bool is_new = !welcome.goes_on || end_ == nullptr;
  if (is_new) NewSession(welcome);
  // The raylet may have died of the news.
  if (!raylet_.alive()) return;
  end_->Attach(std::move(connection));
  if (is_new) callbacks_.on_up(welcome.epoch);
  for (const LinePacket& packet : std::exchange(early_, {})) {
    if (end_ != nullptr) end_->Arrive(packet);
  }
}

void ControlLine::NewSession(const LineWelcome& welcome) {
  if (end_ != nullptr) {
    std::exchange(end_, nullptr)->Close();
    callbacks_.on_down();
  }
  if (!raylet_.alive()) return;
  LineEnd::Options options;
  options.side = 0;
  options.peer = welcome.store;
  options.epoch = welcome.epoch;
  end_ = std::make_shared<LineEnd>(
      options, raylet_, world_.queue, world_.verdict,
      LineEnd::Callbacks{[this](base::ControlMessage message) {
                           callbacks_.on_message(std::move(message));
                         },
                         [this] { Retry(); }, [this] { OnEnded(); }});
}

void ControlLine::OnEnded() {
  end_ = nullptr;
  callbacks_.on_down();
  Retry();
}

void ControlLine::Break() {
  if (attached()) end_->connection()->Break();
}

void ControlLine::Cut(int side, base::Duration length) {
  if (attached()) end_->connection()->Cut(side, length);
}

void ControlLine::Block(base::Duration length) {
  blocked_until_ = std::max(blocked_until_, world_.queue.now() + length);
  Cut(0, length);
  Cut(1, length);
}

void ControlLine::Close() {
  ++attempt_;
  if (end_ != nullptr) std::exchange(end_, nullptr)->Close();
  if (connecting_ != nullptr) std::exchange(connecting_, nullptr)->Close(0);
}

}  // namespace mobula::sim
