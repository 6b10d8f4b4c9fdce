#include "tests/ownership/truth.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace mobula::ownership {
namespace {

using base::Failure;
using base::FailureCode;
using base::ObjectId;
using base::ObjectName;
using base::ProcessId;
using base::Value;

std::string RefsText(const std::vector<ObjectName>& refs) {
  std::string text;
  for (const ObjectName& name : refs) {
    text += "|" + std::to_string(name.object.hi) + "." +
            std::to_string(name.object.lo) + "@" +
            std::to_string(name.owner.lo);
  }
  return text;
}

std::string IdText(ObjectId object) {
  return std::to_string(object.hi) + "." + std::to_string(object.lo);
}

// The values that travel in a message, but for those that the raylet is told.
std::vector<const Value*> ValuesIn(const base::Message& message) {
  std::vector<const Value*> values;
  const auto add = [&values](const std::vector<Value>& args) {
    for (const Value& value : args) values.push_back(&value);
  };
  const auto add_one = [&values](const base::Outcome& outcome) {
    if (const auto* value = std::get_if<Value>(&outcome)) {
      values.push_back(value);
    }
  };
  if (const auto* run = std::get_if<base::RunTask>(&message)) {
    add(run->args);
  } else if (const auto* create = std::get_if<base::CreateActor>(&message)) {
    add(create->args);
  } else if (const auto* call = std::get_if<base::CallActor>(&message)) {
    add(call->args);
  } else if (const auto* done = std::get_if<base::TaskDone>(&message)) {
    add_one(done->outcome);
  } else if (const auto* is = std::get_if<base::ObjectIs>(&message)) {
    add_one(is->outcome);
  }
  return values;
}

}  // namespace

std::vector<ObjectName> MentionsIn(const base::Message& message) {
  std::vector<ObjectName> names;
  for (const Value* value : ValuesIn(message)) {
    names.insert(names.end(), value->refs().begin(), value->refs().end());
    if (value->is_stored()) names.push_back(value->name());
  }
  return names;
}

std::vector<ObjectId> ThirdPartyRefs(ProcessId from, ProcessId to,
                                     const base::Message& message) {
  std::vector<ObjectId> objects;
  for (const ObjectName& name : MentionsIn(message)) {
    if (name.owner == from || name.owner == to) continue;
    objects.push_back(name.object);
  }
  return objects;
}

base::Bytes Truth::Label(ObjectId object, const std::string& which,
                         const std::vector<ObjectName>& refs) {
  return base::Bytes::Own(IdText(object) + "/" + which + "/" + RefsText(refs));
}

void Truth::NoteWritten(ObjectId object, const base::Extent& extent,
                        const base::Bytes& bytes) {
  written_[PlaceOf(extent)] = std::string(bytes.view());
  places_[object].push_back(PlaceOf(extent));
}

ObjectId Truth::LoseSome(std::uint64_t choice) {
  std::vector<std::pair<ObjectId, Place>> there;
  for (const auto& [object, places] : places_) {
    for (const Place& place : places) {
      if (freed_.contains(place) || lost_.contains(place)) continue;
      there.emplace_back(object, place);
    }
  }
  if (there.empty()) return {};
  const auto& [object, place] = there[choice % there.size()];
  lost_.insert(place);
  ++times_anew_[object];
  return object;
}

bool Truth::NoteLost(ObjectId object, const base::Extent& extent) {
  if (!lost_.insert(PlaceOf(extent)).second) return false;
  times_anew_.try_emplace(object, 0);
  results_.erase(object);
  leaves_.erase(object);
  return true;
}

bool Truth::MayMiss(const ObjectName& name, const base::Extent& extent) const {
  const Place place = PlaceOf(extent);
  // It may have been made anew since, elsewhere.
  if (lost_.contains(place) || times_anew_.contains(name.object)) return true;
  if (unreadable_.contains(extent.arena) || stolen_.contains(name.object)) {
    return true;
  }
  // What a writer did not say in time was never there.
  const auto writer = writers_.find(place);
  if (writer != writers_.end() && ended_.contains(writer->second)) return true;
  return IsJobOver(name.owner) || MayBeLost(name.object);
}

bool Truth::IsJobOver(ProcessId owner) const {
  const auto job = jobs_.find(owner);
  return job != jobs_.end() && over_.contains(job->second);
}

void Truth::NoteFreed(const base::Extent& extent) {
  freed_.insert(PlaceOf(extent));
}

void Truth::NoteSent(ProcessId from, ProcessId to,
                     const base::Message& message) {
  for (const ObjectId object : ThirdPartyRefs(from, to, message)) {
    givers_[object].insert(from);
  }
}

void Truth::NoteEnded(ProcessId process, bool was_killed) {
  ended_.insert(process);
  if (was_killed) killed_.insert(process);
}

std::string Truth::BytesOf(const Value& value) {
  if (!value.is_stored()) return std::string(value.view());
  const Place place = PlaceOf(value.extent());
  if (freed_.contains(place)) {
    // What a job owned is free when it is over, whoever refers to it.
    if (IsJobOver(value.name().owner)) return "";
    Wrong("object " + IdText(value.name().object) + " is read and free");
    return "";
  }
  // Where it is mapped, what is seen there.
  if (!value.view().empty()) return std::string(value.view());
  const auto found = written_.find(place);
  if (found != written_.end()) return found->second;
  Wrong("object " + IdText(value.name().object) + " lies nowhere");
  return "";
}

void Truth::Read(const ObjectName& name, const base::Outcome& outcome) {
  ++reads_;
  const auto* value = std::get_if<Value>(&outcome);
  if (value == nullptr) {
    const auto& failure = std::get<Failure>(outcome);
    ++losses_;
    if (MayFail(name, failure)) return;
    Wrong("object " + IdText(name.object) + " of " +
          std::to_string(name.owner.lo) +
          " is a failure: " + base::DescribeFailure(failure));
    return;
  }
  const std::string bytes = BytesOf(*value);
  if (bytes.empty()) return;
  const std::string who = IdText(name.object);
  if (!bytes.starts_with(who + "/") ||
      !bytes.ends_with("/" + RefsText(value->refs()))) {
    Wrong("object " + who + " holds another's bytes: " + bytes);
  }
  CheckSame(name.object, *value, bytes);
}

void Truth::CheckSame(ObjectId object, const Value& value,
                      const std::string& bytes) {
  if (value.is_stored()) {
    const auto& [at, is_first] =
        seen_at_.emplace(PlaceOf(value.extent()), bytes);
    if (!is_first && at->second != bytes) {
      Wrong("object " + IdText(object) + " changed in its place");
    }
  }
  std::vector<std::string>& seen = seen_[object];
  if (std::find(seen.begin(), seen.end(), bytes) != seen.end()) return;
  seen.push_back(bytes);
  const auto lost = times_anew_.find(object);
  const std::size_t made_anew = lost == times_anew_.end() ? 0 : lost->second;
  if (seen.size() > 1 + made_anew) {
    Wrong("object " + IdText(object) + " changed");
  }
}

void Truth::ReadArgument(const Value& value) {
  ++reads_;
  const std::string bytes = BytesOf(value);
  if (!bytes.empty() && !bytes.ends_with("/" + RefsText(value.refs()))) {
    Wrong("an argument holds other refs than were put into it: " + bytes);
  }
}

bool Truth::MayBeLost(ObjectId object) const {
  if (stolen_.contains(object) || times_anew_.contains(object)) return true;
  const auto givers = givers_.find(object);
  if (givers == givers_.end()) return false;
  return std::any_of(givers->second.begin(), givers->second.end(),
                     [this](ProcessId id) { return killed_.contains(id); });
}

bool Truth::MayFail(const ObjectName& name, const Failure& failure) const {
  const bool is_put =
      puts_.contains(name.object) || results_.contains(name.object);
  switch (failure.code) {
    case FailureCode::kOwnerDied:
      // Of a result it may be the failure of an argument.
      return is_put ? ended_.contains(name.owner) : !ended_.empty();
    case FailureCode::kObjectLost:
      return is_put
                 ? MayBeLost(name.object)
                 : !killed_.empty() || !stolen_.empty() || !times_anew_.empty();
    case FailureCode::kBadArgument:
      return false;
    default:
      return !is_put;
  }
}

void Truth::Wrong(std::string what) {
  say_(what);
  constexpr std::size_t kWrongsMax = 20;
  if (wrongs_.size() < kWrongsMax) wrongs_.push_back(std::move(what));
}

}  // namespace mobula::ownership
