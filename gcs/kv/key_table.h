// KeyTable holds the keys and values of users, in namespaces.
//
// Each change gives a key a version, from 1, that grows; a key that was deleted
// and comes back goes on above all versions that were ever deleted, so that an
// `expected` version never fits by chance.
// Owner: gcs::Core.   Threading: none.
// Invariants: (1) no more keys and bytes than Options say; (2) versions of a
// key only grow.
// Failure: a refused change says why and changes nothing.
#ifndef MOBULA_GCS_KV_KEY_TABLE_H_
#define MOBULA_GCS_KV_KEY_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/control/control_request.h"
#include "base/control/records.h"
#include "gcs/core/events.h"

namespace mobula::gcs {

class KeyTable {
 public:
  struct Options {
    std::size_t keys_max = 1'000'000;
    std::size_t value_bytes_max = std::size_t{1} << 20;
    std::size_t bytes_max = std::size_t{1} << 30;  // of all keys and values
  };
  static constexpr std::size_t kKeyBytesMax = 1'024;
  static constexpr std::size_t kListBytesMax = std::size_t{1} << 20;

  explicit KeyTable(Options options) : options_(options) {}

  // False, and why, if it contradicts another.
  [[nodiscard]] bool Restore(const std::string& ns, const std::string& key,
                             const base::KeyRecord& record, std::string* error);
  void RestoreDeleted(std::uint64_t version);

  // KeyAnswer with the new version, or why not: kBadArgument, kTooLarge,
  // kLimit, kConflict.
  base::ControlReply Put(const base::PutKey& request, Effects& effects);
  // KeyAnswer with the version that it had, 0 if it was absent; kConflict.
  base::ControlReply Delete(const base::DeleteKey& request, Effects& effects);
  [[nodiscard]] base::KeyAnswer Get(const base::GetKey& request) const;
  [[nodiscard]] base::KeysAnswer List(const base::ListKeys& request) const;

  [[nodiscard]] std::size_t size() const { return keys_.size(); }
  void CheckInvariants() const;

  static constexpr std::string_view kDeletedCounter = "key_version_deleted";

 private:
  using Name = std::pair<std::string, std::string>;  // namespace and key

  [[nodiscard]] std::uint64_t VersionOf(const Name& name) const;

  const Options options_;
  std::map<Name, base::KeyRecord> keys_;
  std::size_t bytes_ = 0;
  std::uint64_t deleted_version_ = 0;  // the highest that was deleted
};

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_KV_KEY_TABLE_H_
