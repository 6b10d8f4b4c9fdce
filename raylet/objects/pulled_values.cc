#include "raylet/objects/pulled_values.h"

#include <algorithm>
#include <variant>
#include <vector>

#include "base/check.h"
#include "base/shm/extent_size.h"

namespace mobula::raylet {

using base::BootTime;
using base::Extent;
using base::Failure;
using base::FailureCode;

namespace {

Failure Gone() {
  return base::MakeFailure(FailureCode::kObjectLost, base::Executed::kMaybe,
                           "the node that held it is gone");
}

}  // namespace

PulledValues::Key PulledValues::KeyOf(base::ObjectId object,
                                      const Extent& extent) {
  return {object, extent.arena, extent.offset, extent.byte_count,
          extent.generation};
}

Extent PulledValues::Here(const Pull& pull) {
  return {pull.arena, base::kExtentHeaderBytes, pull.origin.byte_count, 1};
}

void PulledValues::Ask(ProcessId from, base::JobId job,
                       const base::PullValue& ask,
                       const std::optional<NodeId>& origin, Effects& effects) {
  const auto refuse = [&](const Failure& failure) {
    effects.emplace_back(Send{from, base::PullRefused{ask.request, failure}});
  };
  const auto known = by_key_.find(KeyOf(ask.object.object, ask.extent));
  if (known != by_key_.end()) {
    Pull& pull = pulls_.at(known->second);
    if (pull.state == State::kHere) {
      return Tell(pull, from, ask.request, effects);
    }
  } else if (!origin.has_value()) {
    return refuse(Gone());
  } else if (ask.extent.byte_count == 0) {
    return refuse(base::NotRun(FailureCode::kObjectLost, "it has no bytes"));
  }
  std::size_t& asks = asks_of_[from];
  if (asks >= options_.asks_of_process_max) {
    return refuse(base::NotRun(FailureCode::kLimit,
                               "too many values of other nodes are waited for "
                               "in this process already"));
  }
  if (known != by_key_.end()) {
    Pull& pull = pulls_.at(known->second);
    if (pull.asks.emplace(Ask_(from, ask.request), job).second) ++asks;
    return;
  }
  ++asks;
  const std::uint64_t number = ++count_;
  Pull& pull = pulls_[number];
  pull.name = ask.object;
  pull.origin = ask.extent;
  pull.node = *origin;
  pull.asks.emplace(Ask_(from, ask.request), job);
  by_key_[KeyOf(ask.object.object, ask.extent)] = number;
  queued_.insert(number);
}

void PulledValues::Pump(BootTime now, Effects& effects) {
  while (!waiting_.empty()) {
    const std::uint64_t first = *waiting_.begin();
    if (now < pulls_.at(first).refuse_at) break;
    Refuse(first,
           base::MakeFailure(
               FailureCode::kObjectStoreFull, base::Executed::kMaybe,
               "the value is on another node, and this node's store has no "
               "room for a copy; let go of Views, unsealed Buffers and "
               "arguments, or give the node more with --object-store-memory"),
           effects);
  }
  while (!queued_.empty()) {
    const std::uint64_t first = *queued_.begin();
    const std::uint64_t bytes = pulls_.at(first).origin.byte_count;
    // What is absurd is refused by who gives room: no sum of it is made.
    const bool is_full = under_way_ >= options_.pulls_under_way_max ||
                         bytes > options_.bytes_under_way_max ||
                         bytes_ > options_.bytes_under_way_max - bytes;
    if (under_way_ > 0 && is_full) return;
    Begin(first, now, effects);
  }
}

void PulledValues::Begin(std::uint64_t number, BootTime now, Effects& effects) {
  Pull& pull = pulls_.at(number);
  queued_.erase(number);
  waiting_.insert(number);
  pull.state = State::kWaitsForRoom;
  pull.refuse_at = now + options_.room_within;
  ++under_way_;
  bytes_ += pull.origin.byte_count;
  arenas_.LeaseCopy(pull.asks.begin()->second,
                    {base::RequestId{0, number}, pull.origin.byte_count},
                    effects);
}

void PulledValues::Hear(const base::Message& message, Effects& effects) {
  if (const auto* m = std::get_if<base::ArenaLeased>(&message)) {
    const std::uint64_t number = m->request.lo;
    const auto found = pulls_.find(number);
    MOBULA_CHECK(found != pulls_.end(), "who is gone has cancelled it");
    Pull& pull = found->second;
    MOBULA_CHECK(pull.state == State::kWaitsForRoom);
    waiting_.erase(number);
    pull.state = State::kComing;
    pull.arena = m->arena;
    by_arena_[m->arena] = number;
    effects.emplace_back(
        TellNode{pull.node, base::WantExtent{number, pull.name, pull.origin}});
  } else if (const auto* m = std::get_if<base::ArenaRefused>(&message)) {
    if (!pulls_.contains(m->request.lo)) return;
    Failure failure = m->failure;
    failure.executed = base::Executed::kMaybe;
    Refuse(m->request.lo, failure, effects);
  } else if (const auto* m = std::get_if<base::ArenaLost>(&message)) {
    const auto found = by_arena_.find(m->arena);
    if (found == by_arena_.end()) return;
    MOBULA_CHECK(pulls_.at(found->second).state == State::kHere);
    End(pulls_.find(found->second));
  }
}

PulledValues::Pull* PulledValues::FindComing(NodeId from,
                                             std::uint64_t number) {
  const auto found = pulls_.find(number);
  if (found == pulls_.end() || found->second.node != from) return nullptr;
  return found->second.state == State::kComing ? &found->second : nullptr;
}

void PulledValues::Part(NodeId from, const base::ExtentPart& part,
                        Effects& effects) {
  Pull* pull = FindComing(from, part.want);
  if (pull == nullptr) return;  // it has ended
  const std::uint64_t size = part.bytes.size();
  const bool fits = size > 0 && part.offset == pull->received &&
                    size <= pull->origin.byte_count - pull->received;
  if (!fits) {
    EndAtNode(part.want, effects);
    Refuse(part.want,
           base::MakeFailure(FailureCode::kObjectLost, base::Executed::kMaybe,
                             "what its node sent is not that value"),
           effects);
    return;
  }
  effects.emplace_back(WriteArena{
      pull->arena, base::kExtentHeaderBytes + part.offset, part.bytes});
  pull->received += size;
  effects.emplace_back(TellNode{from, base::ExtentTaken{part.want, size}});
  if (pull->received == pull->origin.byte_count) Finish(part.want, effects);
}

void PulledValues::Finish(std::uint64_t number, Effects& effects) {
  Pull& pull = pulls_.at(number);
  MOBULA_CHECK(!pull.asks.empty());
  effects.emplace_back(FinishExtent{Here(pull)});
  arenas_.FinishCopy(pull.arena);
  --under_way_;
  bytes_ -= pull.origin.byte_count;
  pull.state = State::kHere;
  pull.job = pull.asks.begin()->second;
  for (const auto& [ask, job] : std::exchange(pull.asks, {})) {
    Answered(ask.first);
    Tell(pull, ask.first, ask.second, effects);
  }
}

void PulledValues::Tell(const Pull& pull, ProcessId reader,
                        base::RequestId request, Effects& effects) {
  arenas_.AddReader(pull.arena, reader);
  effects.emplace_back(Send{reader, base::ValuePulled{request, Here(pull)}});
}

void PulledValues::Lost(NodeId from, const base::ExtentLost& lost,
                        Effects& effects) {
  if (FindComing(from, lost.want) == nullptr) return;
  Refuse(lost.want, lost.failure, effects);
}

void PulledValues::Refuse(std::uint64_t number, const Failure& failure,
                          Effects& effects) {
  const auto found = pulls_.find(number);
  MOBULA_CHECK(found != pulls_.end());
  for (const auto& [ask, job] : found->second.asks) {
    effects.emplace_back(
        Send{ask.first, base::PullRefused{ask.second, failure}});
  }
  End(found);
}

PulledValues::Pulls::iterator PulledValues::End(Pulls::iterator at) {
  const auto& [number, pull] = *at;
  for (const auto& [ask, job] : pull.asks) Answered(ask.first);
  if (pull.state == State::kWaitsForRoom) {
    arenas_.Cancel(ArenaTable::kCopies, base::RequestId{0, number});
  } else if (!pull.arena.IsNil()) {
    arenas_.DropCopy(pull.arena);
    by_arena_.erase(pull.arena);
  }
  if (IsUnderWay(pull)) {
    --under_way_;
    bytes_ -= pull.origin.byte_count;
  }
  queued_.erase(number);
  waiting_.erase(number);
  by_key_.erase(KeyOf(pull.name.object, pull.origin));
  return pulls_.erase(at);
}

void PulledValues::EndAtNode(std::uint64_t number, Effects& effects) {
  const Pull& pull = pulls_.at(number);
  if (pull.state != State::kComing) return;
  effects.emplace_back(TellNode{pull.node, base::EndWant{number}});
}

void PulledValues::Answered(ProcessId process) {
  const auto asks = asks_of_.find(process);
  MOBULA_CHECK(asks != asks_of_.end() && asks->second > 0);
  if (--asks->second == 0) asks_of_.erase(asks);
}

void PulledValues::NodeGone(NodeId node, Effects& effects) {
  for (auto it = pulls_.begin(); it != pulls_.end();) {
    const auto at = it++;
    if (at->second.node == node) Refuse(at->first, Gone(), effects);
  }
}

void PulledValues::ProcessGone(ProcessId process, Effects& effects) {
  for (auto it = pulls_.begin(); it != pulls_.end();) {
    const auto at = it++;
    Pull& pull = at->second;
    const std::size_t gone = std::erase_if(
        pull.asks,
        [process](const auto& ask) { return ask.first.first == process; });
    for (std::size_t i = 0; i < gone; ++i) Answered(process);
    if (gone == 0 || !pull.asks.empty()) continue;
    EndAtNode(at->first, effects);
    End(at);
  }
}

void PulledValues::JobGone(base::JobId job) {
  for (auto it = pulls_.begin(); it != pulls_.end();) {
    const Pull& pull = it->second;
    const bool goes = pull.state == State::kHere && pull.job == job;
    it = goes ? End(it) : std::next(it);
  }
}

void PulledValues::Freed(base::ObjectId object, const Extent& extent) {
  std::vector<std::uint64_t> freed;
  for (auto it = by_key_.lower_bound(KeyOf(object, {}));
       it != by_key_.end() && std::get<0>(it->first) == object; ++it) {
    const Pull& pull = pulls_.at(it->second);
    const bool is_it = extent.arena.IsNil() || pull.origin == extent;
    if (is_it && pull.state == State::kHere) freed.push_back(it->second);
  }
  for (const std::uint64_t number : freed) End(pulls_.find(number));
}

BootTime PulledValues::NextDeadline() const {
  return waiting_.empty() ? BootTime::Never()
                          : pulls_.at(*waiting_.begin()).refuse_at;
}

std::size_t PulledValues::copies() const {
  return pulls_.size() - under_way_ - queued_.size();
}

void PulledValues::CheckInvariants() const {
  std::size_t under_way = 0;
  std::uint64_t bytes = 0;
  std::size_t with_arena = 0;
  std::map<ProcessId, std::size_t> asks_of;
  MOBULA_CHECK(by_key_.size() == pulls_.size());
  for (const auto& [number, pull] : pulls_) {
    MOBULA_CHECK(by_key_.at(KeyOf(pull.name.object, pull.origin)) == number);
    MOBULA_CHECK(queued_.contains(number) == (pull.state == State::kQueued));
    MOBULA_CHECK(waiting_.contains(number) ==
                 (pull.state == State::kWaitsForRoom));
    MOBULA_CHECK(pull.asks.empty() == (pull.state == State::kHere));
    if (IsUnderWay(pull)) {
      ++under_way;
      bytes += pull.origin.byte_count;
    }
    for (const auto& [ask, job] : pull.asks) ++asks_of[ask.first];
    const bool has_arena =
        pull.state == State::kComing || pull.state == State::kHere;
    MOBULA_CHECK(has_arena == !pull.arena.IsNil());
    if (!has_arena) continue;
    ++with_arena;
    MOBULA_CHECK(by_arena_.at(pull.arena) == number);
  }
  MOBULA_CHECK(under_way == under_way_ && bytes == bytes_);
  MOBULA_CHECK(with_arena == by_arena_.size() && asks_of == asks_of_);
  MOBULA_CHECK(under_way_ <= options_.pulls_under_way_max);
  MOBULA_CHECK(under_way_ <= 1 || bytes_ <= options_.bytes_under_way_max);
}

}  // namespace mobula::raylet
