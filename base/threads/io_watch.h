// IoWatch is who wants to do something with a descriptor (a socket, a pipe) as
// soon as that is possible.
//
//   apart --Append--> waits --tried, kOver--> over (its `over` is called)
//   waits --Remove--> apart
// Owner: who waits, while it waits. Threading: `attempt` is called with the
// lock of the descriptor held, on any thread, again and again until it says
// kOver; it must not wait or throw. `over` is called once, with no lock held,
// and may end the life of `watch`.
#ifndef MOBULA_BASE_THREADS_IO_WATCH_H_
#define MOBULA_BASE_THREADS_IO_WATCH_H_

#include <cstdint>

namespace mobula::base {

struct IoWatch {
  enum class Direction : std::uint8_t { kRead, kWrite };
  enum class Attempt : std::uint8_t {
    kOver,      // done, or failed for good
    kNotReady,  // again when the descriptor is ready
    kHeld,      // again when somebody says so (IoDescriptor::TryAll)
  };
  using AttemptFn = Attempt (*)(IoWatch* watch) noexcept;
  using OverFn = void (*)(IoWatch* watch) noexcept;

  AttemptFn attempt = nullptr;
  OverFn over = nullptr;
  // The descriptor's.
  IoWatch* before = nullptr;
  IoWatch* after = nullptr;
  Direction direction = Direction::kRead;
  bool waits = false;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_THREADS_IO_WATCH_H_
