// SubmitTask hands a task to the runtime. Not for users.
//
// Threading: any. Errors: RuntimeClosed.
#ifndef MOBULA_API_MOBULA_VERBS_DETAIL_SUBMIT_TASK_H_
#define MOBULA_API_MOBULA_VERBS_DETAIL_SUBMIT_TASK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "api/mobula/detail/handles.h"
#include "api/mobula/detail/session.h"
#include "api/mobula/options.h"
#include "base/ids.h"

namespace mobula::runtime {
struct Arg;
}  // namespace mobula::runtime

namespace mobula::detail {

struct CalledFunction {
  base::FunctionId id;
  std::string name;      // for people
  bool by_name = false;  // that is the stable name by which it is called
  bool is_coroutine = false;
  std::uint32_t items_max = 0;  // of a generator: its window
};

// A handle of its result. What the arguments name is kept by the runtime from
// here on.
std::shared_ptr<const ObjectHandle> SubmitTask(
    const std::shared_ptr<Session>& session, CalledFunction function,
    std::vector<runtime::Arg> args, const TaskOptions::Values& options);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_VERBS_DETAIL_SUBMIT_TASK_H_
