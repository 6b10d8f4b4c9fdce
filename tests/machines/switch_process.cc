#include "tests/machines/switch_process.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cstdlib>

#include "base/error_text.h"
#include "tests/integration/programs.h"

namespace mobula::test {
namespace {

constexpr timeval kPatience = {20, 0};

std::string Seed() {
  const char* const seed = std::getenv("MOBULA_NETWORK_SEED");
  return seed == nullptr ? "1" : seed;
}

}  // namespace

SwitchProcess::SwitchProcess(int ports, const std::string& folder) {
  const std::string path = folder + "/switch";
  program_ = std::make_unique<RunningProgram>(
      std::vector<std::string>{ProgramPath("tests/netns/switch"),
                               std::to_string(ports), Seed(), path},
      std::vector<std::string>{});
  const std::string ready = program_->Line();
  if (ready != "ready") {
    trouble_ = "the switch did not start: " + ready;
  } else if (!Connect(path)) {
    trouble_ = base::WithErrorText("cannot connect to the switch");
  }
}

bool SwitchProcess::Connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  socket_.Reset(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience,
             sizeof kPatience);
  return connect(socket_.get(), reinterpret_cast<sockaddr*>(&address),
                 sizeof address) == 0;
}

bool SwitchProcess::Ask(const std::string& word, std::string* answer) {
  const std::string line = word + "\n";
  if (send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL) < 0) {
    *answer = base::WithErrorText("the switch has ended");
    return false;
  }
  std::string text;
  for (char c = 0; recv(socket_.get(), &c, 1, 0) == 1;) {
    if (c == '\n') {
      const bool done = text.starts_with("ok");
      *answer = done ? text.substr(2) : word + ": " + text;
      return done;
    }
    text += c;
  }
  *answer = word + ": the switch does not answer";
  return false;
}

std::string SwitchProcess::Say(const std::string& word) {
  std::string answer;
  return Ask(word, &answer) ? "" : answer;
}

std::string SwitchProcess::Counts() {
  std::string answer;
  Ask("counts", &answer);
  return "packets:" + answer + "\n";
}

}  // namespace mobula::test
