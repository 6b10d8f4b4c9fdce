#include "runtime/executor/current.h"

namespace mobula::runtime {
namespace {

struct Here {
  const CurrentExecution* execution = nullptr;
  PageWriter* page = nullptr;
};

thread_local constinit Here here;

}  // namespace

const CurrentExecution* Current() { return here.execution; }

void SetCurrent(const CurrentExecution* execution) {
  here.execution = execution;
  if (here.page == nullptr || execution == nullptr) return;
  here.page->Show(execution->function);
}

void ShowCurrentOn(PageWriter* page) { here.page = page; }

ScopedCurrent::ScopedCurrent(const CurrentExecution* execution)
    : before_(here.execution) {
  SetCurrent(execution);
}

ScopedCurrent::~ScopedCurrent() { SetCurrent(before_); }

}  // namespace mobula::runtime
