#include "gcs/log/wal_check.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <optional>
#include <utility>

#include "gcs/log/crc32c.h"

namespace mobula::gcs {
namespace {

constexpr std::size_t kBlockBytes = 32768;
constexpr std::size_t kHeaderBytes = 7;  // checksum 4, length 2, type 1
constexpr std::size_t kTypeAt = 6;
constexpr std::size_t kSectorBytes = 512;
// A shorter row of zeros at the end may as well be data.
constexpr std::size_t kZerosMin = 16;

// A record that crosses blocks lies in several pieces.
enum PieceType : std::uint8_t { kFull = 1, kFirst, kMiddle, kLast };

struct Piece {
  std::uint8_t type = 0;
  std::size_t length = 0;  // of the payload
};

std::size_t BlockEnd(std::size_t at) {
  return at - at % kBlockBytes + kBlockBytes;
}

// Checksums are stored altered, so that one of a checksum is not itself.
std::uint32_t Masked(std::uint32_t crc) {
  return (crc >> 15 | crc << 17) + 0xa282ead8U;
}

std::uint32_t StoredChecksum(std::string_view bytes, std::size_t at) {
  std::uint32_t stored = 0;
  std::memcpy(&stored, bytes.data() + at, sizeof(stored));
  return stored;
}

std::size_t StoredLength(std::string_view bytes, std::size_t at) {
  std::uint16_t length = 0;
  std::memcpy(&length, bytes.data() + at + 4, sizeof(length));
  return length;
}

bool ChecksumHolds(std::string_view bytes, std::size_t at, std::size_t length) {
  const std::string_view covered = bytes.substr(at + kTypeAt, 1 + length);
  return Masked(Crc32c(covered)) == StoredChecksum(bytes, at);
}

// The piece at `at`, if there is a right one.
std::optional<Piece> ReadPiece(std::string_view bytes, std::size_t at) {
  const std::size_t end = std::min(BlockEnd(at), bytes.size());
  if (end < at + kHeaderBytes) return std::nullopt;
  Piece piece;
  piece.type = static_cast<std::uint8_t>(bytes[at + kTypeAt]);
  piece.length = StoredLength(bytes, at);
  if (piece.type < kFull || piece.type > kLast) return std::nullopt;
  if (piece.length > end - at - kHeaderBytes) return std::nullopt;
  if (!ChecksumHolds(bytes, at, piece.length)) return std::nullopt;
  return piece;
}

bool IsZero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// Some record begins at or after `from`.
bool RecordFollows(std::string_view bytes, std::size_t from) {
  for (std::size_t at = from; at + kHeaderBytes <= bytes.size(); ++at) {
    const auto type = static_cast<std::uint8_t>(bytes[at + kTypeAt]);
    if (type != kFull && type != kFirst) continue;
    if (ReadPiece(bytes, at)) return true;
  }
  return false;
}

// A sector from `from` on that looks as if it was never written.
bool HasEmptySector(std::string_view bytes, std::size_t from) {
  std::size_t at = from;
  while (at < bytes.size()) {
    const std::size_t end =
        std::min(at - at % kSectorBytes + kSectorBytes, bytes.size());
    if (end - at >= kZerosMin && IsZero(bytes.substr(at, end - at))) {
      return true;
    }
    at = end;
  }
  return false;
}

WalCheck Damaged(std::size_t at, std::uint64_t records, std::string what) {
  return {WalCheck::kDamaged, at, records, std::move(what)};
}

WalCheck Torn(std::size_t record_at, std::uint64_t records) {
  return {WalCheck::kTorn, record_at, records, "the last record is incomplete"};
}

std::string Mismatch(std::string_view bytes, std::size_t at,
                     std::size_t length) {
  return "checksum " +
         std::to_string(
             Masked(Crc32c(bytes.substr(at + kTypeAt, 1 + length)))) +
         " where " + std::to_string(StoredChecksum(bytes, at)) + " is stored";
}

// There is no right piece at `at`, in the record that begins at `record_at`.
WalCheck Judge(std::string_view bytes, std::size_t at, std::size_t record_at,
               std::uint64_t records) {
  if (RecordFollows(bytes, at + 1)) {
    return Damaged(at, records, "no record, but there are some behind it");
  }
  const std::size_t left = bytes.size() - at;
  if (left < kHeaderBytes) return Torn(record_at, records);
  const std::size_t length = StoredLength(bytes, at);
  const std::size_t end = at + kHeaderBytes + length;
  if (end > bytes.size() && end <= BlockEnd(at)) {
    // Cut short; unless it is all there and its length is wrong.
    return ChecksumHolds(bytes, at, left - kHeaderBytes)
               ? Damaged(at, records, "a wrong length")
               : Torn(record_at, records);
  }
  if (HasEmptySector(bytes, at)) return Torn(record_at, records);
  if (end > BlockEnd(at)) return Damaged(at, records, "an impossible length");
  return Damaged(at, records, Mismatch(bytes, at, length));
}

}  // namespace

WalCheck CheckWal(std::string_view bytes) {
  std::size_t at = 0;
  std::size_t record_at = 0;
  std::uint64_t records = 0;
  bool inside = false;  // a record of which the first piece was read
  while (at < bytes.size()) {
    if (BlockEnd(at) - at < kHeaderBytes) {
      const std::string_view rest = bytes.substr(at, BlockEnd(at) - at);
      if (!IsZero(rest))
        return Damaged(at, records, "a block ends in no zeros");
      at += rest.size();
      if (!inside) record_at = at;
      continue;
    }
    const std::optional<Piece> piece = ReadPiece(bytes, at);
    if (!piece) return Judge(bytes, at, record_at, records);
    const bool begins = piece->type == kFull || piece->type == kFirst;
    if (begins == inside) {
      return Damaged(at, records, "a piece of another record");
    }
    inside = piece->type == kFirst || piece->type == kMiddle;
    at += kHeaderBytes + piece->length;
    if (inside) continue;
    ++records;
    record_at = at;
  }
  if (inside) return Torn(record_at, records);
  return {WalCheck::kWhole, at, records, ""};
}

}  // namespace mobula::gcs
