#include "api/mobula/io/detail/listener_state.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "api/mobula/coro/detail/process_io.h"
#include "api/mobula/error.h"
#include "api/mobula/io/detail/stream_state.h"
#include "api/mobula/io/system_error.h"
#include "base/check.h"
#include "runtime/executor/io_loop.h"

namespace mobula::detail {
namespace {

DescriptorPtr DescriptorOf(const ListenerPtr& listener) {
  if (listener == nullptr) ThrowBadArgument("this listener was never opened");
  DescriptorPtr descriptor = listener->descriptor();
  if (descriptor != nullptr) return descriptor;
  const std::string& address = listener->address();
  ThrowNetworkError(ECANCELED, "this listener is closed", address);
}

// 0, or an error number.
int Bind(int fd, const Endpoint& endpoint, int backlog) {
  if (endpoint.family() == AF_UNIX) {
    // Of the file that bind makes: for this user alone.
    (void)::fchmod(fd, S_IRUSR | S_IWUSR);
  } else {
    constexpr int kOn = 1;
    (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &kOn, sizeof kOn);
  }
  if (::bind(fd, endpoint.get(), endpoint.size) != 0) return errno;
  return ::listen(fd, backlog) == 0 ? 0 : errno;
}

// One that went away before it was accepted, or could not be for a reason that
// concerns it alone.
bool IsOfOneConnection(int error) {
  return error == EINTR || error == ECONNABORTED || error == EPROTO ||
         error == ENETDOWN || error == EHOSTDOWN || error == ENONET ||
         error == EHOSTUNREACH || error == ENETUNREACH ||
         error == ENOPROTOOPT || error == EOPNOTSUPP;
}

}  // namespace

struct ListenerState::Admission {
  explicit Admission(ListenerPtr listener) : listener(std::move(listener)) {}
  ~Admission() { listener->Leave(); }
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;
  const ListenerPtr listener;
};

ListenerPtr ListenerState::Listen(const std::vector<Endpoint>& endpoints,
                                  const std::string& name,
                                  const ListenOptions& options) {
  if (options.values().connections_max == 0 || options.values().backlog < 1) {
    ThrowBadArgument("a listener has a backlog and room for a connection");
  }
  int error = EADDRNOTAVAIL;
  for (const Endpoint& endpoint : endpoints) {
    base::UniqueFd fd = MakeSocket(endpoint.family(), SOCK_STREAM);
    error =
        fd.valid() ? Bind(fd.get(), endpoint, options.values().backlog) : errno;
    if (error == 0) {
      return std::make_shared<ListenerState>(std::move(fd), options);
    }
  }
  ThrowNetworkError(error, "cannot listen at " + name, name);
}

ListenerState::ListenerState(base::UniqueFd fd, const ListenOptions& options)
    : address_(Endpoint::LocalOf(fd.get()).ToString()),
      port_(Endpoint::LocalOf(fd.get()).port()),
      connections_max_(options.values().connections_max),
      descriptor_(WatchFd(std::move(fd), "a listener")) {}

void ListenerState::Close() {
  is_closed_.store(true);
  const DescriptorPtr last = descriptor_.Drop();
  if (last == nullptr || last->IsOfParent()) return;
  ::shutdown(last->fd(), SHUT_RDWR);
  last->TryAll();
}

std::size_t ListenerState::connections() const {
  base::MutexLock lock(mutex_);
  return connections_;
}

base::IoWatch::Attempt ListenerState::Accept(int fd, base::UniqueFd* accepted,
                                             int* error) {
  using Attempt = base::IoWatch::Attempt;
  if (is_closed_) {
    *error = ECANCELED;
    return Attempt::kOver;
  }
  base::MutexLock lock(mutex_);
  if (connections_ >= connections_max_) return Attempt::kHeld;
  int got = -1;
  do {
    got = ::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  } while (got < 0 && IsOfOneConnection(errno));
  if (got >= 0) {
    accepted->Reset(got);
    ++connections_;
    return Attempt::kOver;
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK) return Attempt::kNotReady;
  *error = is_closed_ ? ECANCELED : errno;
  return Attempt::kOver;
}

void ListenerState::Leave() {
  bool was_full = false;
  {
    base::MutexLock lock(mutex_);
    MOBULA_CHECK(connections_ > 0);
    was_full = connections_ == connections_max_;
    --connections_;
  }
  if (!was_full) return;
  const DescriptorPtr kept = descriptor_.get();
  if (kept != nullptr && !kept->IsOfParent()) kept->TryAll();
}

AcceptWait::AcceptWait(ListenerPtr listener, Timeout timeout)
    : IoWait(DescriptorOf(listener), Direction::kRead, timeout),
      listener_(std::move(listener)) {}

AcceptWait::~AcceptWait() = default;

IoWait::Attempt AcceptWait::Try() noexcept {
  const Attempt attempt = listener_->Accept(fd(), &accepted_, &error_);
  if (accepted_.valid()) {
    admission_ = std::make_shared<ListenerState::Admission>(listener_);
  }
  return attempt;
}

StreamPtr AcceptWait::TakeStream() {
  Finish();
  const std::string& address = listener_->address();
  if (error_ != 0) {
    ThrowNetworkError(error_, "cannot accept at " + address, address);
  }
  const std::string local = Endpoint::LocalOf(accepted_.get()).ToString();
  const std::string peer = Endpoint::PeerOf(accepted_.get()).ToString();
  auto stream = std::make_shared<StreamState>(
      std::move(accepted_), StreamState::Kind::kSocket, local, peer);
  stream->admission = std::move(admission_);
  return stream;
}

}  // namespace mobula::detail
