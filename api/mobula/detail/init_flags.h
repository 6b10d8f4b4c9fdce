// Reads --mobula-... flags out of argv and the environment. Not for users.
// Threading: pure; getenv is the caller's.   Failure: InitError.
#ifndef MOBULA_API_MOBULA_DETAIL_INIT_FLAGS_H_
#define MOBULA_API_MOBULA_DETAIL_INIT_FLAGS_H_

#include <string>
#include <string_view>
#include <vector>

#include "api/mobula/init_options.h"

namespace mobula::detail {

struct GivenFlags {
  std::vector<char*> others;  // what are no flags of ours, in their order
  bool help = false;          // --mobula-help
};

// Applies the flags among `args` (the first is the program's name) to
// `options`. An address that `options` has already stays.
GivenFlags ApplyFlags(const std::vector<char*>& args, InitOptions* options);

// Of the program's job: what `options` say, flags among them, else what the
// environment does, "" where MOBULA_WEIGHT is not set; else 1. Throws InitError
// for what is no weight.
int WeightOf(const InitOptions& options, std::string_view environment);

// What --mobula-help prints.
std::string FlagsHelp();

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_DETAIL_INIT_FLAGS_H_
