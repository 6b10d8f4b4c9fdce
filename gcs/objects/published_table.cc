#include "gcs/objects/published_table.h"

#include "base/check.h"
#include "base/control/control_codec.h"
#include "gcs/core/record.h"

namespace mobula::gcs {
namespace {

using base::FailureCode;
using base::PublishedRecord;

std::string Quoted(const std::string& ns, const std::string& name) {
  return "'" + name + "' of namespace '" + ns + "'";
}

// "" if they are good.
std::string WrongWithNames(const PublishedRecord& value) {
  std::string wrong = base::WrongWithName(value.ns);
  if (!wrong.empty()) return "the namespace is not a name: " + wrong;
  wrong = base::WrongWithName(value.name);
  if (!wrong.empty()) return "\"" + value.name + "\" is not a name: " + wrong;
  if (value.type.size() > PublishedTable::kTypeBytesMax) {
    return "the name of its type has " + std::to_string(value.type.size()) +
           " bytes";
  }
  return "";
}

std::size_t BytesOf(const PublishedRecord& value) {
  return value.ns.size() + value.name.size() + value.type.size() +
         value.cause.size() + value.value.size();
}

std::string KeyOf(const PublishedRecord& value) {
  return PublishedRecordKey(value.ns, value.name);
}

void Save(const PublishedRecord& value, Effects& effects) {
  PutRecord(KeyOf(value), base::EncodePublished(value), effects);
}

PublishedRecord WithoutBytes(const PublishedRecord& value) {
  PublishedRecord record = value;
  record.value = base::Bytes();
  return record;
}

}  // namespace

bool PublishedTable::Restore(const PublishedRecord& value, std::string* error) {
  *error = WrongWithNames(value);
  if (!error->empty()) return false;
  if (values_.contains(Name(value.ns, value.name))) {
    *error = "the name is there twice";
    return false;
  }
  Add(value);
  return true;
}

std::optional<base::Failure> PublishedTable::WhyNot(
    const base::PublishValue& request) const {
  const PublishedRecord& value = request.value;
  const std::string wrong = WrongWithNames(value);
  if (!wrong.empty()) return base::NotRun(FailureCode::kBadArgument, wrong);
  if (value.value.size() > options_.value_bytes_max) {
    return base::NotRun(
        FailureCode::kTooLarge,
        base::TooLargeToPublish(value.value.size(), options_.value_bytes_max));
  }
  std::size_t bytes = bytes_ + BytesOf(value);
  const auto known = values_.find(Name(value.ns, value.name));
  if (known != values_.end()) {
    const PublishedRecord& holder = known->second;
    if (!request.replace && holder.cause.empty()) {
      return base::NotRun(
          FailureCode::kNameTaken,
          "the name " + Quoted(value.ns, value.name) +
              " is held by a published value" +
              (holder.type.empty() ? "" : " of type " + holder.type) +
              "; replace it (PublishOptions().Replace()) or Unpublish it");
    }
    bytes -= BytesOf(holder);
  } else if (values_.size() >= options_.names_max) {
    return base::NotRun(FailureCode::kLimit,
                        std::to_string(values_.size()) +
                            " values are published: Unpublish some");
  }
  if (bytes > options_.bytes_max) {
    return base::NotRun(FailureCode::kLimit,
                        "all published values have " + std::to_string(bytes_) +
                            " bytes in the control store, and may have " +
                            std::to_string(options_.bytes_max) +
                            ": Unpublish some");
  }
  return std::nullopt;
}

base::ControlReply PublishedTable::Publish(const base::PublishValue& request,
                                           std::int64_t wall_ms,
                                           Effects& effects) {
  if (auto why = WhyNot(request)) return *std::move(why);
  PublishedRecord value = request.value;
  // A copy: the value may be a part of a large message.
  value.value = base::Bytes::Own(std::string(value.value.view()));
  value.since_ms = wall_ms;
  const auto known = values_.find(Name(value.ns, value.name));
  if (known != values_.end()) {
    Drop(known->second);
    Erase(known);
  }
  Save(value, effects);
  Add(std::move(value));
  return base::Done();
}

base::ControlReply PublishedTable::Unpublish(
    const base::UnpublishValue& request, Effects& effects) {
  const auto known = values_.find(Name(request.ns, request.name));
  if (known == values_.end()) {
    return base::NotRun(FailureCode::kNoSuchObject,
                        "no value is published under the name " +
                            Quoted(request.ns, request.name));
  }
  base::PublishedAnswer answer{WithoutBytes(known->second)};
  EraseRecord(KeyOf(known->second), effects);
  Drop(known->second);
  Erase(known);
  return answer;
}

base::ControlReply PublishedTable::Find(
    const base::FindPublished& request) const {
  const auto known = values_.find(Name(request.ns, request.name));
  if (known == values_.end()) {
    return base::NotRun(
        FailureCode::kNoSuchObject,
        "no value is published under the name " +
            Quoted(request.ns, request.name) +
            "; mobula::Publish does that, and `mobula list objects` names "
            "those that there are");
  }
  const PublishedRecord& value = known->second;
  if (value.cause.empty()) return base::PublishedAnswer{value};
  return base::NotRun(
      FailureCode::kObjectLost,
      "the value that was published under the name " +
          Quoted(request.ns, request.name) + " is lost: " + value.cause +
          "; publish it again, or with PublishOptions().Durable()");
}

base::PublishedListAnswer PublishedTable::List(
    const base::ListPublished& request) const {
  base::PublishedListAnswer answer;
  std::size_t bytes = 0;
  for (auto at =
           values_.upper_bound(Name(request.after_ns, request.after_name));
       at != values_.end(); ++at) {
    if (answer.values.size() >= request.count_max || bytes > kListBytesMax) {
      answer.more = true;
      break;
    }
    answer.values.push_back(WithoutBytes(at->second));
    bytes += BytesOf(answer.values.back());
  }
  return answer;
}

std::set<base::NodeId> PublishedTable::Keepers() const {
  std::set<base::NodeId> keepers;
  for (const auto& [node, names] : kept_) keepers.insert(node);
  return keepers;
}

void PublishedTable::NodeDied(base::NodeId node, const std::string& cause,
                              std::int64_t wall_ms, Effects& effects) {
  const auto kept = kept_.find(node);
  if (kept == kept_.end()) return;
  const std::set<Name> names = kept->second;
  for (const Name& name : names) Lose(name, cause, wall_ms, effects);
  ForgetOldest(effects);
}

void PublishedTable::Reconcile(base::NodeId node,
                               const std::set<base::ObjectId>& has,
                               const std::string& cause, std::int64_t wall_ms,
                               Effects& effects) {
  std::set<base::ObjectId> unnamed = has;
  const auto kept = kept_.find(node);
  const std::set<Name> names =
      kept == kept_.end() ? std::set<Name>() : kept->second;
  for (const Name& name : names) {
    const base::ObjectId object = values_.at(name).object;
    unnamed.erase(object);
    if (!has.contains(object)) Lose(name, cause, wall_ms, effects);
  }
  for (const base::ObjectId object : unnamed) {
    dropped_.push_back({node, object});
  }
  ForgetOldest(effects);
}

void PublishedTable::Lose(const Name& name, const std::string& cause,
                          std::int64_t wall_ms, Effects& effects) {
  const auto known = values_.find(name);
  PublishedRecord value = known->second;
  Erase(known);
  value.node = base::NodeId();
  value.object = base::ObjectId();
  value.cause = cause;
  value.since_ms = wall_ms;
  Save(value, effects);
  Add(std::move(value));
}

void PublishedTable::Drop(const PublishedRecord& value) {
  if (!value.node.IsNil()) dropped_.push_back({value.node, value.object});
}

void PublishedTable::Add(PublishedRecord value) {
  Name name(value.ns, value.name);
  bytes_ += BytesOf(value);
  if (!value.node.IsNil()) kept_[value.node].insert(name);
  if (!value.cause.empty()) lost_.emplace(value.since_ms, name);
  const bool added = values_.emplace(std::move(name), std::move(value)).second;
  MOBULA_CHECK(added);
}

void PublishedTable::Erase(Values::iterator at) {
  const auto& [name, value] = *at;
  bytes_ -= BytesOf(value);
  lost_.erase({value.since_ms, name});
  const auto kept = kept_.find(value.node);
  if (kept != kept_.end()) {
    kept->second.erase(name);
    if (kept->second.empty()) kept_.erase(kept);
  }
  values_.erase(at);
}

void PublishedTable::ForgetOldest(Effects& effects) {
  while (lost_.size() > options_.lost_max) {
    const auto oldest = values_.find(lost_.begin()->second);
    EraseRecord(KeyOf(oldest->second), effects);
    Erase(oldest);
  }
}

void PublishedTable::CheckInvariants() const {
  MOBULA_CHECK(lost_.size() <= options_.lost_max);
  std::size_t bytes = 0;
  std::size_t lost = 0;
  for (const auto& [name, value] : values_) {
    MOBULA_CHECK(name == Name(value.ns, value.name));
    bytes += BytesOf(value);
    if (!value.node.IsNil()) {
      MOBULA_CHECK(kept_.at(value.node).contains(name));
    } else if (!value.cause.empty()) {
      MOBULA_CHECK(lost_.contains({value.since_ms, name}));
      ++lost;
    }
  }
  MOBULA_CHECK(bytes == bytes_ && lost == lost_.size());
  for (const auto& [node, names] : kept_) {
    MOBULA_CHECK(!names.empty());
    for (const Name& name : names) {
      MOBULA_CHECK(values_.at(name).node == node);
    }
  }
}

}  // namespace mobula::gcs
