#include "tests/integration/started_head.h"

#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "tests/process_tree/process_tree.h"

namespace mobula::test {

StartedHead::StartedHead(std::vector<std::string> flags)
    : flags_(std::move(flags)) {
  static int number = 0;
  const std::string name =
      std::to_string(getpid()) + "." + std::to_string(++number);
  mark_ = "MOBULA_TEST_MARK=head." + name;
  // Short: paths of sockets end at 107 bytes.
  folder_ = "/tmp/mh." + name;
  store_ = folder_ + "/store";
  std::filesystem::create_directories(folder_ + "/run");
  std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
  std::filesystem::permissions(folder_ + "/run",
                               std::filesystem::perms::owner_all);
  environment_ = {mark_, "XDG_RUNTIME_DIR=" + folder_ + "/run",
                  "XDG_STATE_HOME=" + folder_ + "/state", "MOBULA_ADDRESS="};
  StartAgain();
}

StartedHead::~StartedHead() {
  Stop();
  for (const pid_t pid : PidsWithEnvironment(mark_)) kill(pid, SIGKILL);
  std::filesystem::remove_all(folder_);
}

void StartedHead::StartAgain() {
  std::vector<std::string> words = {"start", "--head", "--dir", store_};
  words.insert(words.end(), flags_.begin(), flags_.end());
  started_ = Tool(words);
}

Ended StartedHead::Tool(const std::vector<std::string>& words) const {
  std::vector<std::string> command = {ProgramPath("cli/mobula")};
  command.insert(command.end(), words.begin(), words.end());
  return RunProgram(command, environment_);
}

Ended StartedHead::Stop() { return Tool({"stop", "--all"}); }

std::vector<int> StartedHead::Left() const {
  return PidsWithEnvironment(mark_);
}

}  // namespace mobula::test
