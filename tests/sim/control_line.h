// ControlLine is a simulated raylet's way to the control store: sessions, one
// after the other, as base::ControlClient makes them.
//
//   away --agreed--> up --the connection ends--> away, and back:
//       the same session goes on if the store still knows it; else on_down, and
//       on_up of a new one
//
// While nobody listens it tries again, 10 to 500 ms apart.
// Owner: RayletProcess.   Threading: none.
// Invariants: on_up and on_down alternate.
#ifndef MOBULA_TESTS_SIM_CONTROL_LINE_H_
#define MOBULA_TESTS_SIM_CONTROL_LINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_message.h"
#include "base/ids.h"
#include "base/session/backoff.h"
#include "tests/sim/line_end.h"
#include "tests/sim/network.h"
#include "tests/sim/process.h"
#include "tests/sim/rng.h"
#include "tests/sim/verdict.h"

namespace mobula::sim {

// What a raylet says when it connects, and what it is told.
struct LineHello {
  base::ProcessId raylet;
  std::uint64_t epoch = 0;  // of the session that it has; 0: none
};
struct LineWelcome {
  base::ProcessId store;
  std::uint64_t epoch = 0;
  bool goes_on = false;  // the session that it has
};

// The control store's listening socket.
class ControlDoor {
 public:
  using Agreed = std::function<void(const LineWelcome&)>;

  virtual ~ControlDoor() = default;
  // False: refused at once. Else `agreed` is called, some day, if at all; the
  // store reads and writes side 1 of the connection.
  virtual bool Knock(const LineHello& hello,
                     std::shared_ptr<LineConnection> connection,
                     Agreed agreed) = 0;
};

class ControlLine {
 public:
  struct Callbacks {
    std::function<void(std::uint64_t epoch)> on_up;
    std::function<void()> on_down;
    std::function<void(base::ControlMessage)> on_message;
  };
  struct World {
    EventQueue& queue;
    Network& network;
    Verdict& verdict;
    ControlDoor& door;
  };

  ControlLine(const World& world, Process& raylet, Rng rng,
              Callbacks callbacks);

  // Connects from now on. Twice is once.
  void Start();
  // Dropped where there is no session.
  void Send(const base::ControlMessage& message);
  // Its process is gone.
  void Close();
  // Faults: the connection ends; it is deaf one way; nothing gets through and
  // nobody answers for a while.
  void Break();
  void Cut(int side, base::Duration length);
  void Block(base::Duration length);
  void Heal() { blocked_until_ = base::BootTime(); }

  [[nodiscard]] bool started() const { return started_; }
  [[nodiscard]] bool up() const { return end_ != nullptr; }
  [[nodiscard]] bool attached() const {
    return end_ != nullptr && end_->attached();
  }

 private:
  void Retry();
  void Connect();
  void OnAgreed(std::shared_ptr<LineConnection> connection,
                const LineWelcome& welcome);
  void OnEnded();
  void NewSession(const LineWelcome& welcome);

  const World world_;
  Process& raylet_;
  Rng rng_;
  const Callbacks callbacks_;
  base::Backoff backoff_;
  std::shared_ptr<LineEnd> end_;  // nothing: no session
  // Asked for and not agreed yet, with what arrived on it before.
  std::shared_ptr<LineConnection> connecting_;
  std::vector<LinePacket> early_;
  std::uint64_t attempt_ = 0;
  bool started_ = false;
  base::BootTime blocked_until_;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_CONTROL_LINE_H_
