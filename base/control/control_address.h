// ControlAddress says where a control store listens.
//
//   unix:/run/user/1000/mobula/0123/control.sock
//   127.0.0.1:6380     [::1]:6380     localhost:6380
//
// Other machines' addresses are refused by name: listening to the network needs
// mutual TLS, which this version does not have.
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
  std::string host;        // "127.0.0.1" or "::1"
  std::uint16_t port = 0;  // 0 where a listener is to choose

  // As it is written above.
  [[nodiscard]] std::string ToString() const;
  // Nothing, and why, for anything else. A Unix path has at most 107 bytes.
  static std::optional<ControlAddress> Parse(std::string_view text,
                                             std::string* error);
  friend bool operator==(const ControlAddress&,
                         const ControlAddress&) = default;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_CONTROL_CONTROL_ADDRESS_H_
