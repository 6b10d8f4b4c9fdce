#include "base/frames/frame.h"

#include "base/check.h"
#include "base/frames/little_endian.h"

namespace mobula::base {
namespace {

constexpr std::uint8_t kKnownFlags = kFrameMore | kFrameHasFd;

bool Refuse(std::string* error, std::string why) {
  *error = "bad frame: " + std::move(why);
  return false;
}

bool IsPlausibleStep(const FrameHeader& header) {
  const auto step = static_cast<RingStep>(header.seq);
  const bool has_fd = step == RingStep::kMemory || step == RingStep::kBell ||
                      step == RingStep::kAccept ||
                      step == RingStep::kDescriptor;
  return step >= RingStep::kMemory && step <= RingStep::kDescriptor &&
         header.flags == (has_fd ? kFrameHasFd : 0) &&
         header.length == (step == RingStep::kMemory ? kRingEpochBytes : 0);
}

bool IsPlausible(const FrameHeader& header, std::string* error) {
  if (header.length > kFramePayloadMax) {
    return Refuse(error, std::to_string(header.length) + " bytes of payload");
  }
  if ((header.flags & ~kKnownFlags) != 0) return Refuse(error, "unknown flags");
  switch (header.kind) {
    case FrameKind::kData:
      if (header.seq == 0) return Refuse(error, "data without a number");
      if ((header.flags & kFrameMore) != 0 && header.length == 0) {
        return Refuse(error, "an empty part");
      }
      return true;
    case FrameKind::kHello:
      if (header.flags != 0) return Refuse(error, "flags on a hello");
      return true;
    case FrameKind::kAck:
    case FrameKind::kStale:
      if (header.flags != 0 || header.length != 0) {
        return Refuse(error, "a payload where none belongs");
      }
      return true;
    case FrameKind::kRings:
      return IsPlausibleStep(header) ||
             Refuse(error, "a step to rings that there is not");
  }
  return Refuse(error, "unknown kind");
}

}  // namespace

void PutFrameHeader(const FrameHeader& header, char* out) {
  MOBULA_CHECK(header.length <= kFramePayloadMax);
  PutLittleEndian(header.length, out);
  PutLittleEndian(static_cast<std::uint8_t>(header.kind), out + 4);
  PutLittleEndian(header.flags, out + 5);
  PutLittleEndian(header.credits, out + 6);
  PutLittleEndian(header.seq, out + 8);
  PutLittleEndian(header.ack, out + 16);
  PutLittleEndian(header.budget_ms, out + 24);
  PutLittleEndian(std::uint32_t{0}, out + 28);
}

bool GetFrameHeader(std::string_view bytes, FrameHeader* header,
                    std::string* error) {
  MOBULA_CHECK(bytes.size() >= kFrameHeaderBytes);
  const char* const in = bytes.data();
  header->length = GetLittleEndian<std::uint32_t>(in);
  header->kind = static_cast<FrameKind>(GetLittleEndian<std::uint8_t>(in + 4));
  header->flags = GetLittleEndian<std::uint8_t>(in + 5);
  header->credits = GetLittleEndian<std::uint16_t>(in + 6);
  header->seq = GetLittleEndian<std::uint64_t>(in + 8);
  header->ack = GetLittleEndian<std::uint64_t>(in + 16);
  header->budget_ms = GetLittleEndian<std::uint32_t>(in + 24);
  if (GetLittleEndian<std::uint32_t>(in + 28) != 0) {
    return Refuse(error, "the reserved field is not 0");
  }
  return IsPlausible(*header, error);
}

std::uint32_t BudgetToMs(Duration budget) {
  constexpr Duration kUnit = std::chrono::milliseconds(1);
  if (budget <= Duration::zero()) return 0;
  const auto whole = budget / kUnit + (budget % kUnit != Duration::zero());
  return whole >= kNoBudget ? kNoBudget : static_cast<std::uint32_t>(whole);
}

Duration BudgetFromMs(std::uint32_t budget_ms) {
  if (budget_ms == kNoBudget) return Duration::max();
  return std::chrono::milliseconds(budget_ms);
}

}  // namespace mobula::base
