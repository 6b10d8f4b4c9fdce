#include "base/control/control_address.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <charconv>
#include <system_error>

namespace mobula::base {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kTls = "tls:";
constexpr std::size_t kPathMax = 107;  // sockaddr_un, less its final zero
constexpr std::size_t kShownMax = 120;

std::string Quoted(std::string_view text) {
  if (text.size() <= kShownMax) return "\"" + std::string(text) + "\"";
  return "\"" + std::string(text.substr(0, kShownMax)) + "...\"";
}

std::optional<ControlAddress> ParseUnix(std::string_view path,
                                        std::string* error) {
  if (path.empty() || path.front() != '/') {
    *error = "the path of the Unix socket " + Quoted(path) +
             " is not absolute: unix:/PATH is wanted";
  } else if (path.size() > kPathMax) {
    *error = "the path of the Unix socket " + Quoted(path) + " has " +
             std::to_string(path.size()) + " bytes; at most " +
             std::to_string(kPathMax) + " can be";
  } else if (path.find_first_of(std::string_view("\0\n\r", 3)) !=
             std::string_view::npos) {
    *error = "the path of the Unix socket holds a zero or the end of a line";
  } else {
    ControlAddress address;
    address.path = std::string(path);
    return address;
  }
  return std::nullopt;
}

bool ParsePort(std::string_view text, std::uint16_t* port) {
  const char* const end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data(), end, *port);
  return !text.empty() && failed == std::errc() && stop == end;
}

std::string WithoutBrackets(std::string_view host) {
  const bool has = host.starts_with('[') && host.ends_with(']');
  return std::string(has ? host.substr(1, host.size() - 2) : host);
}

// Whether that is an address of IPv4, or of IPv6 in brackets.
bool IsNumber(std::string_view host) {
  unsigned char bytes[16];
  const bool six = host.starts_with('[') && host.ends_with(']');
  return ::inet_pton(six ? AF_INET6 : AF_INET, WithoutBrackets(host).c_str(),
                     bytes) == 1;
}

}  // namespace

std::string ControlAddress::ToString() const {
  if (!path.empty()) return std::string(kUnix) + path;
  return (tls ? std::string(kTls) : "") + HostAndPort();
}

std::string ControlAddress::HostAndPort() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<ControlAddress> ControlAddress::Parse(std::string_view text,
                                                    std::string* error) {
  if (text.starts_with(kUnix)) {
    return ParseUnix(text.substr(kUnix.size()), error);
  }
  const std::string_view whole = text;
  ControlAddress address;
  address.tls = text.starts_with(kTls);
  if (address.tls) text.remove_prefix(kTls.size());
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos ||
      !ParsePort(text.substr(colon + 1), &address.port)) {
    *error = Quoted(whole) +
             " is no address of a control store: unix:/PATH, 127.0.0.1:PORT "
             "or tls:HOST:PORT is wanted";
    return std::nullopt;
  }
  const std::string_view host = text.substr(0, colon);
  if (host == "127.0.0.1" || host == "localhost") {
    address.host = "127.0.0.1";
  } else if (host == "[::1]") {
    address.host = "::1";
  } else if (IsNumber(host)) {
    address.host = WithoutBrackets(host);
    address.tls = true;
  } else {
    *error = "the host of " + Quoted(whole) +
             " is no number: 10.0.0.7 or [fd00::7] is wanted";
    return std::nullopt;
  }
  return address;
}

}  // namespace mobula::base
