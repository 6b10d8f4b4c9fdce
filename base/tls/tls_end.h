// TlsEnd is one end of a TLS connection without its socket: bytes of the wire
// go in and come out, and so do the plain ones.
//
//   shaking --both proved--> open --the peer ends it--> ended
//      \-- refused, or refuses --> ended, why() says it
// Owner: TlsPipe, or who asks at a door.   Threading: none; never blocks.
// Invariants: (1) no plain byte comes out, and none leaves, before the
// handshake is done; (2) ended is final.
// Failure: why(), for people of this end: whose certificate, and what of it.
#ifndef MOBULA_BASE_TLS_TLS_END_H_
#define MOBULA_BASE_TLS_TLS_END_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/security/certificate.h"
#include "base/tls/tls_context.h"

struct ssl_st;  // OpenSSL's SSL

namespace mobula::base {

class TlsEnd {
 public:
  enum class State : std::uint8_t { kShaking, kOpen, kEnded };
  using Seen = TlsContext::Seen;

  TlsEnd(std::shared_ptr<const TlsContext> context, bool accepts);
  ~TlsEnd();
  TlsEnd(const TlsEnd&) = delete;
  TlsEnd& operator=(const TlsEnd&) = delete;

  // Begins, or goes on with what came; it may end it.
  void Feed(std::string_view from_wire);
  // What is to go onto the wire, also after the end: an alert.
  std::string TakeOutput();
  // Plain bytes that came; the caller takes them out.
  std::string& input() { return input_; }
  // CHECKs: open.
  void Send(std::string_view plain);
  // In order; no byte leaves after it.
  void Close();

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const Seen& seen() const { return *seen_; }
  [[nodiscard]] const std::string& why() const { return why_; }
  // Trying again would meet the same.
  [[nodiscard]] bool for_good() const { return for_good_; }

 private:
  void Go();
  void Fail();
  void End(std::string why, bool for_good);

  const std::shared_ptr<const TlsContext> context_;
  const bool accepts_;
  const std::unique_ptr<Seen> seen_;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> ssl_;
  State state_ = State::kShaking;
  std::string input_;
  std::string why_;
  bool for_good_ = false;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_TLS_TLS_END_H_
