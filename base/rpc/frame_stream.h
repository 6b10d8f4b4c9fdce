// FrameStream sends frames over one FrameTransport: what is sent in one turn of
// the strand, or while an earlier write is on its way, leaves as one message.
//
//   open --EndAfterWriting--> (writes the rest) --> ended
//     \--Cut--> ended
// Owner: ControlServer and ControlClient; a PeerSession that is attached to it
// shares it.   Threading: the strand given.
// Invariants: (1) frames leave in the order sent; (2) one write at a time;
// (3) the transport ends once and is destroyed by OnDone alone.
// Failure: a frame sent after the end goes nowhere.
#ifndef MOBULA_BASE_RPC_FRAME_STREAM_H_
#define MOBULA_BASE_RPC_FRAME_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "base/rpc/stream_events.h"
#include "base/strand.h"
#include "proto/control_store.pb.h"

namespace mobula::base {

class FrameStream : public std::enable_shared_from_this<FrameStream> {
 public:
  FrameStream(Strand& strand, std::uint64_t id,
              std::unique_ptr<FrameTransport> transport);

  [[nodiscard]] std::uint64_t id() const { return id_; }
  void Begin() { transport_->Begin(); }
  void Send(mobula::control::Frame frame);
  void EndAfterWriting();
  void Cut();
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool ending() const { return ending_ || ended_; }

  // What StreamEvents brought.
  void OnWritten(bool ok);
  void OnHandled(std::size_t bytes);
  void OnDone();

 private:
  void WriteSoon();
  void WriteNow();
  void End(bool cut);

  Strand& strand_;
  const std::uint64_t id_;
  std::unique_ptr<FrameTransport> transport_;
  std::deque<mobula::control::Frame> queue_;
  mobula::control::Frames written_;  // on its way
  bool writing_ = false;
  bool soon_ = false;  // a write is posted
  bool ending_ = false;
  bool ended_ = false;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_RPC_FRAME_STREAM_H_
