// Reads --mobula-... flags out of argv and the environment. Not for users.
// Threading: pure; getenv is the caller's.   Failure: InitError.
#ifndef MOBULA_API_MOBULA_DETAIL_INIT_FLAGS_H_
#define MOBULA_API_MOBULA_DETAIL_INIT_FLAGS_H_

#include <vector>

#include "api/mobula/init_options.h"

namespace mobula::detail {

// Applies the flags among `args` (the first is the program's name) to
// `options`, and returns the others in their order.
std::vector<char*> ApplyFlags(const std::vector<char*>& args,
                              InitOptions* options);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_DETAIL_INIT_FLAGS_H_
