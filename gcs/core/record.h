// The records of the control store's log: their keys and what stands before
// their values (docs/formats/control_log.md).
//
//   key = one letter for the table, then ids as 16 bytes, most significant
//         first, so that the order of keys is the order of ids
//   value = one byte, VersionOf its table, then the record as the codec writes
//   it
//
// Threading: pure functions.
// Failure: Parse functions return nothing, TakeVersion false and why, for bytes
// that are none of ours.
#ifndef MOBULA_GCS_CORE_RECORD_H_
#define MOBULA_GCS_CORE_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/ids.h"
#include "gcs/core/events.h"

namespace mobula::gcs {

// The letters' order is the order in which records are restored: what a
// detached actor is made of comes before the actor.
enum class RecordTable : char {
  kSpec = 'A',     // ActorId -> ActorSpec of a living detached actor
  kActor = 'a',    // ActorId -> ActorRecord without spec
  kCounter = 'c',  // name -> number
  kJob = 'j',      // JobId -> JobRecord
  kKey = 'k',      // namespace, 0, key -> KeyRecord
  kNode = 'n',     // NodeId -> NodeRecord
  // namespace, 0, name -> PublishedRecord
  kPublished = 'p',
  kAnswer = 'r',  // ProcessId, RequestId -> AnswerRecord
  kToken = 't',   // TokenId -> TokenRecord
};

inline constexpr char kRecordVersion = 1;
// Of specs, whose version 1 had no concurrency.
inline constexpr char kSpecVersion = 2;

// What is counted up from a record must have room above it: more than this is
// nothing that was ever written.
inline constexpr std::int64_t kCountMax = std::int64_t{1} << 62;

namespace record_internal {
void AppendId(std::string& key, std::uint64_t hi, std::uint64_t lo);
std::pair<std::uint64_t, std::uint64_t> ReadId(std::string_view bytes);
inline constexpr std::size_t kIdBytes = 16;
}  // namespace record_internal

template <class AnId>
std::string RecordKey(RecordTable table, AnId id) {
  std::string key(1, static_cast<char>(table));
  record_internal::AppendId(key, id.hi, id.lo);
  return key;
}
std::string CounterRecordKey(std::string_view name);
std::string KeyRecordKey(std::string_view ns, std::string_view key);
std::string PublishedRecordKey(std::string_view ns, std::string_view name);
std::string AnswerRecordKey(base::ProcessId process, base::RequestId request);

// Nothing if the letter is none of RecordTable.
std::optional<RecordTable> ParseTable(std::string_view key);
// The id of a key of the tables with one id.
template <class AnId>
std::optional<AnId> ParseRecordKey(std::string_view key) {
  if (key.size() != 1 + record_internal::kIdBytes) return std::nullopt;
  const auto [hi, lo] = record_internal::ReadId(key.substr(1));
  const AnId id{hi, lo};
  if (id.IsNil()) return std::nullopt;
  return id;
}
struct NamespacedKey {
  std::string ns;
  std::string key;
};
// Of the tables of keys and of published values.
std::optional<NamespacedKey> ParseKeyRecordKey(std::string_view key);
std::optional<std::pair<base::ProcessId, base::RequestId>> ParseAnswerRecordKey(
    std::string_view key);

// In which a table's records are written.
[[nodiscard]] char VersionOf(RecordTable table);

// Takes the version off; false, and why, if it is above `newest`.
[[nodiscard]] bool TakeVersion(std::string_view* value, char newest,
                               char* version, std::string* error);

// `record`: as the codec writes it.
void PutRecord(std::string key, std::string record, Effects& effects);
void EraseRecord(std::string key, Effects& effects);

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_CORE_RECORD_H_
