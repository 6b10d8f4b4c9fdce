// What a command shows, and with which exit code.
// Threading: a value.
#ifndef MOBULA_CLI_TABLES_SHOWN_H_
#define MOBULA_CLI_TABLES_SHOWN_H_

#include <string>

namespace mobula::cli {

inline constexpr int kFailed = 1;
inline constexpr int kNoCluster = 3;  // 2 is for wrong arguments

struct Shown {
  int exit_code = 0;
  std::string out;
  std::string err;
};

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TABLES_SHOWN_H_
