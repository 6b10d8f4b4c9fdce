// ProcessState is a child of this process, until it has been waited for. Not
// for users.
//
//   runs --TryReap--> ended (its status is known, or was taken away)
// Owner: shared by the Subprocess, who waits for it and, where nobody does any
// more, the io loop. Threading: any. Invariant: no signal is sent once it has
// been waited for, since its number may be another's then.
#ifndef MOBULA_API_MOBULA_IO_DETAIL_PROCESS_STATE_H_
#define MOBULA_API_MOBULA_IO_DETAIL_PROCESS_STATE_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "api/mobula/io/detail/shared_descriptor.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "base/unique_fd.h"

namespace mobula::detail {

struct ProcessState {
  // How it ended.
  struct End {
    int code = 0;
    int signal = 0;
    int error = 0;  // of the wait: somebody else has waited for it
  };

  // Throws SystemError.
  ProcessState(pid_t pid, base::UniqueFd pidfd, std::string program);

  // Whether it has ended. Kills what is left of its group.
  bool TryReap() MOBULA_EXCLUDES(mutex);
  void Signal(int signal) MOBULA_EXCLUDES(mutex);
  // Once it has ended.
  [[nodiscard]] End end() const MOBULA_EXCLUDES(mutex);

  const pid_t pid;
  const std::string program;
  const DescriptorPtr pidfd;

 private:
  mutable base::Mutex mutex;
  bool has_ended MOBULA_GUARDED_BY(mutex) = false;
  End how MOBULA_GUARDED_BY(mutex);
};

// Kills its group and sees to it that it is waited for, without waiting.
void KillAndForget(std::shared_ptr<ProcessState> process);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_IO_DETAIL_PROCESS_STATE_H_
