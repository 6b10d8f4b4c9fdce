// OutcomeWatch is who wants to hear of the outcome of an object once.
//
//   idle --joins--> waiting --outcome--> ready (final)
//   idle, waiting --StopWatch--> given up (final)
// Owner: who waits, until it is ready or given up.
// Threading: `state` and `outcome` under the lock of who keeps it; the outcome
// is the owner's once it is ready.
#ifndef MOBULA_BASE_THREADS_OUTCOME_WATCH_H_
#define MOBULA_BASE_THREADS_OUTCOME_WATCH_H_

#include <cstdint>
#include <optional>

#include "base/failure.h"

namespace mobula::base {

struct OutcomeWatch {
  enum class State : std::uint8_t { kIdle, kWaiting, kReady, kGivenUp };
  // Called once, of one that waited, on any thread; must not wait or throw; may
  // end the life of `watch`.
  using ReadyFn = void (*)(OutcomeWatch* watch) noexcept;

  ReadyFn ready = nullptr;
  State state = State::kIdle;
  std::optional<Outcome> outcome;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_THREADS_OUTCOME_WATCH_H_
