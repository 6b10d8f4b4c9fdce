// LineEnd is one end of the line between a raylet and the control store: a
// session that outlives its connections, as base/rpc has one over gRPC.
//
//   Away --Attach(connection)--> Attached --its end, Detach--> Away
//   both --the session is lost, Close--> Ended (final; on_ended, once, unless
//   Close)
//
// A LineConnection is a pair of channels of the faulty network: what it loses
// the session sends again, what it repeats the session drops.
// Owner: ControlLine (the raylet's end), ControlProcess (the store's).
// Threading: none.
// Checks: what arrives decodes (I20), and an honest peer is not refused.
#ifndef MOBULA_TESTS_SIM_LINE_END_H_
#define MOBULA_TESTS_SIM_LINE_END_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/control/control_message.h"
#include "base/ids.h"
#include "base/session/session.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/network.h"
#include "tests/sim/process.h"
#include "tests/sim/verdict.h"

namespace mobula::sim {

struct LinePacket {
  base::SessionHeader header;
  base::Bytes payload;
};

// Shared by its two ends, 0 the raylet's and 1 the store's, and by what is in
// it.
class LineConnection : public std::enable_shared_from_this<LineConnection> {
 public:
  struct Reader {
    std::function<void(const LinePacket&)> arrive;
    std::function<void()> ended;
  };

  explicit LineConnection(Network& network) : network_(network) {}

  // Who reads at this side from now on.
  void Read(int side, Reader reader);
  void Send(int side, LinePacket packet);
  // This side is gone; the other learns of it soon.
  void Close(int side);
  // Nothing that this side sends gets through for a while.
  void Cut(int side, base::Duration length);
  // It is gone; each side learns of it in its own time.
  void Break();

 private:
  void SendEnd(int side);

  Network& network_;
  std::array<Network::ChannelPtr, 2> channels_{
      std::make_shared<Network::Channel>(),
      std::make_shared<Network::Channel>()};
  std::array<Reader, 2> readers_;
  std::array<bool, 2> closed_{};  // nothing is sent any more
  std::array<bool, 2> saw_end_{};
};

class LineEnd : public std::enable_shared_from_this<LineEnd> {
 public:
  struct Options {
    int side = 0;
    base::ProcessId peer;
    std::uint64_t epoch = 0;  // of the control store
  };
  struct Callbacks {
    std::function<void(base::ControlMessage)> on_message;
    std::function<void()> on_detached;  // its connection is gone
    std::function<void()> on_ended;     // its session is lost
  };

  LineEnd(const Options& options, Process& process, EventQueue& queue,
          Verdict& verdict, Callbacks callbacks);

  void Attach(std::shared_ptr<LineConnection> connection);
  void Send(const base::ControlMessage& message);
  // What came before this end was attached.
  void Arrive(const LinePacket& packet);
  // Quietly: on_ended is not called.
  void Close();

  [[nodiscard]] bool attached() const { return connection_ != nullptr; }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] std::uint64_t epoch() const { return options_.epoch; }
  [[nodiscard]] LineConnection* connection() const { return connection_.get(); }

 private:
  void CarryOut(base::SessionEffects& effects);
  void Deliver(const base::Bytes& payload);
  void ArmTimer(base::BootTime at);

  const Options options_;
  Process& process_;
  EventQueue& queue_;
  Verdict& verdict_;
  const Callbacks callbacks_;
  base::Session session_;
  std::shared_ptr<LineConnection> connection_;
  std::uint64_t timer_ = 0;
  bool ended_ = false;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_LINE_END_H_
