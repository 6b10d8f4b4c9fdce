// The half of ArenaTable that serves who waits and makes room for them.
#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "base/check.h"
#include "raylet/objects/arena_table.h"

namespace mobula::raylet {

using base::BootTime;
using base::FailureCode;

namespace {

// Of those that are named who have most of the store mapped.
constexpr std::size_t kNamedMax = 3;

std::string Mebibytes(std::uint64_t bytes) {
  constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
  return std::to_string((bytes + kMebibyte - 1) / kMebibyte) + " MiB";
}

}  // namespace

void ArenaTable::Pump(BootTime now, Effects& effects) {
  for (const ArenaId id : std::exchange(to_look_at_, {})) {
    LookAt(id, now, effects);
  }
  RefuseLateOpeners(now, effects);
  do {
    dropped_copy_ = false;
    ServeRestores(effects);
    ServeLeases(now, effects);
    SpillSome(now, effects);
    TrimCopies(now, effects);
  } while (dropped_copy_);
  TendReserve(effects);
  SetDeadline(now);
}

// Something about it has changed.
void ArenaTable::LookAt(ArenaId id, BootTime now, Effects& effects) {
  Arena* arena = Find(id);
  if (arena == nullptr || reserve_.contains(id)) return;
  if (!IsEmpty(id, *arena)) return;
  switch (arena->state) {
    case State::kMaking:
      if (arena->is_copy) return Drop(id, effects);
      // Who wanted it does not any more, and has written nothing.
      arena->job = base::JobId();
      return AddReserve(id, *arena);
    case State::kSpilling:
    case State::kRestoring:
      return;  // until that is done
    case State::kSpilled:
      TellLost(id, *arena,
               base::NotRun(FailureCode::kObjectLost, "it has been freed"),
               effects);
      Drop(id, effects);
      return;
    case State::kReady:
      break;
  }
  if (!arena->asked.empty()) return;
  if (arena->readers.empty()) {
    if (!MayReserve(*arena)) return Drop(id, effects);
    AddReserve(id, *arena);
  } else if (now < arena->leave_until) {
    to_look_at_.insert(id);
  } else {
    StartRound(id, *arena, now, effects);
  }
}

void ArenaTable::AddReserve(ArenaId id, const Arena& arena) {
  reserve_.insert(id);
  reserve_bytes_ += arena.byte_count;
}

void ArenaTable::GiveTo(ProcessId process, const Request& request,
                        Arena& arena) {
  arena.job = request.job;
  arena.was_used = false;
  arena.writer = process;
  arena.request = request.request;
  if (!arena.is_copy) ++leased_;
}

bool ArenaTable::MayReserve(const Arena& arena) const {
  if (arena.shared || arena.is_copy || leased_ == 0) return false;
  const std::uint64_t bytes_max =
      std::max(options_.bytes_max / 8, 2 * arena_bytes_);
  return reserve_bytes_ + arena.byte_count <= bytes_max;
}

void ArenaTable::Drop(ArenaId id, Effects& effects) {
  Arena& arena = arenas_.at(id);
  MOBULA_CHECK(arena.readers.empty() && arena.asked.empty());
  MOBULA_CHECK(arena.openers.empty() && IsEmpty(id, arena));
  if (reserve_.erase(id) > 0) reserve_bytes_ -= arena.byte_count;
  if (arena.is_copy) --copies_;
  by_use_.erase(arena.used_at);
  to_look_at_.erase(id);
  Charge(arena, 0);
  arenas_.erase(id);
  effects.emplace_back(DropArena{id});
}

bool ArenaTable::MakeRoom(std::uint64_t bytes, Effects& effects) {
  const std::uint64_t free = options_.bytes_max - charged_;
  if (free + reserve_bytes_ < bytes) return false;
  while (options_.bytes_max - charged_ < bytes) {
    Drop(*reserve_.begin(), effects);
  }
  return true;
}

void ArenaTable::PassOver(Patience& patience, BootTime now) const {
  ++patience.passed_over;
  if (patience.passed_over < options_.passed_over_max) return;
  patience.passed_over = 0;
  patience.insists_until = now + options_.insist_for;
}

void ArenaTable::ServeRestores(Effects& effects) {
  std::deque<ArenaId> left;
  for (const ArenaId id : std::exchange(restores_, {})) {
    Arena& arena = arenas_.at(id);
    const std::uint64_t bytes = stored_.PageBytesIn(id);
    MOBULA_CHECK(bytes > 0);
    if (!MakeRoom(bytes, effects)) {
      left.push_back(id);
      continue;
    }
    arena.state = State::kRestoring;
    Charge(arena, bytes);
    effects.emplace_back(RestoreArena{id, stored_.In(id)});
    if (left.empty()) restores_patience_ = Patience();
  }
  restores_ = std::move(left);
}

void ArenaTable::RefuseLateOpeners(BootTime now, Effects& effects) {
  for (auto it = opening_.begin(); it != opening_.end();) {
    const ArenaId id = *it;
    Arena& arena = arenas_.at(id);
    std::deque<Opener>& openers = arena.openers;
    while (!openers.empty() && now >= openers.front().refuse_at) {
      effects.emplace_back(Send{
          openers.front().process,
          base::ArenaLost{id, base::MakeFailure(FailureCode::kObjectStoreFull,
                                                base::Executed::kMaybe,
                                                WhyNotOpened(arena))}});
      openers.pop_front();
    }
    if (!openers.empty()) {
      ++it;
      continue;
    }
    it = opening_.erase(it);
    std::erase(restores_, id);
  }
}

std::string ArenaTable::WhyNotOpened(const Arena& arena) const {
  const auto waited =
      std::chrono::duration_cast<std::chrono::seconds>(options_.open_wait_max);
  const std::string after = " after " + std::to_string(waited.count()) + " s";
  if (arena.state != State::kSpilled) {
    return "the value is on its way from or to disk, and the disk is not done" +
           after + "; see that the folders of --spill-folder answer";
  }
  std::string why = "the value is on disk, and the node's store of " +
                    Mebibytes(options_.bytes_max) +
                    " has no room to bring it back" + after;
  if (!spill_failure_.empty()) {
    return why + ", since nothing else can go to disk (" + spill_failure_ +
           "); make room there, name another --spill-folder, or let go of refs";
  }
  why += ": pinned by " + WhoMapsMost();
  return why +
         "; let go of Views, unsealed Buffers and arguments, or give the node "
         "more with --object-store-memory";
}

std::string ArenaTable::WhoMapsMost() const {
  std::map<ProcessId, std::uint64_t> mapped;
  for (const auto& [id, arena] : arenas_) {
    std::set<ProcessId> processes = arena.readers;
    if (!arena.writer.IsNil()) processes.insert(arena.writer);
    for (const ProcessId process : processes) mapped[process] += arena.charge;
  }
  std::vector<std::pair<std::uint64_t, ProcessId>> most_first;
  for (const auto& [process, bytes] : mapped) {
    most_first.emplace_back(bytes, process);
  }
  std::sort(most_first.rbegin(), most_first.rend());
  std::string text;
  for (std::size_t i = 0; i < most_first.size() && i < kNamedMax; ++i) {
    const auto& [bytes, process] = most_first[i];
    const auto name = names_.find(process);
    if (i > 0) text += ", ";
    text += name != names_.end() ? name->second : process.ToString();
    text += " (" + Mebibytes(bytes) + ")";
  }
  if (most_first.size() > kNamedMax) {
    text += " and " + std::to_string(most_first.size() - kNamedMax) + " more";
  }
  return text.empty() ? "nobody" : text;
}

void ArenaTable::ServeLeases(BootTime now, Effects& effects) {
  while (ServeNextLease(now, effects)) {
    if (!restores_.empty()) PassOver(restores_patience_, now);
  }
}

// The first in turn that can be served; whether there was one.
bool ArenaTable::ServeNextLease(BootTime now, Effects& effects) {
  if (waiting_.empty()) return false;
  if (!restores_.empty() && now < restores_patience_.insists_until) {
    return false;
  }
  auto turn = waiting_.upper_bound(served_);
  std::vector<Patience*> passed;
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    if (turn == waiting_.end()) turn = waiting_.begin();
    Request& request = turn->second.front();
    if (Serve(turn->first, request, now, effects)) {
      for (Patience* patience : passed) PassOver(*patience, now);
      served_ = turn->first;
      turn->second.pop_front();
      if (turn->second.empty()) waiting_.erase(turn);
      return true;
    }
    if (now < request.patience.insists_until) return false;
    passed.push_back(&request.patience);
    ++turn;
  }
  return false;
}

std::uint64_t ArenaTable::SwapBytes() const {
  // Others write to the disk too.
  const std::uint64_t margin = 2 * arena_bytes_;
  const std::uint64_t room = disk_room_ - std::min(disk_room_, margin);
  if (room >= options_.bytes_max) return 0;
  std::uint64_t largest = 0;
  for (const auto& [id, arena] : arenas_) {
    const bool on_disk = arena.has_file || arena.state == State::kSpilling;
    if (on_disk) largest = std::max(largest, arena.byte_count);
  }
  return largest - std::min(largest, room);
}

void ArenaTable::LookAtDisksSoon(BootTime now, Effects& effects) {
  if (now < look_again_at_) return;
  look_again_at_ = now + options_.spill_again_after;
  effects.emplace_back(LookAtDisks{});
}

bool ArenaTable::Serve(ProcessId process, const Request& request, BootTime now,
                       Effects& effects) {
  const std::uint64_t free = options_.bytes_max - charged_ + reserve_bytes_;
  if (free < request.byte_count) return false;
  const std::uint64_t swap = SwapBytes();
  if (free - request.byte_count < swap) {
    // It may be that the disk has room by now.
    LookAtDisksSoon(now, effects);
    return false;
  }
  if (!request.is_copy &&
      ServeFromReserve(process, request, free - swap, effects)) {
    return true;
  }
  if (!MakeRoom(request.byte_count, effects)) return false;
  const auto id = ids_.Next<ArenaId>();
  Arena& arena = arenas_[id];
  arena.byte_count = request.byte_count;
  arena.is_copy = arena.holds_copy = request.is_copy;
  if (request.is_copy) ++copies_;
  GiveTo(process, request, arena);
  Charge(arena, arena.byte_count);
  effects.emplace_back(MakeArena{id, arena.byte_count});
  return true;
}

bool ArenaTable::ServeFromReserve(ProcessId process, const Request& request,
                                  std::uint64_t bytes_max, Effects& effects) {
  ArenaId best;
  for (const ArenaId id : reserve_) {
    const Arena& arena = arenas_.at(id);
    if (arena.byte_count < request.byte_count) continue;
    if (arena.byte_count / 2 > request.byte_count) continue;
    if (arena.byte_count > bytes_max) continue;
    if (!arena.job.IsNil() && arena.job != request.job) continue;
    if (best.IsNil() || arena.byte_count < arenas_.at(best).byte_count) {
      best = id;
    }
  }
  if (best.IsNil()) return false;
  const ArenaId id = TakeReserve(best, effects);
  Arena& arena = arenas_.at(id);
  GiveTo(process, request, arena);
  if (arena.state == State::kReady) TellLeased(id, arena, effects);
  return true;
}

// The arena's id: another one where there was a writer before.
base::ArenaId ArenaTable::TakeReserve(ArenaId id, Effects& effects) {
  auto arena = arenas_.extract(id);
  MOBULA_CHECK(!arena.empty() && reserve_.erase(id) == 1);
  reserve_bytes_ -= arena.mapped().byte_count;
  if (!arena.mapped().job.IsNil()) {
    const auto as = ids_.Next<ArenaId>();
    effects.emplace_back(RenameArena{id, as});
    by_use_[arena.mapped().used_at] = as;
    arena.key() = as;
  }
  return arenas_.insert(std::move(arena)).position->first;
}

std::uint64_t ArenaTable::NeededBytes() const {
  const std::uint64_t most = options_.bytes_max;
  std::uint64_t bytes = waiting_.empty() ? 0 : std::min(most, SwapBytes());
  for (const ArenaId id : restores_) {
    bytes = std::min(most, bytes + stored_.PageBytesIn(id));
  }
  for (const auto& [process, requests] : waiting_) {
    for (const Request& request : requests) {
      bytes = std::min(most, bytes + request.byte_count);
      if (bytes == most) return bytes;
    }
  }
  return bytes;
}

std::set<base::ProcessId> ArenaTable::Silent(BootTime now) const {
  std::set<ProcessId> silent;
  for (const auto& [used_at, id] : by_use_) {
    const Arena& arena = arenas_.at(id);
    if (now < arena.answer_by) continue;
    for (const auto& [process, given] : arena.asked) silent.insert(process);
  }
  return silent;
}

bool ArenaTable::IsMappedByAny(const Arena& arena,
                               const std::set<ProcessId>& processes) {
  return std::any_of(
      processes.begin(), processes.end(), [&arena](ProcessId process) {
        return arena.writer == process || arena.readers.contains(process);
      });
}

void ArenaTable::SpillSome(BootTime now, Effects& effects) {
  if (!HasNeed()) return;
  const std::uint64_t needed = NeededBytes();
  std::uint64_t expected = options_.bytes_max - charged_ + reserve_bytes_;
  for (const auto& [id, arena] : arenas_) {
    const bool is_asked =
        !arena.asked.empty() && !arena.busy && now < arena.answer_by;
    if (is_asked || arena.state == State::kSpilling) expected += arena.charge;
  }
  const std::set<ProcessId> silent = Silent(now);
  for (const ArenaId id : InOrderOfLeaving()) {
    if (expected >= needed) return;
    Arena& arena = arenas_.at(id);
    if (arena.writer == kCopies) continue;  // it is filled yet
    if (!arena.asked.empty() || now < arena.leave_until) continue;
    if (reserve_.contains(id) || IsMappedByAny(arena, silent)) continue;
    // What holds nothing goes without a disk, if its writer lets go.
    const bool needs_disk = stored_.CountIn(id) > 0 && !arena.has_file;
    if (now < spill_again_at_ && needs_disk) continue;
    expected += arena.charge;
    StartRound(id, arena, now, effects);
  }
}

std::vector<base::ArenaId> ArenaTable::InOrderOfLeaving() const {
  std::vector<ArenaId> order;
  for (const bool copies : {true, false}) {
    if (copies && copies_ == 0) continue;
    for (const auto& [used_at, id] : by_use_) {
      if (arenas_.at(id).is_copy == copies) order.push_back(id);
    }
  }
  return order;
}

// Also where there is no need for their memory.
void ArenaTable::TrimCopies(BootTime now, Effects& effects) {
  if (copies_ <= options_.copies_max) return;
  std::size_t over = copies_ - options_.copies_max;
  for (const ArenaId id : InOrderOfLeaving()) {
    Arena& arena = arenas_.at(id);
    if (over == 0 || !arena.is_copy) return;
    if (!arena.writer.IsNil()) continue;
    --over;
    if (!arena.asked.empty() || now < arena.leave_until) continue;
    StartRound(id, arena, now, effects);
  }
}

void ArenaTable::StartRound(ArenaId id, Arena& arena, BootTime now,
                            Effects& effects) {
  MOBULA_CHECK(arena.state == State::kReady && arena.asked.empty());
  arena.busy = false;
  arena.answer_by = now + options_.answer_within;
  for (const ProcessId reader : arena.readers) arena.asked[reader] = false;
  if (!arena.writer.IsNil()) arena.asked[arena.writer] = false;
  for (const auto& [process, given] : arena.asked) {
    effects.emplace_back(Send{process, base::QuietArena{id}});
  }
  if (!arena.asked.empty()) return;
  if (arena.is_copy) {
    LoseCopy(id, arena, effects);
  } else {
    Spill(id, arena, effects);
  }
}

void ArenaTable::LoseCopy(ArenaId id, Arena& arena, Effects& effects) {
  MOBULA_CHECK(arena.state == State::kReady && arena.writer.IsNil());
  if (std::exchange(arena.holds_copy, false)) {
    effects.emplace_back(Send{
        kCopies, base::ArenaLost{id, base::NotRun(FailureCode::kObjectLost,
                                                  "its memory was needed")}});
  }
  Drop(id, effects);
  dropped_copy_ = true;
}

void ArenaTable::Spill(ArenaId id, Arena& arena, Effects& effects) {
  MOBULA_CHECK(arena.state == State::kReady && arena.asked.empty());
  MOBULA_CHECK(arena.readers.empty() && arena.writer.IsNil());
  by_use_.erase(arena.used_at);
  arena.state = State::kSpilling;
  // Whether or not it works, this memory has no writer any more.
  arena.shared = true;
  effects.emplace_back(SpillArena{id, stored_.In(id)});
}

// One arena more than is used lies ready where several are, since making one
// takes long; none where nobody writes.
void ArenaTable::TendReserve(Effects& effects) {
  if (leased_ == 0) {
    const std::set<ArenaId> reserve = reserve_;
    for (const ArenaId id : reserve) Drop(id, effects);
    return;
  }
  if (leased_ < 2 || !reserve_.empty() || HasNeed()) return;
  if (charged_ + arena_bytes_ > options_.bytes_max / 2) return;
  const auto id = ids_.Next<ArenaId>();
  Arena& arena = arenas_[id];
  arena.byte_count = arena_bytes_;
  AddReserve(id, arena);
  Charge(arena, arena_bytes_);
  effects.emplace_back(MakeArena{id, arena_bytes_});
}

void ArenaTable::SetDeadline(BootTime now) {
  retry_at_ = BootTime::Never();
  const auto consider = [this, now](BootTime at) {
    if (at > now) retry_at_ = std::min(retry_at_, at);
  };
  for (const ArenaId id : to_look_at_) consider(arenas_.at(id).leave_until);
  for (const ArenaId id : opening_) {
    consider(arenas_.at(id).openers.front().refuse_at);
  }
  if (!HasNeed()) return;
  consider(spill_again_at_);
  consider(look_again_at_);
  consider(restores_patience_.insists_until);
  for (const auto& [used_at, id] : by_use_) {
    const Arena& arena = arenas_.at(id);
    consider(arena.leave_until);
    if (!arena.asked.empty()) consider(arena.answer_by);
  }
  for (const auto& [process, requests] : waiting_) {
    consider(requests.front().patience.insists_until);
  }
}

}  // namespace mobula::raylet
