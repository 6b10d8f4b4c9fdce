// StreamState is what a ByteStream and the waits of its operations share: the
// descriptor, and what was received and not yet read. Not for users.
//
//   open --Close--> closed: those who wait end with operation_canceled
// Owner: shared by the ByteStream and what waits for it, so that the descriptor
// stays until nobody uses it. Threading: the read side belongs to the one who
// reads, the write side to the one who writes; Close from any thread.
#ifndef MOBULA_API_MOBULA_IO_DETAIL_STREAM_STATE_H_
#define MOBULA_API_MOBULA_IO_DETAIL_STREAM_STATE_H_

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "api/mobula/io/detail/shared_descriptor.h"
#include "base/unique_fd.h"

namespace mobula::detail {

struct StreamState {
  enum class Kind : std::uint8_t { kSocket, kPipe };

  // Throws SystemError.
  StreamState(base::UniqueFd fd, Kind kind, std::string local,
              std::string peer);

  // The system's read and write on the descriptor's `fd`: how many bytes, or -1
  // and errno.
  static ssize_t Receive(int fd, char* into, std::size_t size);
  ssize_t Send(int fd, const char* from, std::size_t size) const;

  void Close();
  void ShutdownWrite();

  // ---- of who reads
  [[nodiscard]] std::string_view unread() const {
    return std::string_view(buffer).substr(begin);
  }
  std::size_t TakeUnread(std::span<char> into);
  std::string TakeUnread(std::size_t size);
  // Before all that is unread.
  void PutBack(std::span<const char> bytes);
  // One more piece of up to `size` bytes behind what is unread: as Receive.
  ssize_t ReceiveMore(int fd, std::size_t size);

  SharedDescriptor descriptor;
  const Kind kind;
  std::string local;  // once it is connected
  const std::string peer;
  std::shared_ptr<void> admission;  // to the listener that it came from
  std::atomic<bool> is_closed{false};
  std::atomic<bool> is_read{false};     // by somebody now
  std::atomic<bool> is_written{false};  // the same
  bool is_write_broken = false;         // of who writes

 private:
  std::string buffer;
  std::size_t begin = 0;
};

using StreamPtr = std::shared_ptr<StreamState>;

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_IO_DETAIL_STREAM_STATE_H_
