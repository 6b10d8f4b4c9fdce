// A program that stands in for one that uses Mobula, for tests: as a worker it
// obeys commands; as a driver (stand_in MOBULA WORKERS) it starts a raylet and
// leases workers, has each start a child that flees by setsid and a double
// fork, prints "ready" and stays until it is killed or its input ends.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "base/check.h"
#include "base/frames/link.h"
#include "base/shm/worker_page.h"
#include "base/strand.h"
#include "cli/fake_driver.h"

namespace mobula::cli {
namespace {

using base::ProcessId;
using base::UniqueFd;

// Starts a process that leaves our session and our tree as far as it can.
std::string Flee() {
  int ends[2];
  MOBULA_CHECK(::pipe2(ends, O_CLOEXEC) == 0);
  if (::fork() == 0) {
    ::setsid();
    if (::fork() != 0) ::_exit(0);
    const pid_t self = ::getpid();
    MOBULA_CHECK(::write(ends[1], &self, sizeof(self)) == sizeof(self));
    ::close(ends[1]);
    while (true) ::pause();
  }
  ::close(ends[1]);
  pid_t fled = 0;
  MOBULA_CHECK(::read(ends[0], &fled, sizeof(fled)) == sizeof(fled));
  ::close(ends[0]);
  return std::to_string(fled);
}

std::string OpenFds() {
  std::string text;
  DIR* const dir = ::opendir("/proc/self/fd");
  for (int fd = 0; fd < 64; ++fd) {
    if (fd != ::dirfd(dir) && ::fcntl(fd, F_GETFD) >= 0) {
      text += std::to_string(fd) + " ";
    }
  }
  ::closedir(dir);
  return text;
}

std::string StatusLine(const std::string& name) {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with(name + ":")) return line.substr(name.size() + 2);
  }
  return "";
}

class Worker {
 public:
  Worker(ProcessId self, ProcessId raylet, base::JobId job)
      : self_(self), raylet_id_(raylet), job_(job), strand_("worker") {
    page_ = static_cast<base::WorkerPage*>(
        ::mmap(nullptr, sizeof(base::WorkerPage), PROT_READ | PROT_WRITE,
               MAP_SHARED, 4, 0));
    MOBULA_CHECK(page_ != MAP_FAILED);
    links_[raylet_id_] = Open(raylet_id_, UniqueFd(3));
    base::Register hello;
    hello.process = self_;
    hello.job = job_;
    hello.pid = ::getpid();
    links_[raylet_id_]->Send(hello);
  }

  void Serve() { strand_.Run(); }

 private:
  std::unique_ptr<base::Link> Open(ProcessId peer, UniqueFd socket) {
    base::Link::Options options;
    options.self = self_;
    options.peer = peer;
    base::Link::Callbacks callbacks;
    callbacks.on_open = [](ProcessId, base::Role) {};
    callbacks.on_message = [this, peer](base::Message message, UniqueFd fd) {
      OnMessage(peer, std::move(message), std::move(fd));
    };
    callbacks.on_closed = [this, peer](const std::string&) {
      if (peer == raylet_id_) ::_exit(0);
    };
    return std::make_unique<base::Link>(
        strand_, std::move(socket), std::move(options), std::move(callbacks));
  }

  void OnMessage(ProcessId from, base::Message message, UniqueFd fd) {
    if (const auto* attach = std::get_if<base::Attach>(&message)) {
      links_[attach->peer] = Open(attach->peer, std::move(fd));
    } else if (std::holds_alternative<base::Retire>(message)) {
      if (!stubborn_) ::_exit(0);
    } else if (const auto* task = std::get_if<base::RunTask>(&message)) {
      const std::string command(task->args.at(0).view());
      page_->SetRunning(command);
      base::TaskDone done;
      done.task = task->task;
      done.outcome = base::Bytes::Own(Obey(command));
      page_->SetRunning("");
      links_.at(from)->Send(done);
    } else if (const auto* create = std::get_if<base::CreateActor>(&message)) {
      // Its constructor takes a command, too.
      base::TaskDone done;
      done.task = create->task;
      done.incarnation = create->incarnation;
      done.outcome = base::Bytes();
      if (!create->args.empty()) {
        const std::string command(create->args.at(0).view());
        if (command == "throw") {
          base::Failure failure;
          failure.message = "not today";
          done.outcome = failure;
        } else {
          Obey(command);
        }
      }
      links_.at(from)->Send(done);
    }
  }

  std::string Obey(const std::string& command) {
    std::istringstream words(command);
    std::string verb;
    std::string object;
    words >> verb;
    std::getline(words >> std::ws, object);
    if (verb == "flee") return Flee();
    if (verb == "pid") return std::to_string(::getpid());
    if (verb == "fds") return OpenFds();
    if (verb == "status") return StatusLine(object);
    if (verb == "sid") return std::to_string(::getsid(0));
    if (verb == "exit") std::_Exit(std::atoi(object.c_str()));
    if (verb == "crash") ::raise(std::atoi(object.c_str()));
    if (verb == "stubborn") stubborn_ = true;
    if (verb == "env") {
      const char* const value = std::getenv(object.c_str());
      return value == nullptr ? "" : value;
    }
    if (verb == "print" || verb == "complain") {
      const std::string line = object + "\n";
      const int to = verb == "print" ? 1 : 2;
      MOBULA_CHECK(::write(to, line.data(), line.size()) > 0);
    }
    if (verb == "flood") {
      const std::string line = "x\n";
      for (int i = std::atoi(object.c_str()); i > 0; --i) {
        MOBULA_CHECK(::write(1, line.data(), line.size()) > 0);
      }
    }
    return verb;
  }

  const ProcessId self_;
  const ProcessId raylet_id_;
  const base::JobId job_;
  base::WorkerPage* page_ = nullptr;
  bool stubborn_ = false;
  base::Strand strand_;
  std::map<ProcessId, std::unique_ptr<base::Link>> links_;
};

int ServeAsWorker(const std::string& words) {
  if (const char* start = std::getenv("STAND_IN_START")) {
    std::fprintf(stderr, "cannot start today\n");
    return std::atoi(start);
  }
  // 1:process:raylet:job
  MOBULA_CHECK(words.size() == 2 + 32 * 3 + 2) << words;
  const auto process = ProcessId::Parse(words.substr(2, 32));
  const auto raylet = ProcessId::Parse(words.substr(35, 32));
  const auto job = base::JobId::Parse(words.substr(68, 32));
  MOBULA_CHECK(process && raylet && job);
  Worker(*process, *raylet, *job).Serve();
  return 0;
}

int Drive(const std::string& mobula, int workers) {
  FakeDriver::Options options;
  options.mobula = mobula;
  options.worker = "/proc/self/exe";
  options.arguments = {"--cpus", "2"};
  FakeDriver driver(options);
  if (!driver.Register()) return 3;
  for (int i = 0; i < workers; ++i) {
    const auto granted = driver.Ask(base::ResourceVector(), /*for_actor=*/true);
    if (!granted || !driver.Run(*granted, "flee")) return 3;
    // So that whoever kills processes can tell which is which.
    std::printf("worker %d\n", granted->pid);
    std::fflush(stdout);
  }
  std::printf("ready\n");
  std::fflush(stdout);
  char byte = 0;
  while (::read(0, &byte, 1) > 0) {
  }
  return 0;
}

}  // namespace
}  // namespace mobula::cli

int main(int argc, char** argv) {
  if (const char* worker = std::getenv("MOBULA_WORKER")) {
    return mobula::cli::ServeAsWorker(worker);
  }
  if (argc != 3) return 2;
  return mobula::cli::Drive(argv[1], std::atoi(argv[2]));
}
