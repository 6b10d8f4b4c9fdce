#include "runtime/executor/current.h"

namespace mobula::runtime {
namespace {

thread_local const CurrentExecution* current_execution = nullptr;

}  // namespace

const CurrentExecution* Current() { return current_execution; }

ScopedCurrent::ScopedCurrent(const CurrentExecution* execution)
    : before_(current_execution) {
  current_execution = execution;
}

ScopedCurrent::~ScopedCurrent() { current_execution = before_; }

}  // namespace mobula::runtime
