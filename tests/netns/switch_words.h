// What the switch is told, one line each (README.md):
//
//   attach 3 /proc/1234/ns/net 10.77.0.3/24
//   detach 3
//   link 1 3 loss=0.3 delay=5ms jitter=2ms        all else of it is as without
//   link 1 *                                      without any fault
//   counts
// Pure.   Threading: none.
#ifndef MOBULA_TESTS_NETNS_SWITCH_WORDS_H_
#define MOBULA_TESTS_NETNS_SWITCH_WORDS_H_

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tests/netns/address.h"
#include "tests/netns/link.h"

namespace mobula::test {

struct Attach {
  int port = 0;
  std::string network_namespace;  // a path
  std::vector<Prefixed> addresses;
};
struct Detach {
  int port = 0;
};
struct SetLink {
  int from = 0;  // 0: each
  int to = 0;    // 0: each
  Faults faults;
};
struct AskCounts {};

using SwitchWord = std::variant<Attach, Detach, SetLink, AskCounts>;

// Of a switch with so many ports. Nothing, and why, for what makes no sense.
std::optional<SwitchWord> ParseSwitchWord(std::string_view line, int ports,
                                          std::string* error);

// "link 1 3 loss=0.3 delay=5000us", as ParseSwitchWord reads it.
std::string LinkWord(const SetLink& link);

}  // namespace mobula::test

#endif  // MOBULA_TESTS_NETNS_SWITCH_WORDS_H_
