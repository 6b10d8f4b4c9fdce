// Check is one thing that the doctor has looked at.
// Threading: a value.
#ifndef MOBULA_CLI_CHECK_H_
#define MOBULA_CLI_CHECK_H_

#include <string>

namespace mobula::cli {

struct Check {
  std::string name;
  bool ok = false;
  std::string detail;    // what was found
  std::string advice;    // what to do where it is not ok
  bool is_note = false;  // nothing but comfort is missing
};

}  // namespace mobula::cli

#endif  // MOBULA_CLI_CHECK_H_
