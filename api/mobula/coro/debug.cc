#include "api/mobula/coro/debug.h"

#include <utility>

#include "base/threads/debug_mode.h"
#include "runtime/debug/debug_reports.h"

namespace mobula {
namespace {

DebugReport::Kind ToKind(runtime::DebugKind kind) {
  switch (kind) {
    case runtime::DebugKind::kSlowStep:
      return DebugReport::Kind::kSlowStep;
    case runtime::DebugKind::kLostTask:
      return DebugReport::Kind::kLostTask;
    case runtime::DebugKind::kLostError:
      return DebugReport::Kind::kLostError;
    case runtime::DebugKind::kLockOrder:
      return DebugReport::Kind::kLockOrder;
  }
  return DebugReport::Kind::kSlowStep;
}

}  // namespace

void SetDebugging(bool on) { base::debug_mode.store(on); }

void OnDebugReport(std::function<void(const DebugReport&)> tell) {
  if (tell == nullptr) {
    runtime::TellOfReports(nullptr);
    return;
  }
  runtime::TellOfReports(
      [tell = std::move(tell)](const runtime::DebugReport& report) {
        DebugReport told;
        told.kind = ToKind(report.kind);
        told.text = report.text;
        tell(told);
      });
}

}  // namespace mobula
