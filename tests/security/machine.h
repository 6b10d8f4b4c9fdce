// Machine stands for another machine of the same cluster, or of none: folders
// of its own on this one, so that it shares nothing with a head but the
// network.
//
//   Machine other(head);
//   EXPECT_EQ(other.Tool({"start", "--address", address, ...}).code, 0);
// What it leaves is ended with it.
// Threading: one thread.
#ifndef MOBULA_TESTS_SECURITY_MACHINE_H_
#define MOBULA_TESTS_SECURITY_MACHINE_H_

#include <string>
#include <vector>

#include "tests/integration/programs.h"

namespace mobula::test {

class Machine {
 public:
  Machine();
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  [[nodiscard]] Ended Tool(const std::vector<std::string>& words) const;
  [[nodiscard]] const std::string& folder() const { return folder_; }
  // For programs that are to find its node.
  [[nodiscard]] const std::vector<std::string>& environment() const {
    return environment_;
  }
  [[nodiscard]] const std::string& mark() const { return mark_; }

 private:
  std::string mark_;
  std::string folder_;
  std::vector<std::string> environment_;
};

// The whole of all files below the folder whose names end so ("": of all).
std::string FilesBelow(const std::string& folder, const std::string& ending);

// Ports of TCP at which these processes listen, "127.0.0.1:80" each.
std::vector<std::string> ListensAt(const std::vector<int>& pids);

}  // namespace mobula::test

#endif  // MOBULA_TESTS_SECURITY_MACHINE_H_
