// ConnectionGate accepts connections for a control store and lets through whom
// it may: of this user (Unix sockets), with the token (TCP), of our version.
//
//   accepted --greeting right, in time--> on_admitted (the socket's owner is
//   \--wrong, silent, too late--> told why, closed    then somebody else)
// Connections that are shaking hands or alive are counted together; while they
// are `connections_max`, or descriptors have run out, nothing is accepted, so
// that a flood waits in the kernel.
// Owner: ControlServer.   Threading: on the strand given.
// Invariants: (1) nothing of an unadmitted peer beyond its greeting is read;
// (2) each connection is counted until it has ended, whoever owns it then.
// Failure: Listen says why not; refusals are logged, one a second at most.
#ifndef MOBULA_BASE_RPC_CONNECTION_GATE_H_
#define MOBULA_BASE_RPC_CONNECTION_GATE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/boot_time.h"
#include "base/control/control_address.h"
#include "base/sockets/acceptor.h"
#include "base/strand.h"
#include "base/unique_fd.h"

namespace mobula::base {

class ConnectionGate {
 public:
  struct Options {
    std::string token;  // asked for over TCP, if not ""
    std::size_t connections_max = 4096;
    Duration handshake_timeout = std::chrono::seconds(3);
  };

  struct Callbacks {
    std::function<void(UniqueFd socket)> on_admitted;
    // One who is trusted asks something at the door, and waits for Answer.
    std::function<void(std::uint64_t id, std::string body)> on_question;
  };

  ConnectionGate(Strand& strand, Options options, Callbacks callbacks);
  ~ConnectionGate();
  ConnectionGate(const ConnectionGate&) = delete;
  ConnectionGate& operator=(const ConnectionGate&) = delete;

  bool Listen(const ControlAddress& address, ControlAddress* bound,
              std::string* error);
  void Adopt(UniqueFd socket);
  // No effect if who asked has gone.
  void Answer(std::uint64_t question, const std::string& body);

 private:
  struct Arriving {
    UniqueFd socket;
    bool trusted = false;
    std::string greeting;
    std::size_t question_bytes = 0;  // that follow the greeting
    std::uint64_t question = 0;      // once it is asked
    Strand::TimerId timer = 0;
  };

  void Take(UniqueFd socket, bool is_unix);
  void Begin(UniqueFd socket, bool trusted);
  void OnReadable(int fd);
  void Judge(int fd);
  void AskFor(int fd);
  void Refuse(int fd, const std::string& reason);
  void LogRefusal(const std::string& reason);
  UniqueFd Remove(int fd);
  void KeepCount(int fd);
  void OnGone(int fd);

  Strand& strand_;
  const Options options_;
  const Callbacks callbacks_;
  Acceptor acceptor_;
  std::map<int, Arriving> arriving_;
  std::uint64_t questions_ = 0;
  std::map<int, UniqueFd> alive_;  // second descriptors of admitted sockets
  BootTime logged_at_;
  std::uint64_t unlogged_ = 0;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_RPC_CONNECTION_GATE_H_
