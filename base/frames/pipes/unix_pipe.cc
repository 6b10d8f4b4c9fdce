#include "base/frames/pipes/unix_pipe.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/error_text.h"

namespace mobula::base {
namespace {

constexpr std::size_t kReadBytesMin = 4096;  // less room: take a new block
// Read in one turn of the strand before others have theirs.
constexpr int kReadsMax = 16;
// A process that has ended left no more than its socket holds; a child of its
// own that writes on must not keep us here.
constexpr int kDrainReadsMax = 4096;
constexpr std::size_t kFdsPerRead = 253;
constexpr std::size_t kFdsWaitingMax = 1024;

}  // namespace

UnixPipe::UnixPipe(Strand& strand, UniqueFd socket)
    : strand_(strand), socket_(std::move(socket)) {
  MOBULA_CHECK(socket_.valid());
  const int flags = ::fcntl(socket_.get(), F_GETFL);
  MOBULA_CHECK(flags >= 0);
  MOBULA_CHECK(::fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK) == 0);
}

UnixPipe::~UnixPipe() {
  if (started_ && socket_.valid()) strand_.Unwatch(socket_.get());
}

void UnixPipe::Start(Callbacks callbacks) {
  MOBULA_CHECK(!started_);
  started_ = true;
  callbacks_ = std::move(callbacks);
  WatchFor(Strand::kReadable);
}

void UnixPipe::WatchFor(std::uint32_t events) {
  if (events == watched_) return;
  watched_ = events;
  strand_.Watch(socket_.get(), events,
                [this](std::uint32_t ready) { OnReady(ready); });
}

void UnixPipe::OnReady(std::uint32_t ready) {
  strand_.AssertHeld();
  if ((ready & Strand::kWritable) != 0) Flush();
  if (!socket_.valid()) return;
  if ((ready & (Strand::kReadable | Strand::kHangup)) != 0) Read();
}

void UnixPipe::Write(FrameHeader header, Bytes payload, UniqueFd fd) {
  if (!socket_.valid() || write_broken_) return;
  outgoing_.Add(header, std::move(payload), std::move(fd));
}

void UnixPipe::Flush() {
  if (!socket_.valid() || write_broken_) return;
  switch (outgoing_.SendTo(socket_.get())) {
    case SendQueue::Result::kDone:
      if (started_) WatchFor(Strand::kReadable);
      return;
    case SendQueue::Result::kFull:
      if (started_) WatchFor(Strand::kReadable | Strand::kWritable);
      return;
    case SendQueue::Result::kBroken:
      if (errno != EPIPE && errno != ECONNRESET) {
        return Close(ErrorText());
      }
      // Its last words may still be unread; end-of-file follows them.
      write_broken_ = true;
      outgoing_.Clear();
      if (started_) WatchFor(Strand::kReadable);
      return;
  }
}

std::size_t UnixPipe::queued_bytes() const { return outgoing_.bytes(); }

void UnixPipe::Close(std::string reason) {
  if (!socket_.valid()) return;
  if (started_) strand_.Unwatch(socket_.get());
  // The peer hears of it also where a forked child holds the socket too.
  ::shutdown(socket_.get(), SHUT_RDWR);
  socket_.Reset();
  outgoing_.Clear();
  incoming_fds_.clear();
  if (started_) callbacks_.on_closed(std::move(reason));
}

void UnixPipe::Read() {
  // A short read emptied the socket, or stopped at descriptors; then the strand
  // calls again.
  for (int i = 0; i < kReadsMax && ReadOnce() == Got::kFull; ++i) {
  }
}

void UnixPipe::Drain() {
  if (!started_ || !socket_.valid()) return;
  for (int i = 0; i < kDrainReadsMax; ++i) {
    const Got got = ReadOnce();
    if (got == Got::kNothing || got == Got::kClosed) return;
  }
}

UnixPipe::Got UnixPipe::ReadOnce() {
  const std::span<char> room = incoming_.Room(kReadBytesMin);
  iovec vector{room.data(), room.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kFdsPerRead)>
      control;
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
  if (got < 0 && errno == EINTR) return Got::kFull;
  if (got < 0 && errno == EAGAIN) return Got::kNothing;
  if (got < 0) {
    Close(ErrorText());
    return Got::kClosed;
  }
  if (!KeepDescriptors(message)) {
    Close("bad frame: more descriptors than frames that have one");
    return Got::kClosed;
  }
  if (got == 0) {
    Close(incoming_.is_inside() ? "end of file inside a frame" : "end of file");
    return Got::kClosed;
  }
  incoming_.Filled(static_cast<std::size_t>(got));
  DeliverFrames();
  if (!socket_.valid()) return Got::kClosed;
  return static_cast<std::size_t>(got) == vector.iov_len ? Got::kFull
                                                         : Got::kPart;
}

bool UnixPipe::KeepDescriptors(const msghdr& message) {
  auto* const mutable_message = const_cast<msghdr*>(&message);
  for (cmsghdr* header = CMSG_FIRSTHDR(mutable_message); header != nullptr;
       header = CMSG_NXTHDR(mutable_message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      incoming_fds_.emplace_back(fd);
    }
  }
  // This process had no number left for the one that came: its frame will say
  // so, and the others are as good as before.
  if ((message.msg_flags & MSG_CTRUNC) != 0) incoming_fds_.emplace_back();
  return incoming_fds_.size() <= kFdsWaitingMax;
}

void UnixPipe::DeliverFrames() {
  FrameReader::Frame frame;
  std::string error;
  while (socket_.valid()) {
    switch (incoming_.Next(&frame, &error)) {
      case FrameReader::Got::kFrame:
        Deliver(std::move(frame));
        break;
      case FrameReader::Got::kNothing:
        return;
      case FrameReader::Got::kBad:
        return Close(error);
    }
  }
}

void UnixPipe::Deliver(FrameReader::Frame frame) {
  UniqueFd fd;
  if ((frame.header.flags & kFrameHasFd) != 0) {
    if (incoming_fds_.empty()) return Close("bad frame: its descriptor lacks");
    fd = std::move(incoming_fds_.front());
    incoming_fds_.pop_front();
  }
  callbacks_.on_frame(frame.header, std::move(frame.payload), std::move(fd));
}

}  // namespace mobula::base
