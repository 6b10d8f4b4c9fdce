#include "api/mobula/io/byte_stream.h"

#include <algorithm>
#include <cerrno>

#include "api/mobula/error.h"
#include "api/mobula/io/detail/stream_state.h"
#include "api/mobula/io/system_error.h"
#include "runtime/executor/io_loop.h"

namespace mobula {
namespace detail {
namespace {

constexpr std::size_t kPieceMax = 16 * 1024;

DescriptorPtr DescriptorOf(const StreamPtr& stream) {
  if (stream == nullptr) ThrowBadArgument("this stream was never opened");
  DescriptorPtr descriptor = stream->descriptor.get();
  if (descriptor != nullptr) return descriptor;
  ThrowNetworkError(ECANCELED, "this stream is closed", stream->peer);
}

std::string With(const char* what, const StreamState& stream) {
  return stream.peer.empty() ? std::string(what)
                             : std::string(what) + " " + stream.peer;
}

}  // namespace

// ---- StreamWait -------------------------------------------------------------

StreamWait::StreamWait(StreamPtr stream, Direction direction, Timeout timeout)
    : IoWait(DescriptorOf(stream), direction, timeout),
      stream_(std::move(stream)),
      is_reader_(direction == Direction::kRead) {}

StreamWait::~StreamWait() { EndTurn(); }

void StreamWait::Begin() {
  std::atomic<bool>& turn = is_reader_ ? stream_->is_read : stream_->is_written;
  has_turn_ = !turn.exchange(true);
  if (has_turn_) return;
  ThrowBadArgument(is_reader_ ? "two read from one stream at once"
                              : "two write to one stream at once");
}

void StreamWait::EndTurn() {
  if (!std::exchange(has_turn_, false)) return;
  (is_reader_ ? stream_->is_read : stream_->is_written).store(false);
}

IoWait::Attempt StreamWait::FailedAttempt() {
  if (errno == EAGAIN || errno == EWOULDBLOCK) return Attempt::kNotReady;
  error_ = errno;
  return Attempt::kOver;
}

void StreamWait::FinishWell(const char* what) {
  Finish();
  if (error_ == 0) return;
  ThrowNetworkError(error_, With(what, *stream_), stream_->peer);
}

void StreamWait::ThrowEnded(const char* what) const {
  ThrowStreamEnded(With(what, *stream_), stream_->peer);
}

// ---- ReadWait ---------------------------------------------------------------

ReadWait::ReadWait(StreamPtr stream, std::span<char> into, bool all,
                   Timeout timeout)
    : StreamWait(std::move(stream), Direction::kRead, timeout),
      into_(into),
      all_(all) {
  if (into_.empty()) ThrowBadArgument("there is no room to read into");
}

IoWait::Attempt ReadWait::Try() noexcept {
  if (stream_->is_closed) {
    error_ = ECANCELED;
    return Attempt::kOver;
  }
  while (done_ < into_.size()) {
    const std::span<char> rest = into_.subspan(done_);
    std::size_t count = stream_->TakeUnread(rest);
    if (count == 0) {
      const ssize_t received =
          StreamState::Receive(fd(), rest.data(), rest.size());
      if (received < 0) return FailedAttempt();
      ended_ = received == 0;
      if (ended_) return Attempt::kOver;
      count = static_cast<std::size_t>(received);
    }
    done_ += count;
    if (!all_) return Attempt::kOver;
  }
  return Attempt::kOver;
}

std::size_t ReadWait::await_resume() {
  const bool is_short = all_ && done_ < into_.size();
  // Whatever ended it, what it has is not lost.
  if (is_short) stream_->PutBack(into_.first(done_));
  FinishWell("cannot read from");
  EndTurn();
  if (is_short) ThrowEnded("the stream ended too early:");
  return done_;
}

// ---- ReadUntilWait ----------------------------------------------------------

ReadUntilWait::ReadUntilWait(StreamPtr stream, std::string_view delimiter,
                             std::size_t bytes_max, Timeout timeout)
    : StreamWait(std::move(stream), Direction::kRead, timeout),
      delimiter_(delimiter),
      bytes_max_(bytes_max) {
  if (delimiter_.empty() || delimiter_.size() > bytes_max_) {
    ThrowBadArgument("a delimiter has 1 to bytes_max bytes");
  }
}

bool ReadUntilWait::Find() {
  const std::string_view unread = stream_->unread();
  const std::size_t at = unread.find(delimiter_, searched_);
  if (at != std::string_view::npos) {
    found_ = at + delimiter_.size();
    return true;
  }
  // It may have begun at the end of what there is.
  const std::size_t begun = delimiter_.size() - 1;
  searched_ = unread.size() > begun ? unread.size() - begun : 0;
  return false;
}

IoWait::Attempt ReadUntilWait::Try() noexcept {
  if (stream_->is_closed) {
    error_ = ECANCELED;
    return Attempt::kOver;
  }
  while (!Find()) {
    const std::size_t has = stream_->unread().size();
    if (has >= bytes_max_) break;
    const ssize_t received =
        stream_->ReceiveMore(fd(), std::min(kPieceMax, bytes_max_ - has));
    if (received < 0) return FailedAttempt();
    ended_ = received == 0;
    if (ended_) return Attempt::kOver;
  }
  if (found_ == 0 || found_ > bytes_max_) error_ = EMSGSIZE;
  return Attempt::kOver;
}

std::optional<std::string> ReadUntilWait::await_resume() {
  FinishWell("cannot read from");
  std::optional<std::string> piece;
  if (!ended_) piece = stream_->TakeUnread(found_);
  const bool is_cut = ended_ && !stream_->unread().empty();
  EndTurn();
  if (is_cut) ThrowEnded("the stream ended before the delimiter:");
  return piece;
}

// ---- ReadAllWait ------------------------------------------------------------

ReadAllWait::ReadAllWait(StreamPtr stream, std::size_t bytes_max,
                         Timeout timeout)
    : StreamWait(std::move(stream), Direction::kRead, timeout),
      bytes_max_(bytes_max) {}

IoWait::Attempt ReadAllWait::Try() noexcept {
  if (stream_->is_closed) {
    error_ = ECANCELED;
    return Attempt::kOver;
  }
  while (true) {
    const std::size_t has = stream_->unread().size();
    if (has > bytes_max_) break;
    // One more than it may have, to see whether it has.
    const std::size_t room = std::min(kPieceMax - 1, bytes_max_ - has) + 1;
    const ssize_t received = stream_->ReceiveMore(fd(), room);
    if (received < 0) return FailedAttempt();
    if (received == 0) return Attempt::kOver;
  }
  error_ = EMSGSIZE;
  return Attempt::kOver;
}

std::string ReadAllWait::await_resume() {
  FinishWell("cannot read from");
  std::string all = stream_->TakeUnread(stream_->unread().size());
  EndTurn();
  return all;
}

// ---- WriteWait --------------------------------------------------------------

WriteWait::WriteWait(StreamPtr stream, std::string_view bytes, Timeout timeout)
    : StreamWait(std::move(stream), Direction::kWrite, timeout),
      bytes_(bytes) {}

void WriteWait::Begin() {
  StreamWait::Begin();
  if (!stream_->is_write_broken) return;
  ThrowNetworkError(ECANCELED,
                    With("a write before this one was broken off:", *stream_),
                    stream_->peer);
}

IoWait::Attempt WriteWait::Try() noexcept {
  if (stream_->is_closed) {
    error_ = ECANCELED;
    return Attempt::kOver;
  }
  while (done_ < bytes_.size()) {
    const ssize_t sent =
        stream_->Send(fd(), bytes_.data() + done_, bytes_.size() - done_);
    if (sent < 0) return FailedAttempt();
    done_ += static_cast<std::size_t>(sent);
  }
  return Attempt::kOver;
}

void WriteWait::await_resume() {
  if (done_ > 0 && done_ < bytes_.size()) stream_->is_write_broken = true;
  FinishWell("cannot write to");
  EndTurn();
}

}  // namespace detail

// ---- ByteStream -------------------------------------------------------------

ByteStream& ByteStream::operator=(ByteStream&& other) noexcept {
  if (this != &other) {
    Close();
    state_ = std::move(other.state_);
  }
  return *this;
}

ByteStream::~ByteStream() { Close(); }

void ByteStream::ShutdownWrite() {
  if (state_ != nullptr) state_->ShutdownWrite();
}

void ByteStream::Close() {
  if (state_ != nullptr) state_->Close();
}

std::string ByteStream::local() const {
  return state_ == nullptr ? "" : state_->local;
}
std::string ByteStream::peer() const {
  return state_ == nullptr ? "" : state_->peer;
}

bool ByteStream::is_open() const {
  return state_ != nullptr && !state_->is_closed;
}

detail::DescriptorPtr ByteStream::descriptor() const {
  return detail::DescriptorOf(state_);
}

}  // namespace mobula
