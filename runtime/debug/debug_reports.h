// Where the debug mode's reports go: to the log, and to who asked to be told.
//
//   Report({DebugKind::kSlowStep, "Fetch(int) has held a thread for 120 ms"});
//
// The same text is reported once, and 1,000 of them at most.
// Owner: the process; one more of its globals, of the debug mode alone.
// Threading: any; who is told is called on the thread that reports, with no
// lock held.
#ifndef MOBULA_RUNTIME_DEBUG_DEBUG_REPORTS_H_
#define MOBULA_RUNTIME_DEBUG_DEBUG_REPORTS_H_

#include <cstdint>
#include <functional>
#include <string>

namespace mobula::runtime {

enum class DebugKind : std::uint8_t {
  kSlowStep,
  kLostTask,
  kLostError,
  kLockOrder,
};

struct DebugReport {
  DebugKind kind = DebugKind::kSlowStep;
  std::string text;
};

void Report(const DebugReport& report);

// Instead of the log, from here on; null: the log again.
void TellOfReports(std::function<void(const DebugReport&)> tell);

// Turns the mode on where the environment says so (MOBULA_DEBUG=1). Called
// before main.
bool DebugFromEnvironment();

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_DEBUG_DEBUG_REPORTS_H_
