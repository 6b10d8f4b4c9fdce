#include "tests/sim/control_program.h"

#include <chrono>
#include <iterator>
#include <utility>
#include <variant>
#include <vector>

namespace mobula::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr char kNamespace[] = "shared";
constexpr std::size_t kAskedMax = 4;

}  // namespace

ControlProgram::ControlProgram(const SwarmOptions& options, const Place& place,
                               UserApi& api, Ledger& ledger, Rng rng,
                               AfterFn after)
    : options_(options),
      control_(options.control),
      place_(place),
      api_(api),
      ledger_(ledger),
      rng_(rng),
      after_(std::move(after)),
      left_(options.control.on ? options.control.operations : 0) {}

void ControlProgram::Begin() {
  after_(rng_.Within(microseconds(0), milliseconds(5)), [this] { Pump(); });
}

void ControlProgram::Pump() {
  if (left_ > 0 && asked_.size() < kAskedMax) {
    --left_;
    AskOne();
  }
  EndIfAnswered();
  if (left_ > 0) {
    after_(rng_.LogNormal(milliseconds(1), 2), [this] { Pump(); });
  }
}

void ControlProgram::AskOne() {
  const std::uint64_t choice = rng_.Below(10);
  if (choice < 4) {
    AskKey();
  } else if (choice < 6) {
    AskRegister();
  } else if (choice < 8 || actors_.empty()) {
    AskFind();
  } else {
    const auto actor =
        std::next(actors_.begin(),
                  static_cast<std::ptrdiff_t>(rng_.Below(actors_.size())));
    if (Draw(control_.end_actor)) {
      EndOne(actor->first);
    } else {
      actor->second.calls_left += 2;
      CallOne(actor->first);
    }
  }
}

void ControlProgram::Ask(base::ControlRequest request, Then then) {
  const base::Duration timeout = Draw(control_.ask_timeout)
                                     ? rng_.LogNormal(milliseconds(20), 2)
                                     : base::Duration(seconds(30));
  // The answer may be there at once.
  const base::RequestId id = api_.NextRequest();
  asked_.emplace(id, std::move(then));
  api_.AskControl(id, std::move(request), timeout);
}

void ControlProgram::OnAnswer(base::RequestId request,
                              const base::ControlReply& reply) {
  const auto found = asked_.find(request);
  if (found == asked_.end()) return;
  const Then then = std::move(found->second);
  asked_.erase(found);
  then(reply);
  EndIfAnswered();
}

// ---- keys -------------------------------------------------------------------

void ControlProgram::AskKey() {
  const std::string key =
      "k" +
      std::to_string(rng_.Below(static_cast<std::uint64_t>(control_.keys)));
  const std::uint64_t choice = rng_.Below(10);
  if (choice < 5) {
    AskPut(key);
  } else if (choice < 6) {
    AskDelete(key);
  } else {
    Ask(base::GetKey{kNamespace, key},
        [this, key](const base::ControlReply& reply) {
          const auto* answer = std::get_if<base::KeyAnswer>(&reply);
          if (answer != nullptr) versions_[key] = answer->version;
        });
  }
}

void ControlProgram::AskPut(const std::string& key) {
  base::PutKey put;
  put.ns = kNamespace;
  put.key = key;
  put.value = base::Bytes::Own("v" + std::to_string(place_.self.lo) + "." +
                               std::to_string(++values_));
  if (Draw(0.5)) put.expected = versions_[key];
  Ask(std::move(put), [this, key](const base::ControlReply& reply) {
    const auto* answer = std::get_if<base::KeyAnswer>(&reply);
    if (answer != nullptr) versions_[key] = answer->version;
  });
}

void ControlProgram::AskDelete(const std::string& key) {
  base::DeleteKey gone;
  gone.ns = kNamespace;
  gone.key = key;
  if (Draw(0.5)) gone.expected = versions_[key];
  Ask(std::move(gone), [this, key](const base::ControlReply& reply) {
    if (std::holds_alternative<base::KeyAnswer>(reply)) versions_[key] = 0;
  });
}

// ---- actors -----------------------------------------------------------------

std::string ControlProgram::DrawName() {
  return "a" +
         std::to_string(rng_.Below(static_cast<std::uint64_t>(control_.names)));
}

void ControlProgram::AskRegister() {
  constexpr std::int32_t kRestarts[] = {0, 1, 3, -1, -1, -1};
  UserApi::NamedActor wish;
  wish.ns = kNamespace;
  wish.detached = Draw(control_.detached);
  if (!wish.detached || Draw(0.8)) wish.name = DrawName();
  wish.get_if_exists = Draw(0.5);
  wish.restarts_max = kRestarts[rng_.Below(std::size(kRestarts))];
  wish.constructor.run = rng_.LogNormal(options_.workload.run_median, 0.5);
  wish.constructor.throws = Draw(options_.workload.constructor_throws / 4);
  wish.node = place_.node;
  wish.job = place_.job;
  base::RegisterActor request = api_.PrepareActor(wish);
  const base::ActorId actor = request.actor.actor;
  Ask(std::move(request), [this, actor](const base::ControlReply& reply) {
    OnRegistered(actor, reply);
  });
}

void ControlProgram::OnRegistered(base::ActorId actor,
                                  const base::ControlReply& reply) {
  const auto* answer = std::get_if<base::ActorAnswer>(&reply);
  const bool is_made =
      answer != nullptr && !answer->existed && !answer->actor.detached;
  // It may have been found by its name before this answer came.
  if (!is_made && api_.HasHandle(actor) && !actors_.contains(actor)) {
    api_.DropActor(actor);
  }
  if (answer == nullptr) {
    // What may have been registered must not keep its name.
    if (UserApi::MayBeRegistered(reply)) {
      Ask(base::EndActor{actor, false}, [](const base::ControlReply&) {});
    }
    return;
  }
  if (!is_made) {
    Meet(answer->actor);
    return;
  }
  api_.StartPrepared(actor);
  Actor& mine = actors_[actor];
  mine.owned = true;
  mine.calls_left = static_cast<int>(rng_.Between(1, 6));
  CallOne(actor);
}

void ControlProgram::AskFind() {
  base::FindActor find;
  find.ns = kNamespace;
  find.name = DrawName();
  Ask(std::move(find), [this](const base::ControlReply& reply) {
    const auto* answer = std::get_if<base::ActorAnswer>(&reply);
    if (answer != nullptr) Meet(answer->actor);
  });
}

// Takes a handle of an actor and calls it.
void ControlProgram::Meet(const base::ActorRecord& record) {
  const base::NodeId node = record.detached ? record.node : record.owner_node;
  // There is no way to another node: a call of one there fails, and says so.
  if (node != place_.node && !Draw(0.2)) return;
  const auto known = actors_.find(record.actor);
  if (known == actors_.end()) {
    api_.Adopt(record.actor, record.detached ? place_.raylet : record.owner);
  }
  Actor& actor = actors_[record.actor];
  actor.owned |= record.owner == place_.self;
  actor.detached = record.detached;
  actor.calls_left += static_cast<int>(rng_.Between(1, 5));
  CallOne(record.actor);
}

void ControlProgram::CallOne(base::ActorId id) {
  const auto found = actors_.find(id);
  if (found == actors_.end()) return;
  Actor& actor = found->second;
  if (actor.calls_left == 0) {
    if (actor.in_flight.empty()) LetGo(id);
    EndIfAnswered();
    return;
  }
  --actor.calls_left;
  Operation wish;
  wish.retries_max = static_cast<std::int32_t>(rng_.Below(3));
  wish.behaviour.run = rng_.LogNormal(options_.workload.run_median, 1);
  wish.behaviour.throws = Draw(options_.workload.throws);
  wish.behaviour.crashes = Draw(control_.crash_actor);
  wish.behaviour.exit_actor = Draw(options_.workload.exit_actor / 2);
  const OpIndex index = api_.Call(id, std::move(wish));
  actor.in_flight.insert(index);
  api_.Watch(index);
  after_(rng_.LogNormal(microseconds(500), 1), [this, id] { CallOne(id); });
}

void ControlProgram::OnSettled(OpIndex index) {
  const base::ActorId id = ledger_.operation(index).actor;
  const auto found = actors_.find(id);
  if (found == actors_.end() || found->second.in_flight.erase(index) == 0) {
    return;
  }
  api_.Drop(index);
  if (found->second.in_flight.empty() && found->second.calls_left == 0) {
    LetGo(id);
  }
  EndIfAnswered();
}

void ControlProgram::OnActorChanged(base::ActorId actor, bool dead) {
  const auto found = actors_.find(actor);
  if (found == actors_.end() || !dead) return;
  found->second.calls_left = 0;
  EndIfAnswered();
}

void ControlProgram::EndOne(base::ActorId actor) {
  if (Draw(0.5)) {
    api_.Kill(actor, Draw(0.3));
  } else {
    Ask(base::EndActor{actor, Draw(0.3)}, [](const base::ControlReply&) {});
  }
}

// An owned actor ends with its last handle; it stays for a while.
void ControlProgram::LetGo(base::ActorId actor) {
  const auto found = actors_.find(actor);
  if (found == actors_.end()) return;
  if (found->second.owned && left_ > 0 && !Draw(0.2)) return;
  actors_.erase(found);
  api_.DropActor(actor);
}

void ControlProgram::EndIfAnswered() {
  if (over_ || left_ > 0 || !asked_.empty()) return;
  for (const auto& [id, actor] : actors_) {
    if (!actor.in_flight.empty() || actor.calls_left > 0) return;
  }
  over_ = true;
  for (const auto& [id, actor] : std::exchange(actors_, {})) {
    api_.DropActor(id);
  }
}

}  // namespace mobula::sim
