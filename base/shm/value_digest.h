// DigestOf tells two encodings of a value apart, cheaply: whether a task that
// was run again gave what it gave before.
//
//   std::uint64_t before = DigestOf(value.view());
//
// Up to 16 KiB every byte counts. Of more the first and the last 4 KiB and 128
// blocks of 64 bytes between them, evenly spaced, do: a difference of a few
// bytes in the middle of a large value may go unseen, another order or another
// size does not. No promise across versions, and none against an adversary.
// Threading: a pure function.
#ifndef MOBULA_BASE_SHM_VALUE_DIGEST_H_
#define MOBULA_BASE_SHM_VALUE_DIGEST_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mobula::base {

inline constexpr std::size_t kDigestWholeBytes = 16u << 10;

// Never 0, which stands for a digest that is not known.
[[nodiscard]] std::uint64_t DigestOf(std::string_view bytes);

}  // namespace mobula::base

#endif  // MOBULA_BASE_SHM_VALUE_DIGEST_H_
