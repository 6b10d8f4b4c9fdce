// The debug mode reports what looks like a mistake of the program, while it
// runs (docs/debugging.md):
//
//   MOBULA_DEBUG=1 ./program          // reports go to the log
//   mobula::SetDebugging(true);       // the same, from here on
//   mobula::OnDebugReport([](const mobula::DebugReport& report) {
//     ADD_FAILURE() << report.text;   // in a test
//   });
//
// - kSlowStep: what a coroutine did between two waits, or a callback, has held
// a
//   thread of the default pool, or of a worker, for longer than 100 ms
//   (MOBULA_DEBUG_SLOW_MS); with its name and where it was.
// - kLostTask: a Coro ended that was neither awaited nor started.
// - kLostError: a child of a TaskGroup failed, and the group ended without
// Wait.
// - kLockOrder: Mutexes are locked in different orders, or one by who holds it;
//   with the places, also where no deadlock has come of it.
//
// Each text is reported once. Off, it costs a load and a branch where it would
// ask; on, a few percent, and for each lock of a Mutex a microsecond.
// Threading: any thread. What is given to OnDebugReport is called on whichever
// thread reports, also on a pool's: it must not wait. Coroutines that began
// before the mode was turned on are not seen in full. A forked child reports no
// slow steps.
// The idea: asyncio's debug mode; of lock orders: Linux's lockdep.
#ifndef MOBULA_API_MOBULA_CORO_DEBUG_H_
#define MOBULA_API_MOBULA_CORO_DEBUG_H_

#include <cstdint>
#include <functional>
#include <string>

namespace mobula {

struct DebugReport {
  enum class Kind : std::uint8_t {
    kSlowStep,
    kLostTask,
    kLostError,
    kLockOrder,
  };
  Kind kind = Kind::kSlowStep;
  std::string text;
};

void SetDebugging(bool on);
// Instead of the log, from here on; null: the log again.
void OnDebugReport(std::function<void(const DebugReport&)> tell);

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_CORO_DEBUG_H_
