// What Get and Wait stand on. Not for users.
//
// Times are Ray's: milliseconds, and less than 0 for no limit.
// Threading: any thread.   Failure: the exceptions of ray_exception.h.
#ifndef MOBULA_API_COMPAT_RAY_INTERNAL_AWAIT_H_
#define MOBULA_API_COMPAT_RAY_INTERNAL_AWAIT_H_

#include <string>
#include <string_view>
#include <vector>

#include "api/compat/ray/values/held_object.h"
#include "api/mobula/error.h"
#include "api/mobula/timeout.h"
#include "base/value.h"

namespace ray::internal {

// Null where the ref refers to nothing.
const mobula::detail::ObjectPtr& ObjectOf(const HeldPtr& held);

mobula::Timeout TimeoutOf(int timeout_ms);

// Waits for the value; its bytes are there as long as `held` is.
mobula::base::Value AwaitValue(const HeldPtr& held, int timeout_ms);
mobula::base::Value AwaitValue(const HeldPtr& held, mobula::Timeout timeout);
// So that waiting for one after the other takes one trip for all.
void AskForAll(const std::vector<HeldPtr>& held);
// For each whether it is settled, once `num_objects` are or the time is over.
std::vector<bool> AwaitSome(const std::vector<HeldPtr>& held, int num_objects,
                            int timeout_ms);

// Throws the exception of Ray's that is nearest to the error.
[[noreturn]] void ThrowAsRay(const mobula::Error& error);
[[noreturn]] void RefuseValue(std::string_view type, const std::string& why);

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_INTERNAL_AWAIT_H_
