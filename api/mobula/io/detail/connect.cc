#include "api/mobula/io/detail/connect.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <utility>

#include "api/mobula/coro/detail/context.h"
#include "api/mobula/coro/detail/io_wait.h"
#include "api/mobula/coro/sleep.h"
#include "api/mobula/io/detail/stream_state.h"
#include "api/mobula/io/system_error.h"
#include "base/unique_fd.h"
#include "runtime/executor/io_loop.h"

namespace mobula::detail {
namespace {

using std::chrono::milliseconds;

// Of an address that does not answer, where there are others.
constexpr std::chrono::seconds kShareMax(10);
// Where the listener's queue is full a Unix socket does not wait.
constexpr milliseconds kRetryFirst(1);
constexpr milliseconds kRetryMax(50);

// 0, or an error number; ETIMEDOUT when its time is over.
class ConnectWait final : public IoWait {
 public:
  ConnectWait(DescriptorPtr socket, const Endpoint& endpoint, Timeout timeout)
      : IoWait(std::move(socket), Direction::kWrite, timeout),
        endpoint_(endpoint) {}
  int await_resume() { return FinishInTime() ? error_ : ETIMEDOUT; }

 private:
  // The system answers a second connect with how the first one went.
  Attempt Try() noexcept override {
    int error = 0;
    do {
      error = ::connect(fd(), endpoint_.get(), endpoint_.size) == 0 ? 0 : errno;
    } while (error == EINTR);
    if (error == EINPROGRESS || error == EALREADY) return Attempt::kNotReady;
    error_ = error == EISCONN ? 0 : error;
    return Attempt::kOver;
  }

  const Endpoint endpoint_;
  int error_ = 0;
};

Timeout ShareOf(Timeout left, std::size_t others) {
  if (others == 0) return left;
  if (left.IsInfinite()) return kShareMax;
  return left.nanoseconds() / static_cast<std::int64_t>(others + 1);
}

Coro<int> ConnectOnce(DescriptorPtr socket, const Endpoint& endpoint,
                      Timeout timeout) {
  const Deadline deadline(timeout);
  milliseconds pause = kRetryFirst;
  while (true) {
    const int error = co_await ConnectWait(socket, endpoint, deadline.Left());
    if (error != EAGAIN || endpoint.family() != AF_UNIX) co_return error;
    const Timeout left = deadline.Left();
    if (left.nanoseconds().count() == 0) co_return ETIMEDOUT;
    co_await SleepFor(
        std::min<std::chrono::nanoseconds>(pause, left.nanoseconds()));
    pause = std::min(2 * pause, kRetryMax);
  }
}

}  // namespace

Coro<StreamPtr> Connect(std::vector<Endpoint> endpoints, std::string name,
                        Timeout timeout) {
  const Deadline deadline(timeout);
  int error = EHOSTUNREACH;
  std::string last = name;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const Endpoint& endpoint = endpoints[i];
    base::UniqueFd fd = MakeSocket(endpoint.family(), SOCK_STREAM);
    if (!fd.valid()) {
      error = errno;
      continue;
    }
    auto stream = std::make_shared<StreamState>(
        std::move(fd), StreamState::Kind::kSocket, "", endpoint.ToString());
    const DescriptorPtr socket = stream->descriptor.get();
    Coro<int> connect = ConnectOnce(
        socket, endpoint, ShareOf(deadline.Left(), endpoints.size() - 1 - i));
    error = co_await connect;
    if (error == 0) {
      stream->local = Endpoint::LocalOf(socket->fd()).ToString();
      co_return stream;
    }
    last = stream->peer;
    if (deadline.Left().nanoseconds().count() == 0) break;
  }
  const bool is_late = deadline.Left().nanoseconds().count() == 0;
  if (error == ETIMEDOUT && is_late) ThrowTimedOut();
  const std::string shown = last == name ? name : name + " (" + last + ")";
  ThrowNetworkError(error, "cannot connect to " + shown, last);
}

}  // namespace mobula::detail
