// RingLine moves frames through a pair of rings in shared memory: the part of a
// RingPipe that knows neither socket nor strand.
//
//   line.Write(header, payload);  line.Flush();            // one way
//   while (line.Take(kBytes) > 0)                          // the other
//     while (line.Next(&frame, &error) == kFrame) ...
//   if (line.MaySleep(true)) wait for the own doorbell;
//
// A frame is one record, or several where it is longer than a record may be.
// What finds no room waits here, its payload where it lies.
// Owner: RingPipe.   Threading: none.
// Invariant: frames come out as they went in; of one that was not published
// whole nothing does.
// Failure: a ring that the peer has broken; error() says how, nothing moves any
// more, and MaySleep is false.
#ifndef MOBULA_BASE_FRAMES_PIPES_RING_LINE_H_
#define MOBULA_BASE_FRAMES_PIPES_RING_LINE_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/frames/frame.h"
#include "base/frames/pipes/frame_reader.h"
#include "base/shm/ring/ring_reader.h"
#include "base/shm/ring/ring_segment.h"
#include "base/shm/ring/ring_writer.h"
#include "base/unique_fd.h"

namespace mobula::base {

class RingLine {
 public:
  explicit RingLine(std::unique_ptr<RingSegment> segment);

  // What wakes the peer; before anything is written or taken.
  void SetPeerBell(UniqueFd bell);
  [[nodiscard]] bool has_peer_bell() const { return peer_bell_.valid(); }

  // header.length is set here.
  void Write(FrameHeader header, Bytes payload);
  // Makes visible what was written, as far as there is room; whether it did
  // something.
  bool Flush();
  // Of frames that the peer cannot see yet.
  [[nodiscard]] std::size_t queued_bytes() const {
    return waiting_bytes_ + unpublished_bytes_;
  }

  // Takes what the peer has published out of the ring, up to about
  // `bytes_max`; how many bytes.
  std::size_t Take(std::size_t bytes_max);
  // The next whole frame of what was taken.
  FrameReader::Got Next(FrameReader::Frame* frame, std::string* error) {
    return incoming_.Next(frame, error);
  }
  [[nodiscard]] bool is_inside_frame() const { return incoming_.is_inside(); }
  // How much the peer can have left in the ring.
  [[nodiscard]] std::size_t ring_bytes() const { return ring_bytes_; }

  // `reads`: also what the peer writes is to end the sleep.
  [[nodiscard]] bool MaySleep(bool reads);

  [[nodiscard]] const std::string& error() const {
    return error_.empty() ? writer_.error() : error_;
  }

 private:
  struct Waiting {
    FrameHeader header;
    Bytes payload;
    bool has_begun = false;
    std::size_t done_bytes = 0;  // of the payload
  };

  // As much of it as there is room for; whether that is all.
  bool Put(Waiting& frame);
  bool TakeRecord(std::size_t size);
  void Publish();
  void Wake();

  const std::unique_ptr<RingSegment> segment_;
  const std::size_t ring_bytes_;
  RingWriter writer_;
  RingReader reader_;
  UniqueFd peer_bell_;
  std::deque<Waiting> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::size_t unpublished_bytes_ = 0;
  FrameReader incoming_;
  std::string error_;  // of the reader
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_FRAMES_PIPES_RING_LINE_H_
