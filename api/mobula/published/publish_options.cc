#include "api/mobula/published/publish_options.h"

#include <utility>

#include "api/mobula/detail/quantities.h"

namespace mobula {

PublishOptions::PublishOptions() = default;

PublishOptions& PublishOptions::Namespace(std::string ns) {
  detail::CheckName("Namespace", ns);
  values_.ns = std::move(ns);
  return *this;
}

PublishOptions& PublishOptions::Replace() {
  values_.replace = true;
  return *this;
}

PublishOptions& PublishOptions::Durable() {
  values_.durable = true;
  return *this;
}

PublishOptions& PublishOptions::Timeout(mobula::Timeout timeout) {
  values_.timeout = timeout;
  return *this;
}

}  // namespace mobula
