#include "gcs/log/control_log.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/codec/codec.h"
#include "base/log.h"
#include "base/thread_annotations.h"
#include "gcs/log/disk_table.h"
#include "gcs/log/folder_hold.h"

namespace mobula::gcs {
namespace {

using base::ClusterId;
using base::Strand;
using base::TextLine;

// The log's own records; ForEach leaves them out.
constexpr char kOwnPrefix = '\0';
const std::string kVersionKey("\0version", 8);
const std::string kEpochKey("\0epoch", 6);
const std::string kClusterKey("\0cluster", 8);
constexpr std::uint64_t kVersion = 1;

struct Identity {
  ClusterId cluster;
  std::uint64_t epoch = 0;
};

bool MakeFolder(const std::string& folder, std::string* error) {
  std::error_code wrong;
  const std::filesystem::path path(folder);
  if (path.has_parent_path()) {
    std::filesystem::create_directories(path.parent_path(), wrong);
  }
  if (!wrong && ::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    wrong = std::error_code(errno, std::generic_category());
  }
  if (!wrong && !std::filesystem::is_directory(path, wrong) && !wrong) {
    wrong = std::make_error_code(std::errc::not_a_directory);
  }
  if (wrong)
    *error = "cannot make the folder " + folder + ": " + wrong.message();
  return !wrong;
}

template <class T>
std::optional<T> ReadOwn(DiskTable& table, const std::string& key) {
  const std::optional<std::string> bytes = table.Get(key);
  T value{};
  std::string error;
  if (!bytes || !base::Decode(*bytes, &value, &error)) return std::nullopt;
  return value;
}

bool IsEmpty(DiskTable& table) {
  bool empty = true;
  table.ForEach(
      [&empty](std::string_view, std::string_view) { empty = false; });
  return empty;
}

// A new folder gets its identity, an old one its next epoch; on the disk when
// it returns.
std::optional<Identity> BeginEpoch(DiskTable& table, const std::string& folder,
                                   std::string* error) {
  Identity identity;
  Batch batch;
  if (!table.Get(kVersionKey)) {
    if (!IsEmpty(table)) {
      *error = folder + " holds a RocksDB that is not a control store's log";
      return std::nullopt;
    }
    identity.cluster = {base::RandomBits(), base::RandomBits()};
    batch.push_back({kVersionKey, base::Encode(kVersion)});
    batch.push_back({kClusterKey, base::Encode(identity.cluster)});
  } else {
    const auto version = ReadOwn<std::uint64_t>(table, kVersionKey);
    if (!version || *version != kVersion) {
      *error = (TextLine() << "the log in " << folder << " has format version "
                           << version.value_or(0)
                           << "; this program reads and writes version "
                           << kVersion << " only")
                   .text();
      return std::nullopt;
    }
    const auto cluster = ReadOwn<ClusterId>(table, kClusterKey);
    const auto epoch = ReadOwn<std::uint64_t>(table, kEpochKey);
    if (!cluster || !epoch) {
      *error = "the log in " + folder + " does not say of which cluster it is";
      return std::nullopt;
    }
    identity = {*cluster, *epoch};
  }
  ++identity.epoch;
  batch.push_back({kEpochKey, base::Encode(identity.epoch)});
  std::string why;
  if (table.Write({std::move(batch)}, &why)) return identity;
  *error = "cannot write the log in " + folder + ": " + why;
  return std::nullopt;
}

std::int64_t FreeBytesOf(const std::string& folder) {
  struct statvfs stat{};
  if (::statvfs(folder.c_str(), &stat) != 0) return 0;
  const auto blocks = static_cast<std::uint64_t>(stat.f_bavail);
  const auto bytes = blocks * static_cast<std::uint64_t>(stat.f_frsize);
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(
      std::min<std::uint64_t>(bytes, static_cast<std::uint64_t>(kMax)));
}

constexpr std::int64_t kRoomStep = std::int64_t{16} << 20;

// Room on the disk beyond what the table's files may need at once.
struct Room {
  std::int64_t free_bytes = 0;
  bool full = false;
};

// The one who writes, on a thread of its own.
class Writer {
 public:
  Writer(ControlLog::Options options, FolderHold hold,
         std::unique_ptr<DiskTable> table)
      : options_(std::move(options)),
        hold_(std::move(hold)),
        table_(std::move(table)) {}

  DiskTable& table() { return *table_; }

  void Write(const std::vector<Batch>& batches) {
    std::string error;
    const bool written = table_->Write(batches, &error);
    MOBULA_CHECK(written)
        << "the log in " << options_.folder << " cannot be written: " << error
        << "; the process ends, since what it acknowledged must be on the disk";
  }

  [[nodiscard]] Room Measure() const {
    Room room;
    room.free_bytes = options_.free_bytes ? options_.free_bytes()
                                          : FreeBytesOf(options_.folder);
    room.full = room.free_bytes < options_.reserve_bytes + table_->FileBytes();
    return room;
  }

 private:
  const ControlLog::Options options_;
  const FolderHold hold_;  // let go after the table is closed
  const std::unique_ptr<DiskTable> table_;
};

class GatheringLog final : public ControlLog {
 public:
  GatheringLog(Strand& strand, Options options, Callbacks callbacks,
               Identity identity, std::unique_ptr<Writer> writer)
      : strand_(strand),
        disk_period_(options.disk_period),
        callbacks_(std::move(callbacks)),
        identity_(identity),
        writer_(std::move(writer)) {
    strand_.AssertHeld();
    log_thread_.StartThread();
    MeasureAgain();
  }

  ~GatheringLog() override {
    strand_.AssertHeld();
    life_.reset();
    strand_.Cancel(disk_timer_);
    log_thread_.Post([this, last = std::move(waiting_)] {
      log_thread_.AssertHeld();
      if (!last.empty()) writer_->Write(last);
      log_thread_.Stop();
    });
    log_thread_.Join();
  }

  void ForEach(const std::function<void(std::string_view, std::string_view)>&
                   visit) override {
    writer_->table().ForEach(
        [&visit](std::string_view key, std::string_view value) {
          if (!key.starts_with(kOwnPrefix)) visit(key, value);
        });
  }

  std::uint64_t Append(Batch batch) override {
    strand_.AssertHeld();
    MOBULA_CHECK(!batch.empty());
    for (const Write& write : batch) {
      MOBULA_CHECK(!write.key.empty() && write.key[0] != kOwnPrefix);
    }
    waiting_.push_back(std::move(batch));
    ++appended_;
    AskForRound();
    return appended_;
  }

  [[nodiscard]] std::uint64_t pending() const override {
    strand_.AssertHeld();
    return appended_ - durable_;
  }
  [[nodiscard]] std::uint64_t epoch() const override { return identity_.epoch; }
  [[nodiscard]] ClusterId cluster() const override { return identity_.cluster; }

 private:
  using Life = std::weak_ptr<char>;

  // A round begins when what was posted before has run, so that all that is
  // appended meanwhile goes with it.
  void AskForRound() MOBULA_REQUIRES(strand_) {
    if (round_asked_ || round_runs_ || waiting_.empty()) return;
    round_asked_ = true;
    strand_.Post([this, life = Life(life_)] {
      if (life.expired()) return;
      strand_.AssertHeld();
      BeginRound();
    });
  }

  void BeginRound() MOBULA_REQUIRES(strand_) {
    round_asked_ = false;
    round_runs_ = true;
    log_thread_.Post([this, life = Life(life_), number = appended_,
                      batches = std::exchange(waiting_, {})] {
      log_thread_.AssertHeld();
      writer_->Write(batches);
      const Room room = writer_->Measure();
      strand_.Post([this, life, number, room] {
        if (life.expired()) return;
        strand_.AssertHeld();
        EndRound(number, room);
      });
    });
  }

  void EndRound(std::uint64_t number, Room room) MOBULA_REQUIRES(strand_) {
    MOBULA_CHECK(round_runs_ && number > durable_ && number <= appended_);
    round_runs_ = false;
    durable_ = number;
    const Life life = life_;
    callbacks_.on_durable(number);
    if (life.expired()) return;
    SeeRoom(room);
    if (!life.expired()) AskForRound();
  }

  void MeasureAgain() MOBULA_REQUIRES(strand_) {
    log_thread_.Post([this, life = Life(life_)] {
      log_thread_.AssertHeld();
      const Room room = writer_->Measure();
      strand_.Post([this, life, room] {
        if (life.expired()) return;
        strand_.AssertHeld();
        disk_timer_ = strand_.PostAt(strand_.Now() + disk_period_, [this] {
          strand_.AssertHeld();
          MeasureAgain();
        });
        SeeRoom(room);
      });
    });
  }

  // Tells of it when it is known first, when it fills or empties, and when it
  // is quite another number.
  void SeeRoom(Room room) MOBULA_REQUIRES(strand_) {
    const std::int64_t change = room.free_bytes - told_.free_bytes;
    const bool differs = change >= kRoomStep || change <= -kRoomStep;
    if (told_once_ && room.full == told_.full && !differs) return;
    if (room.full && !told_.full) {
      MOBULA_LOG(ERROR) << "the log's disk is full: " << room.free_bytes
                        << " bytes are free; changes are refused";
    } else if (told_.full && !room.full) {
      MOBULA_LOG(INFO) << "the log's disk has room again: " << room.free_bytes
                       << " bytes are free";
    }
    told_once_ = true;
    told_ = room;
    callbacks_.on_disk(room.full, room.free_bytes);
  }

  Strand& strand_;
  const base::Duration disk_period_;
  const Callbacks callbacks_;
  const Identity identity_;
  // Touched by the log thread alone once rounds run, but for ForEach.
  const std::unique_ptr<Writer> writer_;
  Strand log_thread_{"gcs-log"};
  // Gone when this is: what was posted to the strand then does nothing.
  std::shared_ptr<char> life_ = std::make_shared<char>();
  std::vector<Batch> waiting_ MOBULA_GUARDED_BY(strand_);
  std::uint64_t appended_ MOBULA_GUARDED_BY(strand_) = 0;
  std::uint64_t durable_ MOBULA_GUARDED_BY(strand_) = 0;
  bool round_asked_ MOBULA_GUARDED_BY(strand_) = false;
  bool round_runs_ MOBULA_GUARDED_BY(strand_) = false;
  bool told_once_ MOBULA_GUARDED_BY(strand_) = false;
  Room told_ MOBULA_GUARDED_BY(strand_);
  Strand::TimerId disk_timer_ MOBULA_GUARDED_BY(strand_) = 0;
};

}  // namespace

std::unique_ptr<ControlLog> ControlLog::Open(Strand& strand, Options options,
                                             Callbacks callbacks,
                                             std::string* error) {
  MOBULA_CHECK(callbacks.on_durable && callbacks.on_disk);
  if (!MakeFolder(options.folder, error)) return nullptr;
  std::optional<FolderHold> hold = FolderHold::Take(options.folder, error);
  if (!hold) return nullptr;
  std::unique_ptr<DiskTable> table = DiskTable::Open(options.folder, error);
  if (!table) return nullptr;
  const std::optional<Identity> identity =
      BeginEpoch(*table, options.folder, error);
  if (!identity) return nullptr;
  auto writer =
      std::make_unique<Writer>(options, std::move(*hold), std::move(table));
  return std::make_unique<GatheringLog>(strand, std::move(options),
                                        std::move(callbacks), *identity,
                                        std::move(writer));
}

}  // namespace mobula::gcs
