// Acceptor takes in who connects to its listener sockets, while there is room.
//
//   accepting --no room--> full --Update, room again--> accepting
//             --no descriptor or memory--> resting --a while--> accepting
// A listener stays readable while somebody waits, so that one which is not
// accepted from is not watched either: a flood waits in the kernel, and a
// process out of descriptors neither spins nor fills its log.
// Owner: base::ConnectionGate, raylet::FrontDoor.
// Threading: everything on the strand given; callbacks run there.
// Failure: Listen says why not; that it rests is logged, once a second at most.
#ifndef MOBULA_BASE_SOCKETS_ACCEPTOR_H_
#define MOBULA_BASE_SOCKETS_ACCEPTOR_H_

#include <functional>
#include <string>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_address.h"
#include "base/sockets/listener_socket.h"
#include "base/strand.h"
#include "base/unique_fd.h"

namespace mobula::base {

class Acceptor {
 public:
  struct Callbacks {
    std::function<bool()> has_room;
    // Non-blocking, close-on-exec. Nobody has looked yet whose it is.
    std::function<void(UniqueFd socket, bool is_unix)> on_accepted;
  };

  // `name` is whose door it is, for the log.
  Acceptor(Strand& strand, std::string name, Callbacks callbacks);
  ~Acceptor();  // on the strand, or after it has stopped
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // The address with the port that was chosen in `bound`; false, and why.
  [[nodiscard]] bool Listen(const ControlAddress& address,
                            ControlAddress* bound, std::string* error);
  // Whether there is room may have changed.
  void Update();

 private:
  void Accept(const ListenerSocket& listener);
  void Rest(int error);

  Strand& strand_;
  const std::string name_;
  const Callbacks callbacks_;
  std::vector<ListenerSocket> listeners_;
  bool accepts_ = false;  // the listeners are watched
  Strand::TimerId rest_ = 0;
  BootTime logged_at_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SOCKETS_ACCEPTOR_H_
