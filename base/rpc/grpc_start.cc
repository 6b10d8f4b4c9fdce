#include "base/rpc/grpc_start.h"

#include <grpc/support/log.h>

#include "base/log.h"

namespace mobula::base {
namespace {

// What breaks is seen by who uses it, and told there; this is for who looks for
// a fault in gRPC.
void LogOfGrpc(gpr_log_func_args* args) {
  MOBULA_LOG(DEBUG) << "gRPC: " << args->message;
}

}  // namespace

void StartGrpc() {
  static const bool started = [] {
    ::gpr_set_log_function(LogOfGrpc);
    ::gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
    return true;
  }();
  (void)started;
}

}  // namespace mobula::base
