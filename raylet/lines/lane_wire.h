// LaneWire is one connection between two raylets: hellos, then messages of a
// session one way and their acknowledgements the other.
//
//   LaneWire wire(strand, std::move(socket));
//   wire.Start({on_hello, on_frame, on_closed});
//   wire.SendHello(EncodeNodeHello(hello));
// What is sent in one turn of the strand leaves together; what is larger than a
// frame leaves in several, and comes out as one.
// Owner: LaneDial, NodeDoor, then NodeLines.   Threading: the strand's.
// Invariants: (1) callbacks may do anything, also destroy this; (2) on_closed
// comes once and last, never inside a call of this class; (3) of what was sent
// before the destruction leaves what the network takes at once.
// Failure: bytes that are no frames close it, saying so.
#ifndef MOBULA_RAYLET_LINES_LANE_WIRE_H_
#define MOBULA_RAYLET_LINES_LANE_WIRE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/session/session.h"
#include "base/strand.h"
#include "base/unique_fd.h"

namespace mobula::raylet {

class LaneWire {
 public:
  struct Callbacks {
    std::function<void(base::Bytes hello)> on_hello;
    // Of the header epoch, from and to are not set.
    std::function<void(base::SessionHeader header, base::Bytes payload)>
        on_frame;
    std::function<void(std::string why)> on_closed;
  };

  LaneWire(base::Strand& strand, base::UniqueFd socket);
  ~LaneWire();
  LaneWire(const LaneWire&) = delete;
  LaneWire& operator=(const LaneWire&) = delete;

  void Start(Callbacks callbacks);
  // From now on these; until then what comes is the former ones'.
  void Hand(Callbacks callbacks);
  void SendHello(std::string bytes);
  void Send(const base::Transmit& transmit);
  // Bytes of what was sent that the system has taken.
  [[nodiscard]] std::uint64_t taken_bytes() const;

 private:
  struct State;

  std::shared_ptr<State> state_;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_LINES_LANE_WIRE_H_
