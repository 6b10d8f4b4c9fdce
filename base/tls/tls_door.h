// TlsDoor is a listener for other machines, of a control store or a raylet: its
// own accept loop, TLS in front of everything, on a thread of its own, so that
// a flood of handshakes does not keep its owner from its work.
//
//   accepted --proved a node, right version--> admitted: a local socket that
//       |                                      carries the plain bytes
//       |--asked a question--> (Answer) --> closed
//       \--plain text, wrong, silent, too late, too many--> closed
// Who has no certificate can ask to join, and nothing else, and at a raylet not
// that; nobody is told anything before TLS, and who speaks none gets no byte at
// all.
// Owner: ControlServer, raylet::NodeDoor.   Threading: everything, and
// callbacks, on the strand given; the rest happens on the thread. Invariants:
// (1) a socket is admitted only for a certificate of the cluster, and is closed
// when that ends; (2) those that shake hands are at most arriving_max, and
// arriving_per_host_max from one address. Failure: Listen says why not; who is
// refused is told in on_verdict.
#ifndef MOBULA_BASE_TLS_TLS_DOOR_H_
#define MOBULA_BASE_TLS_TLS_DOOR_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/boot_time.h"
#include "base/control/control_address.h"
#include "base/strand.h"
#include "base/tls/tls_context.h"
#include "base/unique_fd.h"

namespace mobula::base {

class TlsDoor {
 public:
  struct Options {
    std::size_t connections_max = 4096;
    std::size_t arriving_max = 512;
    std::size_t arriving_per_host_max = 64;
    Duration handshake_timeout = std::chrono::seconds(3);
    bool takes_questions = true;              // else who asks is closed
    std::string name = "control store, TLS";  // for the log
    WallClock clock = WallNowS;
  };
  // Its ids are made by `maker`. `name` is what the kernel calls the other end
  // of the socket, by which its bytes are known to be of that node.
  struct Admitted {
    UniqueFd socket;
    std::string name;
    std::uint64_t maker = 0;
  };
  struct Question {
    std::uint64_t id = 0;
    std::uint64_t maker = 0;  // 0: who asks has no certificate
    std::string from;         // its address
    std::string body;
  };
  // What became of somebody who came, for logs.
  struct Verdict {
    bool admitted = false;
    std::uint64_t maker = 0;  // where it is known
    std::string from;
    std::string reason;
  };
  struct Callbacks {
    std::function<void(Admitted admitted)> on_admitted;
    std::function<void(std::string name)> on_gone;  // of one admitted
    std::function<void(Question question)> on_question;
    std::function<void(const Verdict& verdict)> on_verdict;
  };

  TlsDoor(Strand& strand, Options options, Callbacks callbacks);
  ~TlsDoor();
  TlsDoor(const TlsDoor&) = delete;
  TlsDoor& operator=(const TlsDoor&) = delete;

  // Once, with what it shows; the thread begins.
  [[nodiscard]] bool Listen(const ControlAddress& address,
                            std::shared_ptr<const TlsContext> context,
                            ControlAddress* bound, std::string* error);
  // What it shows to those who come from now on.
  void Use(std::shared_ptr<const TlsContext> context);
  // No effect if who asked has gone.
  void Answer(std::uint64_t question, std::string body);

 private:
  struct Thread;

  Strand& strand_;
  std::shared_ptr<Thread> thread_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_TLS_TLS_DOOR_H_
