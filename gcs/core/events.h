// What happens to the control store's core, and what it wants done.
//
// One event is run to quiescence over all machines of the core; its Writes are
// one atomic batch, and its other effects, and those of every later event, wait
// until that batch is durable (gcs/core/commit_queue.h): persist, publish,
// reply.
// Threading: values.
#ifndef MOBULA_GCS_CORE_EVENTS_H_
#define MOBULA_GCS_CORE_EVENTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_message.h"
#include "base/ids.h"

namespace mobula::gcs {

// ---- events ----------------------------------------------------------------

// A raylet or tool said something on its session.
struct Received {
  base::ProcessId from;
  base::ControlMessage message;
};
// Its session has ended.
struct PeerLost {
  base::ProcessId peer;
};
// The log's folder has, or has no longer, too little room: mutations are
// refused with kDiskFull while it is full, everything else goes on.
struct DiskChanged {
  bool full = false;
  std::int64_t free_bytes = 0;
};
// Time passed; sent at the moment the last SetTimer asked for, or later.
struct Tick {};

using Event = std::variant<Received, PeerLost, DiskChanged, Tick>;

// ---- effects ---------------------------------------------------------------

// A change of one record of the log; nothing: it is gone. Keys are ordered
// bytes that begin with their table (docs/formats/control_log.md).
struct Write {
  std::string key;
  std::optional<std::string> value;
};
struct Send {
  base::ProcessId to;
  base::ControlMessage message;
};
// The peer's session is to end.
struct ClosePeer {
  base::ProcessId peer;
};
// Replaces the timer: Tick at `at`, never if IsNever. Waits for nothing.
struct SetTimer {
  base::BootTime at;
};

using Effect = std::variant<Write, Send, ClosePeer, SetTimer>;
using Effects = std::vector<Effect>;

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_CORE_EVENTS_H_
