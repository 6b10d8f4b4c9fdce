#include "base/frames/pipes/send_queue.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace mobula::base {
namespace {

constexpr std::size_t kCopyBytesMax = 4096;  // larger payloads are not copied
constexpr std::size_t kChunkBytes = std::size_t{64} << 10;
constexpr std::size_t kVectorsMax = 64;
// One a call: the receiver that has no number for it then knows which it was.
constexpr std::size_t kFdsMax = 1;

// One call: its vectors, its descriptors and where they are written down.
struct Call {
  std::array<iovec, kVectorsMax> vectors;
  std::size_t vector_count = 0;
  std::array<int, kFdsMax> fds;
  std::size_t fd_count = 0;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kFdsMax)> control;

  ssize_t Send(int socket) {
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = vector_count;
    if (fd_count > 0) {
      message.msg_control = control.data();
      message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
      cmsghdr* const header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
      std::memcpy(CMSG_DATA(header), fds.data(), sizeof(int) * fd_count);
    }
    return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  }
};

}  // namespace

SendQueue::Chunk& SendQueue::Tail(std::size_t bytes, bool with_fd) {
  const bool fits = !chunks_.empty() && chunks_.back().shared.empty() &&
                    chunks_.back().copied.size() + bytes <= kChunkBytes &&
                    (!with_fd || chunks_.back().fds.size() < kFdsMax);
  return fits ? chunks_.back() : chunks_.emplace_back();
}

void SendQueue::Add(FrameHeader header, Bytes payload, UniqueFd fd) {
  MOBULA_CHECK(payload.size() <= kFramePayloadMax);
  header.length = static_cast<std::uint32_t>(payload.size());
  if (fd.valid()) header.flags |= kFrameHasFd;
  std::array<char, kFrameHeaderBytes> bytes;
  PutFrameHeader(header, bytes.data());
  const bool copy = payload.size() <= kCopyBytesMax;
  const std::size_t copied = bytes.size() + (copy ? payload.size() : 0);
  Chunk& tail = Tail(copied, fd.valid());
  tail.copied.append(bytes.data(), bytes.size());
  if (copy) tail.copied.append(payload.view());
  if (fd.valid()) tail.fds.push_back(std::move(fd));
  bytes_ += bytes.size() + payload.size();
  if (!copy) chunks_.emplace_back().shared = std::move(payload);
}

SendQueue::Result SendQueue::SendTo(int socket) {
  while (bytes_ > 0) {
    Call call;
    std::size_t offset = head_offset_;
    for (Chunk& chunk : chunks_) {
      if (call.vector_count == kVectorsMax) break;
      if (call.fd_count + chunk.fds.size() > kFdsMax) break;
      const std::string_view view = chunk.view().substr(offset);
      offset = 0;
      call.vectors[call.vector_count++] =
          iovec{const_cast<char*>(view.data()), view.size()};
      for (const UniqueFd& fd : chunk.fds) {
        call.fds[call.fd_count++] = fd.get();
      }
    }
    const ssize_t taken = call.Send(socket);
    if (taken < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN ? Result::kFull : Result::kBroken;
    }
    // All descriptors of the call went with its first byte.
    for (std::size_t i = 0; i < call.vector_count; ++i) chunks_[i].fds.clear();
    Advance(static_cast<std::size_t>(taken));
  }
  return Result::kDone;
}

void SendQueue::Advance(std::size_t taken) {
  MOBULA_CHECK(taken > 0 && taken <= bytes_);
  bytes_ -= taken;
  taken += head_offset_;
  while (!chunks_.empty() && chunks_.front().view().size() <= taken) {
    taken -= chunks_.front().view().size();
    chunks_.pop_front();
  }
  head_offset_ = taken;
}

void SendQueue::Clear() {
  chunks_.clear();
  head_offset_ = 0;
  bytes_ = 0;
}

}  // namespace mobula::base
