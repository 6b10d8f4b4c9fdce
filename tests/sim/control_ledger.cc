#include "tests/sim/control_ledger.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace mobula::sim {

using base::FailureCode;

namespace {

struct KeyWish {
  std::string key;
  std::string value;
  KeyHistory::Expected expected;
  enum class Kind { kGet, kPut, kDelete } kind = Kind::kGet;
};

// Nothing if the request is about no key.
std::optional<KeyWish> KeyOf(const base::ControlRequest& body) {
  KeyWish wish;
  if (const auto* get = std::get_if<base::GetKey>(&body)) {
    wish.key = get->ns + "/" + get->key;
  } else if (const auto* put = std::get_if<base::PutKey>(&body)) {
    wish.key = put->ns + "/" + put->key;
    wish.value = std::string(put->value.view());
    wish.expected = put->expected;
    wish.kind = KeyWish::Kind::kPut;
  } else if (const auto* gone = std::get_if<base::DeleteKey>(&body)) {
    wish.key = gone->ns + "/" + gone->key;
    wish.expected = gone->expected;
    wish.kind = KeyWish::Kind::kDelete;
  } else {
    return std::nullopt;
  }
  return wish;
}

std::string NameOf(const base::ActorRecord& actor) {
  return actor.name.empty() ? "" : actor.ns + "/" + actor.name;
}

}  // namespace

void ControlLedger::Violate(std::string_view invariant, const Ask& ask,
                            std::string text) {
  verdict_.Violate(
      invariant, "p" + std::to_string(ask.process.lo) + " asked kind " +
                     std::to_string(ask.body.index()) + ": " + std::move(text));
}

// ---- asking -----------------------------------------------------------------

void ControlLedger::OnAsk(base::RequestId request, Ask ask) {
  if (const auto wish = KeyOf(ask.body)) {
    KeyHistory& history = keys_[wish->key];
    ask.ticket = wish->kind == KeyWish::Kind::kGet ? history.AskGet()
                 : wish->kind == KeyWish::Kind::kPut
                     ? history.AskPut(wish->value)
                     : history.AskDelete();
  } else if (const auto* wanted = std::get_if<base::RegisterActor>(&ask.body)) {
    Registration registration;
    registration.actor = wanted->actor.actor;
    registration.by = ask.process;
    registration.raylet = ask.raylet;
    registration.name = NameOf(wanted->actor);
    registration.detached = wanted->actor.detached;
    registration.asked_at = ask.asked_at;
    registrations_.emplace(registration.actor, std::move(registration));
  } else if (const auto* end = std::get_if<base::EndActor>(&ask.body)) {
    OnEndWished(end->actor);
  }
  asks_.emplace(request, std::move(ask));
}

void ControlLedger::OnEndWished(base::ActorId actor) {
  const auto found = registrations_.find(actor);
  if (found != registrations_.end()) found->second.end_asked = true;
}

void ControlLedger::OnProcessLost(base::ProcessId process, base::BootTime now) {
  lost_.emplace(process, now);
}

void ControlLedger::OnDiskFull(bool full, base::BootTime now) {
  if (full) {
    disk_full_since_ = now;
    disk_full_until_ = base::BootTime::Never();
  } else {
    disk_full_until_ = now;
  }
}

// ---- answers ----------------------------------------------------------------

void ControlLedger::OnAnswer(base::ProcessId process, base::RequestId request,
                             const base::ControlReply& reply,
                             base::BootTime now) {
  const auto found = asks_.find(request);
  if (found == asks_.end() || found->second.process != process) {
    verdict_.Violate("I1", "an answer to what was not asked");
    return;
  }
  Ask& ask = found->second;
  if (ask.reply.has_value()) {
    Violate("I1", ask, "two answers");
    return;
  }
  ask.reply = reply;
  ++answered_;
  Judge(ask, reply, now);
}

void ControlLedger::Judge(const Ask& ask, const base::ControlReply& reply,
                          base::BootTime now) {
  if (ask.ticket.has_value()) JudgeKey(ask, reply);
  if (const auto* failure = std::get_if<base::Failure>(&reply)) {
    JudgeFailure(ask, *failure, now);
  } else if (const auto* actor = std::get_if<base::ActorAnswer>(&reply)) {
    if (std::holds_alternative<base::RegisterActor>(ask.body)) {
      JudgeRegister(ask, *actor, now);
    } else {
      JudgeFound(ask, *actor);
    }
  } else if (const auto* end = std::get_if<base::EndActor>(&ask.body)) {
    const auto known = registrations_.find(end->actor);
    if (!end->restart && known != registrations_.end() &&
        known->second.detached) {
      known->second.ended_at = std::min(known->second.ended_at, now);
    }
  }
}

void ControlLedger::JudgeKey(const Ask& ask, const base::ControlReply& reply) {
  const KeyWish wish = *KeyOf(ask.body);
  KeyHistory& history = keys_.at(wish.key);
  std::string wrong;
  if (const auto* answer = std::get_if<base::KeyAnswer>(&reply)) {
    std::optional<std::string> value;
    if (answer->value.has_value()) value = std::string(answer->value->view());
    wrong =
        wish.kind == KeyWish::Kind::kGet
            ? history.GotAnswer(*ask.ticket, answer->version, value)
        : wish.kind == KeyWish::Kind::kPut
            ? history.PutAnswer(*ask.ticket, wish.value, wish.expected,
                                answer->version)
            : history.DeleteAnswer(*ask.ticket, wish.expected, answer->version);
  } else if (const auto* failure = std::get_if<base::Failure>(&reply)) {
    if (failure->code == FailureCode::kConflict) {
      wrong = history.ConflictAnswer(*ask.ticket, wish.expected);
    }
    if (failure->executed != base::Executed::kNo) {
      // It may have been done, or may be done yet.
    } else if (wish.kind == KeyWish::Kind::kPut) {
      history.PutRefused(wish.value);
    } else if (wish.kind == KeyWish::Kind::kDelete) {
      history.DeleteRefused();
    }
  } else {
    wrong = "an answer of a wrong kind";
  }
  if (!wrong.empty()) Violate("I7", ask, wish.key + ": " + wrong);
}

void ControlLedger::JudgeRegister(const Ask& ask,
                                  const base::ActorAnswer& answer,
                                  base::BootTime now) {
  const auto& wanted = std::get<base::RegisterActor>(ask.body);
  if (answer.existed) {
    if (!wanted.get_if_exists) {
      Violate("names", ask, "an answer that another holds the name");
    }
    CheckHolder(NameOf(wanted.actor), answer.actor.actor, ask.asked_at);
    return;
  }
  if (answer.actor.actor != wanted.actor.actor) {
    Violate("names", ask, "another actor is registered");
    return;
  }
  Registration& mine = registrations_.at(answer.actor.actor);
  mine.acked_at = now;
  if (mine.name.empty()) return;
  for (const auto& [id, other] : registrations_) {
    if (id == mine.actor || other.name != mine.name) continue;
    if (other.acked_at < ask.asked_at && !MayHaveEnded(other)) {
      Violate("names", ask,
              "registered " + mine.name + ", which actor " + id.ToString() +
                  " has");
    }
  }
}

void ControlLedger::JudgeFound(const Ask& ask,
                               const base::ActorAnswer& answer) {
  const auto* find = std::get_if<base::FindActor>(&ask.body);
  if (find == nullptr) {
    Violate("I1", ask, "an answer of a wrong kind");
  } else if (!find->name.empty()) {
    CheckHolder(find->ns + "/" + find->name, answer.actor.actor, ask.asked_at);
  }
}

// Somebody is said to hold the name: it wanted it, and is not known as dead.
void ControlLedger::CheckHolder(const std::string& name, base::ActorId actor,
                                base::BootTime asked_at) {
  const auto holder = registrations_.find(actor);
  if (holder == registrations_.end() || holder->second.name != name) {
    verdict_.Violate("names", "actor " + actor.ToString() + " has the name " +
                                  name + ", which it never wanted");
  } else if (holder->second.ended_at < asked_at) {
    verdict_.Violate("I9", "actor " + actor.ToString() + " has the name " +
                               name + " after its end was acknowledged");
  }
}

bool ControlLedger::MayHaveEnded(const Registration& registration) const {
  if (registration.end_asked) return true;
  const auto known = ledger_.actors().find(registration.actor);
  if (known == ledger_.actors().end()) return true;
  const ActorRecord& actor = known->second;
  if (actor.exited || actor.constructor_threw || actor.kills > 0) return true;
  if (actor.restarts_max >= 0 && workers_lost_) return true;
  if (registration.detached) return false;
  // One whose worker ends before it serves is not started again.
  return actor.dropped || workers_lost_ || lost_.contains(registration.by) ||
         lost_.contains(registration.raylet);
}

bool ControlLedger::MayBeFree(const std::string& name,
                              base::BootTime asked_at) const {
  return std::all_of(registrations_.begin(), registrations_.end(),
                     [this, &name, asked_at](const auto& item) {
                       const Registration& holder = item.second;
                       return holder.name != name ||
                              !(holder.acked_at < asked_at) ||
                              MayHaveEnded(holder);
                     });
}

// ---- failures ---------------------------------------------------------------

void ControlLedger::JudgeFailure(const Ask& ask, const base::Failure& failure,
                                 base::BootTime now) {
  if (!IsJustified(ask, failure, now)) {
    Violate("reason", ask,
            "fails without reason: " + base::DescribeFailure(failure));
  }
}

bool ControlLedger::IsJustified(const Ask& ask, const base::Failure& failure,
                                base::BootTime now) const {
  switch (failure.code) {
    case FailureCode::kTimeout:
    case FailureCode::kControlAway:
      return now - ask.asked_at >= ask.timeout;
    case FailureCode::kDiskFull:
      return disk_full_since_ < now && disk_full_until_ >= ask.asked_at;
    case FailureCode::kRayletDied:
      return lost_.contains(ask.raylet);
    case FailureCode::kConflict:
      return ask.ticket.has_value();
    case FailureCode::kNameTaken: {
      const auto* wanted = std::get_if<base::RegisterActor>(&ask.body);
      if (wanted == nullptr || wanted->get_if_exists) return false;
      const std::string name = NameOf(wanted->actor);
      return std::any_of(registrations_.begin(), registrations_.end(),
                         [&name, wanted, &ask](const auto& item) {
                           return item.second.name == name &&
                                  item.first != wanted->actor.actor &&
                                  item.second.ended_at >= ask.asked_at;
                         });
    }
    case FailureCode::kNoSuchActor: {
      if (std::holds_alternative<base::EndActor>(ask.body)) return true;
      const auto* find = std::get_if<base::FindActor>(&ask.body);
      return find != nullptr && !find->name.empty() &&
             MayBeFree(find->ns + "/" + find->name, ask.asked_at);
    }
    default:
      return false;
  }
}

// ---- at the end -------------------------------------------------------------

void ControlLedger::CheckAnswered(base::ProcessId process) {
  for (const auto& [request, ask] : asks_) {
    if (ask.process == process && !ask.reply.has_value()) {
      Violate("I1", ask, "no answer");
    }
  }
}

std::vector<base::ActorId> ControlLedger::MustLive() const {
  std::vector<base::ActorId> living;
  for (const auto& [actor, registration] : registrations_) {
    const bool was_acked = registration.acked_at != base::BootTime::Never();
    if (registration.detached && was_acked && !MayHaveEnded(registration)) {
      living.push_back(actor);
    }
  }
  return living;
}

std::string ControlLedger::CheckKey(const std::string& key,
                                    const base::KeyAnswer& answer) {
  KeyHistory& history = keys_.at(key);
  std::optional<std::string> value;
  if (answer.value.has_value()) value = std::string(answer.value->view());
  return history.GotAnswer(history.AskGet(), answer.version, value);
}

}  // namespace mobula::sim
