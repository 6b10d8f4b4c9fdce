#include "api/mobula/io/detail/stream_state.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "api/mobula/coro/detail/process_io.h"
#include "base/check.h"
#include "base/threads/no_pipe_signal.h"
#include "runtime/executor/io_loop.h"

namespace mobula::detail {
namespace {

// Until no signal comes in between.
template <class Call>
ssize_t Uninterrupted(Call call) {
  ssize_t count = 0;
  do {
    count = call();
  } while (count < 0 && errno == EINTR);
  return count;
}

}  // namespace

StreamState::StreamState(base::UniqueFd fd, Kind kind, std::string local,
                         std::string peer)
    : descriptor(WatchFd(std::move(fd), "a stream")),
      kind(kind),
      local(std::move(local)),
      peer(std::move(peer)) {}

ssize_t StreamState::Receive(int fd, char* into, std::size_t size) {
  return Uninterrupted([&] { return ::read(fd, into, size); });
}

ssize_t StreamState::Send(int fd, const char* from, std::size_t size) const {
  if (kind == Kind::kSocket) {
    return Uninterrupted([&] { return ::send(fd, from, size, MSG_NOSIGNAL); });
  }
  const base::NoPipeSignal quiet;
  return Uninterrupted([&] { return ::write(fd, from, size); });
}

void StreamState::Close() {
  if (!is_closed.exchange(true)) admission.reset();
  const DescriptorPtr last = descriptor.Drop();
  if (last == nullptr || last->IsOfParent()) return;  // there it goes on
  if (kind == Kind::kSocket) ::shutdown(last->fd(), SHUT_RDWR);
  last->TryAll();
}

void StreamState::ShutdownWrite() {
  if (kind == Kind::kPipe) {
    Close();
    return;
  }
  const DescriptorPtr kept = descriptor.get();
  if (kept != nullptr && !kept->IsOfParent()) ::shutdown(kept->fd(), SHUT_WR);
}

std::size_t StreamState::TakeUnread(std::span<char> into) {
  const std::size_t size = std::min(into.size(), unread().size());
  if (size > 0) std::memcpy(into.data(), unread().data(), size);
  begin += size;
  if (begin == buffer.size()) {
    buffer.clear();
    begin = 0;
  }
  return size;
}

std::string StreamState::TakeUnread(std::size_t size) {
  MOBULA_CHECK(size <= unread().size());
  std::string taken;
  if (begin == 0 && size == buffer.size()) {
    taken.swap(buffer);
    return taken;
  }
  taken.resize(size);
  TakeUnread(std::span<char>(taken));
  return taken;
}

void StreamState::PutBack(std::span<const char> bytes) {
  if (bytes.empty()) return;
  if (bytes.size() <= begin) {
    begin -= bytes.size();
    std::memcpy(buffer.data() + begin, bytes.data(), bytes.size());
  } else {
    buffer.replace(0, begin, bytes.data(), bytes.size());
    begin = 0;
  }
}

ssize_t StreamState::ReceiveMore(int fd, std::size_t size) {
  if (begin > 0) {
    buffer.erase(0, begin);
    begin = 0;
  }
  const std::size_t before = buffer.size();
  buffer.resize(before + size);
  const ssize_t count = Receive(fd, buffer.data() + before, size);
  const int error = errno;
  buffer.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  errno = error;
  return count;
}

}  // namespace mobula::detail
