#include "raylet/channels/waiting_bytes.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/check.h"

namespace mobula::raylet {
namespace {

constexpr std::size_t kSmallBytes = 4096;  // below it a piece is copied
constexpr std::size_t kGatheredBytes = std::size_t{64} << 10;
constexpr std::size_t kPiecesAtOnce = 64;

}  // namespace

void WaitingBytes::Add(base::Bytes bytes) {
  // Alone it is written at once, as often as not.
  if (bytes.size() >= kSmallBytes || (empty() && !bytes.empty())) {
    CloseSmall();
    pieces_.push_back(std::move(bytes));
    return;
  }
  small_.append(bytes.view());
  if (small_.size() >= kGatheredBytes) CloseSmall();
}

void WaitingBytes::CloseSmall() {
  if (small_.empty()) return;
  small_.shrink_to_fit();
  pieces_.push_back(base::Bytes::Own(std::exchange(small_, std::string())));
}

WaitingBytes::Result WaitingBytes::SendTo(int socket,
                                          std::uint64_t* taken_bytes) {
  CloseSmall();
  while (!pieces_.empty()) {
    std::array<iovec, kPiecesAtOnce> vectors;
    const std::size_t count = std::min(pieces_.size(), vectors.size());
    for (std::size_t i = 0; i < count; ++i) {
      const std::string_view view = pieces_[i].view();
      vectors[i] = {const_cast<char*>(view.data()), view.size()};
    }
    vectors[0].iov_base =
        static_cast<char*>(vectors[0].iov_base) + first_written_;
    vectors[0].iov_len -= first_written_;
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = count;
    const ssize_t n = ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const bool is_full = errno == EAGAIN || errno == ENOBUFS;
      return is_full ? Result::kFull : Result::kBroken;
    }
    *taken_bytes += static_cast<std::uint64_t>(n);
    Remove(static_cast<std::size_t>(n));
  }
  return Result::kDone;
}

void WaitingBytes::Remove(std::size_t byte_count) {
  first_written_ += byte_count;
  while (!pieces_.empty() && first_written_ >= pieces_.front().size()) {
    first_written_ -= pieces_.front().size();
    pieces_.pop_front();
  }
  MOBULA_CHECK(!pieces_.empty() || first_written_ == 0,
               "the socket took more than it was given");
}

}  // namespace mobula::raylet
