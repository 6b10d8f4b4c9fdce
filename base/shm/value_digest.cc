#include "base/shm/value_digest.h"

#include <algorithm>
#include <cstring>

namespace mobula::base {
namespace {

constexpr std::size_t kEdgeBytes = 4u << 10;
constexpr std::size_t kBlockBytes = 64;
constexpr std::size_t kBlocks = 128;

std::uint64_t Mix(std::uint64_t digest, std::uint64_t word) {
  digest = (digest ^ word) * 0x9E3779B97F4A7C15ULL;
  return digest ^ (digest >> 32);
}

std::uint64_t Add(std::uint64_t digest, std::string_view bytes) {
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t size = std::min(bytes.size(), sizeof(word));
    std::memcpy(&word, bytes.data(), size);
    digest = Mix(digest, word);
    bytes.remove_prefix(size);
  }
  return digest;
}

}  // namespace

std::uint64_t DigestOf(std::string_view bytes) {
  std::uint64_t digest = Mix(0x6D6F62756C61ULL, bytes.size());
  if (bytes.size() <= kDigestWholeBytes) {
    digest = Add(digest, bytes);
  } else {
    digest = Add(digest, bytes.substr(0, kEdgeBytes));
    const std::size_t stride = (bytes.size() - 2 * kEdgeBytes) / kBlocks;
    for (std::size_t i = 0; i < kBlocks; ++i) {
      digest = Add(digest, bytes.substr(kEdgeBytes + i * stride, kBlockBytes));
    }
    digest = Add(digest, bytes.substr(bytes.size() - kEdgeBytes));
  }
  return digest == 0 ? 1 : digest;
}

}  // namespace mobula::base
