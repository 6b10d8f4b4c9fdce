// Launched is a cluster that `mobula cluster` makes for a test from a file that
// the test writes, in folders of its own; what it leaves is ended and can be
// counted.
//
//   Launched cluster("provider: {type: local, folder: FOLDER/n}\n...");
//   EXPECT_EQ(cluster.Up().code, 0);
//   EXPECT_EQ(cluster.Tool({"down"}).code, 0);
//   EXPECT_EQ(cluster.Left(), "");
// "FOLDER" in the text stands for the test's own folder.
// Threading: one thread.
#ifndef MOBULA_TESTS_LAUNCHER_LAUNCHED_H_
#define MOBULA_TESTS_LAUNCHER_LAUNCHED_H_

#include <string>
#include <vector>

#include "tests/integration/programs.h"

namespace mobula::test {

class Launched {
 public:
  explicit Launched(const std::string& text);
  ~Launched();  // down, then SIGKILL to what carries its mark
  Launched(const Launched&) = delete;
  Launched& operator=(const Launched&) = delete;

  void WriteFile(const std::string& text) const;
  [[nodiscard]] Ended Up() const;
  // `mobula cluster WORDS...`.
  [[nodiscard]] Ended Tool(const std::vector<std::string>& words) const;
  [[nodiscard]] std::vector<std::string> UpWords() const;
  [[nodiscard]] std::vector<std::string> Words(
      const std::vector<std::string>& words) const;
  [[nodiscard]] const std::vector<std::string>& environment() const {
    return environment_;
  }
  [[nodiscard]] const std::string& folder() const { return folder_; }
  // Where FOLDER/n, made for nodes, lies.
  [[nodiscard]] std::string nodes() const { return folder_ + "/n"; }
  // The launcher's state; "" if there is none.
  [[nodiscard]] std::string State() const;
  // Processes, folders and states that are there, a line each.
  [[nodiscard]] std::string Left() const;

 private:
  std::string mark_;
  std::string folder_;
  std::vector<std::string> environment_;
};

// How often it stands there.
int CountOf(const std::string& text, const std::string& part);

}  // namespace mobula::test

#endif  // MOBULA_TESTS_LAUNCHER_LAUNCHED_H_
