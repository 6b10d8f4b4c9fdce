#include "api/mobula/worker_setup.h"

#include <vector>

namespace mobula::detail {
namespace {

// Filled before main, on one thread.
std::vector<WorkerSetup::Function>& Functions() {
  static std::vector<WorkerSetup::Function>& functions =
      *new std::vector<WorkerSetup::Function>;
  return functions;
}

}  // namespace

WorkerSetup::WorkerSetup(Function function) { Functions().push_back(function); }

void WorkerSetup::RunAll() {
  for (const Function function : Functions()) function();
}

}  // namespace mobula::detail
