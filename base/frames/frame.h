// Frame: what travels between two processes is a sequence of frames, each a
// header of 32 bytes and a payload.
//
//   offset  0  length     u32  of the payload, at most kFramePayloadMax
//           4  kind       u8   FrameKind
//           5  flags      u8   FrameFlags
//           6  credits    u16  messages allowed beyond ack
//           8  seq        u64  of kData: the message's number; of kRings: the
//                              step; else 0
//          16  ack        u64  everything up to it has been received
//          24  budget_ms  u32  left of the deadline; kNoBudget: there is none
//          28  reserved   u32  0 (a CRC-32C on transports that can corrupt)
// Little-endian. A message larger than one payload comes in several frames of
// the same seq, all but the last with kMore. docs/formats/frames.md has more.
// Threading: values and pure functions.
// Failure: bytes that no peer of ours writes are refused with a sentence.
#ifndef MOBULA_BASE_FRAMES_FRAME_H_
#define MOBULA_BASE_FRAMES_FRAME_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/boot_time.h"

namespace mobula::base {

enum class FrameKind : std::uint8_t {
  kHello = 1,  // the first of each direction (hello.h)
  kData,       // a message, or a part of one
  kAck,        // carries ack and credits alone
  kStale,      // the session that sent seq belongs to the past
  kRings,  // a step to shared-memory rings, or beside them (pipes/ring_pipe.h)
};

// The message goes on in the next frame.
inline constexpr std::uint8_t kFrameMore = 1;
// A descriptor rides beside this frame: the first of its message.
inline constexpr std::uint8_t kFrameHasFd = 2;

inline constexpr std::size_t kFrameHeaderBytes = 32;
inline constexpr std::size_t kFramePayloadMax = std::size_t{256} << 10;
inline constexpr std::uint32_t kNoBudget = 0xffffffff;
// Of kRings: the memory (with its epoch, 8 bytes), the bell of who made it, the
// bell of who took it, from here on through the ring, no rings, a descriptor of
// a frame in the ring.
enum class RingStep : std::uint64_t {
  kMemory = 1,
  kBell,
  kAccept,
  kSwitch,
  kRefuse,
  kDescriptor,
};
inline constexpr std::size_t kRingEpochBytes = 8;

struct FrameHeader {
  std::uint32_t length = 0;
  FrameKind kind = FrameKind::kData;
  std::uint8_t flags = 0;
  std::uint16_t credits = 0;
  std::uint64_t seq = 0;
  std::uint64_t ack = 0;
  std::uint32_t budget_ms = kNoBudget;

  friend bool operator==(const FrameHeader&, const FrameHeader&) = default;
};

// Writes kFrameHeaderBytes to `out`. CHECKs the length.
void PutFrameHeader(const FrameHeader& header, char* out);

// Reads the first kFrameHeaderBytes of `bytes`, of which there must be as many.
// False, and why, if no peer of ours writes such a header.
[[nodiscard]] bool GetFrameHeader(std::string_view bytes, FrameHeader* header,
                                  std::string* error);

// Rounded up, so that a budget never ends early; more than 49 days is none.
std::uint32_t BudgetToMs(Duration budget);
Duration BudgetFromMs(std::uint32_t budget_ms);

}  // namespace mobula::base

#endif  // MOBULA_BASE_FRAMES_FRAME_H_
