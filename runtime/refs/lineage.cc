#include "runtime/refs/lineage.h"

#include <unordered_set>
#include <utility>

#include "base/check.h"
#include "runtime/refs/inside.h"

namespace mobula::runtime {
namespace {

using base::Failure;
using base::ObjectId;

// Map nodes, list nodes and the block that the counts stand in.
constexpr std::size_t kOverheadBytes = 160;

std::size_t BytesOf(const TaskSpec& spec) {
  std::size_t bytes = kOverheadBytes + sizeof(TaskSpec) +
                      spec.function_name.size() + spec.name.size();
  for (const base::Value& arg : spec.args) {
    bytes += sizeof(base::Value) + arg.bytes().size() +
             arg.refs().size() * sizeof(base::ObjectName);
  }
  return bytes;
}

Failure Lost(std::string why) {
  return base::MakeFailure(base::FailureCode::kObjectLost,
                           base::Executed::kMaybe, std::move(why));
}

std::string Times(std::int32_t count) {
  return count == 1 ? "once" : std::to_string(count) + " times";
}

// Calls `each` with each own object that the task needs, and the number of the
// argument.
template <class F>
void ForEachOwn(const TaskSpec& spec, base::ProcessId self, F&& each) {
  for (std::size_t i = 0; i < spec.args.size(); ++i) {
    ForEachMention(spec.args[i], [&](const base::ObjectName& name, bool) {
      if (name.owner == self) each(name.object, i + 1);
    });
  }
}

}  // namespace

// ---- what is there ----------------------------------------------------------

std::optional<Remade> Lineage::Note(ObjectId object,
                                    std::unique_ptr<const TaskSpec> spec,
                                    const Fingerprint& print) {
  MOBULA_CHECK(spec != nullptr && spec->attempts >= 1);
  if (spec->retries_max == 0) {
    without_[object] = Without::kNoRetries;
    return std::nullopt;
  }
  Record& record = records_[object];
  std::optional<Remade> remade = TakeRemade(object, record, print);
  const std::shared_ptr<const TaskSpec> former = std::move(record.spec);
  record.attempts = spec->attempts;
  record.spec = std::move(spec);
  record.print = print;
  record.alive = true;
  if (former != nullptr) by_age_.erase(record.age);
  record.age = ++ages_;
  by_age_.emplace(record.age, object);
  bytes_ -= record.bytes;
  record.bytes = BytesOf(*record.spec);
  bytes_ += record.bytes;
  // What it names now first, so that nothing of it goes in between.
  AddNames(*record.spec);
  std::vector<ObjectId> idle;
  if (former != nullptr) RemoveNames(*former, idle);
  DropIdle(std::move(idle));
  EvictOver();
  return remade;
}

std::optional<Remade> Lineage::TakeRemade(ObjectId object, Record& record,
                                          const Fingerprint& now) {
  if (!std::exchange(record.running, false)) return std::nullopt;
  Remade remade;
  remade.object = object;
  remade.function = record.spec->function_name;
  remade.attempt = record.attempts;
  remade.differs = record.print.Differs(now);
  remade.before = record.print;
  remade.now = now;
  return remade;
}

std::optional<Remade> Lineage::End(ObjectId object, std::int32_t attempts,
                                   const Fingerprint* print) {
  const auto it = records_.find(object);
  if (it == records_.end() || !it->second.running) return std::nullopt;
  Record& record = it->second;
  record.attempts = attempts;
  if (print == nullptr) {
    record.running = false;
    return std::nullopt;
  }
  std::optional<Remade> remade = TakeRemade(object, record, *print);
  record.print = *print;
  return remade;
}

void Lineage::AddNames(const TaskSpec& spec) {
  ForEachOwn(spec, self_,
             [this](ObjectId name, std::size_t) { ++named_[name].by; });
}

void Lineage::RemoveNames(const TaskSpec& spec, std::vector<ObjectId>& idle) {
  ForEachOwn(spec, self_, [&](ObjectId name, std::size_t) {
    const auto it = named_.find(name);
    MOBULA_CHECK(it != named_.end() && it->second.by > 0);
    if (--it->second.by > 0) return;
    named_.erase(it);
    idle.push_back(name);
  });
}

void Lineage::DropIdle(std::vector<ObjectId> idle) {
  while (!idle.empty()) {
    const ObjectId object = idle.back();
    idle.pop_back();
    const auto it = records_.find(object);
    if (it == records_.end() || it->second.alive) continue;
    if (named_.contains(object)) continue;
    Erase(it, idle);
  }
}

void Lineage::Erase(Records::iterator it, std::vector<ObjectId>& idle) {
  const Record record = std::move(it->second);
  // Who is alive takes note of its strays by itself.
  if (record.stray) strays_.push_back(it->first);
  by_age_.erase(record.age);
  bytes_ -= record.bytes;
  records_.erase(it);
  RemoveNames(*record.spec, idle);
}

void Lineage::EvictOver() {
  while (bytes_ > limits_.bytes_max) {
    const ObjectId object = by_age_.begin()->second;
    const auto it = records_.find(object);
    MOBULA_CHECK(it != records_.end());
    if (it->second.alive) without_[object] = Without::kEvicted;
    const auto named = named_.find(object);
    if (named != named_.end()) named->second.was_evicted = true;
    std::vector<ObjectId> idle;
    Erase(it, idle);
    DropIdle(std::move(idle));
    ++evicted_;
  }
}

void Lineage::Forgotten(ObjectId object, bool stray) {
  without_.erase(object);
  const auto it = records_.find(object);
  if (it == records_.end()) {
    if (stray) strays_.push_back(object);
    return;
  }
  Record& record = it->second;
  MOBULA_CHECK(record.alive && !record.running);
  record.alive = false;
  record.stray = record.stray || stray;
  DropIdle({object});
}

bool Lineage::NoteStray(ObjectId object) {
  const auto it = records_.find(object);
  if (it == records_.end() || it->second.alive) return false;
  it->second.stray = true;
  return true;
}

// ---- what is to be done -----------------------------------------------------

Lineage::Planned Lineage::Plan(ObjectId object,
                               const PresentFn& present) const {
  std::vector<ObjectId> runs{object};
  std::vector<std::size_t> depths{0};
  std::unordered_set<ObjectId> planned{object};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    // By value: more is appended.
    const ObjectId run = runs[i];
    const std::size_t depth = depths[i];
    std::optional<Failure> failure = WhyNot(run, depth);
    if (failure.has_value()) return *std::move(failure);
    const TaskSpec& spec = *records_.at(run).spec;
    ForEachOwn(spec, self_, [&](ObjectId name, std::size_t number) {
      if (failure.has_value() || present(name)) return;
      if (!records_.contains(name)) {
        failure =
            Lost("argument " + std::to_string(number) + " of " +
                 spec.function_name + " is free and " + WhyNoRecord(name));
        return;
      }
      if (!planned.insert(name).second) return;
      runs.push_back(name);
      depths.push_back(depth + 1);
    });
    if (failure.has_value()) return *std::move(failure);
  }
  return runs;
}

std::optional<Failure> Lineage::WhyNot(ObjectId object,
                                       std::size_t depth) const {
  const auto it = records_.find(object);
  if (it == records_.end()) return Lost(WhyNoRecord(object));
  const Record& record = it->second;
  const TaskSpec& spec = *record.spec;
  if (spec.retries_max >= 0 && record.attempts > spec.retries_max) {
    return Lost("no retries are left: " + spec.function_name + " has run " +
                Times(record.attempts) + " (TaskOptions().Retries(" +
                std::to_string(spec.retries_max) + "))");
  }
  if (depth > limits_.depth_max) {
    return Lost("more than " + std::to_string(limits_.depth_max) +
                " tasks, each the argument of the next, would have to run "
                "again; keep the Ref of a value on the way");
  }
  return std::nullopt;
}

std::string Lineage::WhyNoRecord(ObjectId object) const {
  const auto without = without_.find(object);
  const auto named = named_.find(object);
  const bool was_evicted =
      (without != without_.end() && without->second == Without::kEvicted) ||
      (named != named_.end() && named->second.was_evicted);
  if (was_evicted) return EvictedText();
  if (without != without_.end()) {
    return "no retries are allowed: the task that made it had "
           "TaskOptions().Retries(0)";
  }
  if (named != named_.end()) {
    return "cannot be made again: it was Put, or given by value, or made by an "
           "actor or by a task without retries; keep its Ref as long as the "
           "result";
  }
  return "no task made it: it was Put";
}

std::string Lineage::EvictedText() const {
  return "how it was made is forgotten: a process keeps at most " +
         std::to_string(limits_.bytes_max) +
         " bytes of lineage (InitOptions().LineageMemory)";
}

const TaskSpec& Lineage::Begin(ObjectId object) {
  const auto it = records_.find(object);
  MOBULA_CHECK(it != records_.end() && !it->second.running);
  Record& record = it->second;
  record.running = true;
  record.alive = true;
  ++record.attempts;
  return *record.spec;
}

void Lineage::CheckInvariants() const {
  std::size_t bytes = 0;
  std::map<ObjectId, std::uint32_t> names;
  for (const auto& [object, record] : records_) {
    bytes += record.bytes;
    MOBULA_CHECK(record.alive || named_.contains(object));
    MOBULA_CHECK(by_age_.at(record.age) == object);
    ForEachOwn(*record.spec, self_,
               [&](ObjectId name, std::size_t) { ++names[name]; });
  }
  MOBULA_CHECK(bytes == bytes_ && bytes_ <= limits_.bytes_max);
  MOBULA_CHECK(by_age_.size() == records_.size());
  MOBULA_CHECK(names.size() == named_.size());
  for (const auto& [object, named] : named_) {
    MOBULA_CHECK(names.at(object) == named.by);
  }
}

}  // namespace mobula::runtime
