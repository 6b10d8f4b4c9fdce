#include "raylet/objects/arena_table.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/shm/extent_size.h"

namespace mobula::raylet {

using base::BootTime;
using base::Failure;
using base::FailureCode;

namespace {

constexpr std::uint64_t kArenaBytesMin = std::uint64_t{1} << 20;
constexpr std::uint64_t kArenaBytesMax = std::uint64_t{64} << 20;
// Of a store that is divided into arenas.
constexpr std::uint64_t kArenasOfStore = 16;

std::uint64_t UsualArenaBytes(std::uint64_t bytes_max) {
  return base::WholePages(
      std::clamp(bytes_max / kArenasOfStore, kArenaBytesMin, kArenaBytesMax));
}

// Of an arena for one value.
std::uint64_t PlacePages(std::uint64_t value_bytes) {
  return base::WholePages(value_bytes + base::kExtentHeaderBytes +
                          base::kExtentAlignment);
}

}  // namespace

ArenaTable::ArenaTable(Options options, StoredObjects& stored,
                       base::IdSource ids)
    : options_(options),
      stored_(stored),
      arena_bytes_(UsualArenaBytes(options.bytes_max)),
      ids_(ids) {}

std::uint64_t ArenaTable::ArenaBytesFor(std::uint64_t value_bytes) const {
  if (value_bytes <= arena_bytes_ / 2 && arena_bytes_ <= options_.bytes_max) {
    return arena_bytes_;
  }
  return PlacePages(value_bytes);
}

ArenaTable::Arena* ArenaTable::Find(ArenaId arena) {
  const auto found = arenas_.find(arena);
  return found == arenas_.end() ? nullptr : &found->second;
}

const ArenaTable::Arena* ArenaTable::Find(ArenaId arena) const {
  const auto found = arenas_.find(arena);
  return found == arenas_.end() ? nullptr : &found->second;
}

void ArenaTable::Charge(Arena& arena, std::uint64_t bytes) {
  charged_ = charged_ - arena.charge + bytes;
  arena.charge = bytes;
  MOBULA_CHECK(charged_ <= options_.bytes_max);
}

void ArenaTable::Use(ArenaId id, Arena& arena) {
  by_use_.erase(arena.used_at);
  arena.used_at = ++uses_;
  if (arena.state == State::kReady) by_use_[arena.used_at] = id;
}

bool ArenaTable::IsEmpty(ArenaId id, const Arena& arena) const {
  return arena.writer.IsNil() && !arena.holds_copy && stored_.CountIn(id) == 0;
}

void ArenaTable::Lease(ProcessId from, base::JobId job,
                       const base::LeaseArena& message, Effects& effects) {
  Request request;
  request.request = message.request;
  request.job = job;
  // What is absurd is refused; else it would overflow.
  request.byte_count = message.byte_count > options_.bytes_max
                           ? message.byte_count
                           : ArenaBytesFor(message.byte_count);
  Enqueue(from, request, message.byte_count, effects);
}

void ArenaTable::LeaseCopy(base::JobId job, const base::LeaseArena& message,
                           Effects& effects) {
  Request request;
  request.request = message.request;
  request.job = job;
  request.is_copy = true;
  request.byte_count = message.byte_count > options_.bytes_max
                           ? message.byte_count
                           : PlacePages(message.byte_count);
  Enqueue(kCopies, request, message.byte_count, effects);
}

void ArenaTable::Enqueue(ProcessId from, const Request& request,
                         std::uint64_t value_bytes, Effects& effects) {
  const auto refuse = [&](FailureCode code, std::string why) {
    effects.emplace_back(
        Send{from, base::ArenaRefused{request.request,
                                      base::NotRun(code, std::move(why))}});
  };
  if (request.byte_count > options_.bytes_max) {
    refuse(FailureCode::kTooLarge,
           "a value of " + std::to_string(value_bytes) +
               " bytes can never be in a store of " +
               std::to_string(options_.bytes_max) +
               "; give the node a larger --object-store-memory");
    return;
  }
  const auto found = waiting_.find(from);
  if (found != waiting_.end()) {
    for (const Request& waiting : found->second) {
      if (waiting.request == request.request) return;
    }
    if (found->second.size() >= options_.requests_of_process_max) {
      refuse(FailureCode::kLimit, "too many requests for memory wait already");
      return;
    }
  }
  waiting_[from].push_back(request);
}

void ArenaTable::FinishCopy(ArenaId id) {
  Arena& arena = arenas_.at(id);
  MOBULA_CHECK(arena.holds_copy && arena.writer == kCopies);
  MOBULA_CHECK(arena.state == State::kReady);
  LetGo(id, arena);
  Use(id, arena);
}

void ArenaTable::AddReader(ArenaId id, ProcessId reader) {
  Arena& arena = arenas_.at(id);
  MOBULA_CHECK(arena.holds_copy && arena.writer.IsNil());
  NoteReader(id, arena, reader);
}

void ArenaTable::DropCopy(ArenaId id) {
  Arena* arena = Find(id);
  if (arena == nullptr || !arena->is_copy) return;
  arena->holds_copy = false;
  if (!arena->writer.IsNil()) LetGo(id, *arena);
  to_look_at_.insert(id);
}

void ArenaTable::Cancel(ProcessId from, base::RequestId request) {
  const auto found = waiting_.find(from);
  if (found != waiting_.end()) {
    std::erase_if(found->second, [request](const Request& waiting) {
      return waiting.request == request;
    });
    if (found->second.empty()) waiting_.erase(found);
  }
  for (auto& [id, arena] : arenas_) {
    if (arena.writer != from || arena.request != request) continue;
    arena.holds_copy = false;
    LetGo(id, arena);
  }
}

void ArenaTable::Return(ProcessId from, ArenaId id) {
  Arena* arena = Find(id);
  if (arena == nullptr || arena->writer != from) return;
  if (arena->state != State::kReady) return;  // it was not told of it yet
  LetGo(id, *arena);
}

void ArenaTable::LetGo(ArenaId id, Arena& arena) {
  MOBULA_CHECK(!arena.writer.IsNil());
  arena.writer = ProcessId();
  arena.request = base::RequestId();
  if (!arena.is_copy) --leased_;
  stored_.ForgetRemembered(id);
  to_look_at_.insert(id);
}

void ArenaTable::Open(ProcessId from, ArenaId id, BootTime now,
                      Effects& effects) {
  Arena* arena = Find(id);
  const bool is_there = arena != nullptr && arena->state != State::kMaking &&
                        arena->writer != kCopies && !IsEmpty(id, *arena);
  if (!is_there) {
    effects.emplace_back(
        Send{from, base::ArenaLost{id, base::NotRun(FailureCode::kObjectLost,
                                                    "its memory is gone")}});
    return;
  }
  if (arena->state == State::kReady) {
    TellOpened(id, *arena, from, effects);
    return;
  }
  const bool waits_already = std::any_of(
      arena->openers.begin(), arena->openers.end(),
      [from](const Opener& opener) { return opener.process == from; });
  if (waits_already) return;
  arena->openers.push_back({from, now + options_.open_wait_max});
  opening_.insert(id);
  if (arena->state == State::kSpilled && arena->openers.size() == 1) {
    restores_.push_back(id);
  }
}

void ArenaTable::TellOpened(ArenaId id, Arena& arena, ProcessId reader,
                            Effects& effects) {
  NoteReader(id, arena, reader);
  effects.emplace_back(SendWithArena{
      reader, base::ArenaOpened{id, arena.byte_count}, id, false});
}

void ArenaTable::NoteReader(ArenaId id, Arena& arena, ProcessId reader) {
  if (!arena.asked.empty()) arena.busy = true;  // it is in use, after all
  const auto asked = arena.asked.find(reader);
  if (asked != arena.asked.end()) asked->second = true;
  arena.readers.insert(reader);
  arena.shared = true;
  Use(id, arena);
}

// Who asked for it while it was not in memory.
void ArenaTable::TellOpeners(ArenaId id, Arena& arena, Effects& effects) {
  opening_.erase(id);
  for (const Opener& opener : std::exchange(arena.openers, {})) {
    TellOpened(id, arena, opener.process, effects);
  }
}

void ArenaTable::TellLost(ArenaId id, Arena& arena, const Failure& failure,
                          Effects& effects) {
  opening_.erase(id);
  for (const Opener& opener : std::exchange(arena.openers, {})) {
    effects.emplace_back(Send{opener.process, base::ArenaLost{id, failure}});
  }
  std::erase(restores_, id);
}

void ArenaTable::TellLeased(ArenaId id, Arena& arena, Effects& effects) {
  Use(id, arena);
  effects.emplace_back(SendWithArena{
      arena.writer, base::ArenaLeased{arena.request, id, arena.byte_count}, id,
      true});
}

void ArenaTable::Quiet(ProcessId from, ArenaId id, bool quiet, BootTime now) {
  Arena* arena = Find(id);
  if (arena == nullptr) return;
  const auto asked = arena->asked.find(from);
  if (asked == arena->asked.end()) return;
  const bool was_given_anew = asked->second;
  arena->asked.erase(asked);
  if (!quiet) {
    arena->busy = true;
  } else {
    if (arena->writer == from) LetGo(id, *arena);
    if (!was_given_anew) arena->readers.erase(from);
  }
  EndRoundIfAnswered(id, *arena, now);
}

void ArenaTable::EndRoundIfAnswered(ArenaId id, Arena& arena, BootTime now) {
  if (!arena.asked.empty()) return;
  to_look_at_.insert(id);
  if (!std::exchange(arena.busy, false)) {
    arena.busy_for = base::Duration::zero();
    return;
  }
  arena.busy_for = std::clamp(2 * arena.busy_for, options_.busy_for_min,
                              options_.busy_for_max);
  arena.leave_until = now + arena.busy_for;
}

void ArenaTable::Made(ArenaId id, Effects& effects) {
  Arena* arena = Find(id);
  if (arena == nullptr) return;  // dropped before it was there
  MOBULA_CHECK(arena->state == State::kMaking);
  arena->state = State::kReady;
  Use(id, *arena);
  if (!arena->writer.IsNil()) TellLeased(id, *arena, effects);
  to_look_at_.insert(id);
}

void ArenaTable::MakeFailed(ArenaId id, const Failure& failure,
                            Effects& effects) {
  Arena* arena = Find(id);
  if (arena == nullptr) return;
  MOBULA_CHECK(arena->state == State::kMaking);
  if (!arena->writer.IsNil()) {
    effects.emplace_back(
        Send{arena->writer, base::ArenaRefused{arena->request, failure}});
    LetGo(id, *arena);
  }
  if (reserve_.erase(id) > 0) reserve_bytes_ -= arena->byte_count;
  if (arena->is_copy) --copies_;
  Charge(*arena, 0);
  arenas_.erase(id);
}

void ArenaTable::WasSpilled(ArenaId id) {
  Arena* arena = Find(id);
  if (arena == nullptr) return;
  MOBULA_CHECK(arena->state == State::kSpilling);
  // What had a file was not written.
  if (!std::exchange(arena->has_file, true)) spill_failure_.clear();
  arena->state = State::kSpilled;
  Charge(*arena, 0);
  if (!arena->openers.empty()) restores_.push_back(id);
  to_look_at_.insert(id);
}

void ArenaTable::SpillFailed(ArenaId id, const Failure& failure, BootTime now,
                             Effects& effects) {
  spill_failure_ = failure.message;
  disk_room_ = 0;  // until the disk says otherwise
  spill_again_at_ = now + options_.spill_again_after;
  Arena* arena = Find(id);
  if (arena == nullptr) return;
  MOBULA_CHECK(arena->state == State::kSpilling);
  arena->state = State::kReady;
  Use(id, *arena);
  to_look_at_.insert(id);
  TellOpeners(id, *arena, effects);
}

void ArenaTable::WasRestored(ArenaId id, Effects& effects) {
  Arena* arena = Find(id);
  if (arena == nullptr) return;
  MOBULA_CHECK(arena->state == State::kRestoring);
  arena->state = State::kReady;
  arena->busy_for = base::Duration::zero();
  arena->leave_until = BootTime();
  Use(id, *arena);
  to_look_at_.insert(id);
  TellOpeners(id, *arena, effects);
}

void ArenaTable::RestoreFailed(ArenaId id, const Failure& failure,
                               Effects& effects) {
  Arena* arena = Find(id);
  if (arena == nullptr) return;
  MOBULA_CHECK(arena->state == State::kRestoring);
  arena->state = State::kSpilled;
  Charge(*arena, 0);
  to_look_at_.insert(id);
  TellLost(id, *arena, failure, effects);
}

void ArenaTable::Touch(ArenaId id) {
  Arena* arena = Find(id);
  if (arena == nullptr) return;
  arena->was_used = true;
  Use(id, *arena);
}

void ArenaTable::ProcessCame(ProcessId process, std::string who) {
  names_[process] = std::move(who);
}

void ArenaTable::ProcessGone(ProcessId process, BootTime now) {
  names_.erase(process);
  waiting_.erase(process);
  for (auto& [id, arena] : arenas_) {
    if (arena.writer == process) LetGo(id, arena);
    const auto is_its = [process](const Opener& opener) {
      return opener.process == process;
    };
    if (std::erase_if(arena.openers, is_its) > 0 && arena.openers.empty()) {
      opening_.erase(id);
      std::erase(restores_, id);
    }
    if (arena.readers.erase(process) > 0) to_look_at_.insert(id);
    if (arena.asked.erase(process) > 0) EndRoundIfAnswered(id, arena, now);
  }
}

void ArenaTable::JobGone(base::JobId job, Effects& effects) {
  const std::set<ArenaId> reserve = reserve_;
  for (const ArenaId id : reserve) {
    if (arenas_.at(id).job == job) Drop(id, effects);
  }
}

base::ProcessId ArenaTable::WriterOf(ArenaId id) const {
  const Arena* arena = Find(id);
  return arena == nullptr ? ProcessId() : arena->writer;
}

bool ArenaTable::Holds(const base::Extent& extent) const {
  const Arena* arena = Find(extent.arena);
  return arena != nullptr && extent.offset <= arena->byte_count &&
         extent.byte_count <= arena->byte_count - extent.offset;
}

bool ArenaTable::IsSpilled(ArenaId id) const {
  const Arena* arena = Find(id);
  return arena != nullptr &&
         (arena->state == State::kSpilled || arena->state == State::kRestoring);
}

bool ArenaTable::HasFile(ArenaId id) const {
  const Arena* arena = Find(id);
  return arena != nullptr &&
         (arena->has_file || arena->state == State::kSpilling);
}

std::uint64_t ArenaTable::warm_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [id, arena] : arenas_) {
    const bool is_warm = arena.was_used && stored_.CountIn(id) == 0;
    if (is_warm || reserve_.contains(id)) bytes += arena.charge;
  }
  return bytes;
}

std::uint64_t ArenaTable::spilled_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [id, arena] : arenas_) {
    if (arena.state == State::kSpilled) bytes += stored_.PageBytesIn(id);
  }
  return bytes;
}

std::uint64_t ArenaTable::copy_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [id, arena] : arenas_) {
    if (arena.is_copy) bytes += arena.charge;
  }
  return bytes;
}

std::size_t ArenaTable::waiting() const {
  std::size_t count = 0;
  for (const auto& [process, requests] : waiting_) count += requests.size();
  return count;
}

std::size_t ArenaTable::rounds() const {
  return static_cast<std::size_t>(std::count_if(
      arenas_.begin(), arenas_.end(),
      [](const auto& arena) { return !arena.second.asked.empty(); }));
}

void ArenaTable::CheckInvariants() const {
  std::uint64_t charged = 0;
  std::uint64_t reserve_bytes = 0;
  std::size_t leased = 0;
  std::size_t copies = 0;
  for (const auto& [id, arena] : arenas_) {
    charged += arena.charge;
    if (!arena.writer.IsNil() && !arena.is_copy) ++leased;
    if (arena.is_copy) ++copies;
    MOBULA_CHECK(arena.is_copy || !arena.holds_copy);
    MOBULA_CHECK(arena.is_copy || arena.writer != kCopies);
    MOBULA_CHECK(!arena.is_copy || !arena.has_file);
    const bool ready = arena.state == State::kReady;
    const bool spilled = arena.state == State::kSpilled;
    MOBULA_CHECK(by_use_.contains(arena.used_at) == ready);
    MOBULA_CHECK((arena.charge > 0) == !spilled);
    MOBULA_CHECK(arena.has_file || !spilled);
    if (!ready) {
      MOBULA_CHECK(arena.readers.empty() && arena.asked.empty());
      MOBULA_CHECK(arena.writer.IsNil() || arena.state == State::kMaking);
    } else {
      MOBULA_CHECK(arena.openers.empty());
    }
    const bool waits =
        std::find(restores_.begin(), restores_.end(), id) != restores_.end();
    MOBULA_CHECK(waits == (spilled && !arena.openers.empty()));
    MOBULA_CHECK(opening_.contains(id) == !arena.openers.empty());
    if (!reserve_.contains(id)) continue;
    reserve_bytes += arena.byte_count;
    MOBULA_CHECK(!arena.shared && IsEmpty(id, arena));
  }
  MOBULA_CHECK(charged == charged_ && charged <= options_.bytes_max);
  MOBULA_CHECK(copies == copies_);
  MOBULA_CHECK(leased == leased_ && reserve_bytes == reserve_bytes_);
  for (const auto& [process, requests] : waiting_) {
    MOBULA_CHECK(!requests.empty());
  }
}

}  // namespace mobula::raylet
