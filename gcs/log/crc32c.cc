#include "gcs/log/crc32c.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

namespace mobula::gcs {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // reflected
constexpr std::size_t kSlices = 8;                 // bytes taken at once

using Tables = std::array<std::array<std::uint32_t, 256>, kSlices>;

// tables[k][b]: what the byte b becomes k zero bytes later.
constexpr Tables MakeTables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) {
      rest = (rest & 1) != 0 ? rest >> 1 ^ kPolynomial : rest >> 1;
    }
    tables[0][byte] = rest;
  }
  for (std::size_t slice = 1; slice < kSlices; ++slice) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[slice - 1][byte];
      tables[slice][byte] = before >> 8 ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

}  // namespace

std::uint32_t Crc32c(std::string_view bytes) {
  std::uint32_t rest = ~0U;
  while (bytes.size() >= kSlices) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), kSlices);
    word ^= rest;
    rest = 0;
    for (std::size_t slice = 0; slice < kSlices; ++slice) {
      rest ^= kTables[kSlices - 1 - slice][word >> (8 * slice) & 0xff];
    }
    bytes.remove_prefix(kSlices);
  }
  for (const char byte : bytes) {
    rest = rest >> 8 ^
           kTables[0][(rest ^ static_cast<unsigned char>(byte)) & 0xff];
  }
  return ~rest;
}

}  // namespace mobula::gcs
