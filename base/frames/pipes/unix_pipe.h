// UnixPipe is a FramePipe over a connected Unix stream socket.
//
// Many frames leave in one sendmsg and arrive in one recvmsg; descriptors ride
// beside their frames (SCM_RIGHTS). Payloads share the receive buffer.
// Owner: base::Link.   Threading: on its strand; see frame_pipe.h.
// Failure: a bad header, an unexpected or missing descriptor, an error of the
// socket close it, saying so. A peer that reads no more does not: what it wrote
// is read to its end first.
#ifndef MOBULA_BASE_FRAMES_PIPES_UNIX_PIPE_H_
#define MOBULA_BASE_FRAMES_PIPES_UNIX_PIPE_H_

#include <sys/socket.h>

#include <cstddef>
#include <deque>
#include <string>

#include "base/frames/pipes/frame_pipe.h"
#include "base/frames/pipes/frame_reader.h"
#include "base/frames/pipes/send_queue.h"
#include "base/strand.h"
#include "base/unique_fd.h"

namespace mobula::base {

class UnixPipe : public FramePipe {
 public:
  UnixPipe(Strand& strand, UniqueFd socket);
  ~UnixPipe() override;
  UnixPipe(const UnixPipe&) = delete;
  UnixPipe& operator=(const UnixPipe&) = delete;

  void Start(Callbacks callbacks) override;
  void Write(FrameHeader header, Bytes payload, UniqueFd fd) override;
  void Flush() override;
  void Drain() override;
  [[nodiscard]] std::size_t queued_bytes() const override;
  void Close(std::string reason) override;

 private:
  void OnReady(std::uint32_t ready);
  void WatchFor(std::uint32_t events);
  void Read();
  // What one recvmsg gave.
  enum class Got : std::uint8_t { kFull, kPart, kNothing, kClosed };
  Got ReadOnce();
  bool KeepDescriptors(const msghdr& message);
  void DeliverFrames();
  void Deliver(FrameReader::Frame frame);

  Strand& strand_;
  UniqueFd socket_;
  Callbacks callbacks_;
  bool started_ = false;
  bool write_broken_ = false;  // the peer reads no more
  std::uint32_t watched_ = 0;
  SendQueue outgoing_;

  FrameReader incoming_;
  std::deque<UniqueFd> incoming_fds_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_FRAMES_PIPES_UNIX_PIPE_H_
