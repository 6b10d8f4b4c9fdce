// NodeDoor is where a raylet waits for those of other nodes: a Unix socket, or
// TLS with certificates of the cluster's nodes at both ends.
//
//   accepted --own user | a node's certificate--> NodeHello --> on_arrival
//       \-- a stranger, silent, too many, no hello --> closed
// Strangers are told nothing, and nothing is answered here but hellos. What is
// shown by TLS is read from the file of credentials, now and then anew, since
// they are renewed there.
// Owner: NodeLines.   Threading: the strand's; TLS on a thread of its own.
// Invariant: at most arriving_max have said no hello yet, and each may take
// hello_timeout.
// Failure: Listen says why not; who is refused is logged, once a second.
#ifndef MOBULA_RAYLET_LINES_NODE_DOOR_H_
#define MOBULA_RAYLET_LINES_NODE_DOOR_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/boot_time.h"
#include "base/control/control_address.h"
#include "base/sockets/acceptor.h"
#include "base/strand.h"
#include "base/thread_annotations.h"
#include "base/tls/tls_context.h"
#include "base/tls/tls_door.h"
#include "base/unique_fd.h"
#include "raylet/lines/lane_wire.h"
#include "raylet/lines/node_hello.h"

namespace mobula::raylet {

class NodeDoor {
 public:
  struct Options {
    std::string credentials_file;  // of TLS
    std::size_t arriving_max = 256;
    base::Duration hello_timeout = std::chrono::seconds(3);
    base::Duration look = std::chrono::seconds(60);  // at the file
    base::WallClock clock = base::WallNowS;
  };
  struct Arrival {
    std::unique_ptr<LaneWire> wire;
    NodeHello hello;
    std::uint64_t maker = 0;  // whom the certificate names; 0: no TLS
  };
  using OnArrival = std::function<void(Arrival arrival)>;

  NodeDoor(base::Strand& strand, Options options, OnArrival on_arrival);
  ~NodeDoor();
  NodeDoor(const NodeDoor&) = delete;
  NodeDoor& operator=(const NodeDoor&) = delete;

  // Once. With the port that was chosen in `bound`.
  [[nodiscard]] bool Listen(const std::string& door,
                            base::ControlAddress* bound, std::string* error);

 private:
  struct Guest {
    std::unique_ptr<LaneWire> wire;
    std::uint64_t maker = 0;
    base::Strand::TimerId timer = 0;
  };

  bool ListenTls(const base::ControlAddress& address,
                 base::ControlAddress* bound, std::string* error)
      MOBULA_REQUIRES(strand_);
  // What the file says now; nothing, and why.
  std::shared_ptr<const base::TlsContext> ReadContext(std::string* error)
      MOBULA_REQUIRES(strand_);
  void LookLater() MOBULA_REQUIRES(strand_);
  void LetIn(base::UniqueFd socket, std::uint64_t maker)
      MOBULA_REQUIRES(strand_);
  void OnHello(std::uint64_t number, const base::Bytes& bytes)
      MOBULA_REQUIRES(strand_);
  void Remove(std::uint64_t number, const std::string& why)
      MOBULA_REQUIRES(strand_);
  void LogRefused(const std::string& why) MOBULA_REQUIRES(strand_);

  base::Strand& strand_;
  const Options options_;
  const OnArrival on_arrival_;
  std::map<std::uint64_t, Guest> guests_ MOBULA_GUARDED_BY(strand_);
  std::uint64_t last_number_ MOBULA_GUARDED_BY(strand_) = 0;
  std::string shown_ MOBULA_GUARDED_BY(strand_);  // fingerprint
  base::Strand::TimerId look_ MOBULA_GUARDED_BY(strand_) = 0;
  base::BootTime logged_at_ MOBULA_GUARDED_BY(strand_);
  std::unique_ptr<base::Acceptor> unix_ MOBULA_GUARDED_BY(strand_);
  std::unique_ptr<base::TlsDoor> tls_ MOBULA_GUARDED_BY(strand_);
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_LINES_NODE_DOOR_H_
