#include "api/mobula/coro/detail/process_io.h"

#include <fcntl.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <utility>

#include "api/mobula/coro/detail/process_executor.h"
#include "api/mobula/io/system_error.h"
#include "runtime/executor/io_loop.h"

namespace mobula::detail {
namespace {

struct ProcessIo {
  runtime::IoLoop loop;
  const std::uint32_t made_at_fork = runtime::IoForkCount();
};

// Left behind in a forked child, which makes another.
std::atomic<ProcessIo*> current{nullptr};

ProcessIo* Find() {
  ProcessIo* const found = current.load(std::memory_order_acquire);
  if (found == nullptr || found->made_at_fork != runtime::IoForkCount()) {
    return nullptr;
  }
  return found;
}

void Rest() {
  if (ProcessIo* const found = Find()) found->loop.Rest();
}

ProcessIo& TheIo() {
  if (ProcessIo* const found = Find()) return *found;
  ProcessIo* before = current.load(std::memory_order_acquire);
  auto made = std::make_unique<ProcessIo>();
  if (current.compare_exchange_strong(before, made.get())) {
    AtShutdown(&Rest);
    return *made.release();
  }
  return *before;
}

}  // namespace

std::shared_ptr<runtime::IoDescriptor> WatchFd(base::UniqueFd fd,
                                               const char* what) {
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    ThrowSystemError(errno, std::string("cannot wait for ") + what);
  }
  int error = 0;
  std::shared_ptr<runtime::IoDescriptor> opened =
      TheIo().loop.Open(std::move(fd), &error);
  if (opened == nullptr) {
    ThrowSystemError(error, std::string("cannot wait for ") + what);
  }
  return opened;
}

bool HasIoThread() {
  const ProcessIo* const found = Find();
  return found != nullptr && found->loop.has_thread();
}

}  // namespace mobula::detail
