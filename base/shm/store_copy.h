// CopyToStore copies a value's bytes into shared memory.
//
// From 1 MiB on it writes past the caches: the bytes will be read by another
// process, and the destination need not be fetched first.
// Threading: any. The bytes are there for whoever hears of them by a message.
#ifndef MOBULA_BASE_SHM_STORE_COPY_H_
#define MOBULA_BASE_SHM_STORE_COPY_H_

#include <cstddef>
#include <string_view>

namespace mobula::base {

inline constexpr std::size_t kStreamedBytesMin = 1 << 20;

// `to` has room for all of `from`, and they do not overlap.
void CopyToStore(char* to, std::string_view from);

}  // namespace mobula::base

#endif  // MOBULA_BASE_SHM_STORE_COPY_H_
