// Line decides what becomes of the line to one other node: when it is dialled,
// how long it is tried, and when it is given up.
//
//   unknown --Know--> known --nothing gets through | stale--> lost --Know-->
//   a lane of a known one:
//     idle --Want--> dialling --OnUp--> up
//       \<- backing off <-- OnDown --'   '--OnDown, nothing wanted--> idle
// A lane is dialled when there is something to send, and again, at once and
// then after growing waits, as long as something of it is not acknowledged.
// Where this end has given the other up it dials also to tell it that, once it
// is known again. Without progress (an acknowledgement, bytes that the network
// takes) for lost_after everything of the line is given up, both ways.
// Owner: NodeLines, one a node.   Threading: none.
// Invariants: (1) Dial comes for an idle lane of a known node only; (2) one
// LineEffects has `ended` once at the most, and after it the node is unknown
// until Know; (3) a lane that wants and is not up has a timer.
// Failure: what the other end refuses is tried again; only kStale ends it.
#ifndef MOBULA_RAYLET_LINES_LINE_H_
#define MOBULA_RAYLET_LINES_LINE_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/boot_time.h"
#include "base/session/backoff.h"
#include "raylet/lines/line_life.h"
#include "raylet/lines/node_hello.h"

namespace mobula::raylet {

struct LineEffects {
  // All sessions and connections of the life that was are to be dropped.
  bool ended = false;
  std::string why;         // for people, if it has
  std::vector<Lane> dial;  // after that
};

class Line {
 public:
  struct Options {
    base::Duration lost_after = std::chrono::seconds(30);
    base::Duration wait_first = std::chrono::milliseconds(20);
    base::Duration wait_max = std::chrono::milliseconds(500);
    std::uint64_t first_life = 1;  // see LineLife
    std::uint64_t seed = 0;        // of the waits
  };
  enum class Verdict : std::uint8_t {
    kWelcome,
    kStale,  // to be refused so
    kWait,   // until the node is known, or it has waited long enough
  };

  explicit Line(const Options& options);

  // The control store says that it lives.
  void Know(base::BootTime now, LineEffects& effects);
  [[nodiscard]] bool known() const { return known_; }
  [[nodiscard]] const LineLife& life() const { return life_; }

  // ---- what this end sends --------------------------------------------------
  // There is something to be sent.
  void Want(Lane lane, base::BootTime now, LineEffects& effects);
  // Something was acknowledged; `all`: nothing is left.
  void OnAcked(Lane lane, bool all, base::BootTime now);
  // The network has taken something.
  void OnMoved(Lane lane, base::BootTime now);
  // What was dialled is welcome there, whose life is `theirs`. False: the
  // connection is of no use.
  bool OnUp(Lane lane, std::uint64_t theirs, base::BootTime now,
            LineEffects& effects);
  // It could not be dialled, or the connection has ended.
  void OnDown(Lane lane, const std::string& why, base::BootTime now);
  void OnRefused(Lane lane, const NodeWelcome& welcome, base::BootTime now,
                 LineEffects& effects);

  // ---- what comes -----------------------------------------------------------
  Verdict OnHello(const NodeHello& hello, LineEffects& effects);

  // ---- both -----------------------------------------------------------------
  // This end ends it; the other one will be told.
  void GiveUp(const std::string& why, LineEffects& effects);
  // Before it, OnMoved for what has moved.
  void OnTimer(base::BootTime now, LineEffects& effects);
  [[nodiscard]] base::BootTime timer() const;

 private:
  enum class State : std::uint8_t { kIdle, kDialling, kUp, kBackingOff };
  struct LaneState {
    explicit LaneState(const base::Backoff& waits) : backoff(waits) {}

    State state = State::kIdle;
    bool wanted = false;
    bool counted_up = false;  // that it came up has been progress, once
    base::BootTime progress_at;
    base::BootTime retry_at = base::BootTime::Never();
    base::Backoff backoff;
    std::string why;  // of the last that went wrong
  };

  [[nodiscard]] static std::size_t At(Lane lane) {
    return static_cast<std::size_t>(lane);
  }
  [[nodiscard]] bool IsNeeded(Lane lane) const;
  void Dial(Lane lane, LineEffects& effects);
  void End(const std::string& why, LineEffects& effects);

  const Options options_;
  bool known_ = false;
  bool announce_ = false;  // that a life has ended
  LineLife life_;
  std::vector<LaneState> lanes_;  // kLanes
  base::BootTime look_at_ = base::BootTime::Never();
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_LINES_LINE_H_
