// PutOptions says how long Put and NewBuffer may wait for room.
//
//   mobula::Put(scene, mobula::PutOptions().Timeout(2s));
//
// Threading: a value.
#ifndef MOBULA_API_MOBULA_VALUES_PUT_OPTIONS_H_
#define MOBULA_API_MOBULA_VALUES_PUT_OPTIONS_H_

#include <chrono>

#include "api/mobula/timeout.h"

namespace mobula {

// How long a value waits for room in the node's store where nothing says
// otherwise: results of functions, and arguments of calls without a Timeout.
inline constexpr std::chrono::seconds kStoreTimeout{30};

class PutOptions {
 public:
  PutOptions();

  // While the store is full; then ObjectStoreFull. Default kStoreTimeout.
  PutOptions& Timeout(mobula::Timeout timeout);

  struct Values {
    mobula::Timeout timeout = kStoreTimeout;
  };
  [[nodiscard]] const Values& values() const { return values_; }

 private:
  Values values_;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_VALUES_PUT_OPTIONS_H_
