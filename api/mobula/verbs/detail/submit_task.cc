#include "api/mobula/verbs/detail/submit_task.h"

#include <utility>

#include "api/mobula/verbs/detail/spawn_place.h"
#include "runtime/core/events.h"
#include "runtime/process/backend.h"

namespace mobula::detail {

std::shared_ptr<const ObjectHandle> SubmitTask(
    const std::shared_ptr<Session>& session, CalledFunction function,
    std::vector<runtime::Arg> args, const TaskOptions::Values& options) {
  runtime::Backend& backend = session->OpenBackend();
  runtime::Submit submit;
  submit.task = backend.NewId<base::TaskId>();
  submit.result = backend.NewId<base::ObjectId>();
  submit.function = function.id;
  submit.function_name = std::move(function.name);
  submit.by_name = function.by_name;
  submit.is_coroutine = function.is_coroutine;
  submit.items_max = function.items_max;
  submit.name = options.name;
  submit.args = std::move(args);
  submit.resources = options.resources;
  submit.placement = options.placement;
  submit.retries_max = options.retries_max;
  submit.retry_exceptions = options.retry_exceptions;
  submit.timeout = options.timeout.nanoseconds();
  const SpawnPlace place;
  submit.parent = place.parent();
  submit.scope = place.Spawn();
  const base::ObjectName result{submit.result, backend.self()};
  backend.Post(std::move(submit));
  place.Posted();
  return std::make_shared<ObjectHandle>(session, result);
}

}  // namespace mobula::detail
