// TestFolder is a folder of a test's own, with a short name, which goes with
// it. What tests that were killed have left is removed when the next one is
// made: each has a lock, which ends with whoever held it.
// Threading: one thread.
#ifndef MOBULA_TESTS_MACHINES_TEST_FOLDER_H_
#define MOBULA_TESTS_MACHINES_TEST_FOLDER_H_

#include <string>

#include "base/unique_fd.h"

namespace mobula::test {

class TestFolder {
 public:
  // "/tmp/PREFIX.XXXXXX"; short, since paths of sockets are.
  explicit TestFolder(const std::string& prefix);
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  // "" if it could not be made.
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  base::UniqueFd lock_;
};

}  // namespace mobula::test

#endif  // MOBULA_TESTS_MACHINES_TEST_FOLDER_H_
