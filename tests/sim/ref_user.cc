#include "tests/sim/ref_user.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace mobula::sim {

using base::ObjectId;
using base::ObjectName;
using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

// Handles of its own at a time.
constexpr std::size_t kMineMax = 24;
// Deeds of one function.
constexpr int kDeedsMax = 3;
// How long it waits for an outcome.
constexpr base::Duration kPatience = milliseconds(20);
constexpr std::uint64_t kFatRefs = 40;
// No label is longer.
constexpr std::int64_t kLabelMax = 5'000;
constexpr std::int64_t kLargeMax = 400 << 10;

}  // namespace

RefUser::RefUser(const RefOptions& options, const Parts& parts, Rng rng,
                 AfterFn after)
    : options_(options), parts_(parts), rng_(rng), after_(std::move(after)) {}

// ---- deeds ------------------------------------------------------------------

void RefUser::Begin(int deeds) {
  left_ = deeds;
  if (left_ > 0) {
    after_(rng_.Within(microseconds(0), milliseconds(5)), [this] { Pump(); });
  }
}

void RefUser::Pump() {
  if (left_ == 0) return;
  --left_;
  busy_ = true;
  DoSomething(kAnyRank, [this] {
    busy_ = false;
    if (left_ > 0) {
      after_(rng_.LogNormal(microseconds(500), 1), [this] { Pump(); });
    }
  });
}

void RefUser::DoSomething(std::uint64_t rank_max, const Then& then) {
  const std::uint64_t choice = rng_.Below(10);
  if (choice < 4 || parts_.api.refs().all().empty()) {
    PutStored(rank_max, then);
    return;
  } else if (choice < 7) {
    const std::optional<ObjectName> name = DrawHandle(kAnyRank);
    if (name.has_value() && Read(*name, then)) return;
  } else if (choice < 8) {
    const std::optional<ObjectName> name = DrawHandle(kAnyRank);
    if (name.has_value()) Take(*name);
  } else {
    LetOne();
  }
  then();
}

std::optional<std::uint64_t> RefUser::DrawStored() {
  if (!rng_.Chance(options_.stored)) return std::nullopt;
  const bool is_large = rng_.Chance(options_.large);
  return static_cast<std::uint64_t>(
      rng_.Between(kLabelMax, is_large ? kLargeMax : 2 * kLabelMax));
}

void RefUser::PutStored(std::uint64_t rank_max, const Then& then) {
  const std::optional<std::uint64_t> byte_count = DrawStored();
  if (!byte_count.has_value()) {
    Put(rank_max, std::nullopt);
    then();
    return;
  }
  parts_.store.WithRoom(
      *byte_count,
      [this, rank_max, then](const std::optional<base::Room>& room) {
        Put(rank_max, room);
        then();
      });
}

void RefUser::Put(std::uint64_t rank_max,
                  const std::optional<base::Room>& room) {
  std::vector<ObjectName> refs = DrawRefs(options_.nest, rank_max);
  const ObjectName name{parts_.api.NewObject(), parts_.self};
  parts_.truth.NotePut(name.object, !refs.empty());
  const base::Bytes bytes =
      ownership::Truth::Label(name.object, "p" + std::to_string(++puts_), refs);
  const std::uint64_t rank = RankOf(refs);
  base::Value value(bytes, std::move(refs));
  if (room.has_value()) {
    StorePort::Write(*room, bytes.view());
    value = base::Value::Stored(name, room->extent, value.refs());
  }
  parts_.api.PutValue(name.object, std::move(value), bytes, rank);
  ++mine_[name.object];
}

bool RefUser::Read(const ObjectName& name, const Then& then) {
  if (reads_.contains(name.object)) return false;
  const auto index = parts_.ledger.FindByResult(name.object);
  const Operation* op =
      index.has_value() ? &parts_.ledger.operation(*index) : nullptr;
  // Its asker is waiting for that one.
  if (op != nullptr && op->owner == parts_.self && op->kind != OpKind::kPut &&
      !op->outcome.has_value()) {
    return false;
  }
  // Whoever waits goes on at last, even if nothing comes.
  const auto waits = std::make_shared<bool>(true);
  const Then go_on = [waits, then] {
    if (std::exchange(*waits, false)) then();
  };
  reads_.emplace(name.object, Reading{go_on, waits});
  after_(kPatience, go_on);
  parts_.api.WatchObject(name.object);
  return true;
}

void RefUser::OnReady(ObjectId object, const base::Outcome& outcome,
                      bool is_judged) {
  const auto found = reads_.find(object);
  if (found == reads_.end()) return;  // it was ready twice
  const Reading reading = std::move(found->second);
  reads_.erase(found);
  const auto& handles = parts_.api.refs().all();
  const auto handle = handles.find(object);
  if (handle != handles.end()) {  // else it may be free by now
    const ObjectName name{object, handle->second.owner};
    if (is_judged) parts_.truth.Read(name, outcome);
    const auto* value = std::get_if<base::Value>(&outcome);
    // What began to read may have ended, and would let nothing go.
    if (value != nullptr && *reading.waits) Meet(*value);
  }
  reading.go_on();
}

void RefUser::ReadAll() {
  std::vector<ObjectName> names;
  for (const auto& [object, handle] : parts_.api.refs().all()) {
    names.push_back({object, handle.owner});
  }
  for (const ObjectName& name : names) {
    // Reading another one may have cost it.
    if (parts_.api.refs().Has(name.object)) Read(name, [] {});
  }
}

// ---- refs that are found and passed on --------------------------------------

void RefUser::Meet(const base::Value& value) {
  for (const ObjectName& name : value.refs()) {
    if (rng_.Chance(options_.take)) Take(name);
  }
  // Not before all of them are taken: it may cost the value itself.
  while (mine_.size() > kMineMax) LetOne();
}

void RefUser::MeetArguments(const std::vector<base::Value>& args,
                            const std::vector<ObjectName>& passed) {
  for (const base::Value& arg : args) {
    parts_.truth.ReadArgument(arg);
    Meet(arg);
  }
  MOBULA_CHECK(args.size() >= passed.size());
  const std::size_t first = args.size() - passed.size();
  for (std::size_t i = 0; i < passed.size(); ++i) {
    parts_.truth.Read(passed[i], args[first + i]);
  }
}

void RefUser::LookAgain(const std::vector<base::Value>& args) {
  for (const base::Value& arg : args) {
    if (arg.is_stored()) parts_.truth.ReadArgument(arg);
  }
}

std::vector<ObjectName> RefUser::DrawRefs(double chance,
                                          std::uint64_t rank_max) {
  std::vector<ObjectName> refs;
  if (!rng_.Chance(chance)) return refs;
  const std::uint64_t count =
      rng_.Chance(options_.fat) ? kFatRefs : 1 + rng_.Below(3);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::optional<ObjectName> name = DrawHandle(rank_max);
    if (name.has_value()) refs.push_back(*name);
  }
  return refs;
}

void RefUser::DrawPassed(Operation& wish, std::uint64_t rank_max) {
  wish.mentioned = DrawRefs(options_.pass, rank_max);
  while (wish.passed.size() < 2 && rng_.Chance(options_.resolve)) {
    const std::optional<ObjectName> name = DrawHandle(rank_max);
    if (!name.has_value()) break;
    wish.passed.push_back(*name);
  }
  if (rng_.Chance(options_.use)) {
    wish.behaviour.deeds = static_cast<int>(rng_.Between(1, kDeedsMax));
  }
}

std::optional<ObjectName> RefUser::DrawHandle(std::uint64_t rank_max) {
  const auto& handles = parts_.api.refs().all();
  if (handles.empty()) return std::nullopt;
  const auto& [object, handle] = *std::next(
      handles.begin(), static_cast<std::ptrdiff_t>(rng_.Below(handles.size())));
  if (rank_max != kAnyRank && parts_.ledger.RankOf(object) >= rank_max) {
    return std::nullopt;
  }
  return ObjectName{object, handle.owner};
}

std::uint64_t RefUser::RankOf(const std::vector<ObjectName>& refs) const {
  std::uint64_t rank = 0;
  for (const ObjectName& name : refs) {
    rank = std::max(rank, parts_.ledger.RankOf(name.object));
  }
  return rank;
}

// ---- handles ----------------------------------------------------------------

void RefUser::Take(const ObjectName& name) {
  parts_.api.Take(name);
  ++mine_[name.object];
}

void RefUser::LetOne() {
  if (mine_.empty()) return;
  const auto one = std::next(
      mine_.begin(), static_cast<std::ptrdiff_t>(rng_.Below(mine_.size())));
  const ObjectId object = one->first;
  if (--one->second == 0) mine_.erase(one);
  parts_.api.Let(object);
}

void RefUser::LetAll() {
  while (!mine_.empty()) LetOne();
}

void RefUser::LetSome() {
  while (!mine_.empty() && !rng_.Chance(options_.keep)) LetOne();
}

}  // namespace mobula::sim
