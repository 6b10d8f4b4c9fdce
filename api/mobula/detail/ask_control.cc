#include "api/mobula/detail/ask_control.h"

#include "runtime/process/backend.h"

namespace mobula::detail {

base::ControlReply AskBackend(runtime::Backend& backend,
                              base::ControlRequest request,
                              base::Duration timeout) {
  return backend.Ask(std::move(request), timeout);
}

}  // namespace mobula::detail
