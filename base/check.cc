#include "base/check.h"

#include <unistd.h>

#include <cstdlib>
#include <string>

namespace mobula::base {

CheckFailure::CheckFailure(const char* file, int line, const char* condition,
                           std::string_view message) {
  line_ << file << ":" << line << ": check failed: " << condition << " "
        << message;
}

CheckFailure::~CheckFailure() {
  line_ << "\n";
  const std::string& text = line_.text();
  // write, not stdio: the failure may be inside a lock of stdio's.
  [[maybe_unused]] ssize_t written =
      ::write(STDERR_FILENO, text.data(), text.size());
  std::abort();
}

}  // namespace mobula::base
