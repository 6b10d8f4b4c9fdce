// AskControl asks the control store and waits. Not for users.
// Threading: any thread.   Failure: throws what the control store refuses with,
// ControlAway where there is no answer in time.
#ifndef MOBULA_API_MOBULA_DETAIL_ASK_CONTROL_H_
#define MOBULA_API_MOBULA_DETAIL_ASK_CONTROL_H_

#include <chrono>
#include <utility>
#include <variant>

#include "api/mobula/error.h"
#include "base/boot_time.h"
#include "base/control/control_request.h"
#include "base/failure.h"

namespace mobula::runtime {
class Backend;
}  // namespace mobula::runtime

namespace mobula::detail {

// Where the caller gives no timeout.
inline constexpr base::Duration kControlPatience = std::chrono::seconds(30);

// The answer, if it is of that kind; else throws.
template <class Answer>
Answer Answered(base::ControlReply reply) {
  if (auto* const answer = std::get_if<Answer>(&reply)) {
    return std::move(*answer);
  }
  if (auto* const failure = std::get_if<base::Failure>(&reply)) {
    ThrowFailure(std::move(*failure));
  }
  base::Failure failure;
  failure.code = base::FailureCode::kDecode;
  failure.message = "the control store answered something else than was asked";
  ThrowFailure(std::move(failure));
}

base::ControlReply AskBackend(runtime::Backend& backend,
                              base::ControlRequest request,
                              base::Duration timeout);

template <class Answer>
Answer AskControl(runtime::Backend& backend, base::ControlRequest request,
                  base::Duration timeout = kControlPatience) {
  return Answered<Answer>(AskBackend(backend, std::move(request), timeout));
}

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_DETAIL_ASK_CONTROL_H_
