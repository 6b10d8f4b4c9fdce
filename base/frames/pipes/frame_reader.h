// FrameReader makes frames of bytes as they come, in pieces of any size.
//
//   std::span<char> room = reader.Room(1);  // read into it
//   reader.Filled(got);
//   while (reader.Next(&frame, &error) == FrameReader::Got::kFrame) ...
//
// Payloads share the block that the bytes were read into, which lives as long
// as they do. A frame that lies across its end is copied once, by what of it is
// there; the rest is read straight behind.
// Owner: a FramePipe.   Threading: none.
// Failure: a header that no peer of ours writes is kBad, with the reason.
#ifndef MOBULA_BASE_FRAMES_PIPES_FRAME_READER_H_
#define MOBULA_BASE_FRAMES_PIPES_FRAME_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/frames/frame.h"

namespace mobula::base {

class FrameReader {
 public:
  enum class Got : std::uint8_t { kFrame, kNothing, kBad };
  struct Frame {
    FrameHeader header;
    Bytes payload;
  };

  // At least `bytes_min`; where a frame has begun, at least what it lacks.
  [[nodiscard]] std::span<char> Room(std::size_t bytes_min);
  // What Room gives without taking a new block.
  [[nodiscard]] std::size_t room_left() const { return block_bytes_ - filled_; }
  // So much of it has been filled.
  void Filled(std::size_t byte_count);
  // The next frame that is whole.
  [[nodiscard]] Got Next(Frame* frame, std::string* error);
  // Whether a frame has begun that is not whole.
  [[nodiscard]] bool is_inside() const { return parsed_ != filled_; }

 private:
  // block_[parsed_, filled_) is what has come and was not given out.
  std::shared_ptr<char[]> block_;
  std::size_t block_bytes_ = 0;
  std::size_t parsed_ = 0;
  std::size_t filled_ = 0;
  std::size_t frame_bytes_ = 0;  // of the frame that has begun; 0: unknown
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_FRAMES_PIPES_FRAME_READER_H_
