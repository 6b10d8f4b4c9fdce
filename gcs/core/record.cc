#include "gcs/core/record.h"

#include "base/check.h"

namespace mobula::gcs {
namespace record_internal {

void AppendId(std::string& key, std::uint64_t hi, std::uint64_t lo) {
  for (const std::uint64_t half : {hi, lo}) {
    for (int shift = 56; shift >= 0; shift -= 8) {
      key.push_back(static_cast<char>(half >> shift & 0xff));
    }
  }
}

std::pair<std::uint64_t, std::uint64_t> ReadId(std::string_view bytes) {
  MOBULA_CHECK(bytes.size() >= kIdBytes);
  std::uint64_t halves[2] = {0, 0};
  for (std::size_t i = 0; i < kIdBytes; ++i) {
    std::uint64_t& half = halves[i / 8];
    half = half << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return {halves[0], halves[1]};
}

}  // namespace record_internal

namespace {

using record_internal::AppendId;
using record_internal::kIdBytes;
using record_internal::ReadId;

std::string Begin(RecordTable table) {
  return std::string(1, static_cast<char>(table));
}

std::string Namespaced(RecordTable table, std::string_view ns,
                       std::string_view name) {
  MOBULA_CHECK(ns.find('\0') == std::string_view::npos);
  return Begin(table).append(ns).append(1, '\0').append(name);
}

}  // namespace

std::string CounterRecordKey(std::string_view name) {
  return Begin(RecordTable::kCounter).append(name);
}

std::string KeyRecordKey(std::string_view ns, std::string_view key) {
  return Namespaced(RecordTable::kKey, ns, key);
}

std::string PublishedRecordKey(std::string_view ns, std::string_view name) {
  return Namespaced(RecordTable::kPublished, ns, name);
}

std::string AnswerRecordKey(base::ProcessId process, base::RequestId request) {
  std::string key = RecordKey(RecordTable::kAnswer, process);
  AppendId(key, request.hi, request.lo);
  return key;
}

std::optional<RecordTable> ParseTable(std::string_view key) {
  if (key.empty()) return std::nullopt;
  const auto table = static_cast<RecordTable>(key.front());
  switch (table) {
    case RecordTable::kSpec:
    case RecordTable::kActor:
    case RecordTable::kCounter:
    case RecordTable::kJob:
    case RecordTable::kKey:
    case RecordTable::kNode:
    case RecordTable::kPublished:
    case RecordTable::kAnswer:
    case RecordTable::kToken:
      return table;
  }
  return std::nullopt;
}

std::optional<NamespacedKey> ParseKeyRecordKey(std::string_view key) {
  if (key.empty()) return std::nullopt;
  const std::size_t zero = key.find('\0');
  if (zero == std::string_view::npos) return std::nullopt;
  return NamespacedKey{std::string(key.substr(1, zero - 1)),
                       std::string(key.substr(zero + 1))};
}

std::optional<std::pair<base::ProcessId, base::RequestId>> ParseAnswerRecordKey(
    std::string_view key) {
  if (key.size() != 1 + 2 * kIdBytes) return std::nullopt;
  const auto [process_hi, process_lo] = ReadId(key.substr(1));
  const auto [request_hi, request_lo] = ReadId(key.substr(1 + kIdBytes));
  const base::ProcessId process{process_hi, process_lo};
  const base::RequestId request{request_hi, request_lo};
  if (process.IsNil() || request.IsNil()) return std::nullopt;
  return std::pair(process, request);
}

char VersionOf(RecordTable table) {
  return table == RecordTable::kSpec ? kSpecVersion : kRecordVersion;
}

bool TakeVersion(std::string_view* value, char newest, char* version,
                 std::string* error) {
  if (value->empty()) {
    *error = "a record without a version";
    return false;
  }
  *version = value->front();
  if (*version < 1 || *version > newest) {
    *error = "a record of version " +
             std::to_string(static_cast<unsigned char>(*version)) +
             ", and this program reads version " +
             std::to_string(static_cast<int>(newest));
    return false;
  }
  value->remove_prefix(1);
  return true;
}

void PutRecord(std::string key, std::string record, Effects& effects) {
  const auto table = ParseTable(key);
  MOBULA_CHECK(table.has_value(), "a record has a table");
  record.insert(record.begin(), VersionOf(*table));
  effects.emplace_back(Write{std::move(key), std::move(record)});
}

void EraseRecord(std::string key, Effects& effects) {
  effects.emplace_back(Write{std::move(key), std::nullopt});
}

}  // namespace mobula::gcs
