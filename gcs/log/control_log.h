// ControlLog is the durable memory of a control store: a table of records under
// ordered keys, changed by atomic batches.
//
//   std::string error;
//   auto log = ControlLog::Open(strand, options, on_durable, &error);
//   log->ForEach([](std::string_view key, std::string_view value) {...});
//   std::uint64_t number = log->Append(std::move(batch));  // returns at once
//   // later, on the strand: on_durable(number)
//
// RocksDB stands behind it: one thread gathers the batches that wait and syncs
// them together (docs/formats/control_log.md).
//   Open --a write or sync fails--> the process ends (CHECK): what was
//   acknowledged must be what is on the disk
// Owner: gcs::Server, one for each folder.
// Threading: on the strand given; the log thread is its own.
// Invariants: (1) numbers grow by one; on_durable(n) means all up to n; (2) a
// batch is there as a whole or not at all; (3) one process holds a folder;
// (4) the epoch grows with each Open and is durable before Open returns.
// Failure: Open says in a sentence what is wrong: who holds the folder, at
// which offset of which file it is damaged, which version wrote it.
#ifndef MOBULA_GCS_LOG_CONTROL_LOG_H_
#define MOBULA_GCS_LOG_CONTROL_LOG_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/boot_time.h"
#include "base/ids.h"
#include "base/strand.h"
#include "gcs/core/commit_queue.h"

namespace mobula::gcs {

class ControlLog {
 public:
  struct Options {
    std::string folder;  // made 0700 if absent
    // Below this much room on the folder's disk, and as much as its files take
    // (merging them needs that), the log is full...
    std::int64_t reserve_bytes = std::int64_t{64} << 20;
    // Looked at this often, and after each write.
    base::Duration disk_period = std::chrono::milliseconds(500);
    // How much room there is, asked on the log thread; the disk if none.
    std::function<std::int64_t()> free_bytes;
  };
  struct Callbacks {
    std::function<void(std::uint64_t number)> on_durable;
    // ...and this is called, and again when there is room; also at first, and
    // when free_bytes has become quite another number.
    std::function<void(bool full, std::int64_t free_bytes)> on_disk;
  };

  static std::unique_ptr<ControlLog> Open(base::Strand& strand, Options options,
                                          Callbacks callbacks,
                                          std::string* error);
  virtual ~ControlLog() = default;  // syncs what was appended

  virtual void ForEach(
      const std::function<void(std::string_view key, std::string_view value)>&
          visit) = 0;
  // Keys do not begin with a zero byte: those are the log's own records.
  virtual std::uint64_t Append(Batch batch) = 0;
  // Batches appended and not yet durable.
  [[nodiscard]] virtual std::uint64_t pending() const = 0;
  [[nodiscard]] virtual std::uint64_t epoch() const = 0;
  [[nodiscard]] virtual base::ClusterId cluster() const = 0;
};

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_LOG_CONTROL_LOG_H_
