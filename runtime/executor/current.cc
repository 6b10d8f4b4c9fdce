#include "runtime/executor/current.h"

#include <string>

namespace mobula::runtime {
namespace {

struct Here {
  const CurrentExecution* execution = nullptr;
  base::WorkerPage* page = nullptr;
  std::string_view shown;  // on the page; names of functions stay
};

thread_local constinit Here here;

}  // namespace

const CurrentExecution* Current() { return here.execution; }

void SetCurrent(const CurrentExecution* execution) {
  here.execution = execution;
  if (here.page == nullptr || execution == nullptr) return;
  if (here.shown.data() == execution->function.data()) {
    here.page->SetBusy(true);
    return;
  }
  here.page->SetRunning(std::string(execution->function));
  here.shown = execution->function;
}

void ShowCurrentOn(base::WorkerPage* page) {
  here.page = page;
  here.shown = std::string_view();
}

ScopedCurrent::ScopedCurrent(const CurrentExecution* execution)
    : before_(here.execution) {
  SetCurrent(execution);
}

ScopedCurrent::~ScopedCurrent() { SetCurrent(before_); }

}  // namespace mobula::runtime
