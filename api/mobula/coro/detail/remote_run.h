// PrepareRun makes a run of a remote coroutine of what it does. Not for users.
//
// It has a scope of its own, which Stop stops, and keeps the task that is
// current where it begins: CurrentTask() tells it in all that the coroutine
// awaits. Threading: as of CoroutineRun.
#ifndef MOBULA_API_MOBULA_CORO_DETAIL_REMOTE_RUN_H_
#define MOBULA_API_MOBULA_CORO_DETAIL_REMOTE_RUN_H_

#include <memory>

#include "api/mobula/coro/coro.h"
#include "base/failure.h"
#include "base/threads/coroutine_run.h"
#include "base/threads/executor.h"

namespace mobula::detail {

// `executor`: null for the process's pool. `body` must not throw.
std::shared_ptr<base::CoroutineRun> PrepareRun(
    Coro<base::Outcome> body, base::Executor* executor,
    base::CoroutineRun::Owner& owner);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_CORO_DETAIL_REMOTE_RUN_H_
