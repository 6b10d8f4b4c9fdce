#include "base/frames/pipes/frame_reader.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace mobula::base {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{64} << 10;

}  // namespace

std::span<char> FrameReader::Room(std::size_t bytes_min) {
  const std::size_t pending = filled_ - parsed_;
  const std::size_t needed =
      frame_bytes_ > pending ? frame_bytes_ - pending : bytes_min;
  if (block_bytes_ - filled_ < needed) {
    const std::size_t size = std::max(kBlockBytes, pending + needed);
    // The old block lives on in the payloads that share it.
    auto block = std::make_shared_for_overwrite<char[]>(size);
    if (pending > 0) std::memcpy(block.get(), block_.get() + parsed_, pending);
    block_ = std::move(block);
    block_bytes_ = size;
    parsed_ = 0;
    filled_ = pending;
  }
  return {block_.get() + filled_, block_bytes_ - filled_};
}

void FrameReader::Filled(std::size_t byte_count) {
  MOBULA_CHECK(byte_count <= block_bytes_ - filled_);
  filled_ += byte_count;
}

FrameReader::Got FrameReader::Next(Frame* frame, std::string* error) {
  frame_bytes_ = 0;
  if (filled_ - parsed_ < kFrameHeaderBytes) return Got::kNothing;
  const std::string_view bytes(block_.get() + parsed_, kFrameHeaderBytes);
  if (!GetFrameHeader(bytes, &frame->header, error)) return Got::kBad;
  frame_bytes_ = kFrameHeaderBytes + frame->header.length;
  if (filled_ - parsed_ < frame_bytes_) return Got::kNothing;
  const std::size_t payload_at = parsed_ + kFrameHeaderBytes;
  parsed_ += std::exchange(frame_bytes_, 0);
  frame->payload =
      frame->header.length == 0
          ? Bytes()
          : Bytes::Share(block_, std::string_view(block_.get() + payload_at,
                                                  frame->header.length));
  return Got::kFrame;
}

}  // namespace mobula::base
