// DiskTable is a table of records under ordered keys in files. RocksDB stands
// behind it, and behind no other header.
//
// Opening it reads every byte: a record, an index or a length that changed
// since it was written is refused with the file and the offset
// (gcs/log/log_files.h, docs/formats/control_log.md).
// Owner: the ControlLog, which holds the folder.
// Threading: Open and ForEach by the owner; Write by one thread at a time.
// Failure: Open and Write say what is wrong in a sentence. After a failed Write
// nothing is known of what is on the disk.
#ifndef MOBULA_GCS_LOG_DISK_TABLE_H_
#define MOBULA_GCS_LOG_DISK_TABLE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gcs/core/commit_queue.h"

namespace mobula::gcs {

class DiskTable {
 public:
  using Visit =
      std::function<void(std::string_view key, std::string_view value)>;

  // Makes the table in an existing folder that has none.
  static std::unique_ptr<DiskTable> Open(const std::string& folder,
                                         std::string* error);
  virtual ~DiskTable() = default;

  virtual std::optional<std::string> Get(const std::string& key) = 0;
  // In order of the keys.
  virtual void ForEach(const Visit& visit) = 0;
  // All of the batches or nothing, in order, and on the disk when it returns.
  [[nodiscard]] virtual bool Write(const std::vector<Batch>& batches,
                                   std::string* error) = 0;
  // What its files take; merging them may need as much again for a while.
  [[nodiscard]] virtual std::int64_t FileBytes() = 0;
};

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_LOG_DISK_TABLE_H_
