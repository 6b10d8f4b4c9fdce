#include "tests/netns/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace mobula::test {
namespace {

constexpr std::array<std::uint8_t, 12> kVersion4 = {0, 0, 0, 0, 0,    0,
                                                    0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t kHeader4 = 20;
constexpr std::size_t kHeader6 = 40;

}  // namespace

bool Address::IsVersion4() const {
  return std::equal(kVersion4.begin(), kVersion4.end(), bytes.begin());
}

std::string Address::ToString() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (IsVersion4()) {
    inet_ntop(AF_INET, bytes.data() + kVersion4.size(), text.data(),
              text.size());
  } else {
    inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
  }
  return text.data();
}

std::optional<Address> Address::Parse(std::string_view text) {
  const std::string whole(text);
  std::array<std::uint8_t, 4> four{};
  if (inet_pton(AF_INET, whole.c_str(), four.data()) == 1) {
    return OfVersion4(four);
  }
  Address address;
  if (inet_pton(AF_INET6, whole.c_str(), address.bytes.data()) != 1) return {};
  return address;
}

Address Address::OfVersion4(std::span<const std::uint8_t, 4> four) {
  Address address;
  auto end =
      std::copy(kVersion4.begin(), kVersion4.end(), address.bytes.begin());
  std::copy(four.begin(), four.end(), end);
  return address;
}

std::optional<Prefixed> Prefixed::Parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {};
  const auto address = Address::Parse(text.substr(0, slash));
  const std::string_view number = text.substr(slash + 1);
  Prefixed prefixed;
  const auto [end, error] = std::from_chars(
      number.data(), number.data() + number.size(), prefixed.bits);
  if (!address || error != std::errc() ||
      end != number.data() + number.size()) {
    return {};
  }
  prefixed.address = *address;
  const int bits_max = address->IsVersion4() ? 32 : 128;
  if (prefixed.bits < 1 || prefixed.bits > bits_max) return {};
  return prefixed;
}

std::optional<Address> DestinationOf(std::span<const std::uint8_t> packet) {
  if (packet.empty()) return {};
  const int version = packet[0] >> 4;
  if (version == 4 && packet.size() >= kHeader4) {
    return Address::OfVersion4(packet.subspan<16, 4>());
  }
  if (version == 6 && packet.size() >= kHeader6) {
    Address address;
    const auto to = packet.subspan(24, 16);
    std::copy(to.begin(), to.end(), address.bytes.begin());
    return address;
  }
  return {};
}

}  // namespace mobula::test
