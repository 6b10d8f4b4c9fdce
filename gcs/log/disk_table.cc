#include "gcs/log/disk_table.h"

#include <rocksdb/db.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "gcs/log/log_files.h"

namespace mobula::gcs {
namespace {

// Small, so that what is not yet in tables is read again within milliseconds.
constexpr std::size_t kMemoryTableBytes = std::size_t{4} << 20;
constexpr int kMemoryTablesMax = 4;

// RocksDB's own remarks, from warnings on, in our log.
class Remarks final : public rocksdb::Logger {
 public:
  Remarks() : Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}

  using Logger::Logv;
  void Logv(const char* format, va_list args) override {
    std::array<char, 1024> text{};
    std::vsnprintf(text.data(), text.size(), format, args);
    MOBULA_LOG(WARNING) << "rocksdb: " << text.data();
  }
};

// A write failed, here or of a table in the background: no further one would be
// kept. RocksDB says it before it returns from the write.
class LastWords final : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason,
                         rocksdb::Status* status) override {
    MOBULA_CHECK(status->ok())
        << "the control store's log cannot be written: " << status->ToString()
        << "; the process ends, since what it acknowledged must be on the disk";
  }
};

rocksdb::Options DatabaseOptions() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.write_buffer_size = kMemoryTableBytes;
  options.max_write_buffer_number = kMemoryTablesMax;
  // The default would drop, silently, all that follows damage in a log.
  options.wal_recovery_mode =
      rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.track_and_verify_wals_in_manifest = true;
  options.recycle_log_file_num = 0;
  options.paranoid_checks = true;
  options.file_checksum_gen_factory =
      rocksdb::GetFileChecksumGenCrc32cFactory();
  options.compression = rocksdb::kNoCompression;
  // All is read once, at start.
  rocksdb::BlockBasedTableOptions table;
  table.no_block_cache = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.max_background_jobs = 2;
  options.max_file_opening_threads = 1;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_bgerror_resume_count = 0;
  options.info_log = std::make_shared<Remarks>();
  options.listeners.push_back(std::make_shared<LastWords>());
  return options;
}

class RocksTable final : public DiskTable {
 public:
  explicit RocksTable(std::unique_ptr<rocksdb::DB> db) : db_(std::move(db)) {}

  std::optional<std::string> Get(const std::string& key) override {
    std::string value;
    const rocksdb::Status status =
        db_->Get(rocksdb::ReadOptions(), key, &value);
    if (status.IsNotFound()) return std::nullopt;
    MOBULA_CHECK(status.ok()) << status.ToString();
    return value;
  }

  void ForEach(const Visit& visit) override {
    const std::unique_ptr<rocksdb::Iterator> record(
        db_->NewIterator(rocksdb::ReadOptions()));
    for (record->SeekToFirst(); record->Valid(); record->Next()) {
      visit(record->key().ToStringView(), record->value().ToStringView());
    }
    MOBULA_CHECK(record->status().ok()) << record->status().ToString();
  }

  bool Write(const std::vector<Batch>& batches, std::string* error) override {
    rocksdb::WriteBatch all;
    for (const Batch& batch : batches) {
      for (const gcs::Write& write : batch) {
        const rocksdb::Status put = write.value
                                        ? all.Put(write.key, *write.value)
                                        : all.Delete(write.key);
        MOBULA_CHECK(put.ok()) << put.ToString();
      }
    }
    rocksdb::WriteOptions synced;
    synced.sync = true;
    const rocksdb::Status status = db_->Write(synced, &all);
    if (!status.ok()) *error = status.ToString();
    return status.ok();
  }

  std::int64_t FileBytes() override {
    std::uint64_t bytes = 0;
    db_->GetIntProperty(rocksdb::DB::Properties::kTotalSstFilesSize, &bytes);
    return static_cast<std::int64_t>(bytes);
  }

 private:
  const std::unique_ptr<rocksdb::DB> db_;
};

// The first table file with something wrong in it, and what; "" if none.
std::string DamagedTable(const std::string& folder) {
  std::error_code wrong;
  for (const auto& file : std::filesystem::directory_iterator(folder, wrong)) {
    if (file.path().extension() != ".sst") continue;
    const std::string path = file.path().string();
    rocksdb::SstFileReader reader(DatabaseOptions());
    rocksdb::Status status = reader.Open(path);
    if (status.ok()) status = reader.VerifyChecksum();
    if (status.ok()) continue;
    return path + " is damaged: " + status.ToString();
  }
  return "";
}

// What to say of a table that does not open or whose checksums differ.
std::string Explain(const std::string& folder, const rocksdb::Status& status) {
  if (!status.IsCorruption()) {
    return "cannot open the log in " + folder + ": " + status.ToString();
  }
  std::string table = DamagedTable(folder);
  if (!table.empty()) return table;
  return "the log in " + folder + " is damaged: " + status.ToString();
}

}  // namespace

std::unique_ptr<DiskTable> DiskTable::Open(const std::string& folder,
                                           std::string* error) {
  if (!MendLogFiles(folder, error)) return nullptr;
  rocksdb::DB* opened = nullptr;
  rocksdb::Status status =
      rocksdb::DB::Open(DatabaseOptions(), folder, &opened);
  std::unique_ptr<rocksdb::DB> db(opened);
  if (status.ok()) status = db->VerifyFileChecksums(rocksdb::ReadOptions());
  if (!status.ok()) {
    *error = Explain(folder, status);
    return nullptr;
  }
  return std::make_unique<RocksTable>(std::move(db));
}

}  // namespace mobula::gcs
