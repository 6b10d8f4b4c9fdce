// FrameTransport is one gRPC stream and QuestionTransport one unary call, as
// the strand drives them: the only calls into gRPC.
//
//   Begin -> reads, as StreamEvents; Write -> kWritten, one at a time;
//   End -> kDone, after which it is destroyed
// Owner: FrameStream; the server.   Threading: the strand of its StreamEvents.
// Invariants: (1) kDone comes only after End, once, last; (2) it is destroyed
// after kDone.
#ifndef MOBULA_BASE_RPC_FRAME_TRANSPORT_H_
#define MOBULA_BASE_RPC_FRAME_TRANSPORT_H_

#include <cstddef>
#include <string>

#include "proto/control_store.pb.h"

namespace mobula::base {

class FrameTransport {
 public:
  virtual ~FrameTransport() = default;
  virtual void Begin() = 0;
  // `frames` lives until kWritten.
  virtual void Write(const mobula::control::Frames* frames) = 0;
  // So many bytes that arrived are dealt with: more may be read.
  virtual void OnHandled(std::size_t bytes) = 0;
  // `cut`: at once, what is on its way is lost; else in order, where nothing is
  // being written. One that takes its time to end in order can be cut after.
  virtual void End(bool cut) = 0;
};

class QuestionTransport {
 public:
  virtual ~QuestionTransport() = default;
  [[nodiscard]] virtual const std::string& payload() const = 0;
  // One of the two, once; kDone follows.
  virtual void Answer(std::string payload) = 0;
  // `again`: another attempt may do better.
  virtual void Refuse(const std::string& reason, bool again) = 0;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_RPC_FRAME_TRANSPORT_H_
