// StreamEvents carries what happens on gRPC's threads to a strand.
//
//   gRPC's thread: events->Push(event)     strand: handle(event), in order
// Nothing else crosses: every call into a stream is made on the strand, but for
// the next read, which the thread that ended one begins at once while little
// waits here (read_pacer.h).
// Owner: shared by a ControlServer or ControlClient and its streams.
// Threading: Push and NextStream from any thread; the rest on the strand.
// Invariants: (1) events of one stream keep their order; (2) after Close the
// handler is called by DrainUntil alone.
#ifndef MOBULA_BASE_RPC_STREAM_EVENTS_H_
#define MOBULA_BASE_RPC_STREAM_EVENTS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/boot_time.h"
#include "base/mutex.h"
#include "base/strand.h"
#include "base/thread_annotations.h"
#include "proto/control_store.pb.h"

namespace mobula::base {

// One stream of gRPC, or one unary call, as the strand drives it:
//   Begin -> reads, as events; Write -> kWritten, one at a time; End -> kDone.
// It is destroyed after kDone, which comes only after End, once, last.
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

struct StreamEvent {
  enum class Kind : std::uint8_t {
    kOpened,     // server: a client began a stream
    kAsked,      // server: a client asks one question
    kFrames,     // they arrived
    kReadEnd,    // nothing more will arrive
    kWritten,    // what was being written has left, or (!ok) never will
    kCancelled,  // server: the client has gone
    kDone,       // nothing more happens: the stream can be destroyed
  };
  Kind kind = Kind::kDone;
  std::uint64_t stream = 0;
  bool ok = true;
  std::string reason;  // of kDone at a client, for people
  // kOpened, kAsked: the kernel's name of the connection's other end, "" where
  // that has none: those of TlsDoor have one.
  std::string from;
  std::unique_ptr<mobula::control::Frames> frames;
  // kOpened, kAsked: from here on the handler's.
  std::unique_ptr<FrameTransport> transport;
  std::unique_ptr<QuestionTransport> question;
};

class StreamEvents : public std::enable_shared_from_this<StreamEvents> {
 public:
  StreamEvents(Strand& strand, std::function<void(StreamEvent&)> handle);

  // False, and the event is as it was, for a new stream after Close.
  bool Push(StreamEvent& event);
  std::uint64_t NextStream();  // its number, never 0

  void Close();
  // Handles events, waiting for them, until `over` or for `timeout`.
  void DrainUntil(const std::function<bool()>& over, Duration timeout);

 private:
  void Drain();
  std::vector<StreamEvent> TakeAll();
  [[nodiscard]] bool IsPosting();
  void WaitForMore(Duration timeout);

  Strand& strand_;
  const std::function<void(StreamEvent&)> handle_;
  Mutex mutex_;
  CondVar pushed_;
  std::vector<StreamEvent> events_ MOBULA_GUARDED_BY(mutex_);
  bool posted_ MOBULA_GUARDED_BY(mutex_) = false;
  bool closed_ MOBULA_GUARDED_BY(mutex_) = false;
  // Threads that are about to post to the strand, which must stay meanwhile.
  int posting_ MOBULA_GUARDED_BY(mutex_) = 0;
  std::uint64_t last_stream_ MOBULA_GUARDED_BY(mutex_) = 0;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_RPC_STREAM_EVENTS_H_
