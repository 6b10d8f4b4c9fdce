#include "api/mobula/kv_options.h"

#include <utility>

#include "api/mobula/detail/quantities.h"

namespace mobula {

KvOptions::KvOptions() = default;

KvOptions& KvOptions::Namespace(std::string ns) {
  detail::CheckName("Namespace", ns);
  values_.ns = std::move(ns);
  return *this;
}

KvOptions& KvOptions::Expect(std::uint64_t version) {
  values_.expected = version;
  return *this;
}

KvOptions& KvOptions::Timeout(mobula::Timeout timeout) {
  values_.timeout = timeout;
  return *this;
}

}  // namespace mobula
