// NearNames finds what somebody may have meant who asked for a name that is not
// there.
//
//   NearNames("shop.ad", {"shop.add", "shop.buy", "other"})   // {"shop.add"}
//
// Near is: the same but for case, a part of the other (of 3 letters or more),
// or few letters to change, put in, take out or swap with their neighbour (up
// to 2, and a third of the longer). The nearest first, then by the alphabet.
// Threading: pure.   Bound: names are looked at up to 256 bytes each.
#ifndef MOBULA_BASE_FUNCTIONS_NEAR_NAMES_H_
#define MOBULA_BASE_FUNCTIONS_NEAR_NAMES_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mobula::base {

// At most `count_max` of them.
std::vector<std::string> NearNames(std::string_view wanted,
                                   std::span<const std::string> names,
                                   std::size_t count_max = 5);

}  // namespace mobula::base

#endif  // MOBULA_BASE_FUNCTIONS_NEAR_NAMES_H_
