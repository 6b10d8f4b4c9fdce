// machine_init: the first process of a machine of a test.
//
//   machine_init NAME    makes the machine: its own network, processes, mounts
//                        and host name; says "ready PID"; needs root
//   machine_init         waits for orphans, for containers
//
// All that runs on the machine ends with it, and it ends with who started it,
// however that ends.
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

int Fail(const char* what) {
  std::printf("cannot %s: %s (root is needed)\n", what, std::strerror(errno));
  std::fflush(stdout);
  return 1;
}

// For ever: orphans are waited for, as nobody else can.
int WaitForOrphans() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  while (true) {
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal == SIGTERM) return 0;
  }
}

bool BringLoopbackUp() {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool up = ioctl(socket, SIOCSIFFLAGS, &request) == 0;
  close(socket);
  return up;
}

// "m3" has processes from 3001 on: a number names one process of all machines,
// for who reads logs and for programs that compare them.
void NumberProcesses(const char* name) {
  const int number = std::atoi(name + std::strcspn(name, "0123456789"));
  std::FILE* const last = std::fopen("/proc/sys/kernel/ns_last_pid", "w");
  if (last == nullptr) return;
  std::fprintf(last, "%d", 1000 * (number % 30));
  std::fclose(last);
}

// Within the new namespaces, as their first process.
int BeFirst(const char* name, int ready) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return Fail("end with the test");
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
            nullptr) != 0) {
    return Fail("mount /proc");
  }
  if (sethostname(name, std::strlen(name)) != 0) return Fail("name it");
  NumberProcesses(name);
  if (!BringLoopbackUp()) return Fail("bring lo up");
  if (write(ready, "+", 1) != 1) return 1;
  close(ready);
  return WaitForOrphans();
}

int MakeMachine(const char* name) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (unshare(CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS) != 0) {
    return Fail("make namespaces");
  }
  int ready[2] = {-1, -1};
  if (pipe(ready) != 0) return Fail("make a pipe");
  const pid_t first = fork();
  if (first == 0) {
    close(ready[0]);
    _exit(BeFirst(name, ready[1]));
  }
  close(ready[1]);
  char byte = 0;
  if (first > 0 && read(ready[0], &byte, 1) == 1) {
    std::printf("ready %d\n", first);
    std::fflush(stdout);
  }
  int status = 0;
  waitpid(first, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

int main(int argc, char** argv) {
  return argc > 1 ? MakeMachine(argv[1]) : WaitForOrphans();
}
