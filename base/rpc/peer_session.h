// PeerSession is a base::Session with another process, over whatever
// FrameStream it is attached to: none while the connection is broken.
//
//   detached --Attach--> attached --Detach--> detached ... --> ended (final)
// A stream loses nothing, so a frame goes over it once however often the
// session would repeat it; what was sent over an earlier one is repeated by the
// session itself.
// Owner: ControlClient; ControlServer, one a peer.   Threading: the strand.
// Invariants: (1) messages arrive once, in order; (2) on_ended at most once.
// Failure: a full queue, or a frame that no honest peer sends, ends it. A call
// that is too large is answered kTooLarge here; so is one whose answer is.
#ifndef MOBULA_BASE_RPC_PEER_SESSION_H_
#define MOBULA_BASE_RPC_PEER_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/boot_time.h"
#include "base/control/control_message.h"
#include "base/rpc/frame_stream.h"
#include "base/session/session.h"
#include "base/strand.h"
#include "proto/control_store.pb.h"

namespace mobula::base {

// What is answered in its place where an answer of so many bytes cannot be
// sent.
ControlMessage AnswerTooLarge(const ControlMessage& answer, std::size_t bytes);

class PeerSession : public std::enable_shared_from_this<PeerSession> {
 public:
  struct Callbacks {
    std::function<void(ControlMessage message)> on_message;
    // May retire this object, but must not destroy it.
    std::function<void(std::string reason)> on_ended;
  };
  struct Ends {
    std::uint64_t epoch = 0;
    ProcessId self;
    ProcessId peer;
  };

  PeerSession(Strand& strand, const Ends& ends, std::size_t queued_bytes_max,
              Callbacks callbacks);
  ~PeerSession();
  PeerSession(const PeerSession&) = delete;
  PeerSession& operator=(const PeerSession&) = delete;

  void Attach(std::shared_ptr<FrameStream> stream);
  void Detach();
  void Send(const ControlMessage& message);
  void OnFrame(mobula::control::Frame& frame);
  // Nothing is called or sent any more.
  void Retire();

 private:
  void Apply(SessionEffects& effects);
  void Transmitted(const Transmit& transmit);
  // Whether it is to go over the stream that is attached now.
  bool IsNewHere(const SessionHeader& header);
  void Delivered(const Bytes& payload);
  void SetTimer(BootTime at);
  void End(const std::string& reason);
  void OnTooLarge(const ControlMessage& message, std::size_t bytes);

  Strand& strand_;
  Session session_;
  const Callbacks callbacks_;
  std::shared_ptr<FrameStream> stream_;
  Strand::TimerId timer_ = 0;
  bool retired_ = false;
  std::uint64_t last_sent_ = 0;      // over any stream
  std::uint64_t old_upto_ = 0;       // sent before the stream was attached
  std::uint64_t repeated_upto_ = 0;  // of those, over this stream
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_RPC_PEER_SESSION_H_
