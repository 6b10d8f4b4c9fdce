#include "tests/launcher/launched.h"

#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "tests/process_tree/process_tree.h"

namespace mobula::test {

namespace fs = std::filesystem;

Launched::Launched(const std::string& text) {
  static int number = 0;
  const std::string name =
      std::to_string(getpid()) + "." + std::to_string(++number);
  mark_ = "MOBULA_TEST_MARK=launched." + name;
  // Short: paths of sockets end at 107 bytes.
  folder_ = "/tmp/ml." + name;
  fs::create_directories(folder_ + "/n");
  fs::permissions(folder_, fs::perms::owner_all);
  environment_ = {mark_, "XDG_STATE_HOME=" + folder_ + "/state",
                  "XDG_RUNTIME_DIR=" + folder_, "MOBULA_ADDRESS="};
  WriteFile(text);
}

Launched::~Launched() {
  (void)Tool({"down"});
  for (const pid_t pid : PidsWithEnvironment(mark_)) kill(pid, SIGKILL);
  fs::remove_all(folder_);
}

void Launched::WriteFile(const std::string& text) const {
  constexpr std::string_view kFolder = "FOLDER";
  std::string whole = text;
  for (std::size_t at = 0;
       (at = whole.find(kFolder, at)) != std::string::npos;) {
    whole.replace(at, kFolder.size(), folder_);
  }
  std::ofstream(folder_ + "/c.yaml") << whole;
}

std::vector<std::string> Launched::UpWords() const {
  return Words({"up", folder_ + "/c.yaml"});
}

std::vector<std::string> Launched::Words(
    const std::vector<std::string>& words) const {
  std::vector<std::string> all = {ProgramPath("cli/mobula"), "cluster"};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

Ended Launched::Up() const { return RunProgram(UpWords(), environment_); }

Ended Launched::Tool(const std::vector<std::string>& words) const {
  return RunProgram(Words(words), environment_);
}

std::string Launched::State() const {
  std::ifstream in(folder_ + "/state/mobula/clusters/c");
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string Launched::Left() const {
  std::string left;
  for (const pid_t pid : PidsWithEnvironment(mark_)) {
    left += std::to_string(pid) + " " + CommandLine(pid) + "\n";
  }
  for (const char* const below : {"/n", "/state/mobula/clusters"}) {
    std::error_code absent;
    for (fs::directory_iterator at(folder_ + below, absent), end;
         !absent && at != end; at.increment(absent)) {
      left += at->path().string() + "\n";
    }
  }
  return left;
}

int CountOf(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos;
       at += part.size()) {
    ++count;
  }
  return count;
}

}  // namespace mobula::test
