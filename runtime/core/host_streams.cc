// The part of Host that hands items of generators on: docs/decisions/0023.
#include <utility>

#include "base/check.h"
#include "runtime/core/emit.h"
#include "runtime/core/host.h"

namespace mobula::runtime {

Host::Started& Host::Find(base::TaskId task) {
  if (running_.has_value() && running_->job.task == task) return *running_;
  const auto aside = aside_.find(task);
  MOBULA_CHECK(aside != aside_.end(), "nothing of that name runs");
  return aside->second;
}

void Host::Open(base::TaskId task, Effects& effects) {
  Started& started = Find(task);
  started.is_generator = true;
  if (started.asker_is_gone) {
    Emit(effects, StopExecution{task});
    return;
  }
  SendTo(effects, started.job.from,
         base::StreamOpened{task, started.job.result, started.job.attempt});
}

void Host::Yield(Yielded yielded, Effects& effects) {
  const Started& started = Find(yielded.task);
  const Job& job = started.job;
  MOBULA_CHECK(started.is_generator, "only generators give items");
  MOBULA_CHECK(
      !yielded.value.is_stored() || yielded.value.name().owner == job.from,
      "an item is its caller's");
  if (started.asker_is_gone) return;
  SendTo(effects, job.from,
         base::StreamItem{job.task, job.result, job.attempt, yielded.index,
                          std::move(yielded.value)});
}

void Host::Credit(base::ProcessId from, const base::StreamCredit& credit,
                  Effects& effects) {
  // It may have ended meanwhile.
  if (!Runs(credit.task)) return;
  const Started& started = Find(credit.task);
  if (started.job.from != from || !started.is_generator) return;
  Emit(effects, GiveCredit{credit});
}

}  // namespace mobula::runtime
