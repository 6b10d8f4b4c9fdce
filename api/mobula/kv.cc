#include "api/mobula/kv.h"

namespace mobula {

bool KvDelete(std::string_view key, const KvOptions& options) {
  return detail::DeleteKey(key, options);
}

std::vector<std::string> KvList(std::string_view prefix,
                                const KvOptions& options) {
  return detail::ListKeys(prefix, options);
}

}  // namespace mobula
