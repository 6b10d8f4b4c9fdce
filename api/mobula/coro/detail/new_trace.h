// NewTrace makes the id of a trace: random in all of its bits, as other systems
// that read it (W3C Trace Context) want them. Not for users.
// Threading: any thread, after a fork too.
#ifndef MOBULA_API_MOBULA_CORO_DETAIL_NEW_TRACE_H_
#define MOBULA_API_MOBULA_CORO_DETAIL_NEW_TRACE_H_

#include "base/scheduling/call_scope.h"

namespace mobula::detail {

[[nodiscard]] base::TraceId NewTrace();

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_CORO_DETAIL_NEW_TRACE_H_
