// Address of IP, of version 4 or 6, and to which one a packet goes.
//
//   std::optional<Address> to = DestinationOf(packet);
// Version 4 is held as ::ffff:a.b.c.d.
// Threading: a value and pure functions.
#ifndef MOBULA_TESTS_NETNS_ADDRESS_H_
#define MOBULA_TESTS_NETNS_ADDRESS_H_

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mobula::test {

struct Address {
  std::array<std::uint8_t, 16> bytes{};

  [[nodiscard]] bool IsVersion4() const;
  [[nodiscard]] std::string ToString() const;
  // Nothing for what is no number.
  static std::optional<Address> Parse(std::string_view text);
  static Address OfVersion4(std::span<const std::uint8_t, 4> four);
  friend auto operator<=>(const Address&, const Address&) = default;
};

// An address and how many of its bits are the network's: "10.77.0.3/24".
struct Prefixed {
  Address address;
  int bits = 0;

  static std::optional<Prefixed> Parse(std::string_view text);
};

// Nothing if the bytes are no packet of IP.
std::optional<Address> DestinationOf(std::span<const std::uint8_t> packet);

}  // namespace mobula::test

#endif  // MOBULA_TESTS_NETNS_ADDRESS_H_
