#include "base/control/control_address.h"

#include <charconv>
#include <system_error>

namespace mobula::base {
namespace {

constexpr std::string_view kUnix = "unix:";
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

}  // namespace

std::string ControlAddress::ToString() const {
  if (!path.empty()) return std::string(kUnix) + path;
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<ControlAddress> ControlAddress::Parse(std::string_view text,
                                                    std::string* error) {
  if (text.starts_with(kUnix)) {
    return ParseUnix(text.substr(kUnix.size()), error);
  }
  const std::size_t colon = text.rfind(':');
  ControlAddress address;
  if (colon == std::string_view::npos ||
      !ParsePort(text.substr(colon + 1), &address.port)) {
    *error = Quoted(text) +
             " is no address of a control store: unix:/PATH or "
             "127.0.0.1:PORT is wanted";
    return std::nullopt;
  }
  const std::string_view host = text.substr(0, colon);
  if (host == "127.0.0.1" || host == "localhost") {
    address.host = "127.0.0.1";
  } else if (host == "[::1]") {
    address.host = "::1";
  } else {
    *error = "the host of " + Quoted(text) +
             " is not this machine (127.0.0.1, [::1], localhost): the network "
             "needs mutual TLS, which this version does not have";
    return std::nullopt;
  }
  return address;
}

}  // namespace mobula::base
