#include "api/mobula/values/put_options.h"

namespace mobula {

PutOptions::PutOptions() = default;

PutOptions& PutOptions::Timeout(mobula::Timeout timeout) {
  values_.timeout = timeout;
  return *this;
}

}  // namespace mobula
