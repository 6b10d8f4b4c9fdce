#include "base/shm/store_copy.h"

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace mobula::base {
namespace {

#if defined(__SSE2__)
constexpr std::size_t kLineBytes = 64;

// `to` is aligned to a line, `byte_count` a multiple of one.
void Stream(char* to, const char* from, std::size_t byte_count) {
  for (std::size_t at = 0; at < byte_count; at += kLineBytes) {
    const auto* source = reinterpret_cast<const __m128i*>(from + at);
    auto* target = reinterpret_cast<__m128i*>(to + at);
    const __m128i first = _mm_loadu_si128(source);
    const __m128i second = _mm_loadu_si128(source + 1);
    const __m128i third = _mm_loadu_si128(source + 2);
    const __m128i fourth = _mm_loadu_si128(source + 3);
    _mm_stream_si128(target, first);
    _mm_stream_si128(target + 1, second);
    _mm_stream_si128(target + 2, third);
    _mm_stream_si128(target + 3, fourth);
  }
  _mm_sfence();
}
#endif

}  // namespace

void CopyToStore(char* to, std::string_view from) {
  if (from.empty()) return;
#if defined(__SSE2__)
  if (from.size() >= kStreamedBytesMin) {
    const std::size_t head =
        (kLineBytes - reinterpret_cast<std::uintptr_t>(to) % kLineBytes) %
        kLineBytes;
    const std::size_t body = (from.size() - head) / kLineBytes * kLineBytes;
    std::memcpy(to, from.data(), head);
    Stream(to + head, from.data() + head, body);
    to += head + body;
    from.remove_prefix(head + body);
  }
#endif
  std::memcpy(to, from.data(), from.size());
}

}  // namespace mobula::base
