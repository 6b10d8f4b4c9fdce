// FramePipe moves frames between two processes of one machine, in order and
// without loss, until it closes. A Unix socket is one (unix_pipe.h); one that
// goes on in a pair of shared-memory rings is another (ring_pipe.h).
//
// Owner: base::Link.   Threading: everything on one strand; callbacks run on it
// and may call Write, Flush and Close, but must not destroy the pipe.
// Invariants: (1) frames come out as they went in, each with its descriptor;
// (2) after on_closed, which comes once, there is no callback; (3) what the
// peer wrote before it ended is delivered before on_closed.
#ifndef MOBULA_BASE_FRAMES_PIPES_FRAME_PIPE_H_
#define MOBULA_BASE_FRAMES_PIPES_FRAME_PIPE_H_

#include <cstddef>
#include <functional>
#include <string>

#include "base/bytes.h"
#include "base/frames/frame.h"
#include "base/unique_fd.h"

namespace mobula::base {

class FramePipe {
 public:
  struct Callbacks {
    // The payload may share a receive buffer. `fd` is valid only where the
    // header has kFrameHasFd, and not if this process had no number left.
    std::function<void(const FrameHeader& header, Bytes payload, UniqueFd fd)>
        on_frame;
    std::function<void(std::string reason)> on_closed;
  };

  virtual ~FramePipe() = default;

  // Begins to deliver. Once.
  virtual void Start(Callbacks callbacks) = 0;
  // Queues a frame; header.length and kFrameHasFd are set by the pipe. After
  // the close it does nothing.
  virtual void Write(FrameHeader header, Bytes payload, UniqueFd fd) = 0;
  // Sends what is queued, as far as the peer takes it; the rest follows.
  virtual void Flush() = 0;
  // Delivers in this call what the peer, which has ended, has written.
  virtual void Drain() = 0;
  // Of frames written and not yet taken by the system.
  [[nodiscard]] virtual std::size_t queued_bytes() const = 0;
  // Ends it from this side; calls on_closed before it returns.
  virtual void Close(std::string reason) = 0;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_FRAMES_PIPES_FRAME_PIPE_H_
