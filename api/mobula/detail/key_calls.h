// What the templates of kv.h stand on: keys without types. Not for users.
// Threading: every function from any thread.   Failure: typed errors.
#ifndef MOBULA_API_MOBULA_DETAIL_KEY_CALLS_H_
#define MOBULA_API_MOBULA_DETAIL_KEY_CALLS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/mobula/kv_options.h"
#include "base/bytes.h"

namespace mobula::detail {

struct FoundKey {
  base::Bytes value;
  std::uint64_t version = 0;
};

std::uint64_t PutKey(std::string_view key, std::string encoded,
                     const KvOptions& options);
std::optional<FoundKey> GetKey(std::string_view key, const KvOptions& options);
bool DeleteKey(std::string_view key, const KvOptions& options);
std::vector<std::string> ListKeys(std::string_view prefix,
                                  const KvOptions& options);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_DETAIL_KEY_CALLS_H_
