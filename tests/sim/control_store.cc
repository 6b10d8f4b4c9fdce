#include "tests/sim/control_store.h"

#include <chrono>
#include <utility>

#include "base/check.h"

namespace mobula::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

constexpr std::uint64_t kToolMaker = 4;
constexpr base::ProcessId kTool{kToolMaker, 1};
constexpr base::Duration kToolPatience = milliseconds(200);

}  // namespace

struct ToolCall {
  base::ControlCall call;
  ControlStore::Answered answered;
  bool over = false;
};

ControlStore::ControlStore(const Parts& parts, Rng rng)
    : parts_(parts),
      rng_(rng),
      disk_(parts.world.options().disk, rng_.Fork(),
            parts.world.records().queue, parts.counts,
            [this](const gcs::Write& write) { parts_.audit.OnDurable(write); }),
      requests_(kToolMaker) {}

void ControlStore::Start() {
  if (std::exchange(started_, true)) return;
  Live();
}

void ControlStore::Live() {
  const base::ProcessId id{kIdMaker, lives_.size() + 1};
  lives_.push_back(
      std::make_unique<ControlProcess>(id, parts_.world, disk_, parts_.audit));
  lives_.back()->Begin();
}

ControlProcess* ControlStore::serving() const {
  if (lives_.empty() || !lives_.back()->alive()) return nullptr;
  return lives_.back().get();
}

ControlProcess* ControlStore::Find(base::ProcessId process) const {
  if (process.hi != kIdMaker || process.lo > lives_.size()) return nullptr;
  return lives_[process.lo - 1].get();
}

void ControlStore::OnDeath() {
  const base::Duration outage = parts_.chaos.DrawOutage();
  EventQueue& queue = parts_.world.records().queue;
  ++parts_.counts.gcs_restarts;
  queue.After(outage, [this, number = ++restarts_] {
    if (number == restarts_) Live();
  });
}

void ControlStore::Heal() {
  disk_.Heal();
  if (!started_ || serving() != nullptr) return;
  ++restarts_;
  parts_.world.records().queue.After(
      rng_.Within(milliseconds(1), milliseconds(500)), [this, n = restarts_] {
        if (n == restarts_) Live();
      });
}

bool ControlStore::Knock(const LineHello& hello,
                         std::shared_ptr<LineConnection> connection,
                         Agreed agreed) {
  ControlProcess* const store = serving();
  if (store == nullptr) return false;
  EventQueue& queue = parts_.world.records().queue;
  // The handshake takes a way there and a way back.
  const base::Duration back = rng_.Within(microseconds(5), microseconds(500));
  const auto accept = [store, hello, connection, agreed = std::move(agreed),
                       &queue, back] {
    store->Accept(hello, connection,
                  [agreed, &queue, back](const LineWelcome& welcome) {
                    queue.After(back, [agreed, welcome] { agreed(welcome); });
                  });
  };
  queue.After(rng_.Within(microseconds(5), microseconds(500)),
              [store, connection, accept] {
                if (store->alive()) {
                  store->Turn(accept);
                } else {
                  connection->Close(1);
                }
              });
  return true;
}

void ControlStore::Ask(base::ControlRequest request, Answered answered) {
  auto call = std::make_shared<ToolCall>();
  call->call.request = requests_.Next<base::RequestId>();
  call->call.from = kTool;
  call->call.body = std::move(request);
  call->answered = std::move(answered);
  Deliver(call);
}

// The same call again, until it is answered.
void ControlStore::Deliver(const std::shared_ptr<ToolCall>& call) {
  if (call->over) return;
  parts_.world.records().queue.After(kToolPatience,
                                     [this, call] { Deliver(call); });
  ControlProcess* const store = serving();
  if (store == nullptr) return;
  store->After(rng_.Within(microseconds(5), milliseconds(1)), [store, call] {
    store->AskAsTool(call->call, [call](const base::ControlReply& reply) {
      if (std::exchange(call->over, true)) return;
      call->answered(reply);
    });
  });
}

}  // namespace mobula::sim
