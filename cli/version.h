// The version of the programs of this tree.
// Threading: constants.
#ifndef MOBULA_CLI_VERSION_H_
#define MOBULA_CLI_VERSION_H_

namespace mobula::cli {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace mobula::cli

#endif  // MOBULA_CLI_VERSION_H_
