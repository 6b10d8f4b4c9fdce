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
#include "base/security/join_token.h"

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

// Who runs the cluster wants a token made for machines that are to join it.
// `call` names what is asked, for the TokenAnswer.
struct MakeToken {
  std::uint64_t call = 0;
  base::TokenId id;
  std::string secret_hash;  // 64 hex digits
  std::int64_t lives_ms = 0;
  std::uint32_t uses = 1;
};
// A machine shows one. `holder`: the hash of the key that it would have
// certified, 64 hex digits.
struct ShowToken {
  std::uint64_t call = 0;
  base::ClusterId cluster;
  base::TokenId id;
  std::string secret_hash;
  std::string holder;
};

using Event =
    std::variant<Received, PeerLost, DiskChanged, Tick, MakeToken, ShowToken>;

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

enum class TokenVerdict : std::uint8_t {
  kDone = 1,
  kUnknown,  // never made, forgotten, or its secret is another one
  kUsedUp,   // by others
  kExpired,
  kOtherCluster,
  kMalformed,
  kTooMany,  // tokens are open
  kDiskFull,
};
// To MakeToken and ShowToken.
struct TokenAnswer {
  std::uint64_t call = 0;
  TokenVerdict verdict = TokenVerdict::kDone;
};

using Effect = std::variant<Write, Send, ClosePeer, SetTimer, TokenAnswer>;
using Effects = std::vector<Effect>;

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_CORE_EVENTS_H_
