#include "gcs/kv/key_table.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "base/codec/codec.h"
#include "base/control/control_codec.h"
#include "base/failure.h"
#include "gcs/core/record.h"

namespace mobula::gcs {
namespace {

using base::FailureCode;

// "" if namespace and key are good.
std::string WrongWithKey(const std::string& ns, const std::string& key) {
  const std::string wrong = base::WrongWithName(ns);
  if (!wrong.empty()) return "the namespace is not a name: " + wrong;
  if (key.empty()) return "the key is empty";
  if (key.size() > KeyTable::kKeyBytesMax) {
    return "the key has " + std::to_string(key.size()) + " bytes; at most " +
           std::to_string(KeyTable::kKeyBytesMax) + " are allowed";
  }
  return "";
}

std::size_t BytesOf(const std::string& ns, const std::string& key,
                    const base::KeyRecord& record) {
  return ns.size() + key.size() + record.value.size();
}

std::optional<base::Failure> Conflict(std::optional<std::uint64_t> expected,
                                      std::uint64_t version) {
  if (!expected.has_value() || *expected == version) return std::nullopt;
  return base::NotRun(FailureCode::kConflict,
                      version == 0
                          ? "the key is absent"
                          : "the key is at version " + std::to_string(version) +
                                ", not " + std::to_string(*expected));
}

}  // namespace

bool KeyTable::Restore(const std::string& ns, const std::string& key,
                       const base::KeyRecord& record, std::string* error) {
  *error = WrongWithKey(ns, key);
  if (!error->empty()) return false;
  if (record.version > static_cast<std::uint64_t>(kCountMax)) {
    *error = "a key's version is more than can be";
    return false;
  }
  if (!keys_.emplace(Name(ns, key), record).second) {
    *error = "the key is there twice";
    return false;
  }
  bytes_ += BytesOf(ns, key, record);
  return true;
}

void KeyTable::RestoreDeleted(std::uint64_t version) {
  deleted_version_ = std::max(deleted_version_, version);
}

std::uint64_t KeyTable::VersionOf(const Name& name) const {
  const auto known = keys_.find(name);
  return known == keys_.end() ? 0 : known->second.version;
}

base::ControlReply KeyTable::Put(const base::PutKey& request,
                                 Effects& effects) {
  const std::string wrong = WrongWithKey(request.ns, request.key);
  if (!wrong.empty()) return base::NotRun(FailureCode::kBadArgument, wrong);
  if (request.value.size() > options_.value_bytes_max) {
    return base::NotRun(
        FailureCode::kTooLarge,
        "the value has " + std::to_string(request.value.size()) +
            " bytes; at most " + std::to_string(options_.value_bytes_max) +
            " are allowed");
  }
  const Name name(request.ns, request.key);
  const std::uint64_t version = VersionOf(name);
  if (auto conflict = Conflict(request.expected, version)) return *conflict;
  base::KeyRecord record;
  // A copy: the value may be a part of a large message.
  record.value = base::Bytes::Own(std::string(request.value.view()));
  record.version = version == 0 ? deleted_version_ + 1 : version + 1;
  std::size_t bytes = bytes_ + BytesOf(name.first, name.second, record);
  if (version == 0 && keys_.size() >= options_.keys_max) {
    return base::NotRun(FailureCode::kLimit,
                        "there are " + std::to_string(keys_.size()) + " keys");
  }
  if (version != 0) bytes -= BytesOf(name.first, name.second, keys_.at(name));
  if (bytes > options_.bytes_max) {
    return base::NotRun(
        FailureCode::kLimit,
        "all keys and values have " + std::to_string(bytes_) + " bytes");
  }
  bytes_ = bytes;
  PutRecord(KeyRecordKey(name.first, name.second), base::EncodeKey(record),
            effects);
  base::KeyAnswer answer;
  answer.version = record.version;
  keys_.insert_or_assign(name, std::move(record));
  return answer;
}

base::ControlReply KeyTable::Delete(const base::DeleteKey& request,
                                    Effects& effects) {
  const Name name(request.ns, request.key);
  base::KeyAnswer answer;
  answer.version = VersionOf(name);
  if (auto conflict = Conflict(request.expected, answer.version)) {
    return *conflict;
  }
  const auto known = keys_.find(name);
  if (known == keys_.end()) return answer;
  bytes_ -= BytesOf(name.first, name.second, known->second);
  keys_.erase(known);
  EraseRecord(KeyRecordKey(name.first, name.second), effects);
  if (answer.version > deleted_version_) {
    deleted_version_ = answer.version;
    PutRecord(CounterRecordKey(kDeletedCounter), base::Encode(deleted_version_),
              effects);
  }
  return answer;
}

base::KeyAnswer KeyTable::Get(const base::GetKey& request) const {
  base::KeyAnswer answer;
  const auto known = keys_.find(Name(request.ns, request.key));
  if (known == keys_.end()) return answer;
  answer.value = known->second.value;
  answer.version = known->second.version;
  return answer;
}

base::KeysAnswer KeyTable::List(const base::ListKeys& request) const {
  base::KeysAnswer answer;
  std::size_t bytes = 0;
  auto at = keys_.lower_bound(Name(request.ns, request.prefix));
  if (request.after >= request.prefix) {
    at = keys_.upper_bound(Name(request.ns, request.after));
  }
  for (; at != keys_.end(); ++at) {
    const auto& [ns, key] = at->first;
    if (ns != request.ns || !key.starts_with(request.prefix)) break;
    if (answer.keys.size() >= request.count_max || bytes > kListBytesMax) {
      answer.more = true;
      break;
    }
    bytes += key.size();
    answer.keys.push_back(key);
  }
  return answer;
}

void KeyTable::CheckInvariants() const {
  MOBULA_CHECK(keys_.size() <= options_.keys_max);
  std::size_t bytes = 0;
  for (const auto& [name, record] : keys_) {
    MOBULA_CHECK(record.version >= 1);
    bytes += BytesOf(name.first, name.second, record);
  }
  MOBULA_CHECK(bytes == bytes_);
}

}  // namespace mobula::gcs
