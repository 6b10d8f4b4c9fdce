// LaneDial connects to another raylet's door and says hello there: one attempt.
//
//   connecting --TLS: greeting--> let in --NodeHello--> NodeWelcome
//       \-- whatever goes wrong, or takes too long --> why
// By TLS the certificate at the other end must name the node that is meant.
// Owner: NodeLines, one a lane.   Threading: the strand's.
// Invariant: `done` is called once, and not by the constructor, unless this is
// destroyed before; it may destroy this.
#ifndef MOBULA_RAYLET_LINES_LANE_DIAL_H_
#define MOBULA_RAYLET_LINES_LANE_DIAL_H_

#include <functional>
#include <memory>
#include <string>

#include "base/boot_time.h"
#include "base/control/control_address.h"
#include "base/strand.h"
#include "base/tls/tls_tunnel.h"
#include "base/unique_fd.h"
#include "raylet/lines/lane_wire.h"
#include "raylet/lines/node_hello.h"

namespace mobula::raylet {

class LaneDial {
 public:
  struct Outcome {
    std::unique_ptr<LaneWire> wire;  // none: see why
    NodeWelcome welcome;             // it may refuse
    std::string why;
  };
  struct Target {
    std::string door;                   // ControlAddress
    base::TlsTunnel* tunnel = nullptr;  // for one by TLS; none: it cannot
    base::Duration timeout;
    // A connection of TCP whose bytes nobody acknowledges for so long breaks.
    base::Duration silence_max;
  };

  LaneDial(base::Strand& strand, const Target& target, NodeHello hello,
           std::function<void(Outcome outcome)> done);
  ~LaneDial();
  LaneDial(const LaneDial&) = delete;
  LaneDial& operator=(const LaneDial&) = delete;

 private:
  // Why not, "" if it has begun.
  std::string Begin(const Target& target);
  void ReadAdmission();
  void SayHello();
  void OnWelcome(const base::Bytes& bytes);
  void Finish(Outcome outcome);
  void FinishLater(std::string why);

  base::Strand& strand_;
  const NodeHello hello_;
  std::function<void(Outcome outcome)> done_;
  base::UniqueFd socket_;  // until it is let in
  std::string admission_;
  std::unique_ptr<LaneWire> wire_;
  base::Strand::TimerId timer_ = 0;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_LINES_LANE_DIAL_H_
