// TlsPipe is a TLS connection over a socket, on a strand: first for its owner
// to talk, then, after Relay, between the peer and a local socket.
//
//   shaking --> open (on_open, on_input) --Relay--> relaying --> on_end
// What is not taken out at the other side is not read at this one, beyond some
// 256 KiB a direction.
// Owner: TlsDoor, TlsTunnel.   Threading: the strand given; callbacks run
// there. Invariants: (1) on_end comes once and last, and its owner may destroy
// this in it; (2) bytes keep their order in each direction; (3) where a peer
// must begin with TLS and does not, not one byte is sent to it. Failure: on_end
// says why, for people of this end.
#ifndef MOBULA_BASE_TLS_TLS_PIPE_H_
#define MOBULA_BASE_TLS_TLS_PIPE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/strand.h"
#include "base/tls/tls_context.h"
#include "base/tls/tls_end.h"
#include "base/unique_fd.h"

namespace mobula::base {

class TlsPipe {
 public:
  struct Callbacks {
    std::function<void()> on_open;
    std::function<void()> on_input;  // input() has grown; not while it relays
    // `for_good`: trying again would meet the same.
    std::function<void(std::string why, bool for_good)> on_end;
  };

  // The socket is non-blocking, and connected or about to be.
  TlsPipe(Strand& strand, UniqueFd socket,
          std::shared_ptr<const TlsContext> context, bool accepts,
          Callbacks callbacks);
  ~TlsPipe();
  TlsPipe(const TlsPipe&) = delete;
  TlsPipe& operator=(const TlsPipe&) = delete;

  std::string& input() { return end_.input(); }
  [[nodiscard]] const TlsEnd& end() const { return end_; }
  // Whether anything has come from the wire.
  [[nodiscard]] bool heard() const { return heard_; }
  void Send(std::string_view plain);
  void Relay(UniqueFd local);
  // Once all that was sent has left; then on_end.
  void EndAfterSending();

 private:
  void OnSocket(std::uint32_t ready);
  void OnLocal(std::uint32_t ready);
  void ReadSocket();
  void ReadLocal();
  void HearLastWords();
  void Advance();
  bool Flush(const UniqueFd& fd, std::string& bytes);
  void Watch();
  void WatchOne(const UniqueFd& fd, std::uint32_t events,
                void (TlsPipe::*then)(std::uint32_t ready));
  void Finish(std::string why, bool for_good);

  Strand& strand_;
  UniqueFd socket_;
  UniqueFd local_;
  TlsEnd end_;
  Callbacks callbacks_;
  const bool accepts_;
  std::string to_wire_;
  bool heard_ = false;   // anything from the wire
  bool opened_ = false;  // on_open was called
  bool relays_ = false;
  bool ending_ = false;  // all is said; what is left is to be flushed
  bool finished_ = false;
  std::string why_;
  bool for_good_ = false;
  // Of the alive: a callback may destroy this.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_TLS_TLS_PIPE_H_
