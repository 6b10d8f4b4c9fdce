#include "raylet/objects/served_values.h"

#include <algorithm>
#include <variant>

#include "base/check.h"

namespace mobula::raylet {

using base::BootTime;
using base::Failure;
using base::FailureCode;

namespace {

Failure Lost(const char* why) {
  return base::MakeFailure(FailureCode::kObjectLost, base::Executed::kMaybe,
                           why);
}

}  // namespace

ServedValues::Wanted* ServedValues::Find(NodeId node, std::uint64_t number) {
  const auto of = nodes_.find(node);
  if (of == nodes_.end()) return nullptr;
  const auto found = of->second.wants.find(number);
  return found == of->second.wants.end() ? nullptr : &found->second;
}

void ServedValues::Want(NodeId from, const base::WantExtent& want,
                        Effects& effects) {
  if (Find(from, want.want) != nullptr) return;
  const auto refuse = [&](const Failure& failure) {
    effects.emplace_back(TellNode{from, base::ExtentLost{want.want, failure}});
  };
  if (want.extent.byte_count == 0 || !arenas_.Holds(want.extent)) {
    return refuse(Lost("it is not in the store of its node"));
  }
  const auto known = nodes_.find(from);
  if (known != nodes_.end() &&
      known->second.wants.size() >= options_.wants_max) {
    return refuse(base::MakeFailure(FailureCode::kLimit, base::Executed::kMaybe,
                                    "its node has to send too much already"));
  }
  Node& node = nodes_[from];
  Wanted& wanted = node.wants[want.want];
  wanted.object = want.object;
  wanted.extent = want.extent;
  node.queue.push_back(want.want);
}

void ServedValues::Pump(BootTime now, Effects& effects) {
  for (auto& [id, node] : nodes_) BeginSome(id, node, now, effects);
  bool sent = true;
  while (sent) {
    sent = false;
    for (auto& [id, node] : nodes_) {
      if (SendOne(id, node, effects)) sent = true;
    }
  }
}

void ServedValues::BeginSome(NodeId id, Node& node, BootTime now,
                             Effects& effects) {
  while (!node.queue.empty() && node.served < options_.served_max) {
    const std::uint64_t number = node.queue.front();
    node.queue.pop_front();
    ++node.served;
    Wanted& wanted = node.wants.at(number);
    wanted.state = State::kOpening;
    users_[wanted.extent.arena].insert({id, number});
    arenas_.Open(kReader, wanted.extent.arena, now, effects);
  }
}

bool ServedValues::SendOne(NodeId id, Node& node, Effects& effects) {
  for (std::size_t i = 0; i < node.turns.size(); ++i) {
    const std::uint64_t number = node.turns.front();
    node.turns.pop_front();
    Wanted& wanted = node.wants.at(number);
    const std::uint64_t bytes = std::min(
        options_.part_bytes_max, wanted.extent.byte_count - wanted.sent);
    // One part may always be on its way.
    const bool fits = (wanted.untaken == 0 ||
                       wanted.untaken + bytes <= options_.want_window_bytes) &&
                      (node.untaken == 0 ||
                       node.untaken + bytes <= options_.node_window_bytes);
    if (!fits) {
      node.turns.push_back(number);
      continue;
    }
    effects.emplace_back(
        SendExtentPart{id, number, wanted.extent, wanted.sent, bytes});
    wanted.sent += bytes;
    wanted.untaken += bytes;
    node.untaken += bytes;
    if (wanted.sent < wanted.extent.byte_count) {
      node.turns.push_back(number);
      return true;
    }
    LetGo(id, number, wanted);
    wanted.state = State::kSent;
    return true;
  }
  return false;
}

void ServedValues::LetGo(NodeId node, std::uint64_t number,
                         const Wanted& wanted) {
  const auto users = users_.find(wanted.extent.arena);
  MOBULA_CHECK(users != users_.end());
  MOBULA_CHECK(users->second.erase({node, number}) == 1);
  if (users->second.empty()) users_.erase(users);
}

void ServedValues::Taken(NodeId from, const base::ExtentTaken& taken) {
  Wanted* wanted = Find(from, taken.want);
  if (wanted == nullptr || taken.byte_count > wanted->untaken) return;
  wanted->untaken -= taken.byte_count;
  nodes_.at(from).untaken -= taken.byte_count;
  if (wanted->state == State::kSent && wanted->untaken == 0) {
    Erase(from, taken.want);
  }
}

void ServedValues::End(NodeId from, std::uint64_t number) {
  if (Find(from, number) != nullptr) Erase(from, number);
}

void ServedValues::Erase(NodeId id, std::uint64_t number) {
  Node& node = nodes_.at(id);
  const auto found = node.wants.find(number);
  MOBULA_CHECK(found != node.wants.end());
  const Wanted& wanted = found->second;
  if (wanted.state == State::kOpening || wanted.state == State::kSending) {
    LetGo(id, number, wanted);
  }
  std::erase(node.turns, number);
  if (wanted.state == State::kQueued) {
    std::erase(node.queue, number);
  } else {
    --node.served;
  }
  node.untaken -= wanted.untaken;
  node.wants.erase(found);
  if (node.wants.empty()) nodes_.erase(id);
}

void ServedValues::Lose(NodeId node, std::uint64_t number,
                        const Failure& failure, Effects& effects) {
  effects.emplace_back(TellNode{node, base::ExtentLost{number, failure}});
  Erase(node, number);
}

void ServedValues::PartLost(NodeId node, std::uint64_t number,
                            Effects& effects) {
  if (Find(node, number) == nullptr) return;
  Lose(node, number, Lost("its place in its node's store is free by now"),
       effects);
}

void ServedValues::Hear(const base::Message& message, BootTime now,
                        Effects& effects) {
  if (const auto* m = std::get_if<base::ArenaOpened>(&message)) {
    const auto users = users_.find(m->arena);
    if (users == users_.end()) return;  // let go when it is asked
    for (const auto& [node, number] : users->second) {
      Wanted* wanted = Find(node, number);
      MOBULA_CHECK(wanted != nullptr);
      if (wanted->state != State::kOpening) continue;
      wanted->state = State::kSending;
      nodes_.at(node).turns.push_back(number);
    }
  } else if (const auto* m = std::get_if<base::ArenaLost>(&message)) {
    const auto users = users_.find(m->arena);
    if (users == users_.end()) return;
    const std::set<Which> lost = users->second;
    for (const auto& [node, number] : lost) {
      if (Find(node, number)->state != State::kOpening) continue;
      Lose(node, number, m->failure, effects);
    }
  } else if (const auto* m = std::get_if<base::QuietArena>(&message)) {
    arenas_.Quiet(kReader, m->arena, !users_.contains(m->arena), now);
  }
}

void ServedValues::NodeGone(NodeId node) {
  const auto of = nodes_.find(node);
  if (of == nodes_.end()) return;
  for (const auto& [number, wanted] : of->second.wants) {
    const bool has_arena =
        wanted.state == State::kOpening || wanted.state == State::kSending;
    if (has_arena) LetGo(node, number, wanted);
  }
  nodes_.erase(of);
}

std::size_t ServedValues::size() const {
  std::size_t size = 0;
  for (const auto& [id, node] : nodes_) size += node.wants.size();
  return size;
}

void ServedValues::CheckInvariants() const {
  std::size_t using_arenas = 0;
  for (const auto& [id, node] : nodes_) {
    MOBULA_CHECK(!node.wants.empty() && node.served <= options_.served_max);
    std::uint64_t untaken = 0;
    std::size_t queued = 0;
    std::size_t sending = 0;
    for (const auto& [number, wanted] : node.wants) {
      untaken += wanted.untaken;
      if (wanted.state == State::kQueued) ++queued;
      if (wanted.state == State::kSending) ++sending;
      const bool has_arena =
          wanted.state == State::kOpening || wanted.state == State::kSending;
      if (has_arena) {
        ++using_arenas;
        MOBULA_CHECK(
            users_.at(wanted.extent.arena).contains(Which(id, number)));
      }
      MOBULA_CHECK(wanted.state != State::kSent || wanted.untaken > 0);
      MOBULA_CHECK(wanted.untaken <= options_.want_window_bytes);
    }
    MOBULA_CHECK(untaken == node.untaken);
    MOBULA_CHECK(untaken <= options_.node_window_bytes);
    MOBULA_CHECK(queued == node.queue.size());
    MOBULA_CHECK(sending == node.turns.size());
    MOBULA_CHECK(node.served + queued == node.wants.size());
  }
  for (const auto& [arena, users] : users_) {
    MOBULA_CHECK(!users.empty());
    using_arenas -= users.size();
  }
  MOBULA_CHECK(using_arenas == 0);
}

}  // namespace mobula::raylet
