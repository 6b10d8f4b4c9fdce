#include "raylet/spawn/become_mobula.h"

#include <signal.h>
#include <unistd.h>

#include "base/error_text.h"
#include "base/log.h"
#include "raylet/spawn/exec_child.h"

namespace mobula::raylet {

void BecomeMobula(std::vector<std::string> arguments, pid_t parent,
                  int serves) {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  arguments.insert(arguments.begin(), "mobula");
  const std::vector<char*> words = Pointers(arguments);
  const bool ready =
      DieWithParent(parent) && (serves < 0 || ::dup2(serves, kServesFd) >= 0);
  if (ready) {
    CloseOnExecFrom(serves < 0 ? kServesFd : kServesFd + 1);
    ::execv("/proc/self/exe", words.data());
  }
  MOBULA_LOG(ERROR) << "cannot execute mobula: " << base::ErrorText();
  ::_exit(127);
}

}  // namespace mobula::raylet
