// The check of names that users give. Not for users.
// Threading: pure.   Failure: BadArgument, naming the name.
#ifndef MOBULA_API_MOBULA_DETAIL_NAMES_H_
#define MOBULA_API_MOBULA_DETAIL_NAMES_H_

#include <string>
#include <string_view>

namespace mobula::detail {

// `setter`: which option was given the name.
void CheckName(std::string_view setter, const std::string& name);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_DETAIL_NAMES_H_
