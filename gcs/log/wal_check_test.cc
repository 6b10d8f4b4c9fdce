#include "gcs/log/wal_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gcs/log/crc32c.h"

namespace mobula::gcs {
namespace {

constexpr std::size_t kBlockBytes = 32768;
constexpr std::size_t kHeaderBytes = 7;

// A log file as RocksDB writes it.
class WalWriter {
 public:
  void Add(std::string_view record) {
    bool begins = true;
    do {
      const std::size_t left = kBlockBytes - bytes_.size() % kBlockBytes;
      if (left < kHeaderBytes) {
        bytes_.append(left, '\0');
        continue;
      }
      const std::size_t length = std::min(left - kHeaderBytes, record.size());
      const bool ends = length == record.size();
      AddPiece(begins ? (ends ? 1 : 2) : (ends ? 4 : 3),
               record.substr(0, length));
      record.remove_prefix(length);
      begins = false;
      if (ends) break;
    } while (true);
    ends_.push_back(bytes_.size());
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  // Where record `index` begins; of the one after the last, where all ends.
  [[nodiscard]] std::size_t Begin(std::size_t index) const {
    return index == 0 ? 0 : ends_[index - 1];
  }
  [[nodiscard]] std::size_t count() const { return ends_.size(); }

 private:
  void AddPiece(int type, std::string_view payload) {
    std::string covered(1, static_cast<char>(type));
    covered += payload;
    std::uint32_t crc = Crc32c(covered);
    crc = (crc >> 15 | crc << 17) + 0xa282ead8U;
    const auto length = static_cast<std::uint16_t>(payload.size());
    bytes_.append(reinterpret_cast<const char*>(&crc), sizeof(crc));
    bytes_.append(reinterpret_cast<const char*>(&length), sizeof(length));
    bytes_ += covered;
  }

  std::string bytes_;
  std::vector<std::size_t> ends_;
};

std::string RandomBytes(std::mt19937_64& random, std::size_t length) {
  std::string bytes(length, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

// Records of sizes that end at, before and behind the ends of blocks.
WalWriter Written(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  WalWriter wal;
  for (const std::size_t length : {0, 1, 200, 32'000, 500, 13, 70'000}) {
    wal.Add(RandomBytes(random, length));
  }
  // Leaves less than a header in the block, then a header and nothing.
  for (const std::size_t left : {3, 7}) {
    const std::size_t used = wal.bytes().size() % kBlockBytes;
    wal.Add(RandomBytes(random, kBlockBytes - used - kHeaderBytes - left));
    wal.Add(RandomBytes(random, 40));
  }
  return wal;
}

TEST(WalCheckTest, WhatWasWrittenIsWhole) {
  const WalWriter wal = Written(1);
  const WalCheck check = CheckWal(wal.bytes());
  EXPECT_EQ(check.state, WalCheck::kWhole) << check.what;
  EXPECT_EQ(check.records, wal.count());
  EXPECT_EQ(CheckWal("").state, WalCheck::kWhole);
}

TEST(WalCheckTest, CutAnywhereItIsTornAtItsLastRecord) {
  const WalWriter wal = Written(2);
  std::size_t record = 0;
  for (std::size_t length = 0; length < wal.bytes().size(); ++length) {
    while (length >= wal.Begin(record + 1)) ++record;
    // Every length where records are small, some where they are large.
    const bool is_large = wal.Begin(record + 1) - wal.Begin(record) > 1000;
    if (is_large && length % 997 != 0) continue;
    const WalCheck check = CheckWal(wal.bytes().substr(0, length));
    ASSERT_NE(check.state, WalCheck::kDamaged) << length << ": " << check.what;
    EXPECT_EQ(check.records, record) << length;
    const std::size_t whole = wal.Begin(record);
    if (check.state == WalCheck::kTorn) {
      // Zeros that fill a block may be kept.
      EXPECT_GE(check.offset, whole);
      EXPECT_LT(check.offset, whole + kHeaderBytes);
    } else {
      EXPECT_LT(length, whole + kHeaderBytes);
    }
  }
}

TEST(WalCheckTest, AFlippedBitAnywhereIsFound) {
  const WalWriter wal = Written(3);
  std::mt19937_64 random(3);
  std::size_t record = 0;
  for (std::size_t at = 0; at < wal.bytes().size(); ++at) {
    while (at >= wal.Begin(record + 1)) ++record;
    const bool is_large = wal.Begin(record + 1) - wal.Begin(record) > 1000;
    if (is_large && at % 997 != 0) continue;
    std::string bytes = wal.bytes();
    bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8);
    const WalCheck check = CheckWal(bytes);
    ASSERT_EQ(check.state, WalCheck::kDamaged) << "at " << at;
    EXPECT_EQ(check.records, record);
    EXPECT_LE(check.offset, at);
    EXPECT_LT(at - check.offset, kBlockBytes);
    EXPECT_GE(check.offset, wal.Begin(record));
  }
}

TEST(WalCheckTest, SectorsNeverWrittenAtTheEndAreATornRecord) {
  WalWriter wal;
  std::mt19937_64 random(4);
  for (const std::size_t length : {300, 300, 5000}) {
    wal.Add(RandomBytes(random, length));
  }
  for (std::size_t sector = 1024; sector < wal.bytes().size(); sector += 512) {
    std::string bytes = wal.bytes();
    const std::size_t length =
        std::min<std::size_t>(512, bytes.size() - sector);
    std::memset(bytes.data() + sector, 0, length);
    const WalCheck check = CheckWal(bytes);
    EXPECT_EQ(check.state, WalCheck::kTorn) << sector << ": " << check.what;
    EXPECT_EQ(check.offset, wal.Begin(2));
  }
  std::string longer = wal.bytes() + std::string(10'000, '\0');
  EXPECT_EQ(CheckWal(longer).state, WalCheck::kTorn);
  EXPECT_EQ(CheckWal(longer).offset, wal.bytes().size());
}

TEST(WalCheckTest, SectorsLostInsideAreDamage) {
  WalWriter wal;
  std::mt19937_64 random(5);
  for (const std::size_t length : {300, 3000, 300}) {
    wal.Add(RandomBytes(random, length));
  }
  std::string bytes = wal.bytes();
  std::memset(bytes.data() + 1024, 0, 512);
  const WalCheck check = CheckWal(bytes);
  EXPECT_EQ(check.state, WalCheck::kDamaged);
  EXPECT_EQ(check.offset, wal.Begin(1));
  EXPECT_EQ(check.records, 1u);
}

TEST(WalCheckTest, PiecesWithoutTheirRecordAreDamage) {
  WalWriter wal;
  std::mt19937_64 random(6);
  wal.Add(RandomBytes(random, 3 * kBlockBytes));
  wal.Add("last");
  const WalCheck check = CheckWal(wal.bytes().substr(kBlockBytes));
  EXPECT_EQ(check.state, WalCheck::kDamaged);
  EXPECT_EQ(check.offset, 0u);
}

}  // namespace
}  // namespace mobula::gcs
