// SpecError is one thing that is wrong with a cluster's file.
// Threading: a value.
#ifndef MOBULA_CLI_CLUSTER_SPEC_ERROR_H_
#define MOBULA_CLI_CLUSTER_SPEC_ERROR_H_

#include <cstddef>
#include <string>

namespace mobula::cli {

// More are not told.
inline constexpr std::size_t kSpecErrorsMax = 20;

struct SpecError {
  int line = 1;
  std::string what;
};

}  // namespace mobula::cli

#endif  // MOBULA_CLI_CLUSTER_SPEC_ERROR_H_
