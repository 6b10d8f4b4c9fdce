// CheckWal reads the bytes of a file of RocksDB's log format (a write-ahead log
// or a MANIFEST) and tells a torn end from damage.
//
//   WalCheck check = CheckWal(bytes);
//   if (check.state == WalCheck::kTorn) truncate(path, check.offset);
//
// Every record but the last was synced before the next one was begun, so only
// the last may be incomplete: cut short, or with sectors that were never
// written and read as zeros. Whatever else does not match its checksum was
// changed after it was written, and with it, perhaps, what was acknowledged.
// (docs/formats/control_log.md has the format and the rule.)
// Threading: pure. Safe for any bytes.
#ifndef MOBULA_GCS_LOG_WAL_CHECK_H_
#define MOBULA_GCS_LOG_WAL_CHECK_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace mobula::gcs {

struct WalCheck {
  enum State : std::uint8_t { kWhole, kTorn, kDamaged };
  State state = kWhole;
  // Torn: how long the file is without its last record. Damaged: of the piece
  // that is wrong.
  std::uint64_t offset = 0;
  std::uint64_t records = 0;  // whole ones before it
  std::string what;           // is wrong: "checksum 1 where 2 is stored"
};

[[nodiscard]] WalCheck CheckWal(std::string_view bytes);

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_LOG_WAL_CHECK_H_
