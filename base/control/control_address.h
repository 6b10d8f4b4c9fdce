// ControlAddress says where a control store listens.
//
//   unix:/run/user/1000/mobula/0123/control.sock
//   127.0.0.1:6380     [::1]:6380     localhost:6380
//   tls:10.0.0.7:6380  tls:[fd00::7]:6380  tls:0.0.0.0:6380  tls:127.0.0.1:6380
//
// What is not this machine's loopback is spoken to by TLS alone, whether or not
// that is said: 10.0.0.7:6380 is tls:10.0.0.7:6380. Hosts are numbers: whom one
// talks to is proved by a certificate, not by a name.
// Threading: a value and pure functions.
#ifndef MOBULA_BASE_CONTROL_CONTROL_ADDRESS_H_
#define MOBULA_BASE_CONTROL_CONTROL_ADDRESS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mobula::base {

struct ControlAddress {
  std::string path;        // of a Unix socket, absolute; "" if loopback TCP
  std::string host;        // a number; without TLS "127.0.0.1" or "::1"
  std::uint16_t port = 0;  // 0 where a listener is to choose
  bool tls = false;

  // As it is written above.
  [[nodiscard]] std::string ToString() const;
  // "10.0.0.7:6380", of TCP.
  [[nodiscard]] std::string HostAndPort() const;
  // Nothing, and why, for anything else. A Unix path has at most 107 bytes.
  static std::optional<ControlAddress> Parse(std::string_view text,
                                             std::string* error);
  friend bool operator==(const ControlAddress&,
                         const ControlAddress&) = default;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_CONTROL_CONTROL_ADDRESS_H_
