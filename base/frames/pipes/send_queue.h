// SendQueue holds frames on their way into a Unix socket and hands them to
// sendmsg, many at once.
//
// Small payloads are copied behind their headers into one chunk, large ones are
// sent from where they lie. Descriptors leave with, or before, the first byte
// of their frame; the order of descriptors is the order of frames, which is all
// that the receiver relies on.
// Owner: UnixPipe.   Threading: none.
// Invariant: bytes() is what has been added and not yet taken by the system.
#ifndef MOBULA_BASE_FRAMES_PIPES_SEND_QUEUE_H_
#define MOBULA_BASE_FRAMES_PIPES_SEND_QUEUE_H_

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/frames/frame.h"
#include "base/unique_fd.h"

namespace mobula::base {

class SendQueue {
 public:
  enum class Result { kDone, kFull, kBroken };

  void Add(FrameHeader header, Bytes payload, UniqueFd fd);
  // One sendmsg after another until all is gone (kDone), the socket takes no
  // more (kFull) or fails (kBroken, errno says how).
  Result SendTo(int socket);
  void Clear();
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Chunk {
    std::string copied;
    Bytes shared;  // instead, if not empty
    std::vector<UniqueFd> fds;

    [[nodiscard]] std::string_view view() const {
      return shared.empty() ? std::string_view(copied) : shared.view();
    }
  };

  // The chunk to which small things are appended.
  Chunk& Tail(std::size_t bytes, bool with_fd);
  // Takes away what the system took.
  void Advance(std::size_t taken);

  std::deque<Chunk> chunks_;
  std::size_t head_offset_ = 0;  // of the first chunk, taken already
  std::size_t bytes_ = 0;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_FRAMES_PIPES_SEND_QUEUE_H_
