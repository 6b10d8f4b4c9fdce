// ErrorText says what an error number of the system means: "No such file or
// directory".
//
//   *error = WithErrorText("cannot open " + path);
// Threading: any.
#ifndef MOBULA_BASE_ERROR_TEXT_H_
#define MOBULA_BASE_ERROR_TEXT_H_

#include <cerrno>
#include <string>
#include <system_error>

namespace mobula::base {

// Of errno as it is at the call, where no other is given.
inline std::string ErrorText(int error = errno) {
  return std::generic_category().message(error);
}

// "WHAT: No such file or directory".
inline std::string WithErrorText(const std::string& what, int error = errno) {
  return what + ": " + ErrorText(error);
}

}  // namespace mobula::base

#endif  // MOBULA_BASE_ERROR_TEXT_H_
