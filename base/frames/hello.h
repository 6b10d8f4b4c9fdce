// Hello: how two processes agree on what they speak, and learn who the other
// is. It is the payload of the first frame of each direction.
//
// Its first eight bytes (magic, version) never change; a later version may add
// fields behind, which an earlier one skips. Version N works with N-1; anything
// else is refused, naming both. So what N-1 cannot follow, another field of a
// message it knows or a message that it must answer, raises it by two. Features
// are used where both ends have them.
// Threading: values and pure functions.
#ifndef MOBULA_BASE_FRAMES_HELLO_H_
#define MOBULA_BASE_FRAMES_HELLO_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/frames/message.h"
#include "base/ids.h"

namespace mobula::base {

inline constexpr std::uint32_t kProtocolVersion = 13;
// One bit each. Rings: frames of kRings are understood, and may follow.
inline constexpr std::uint64_t kFeatureRings = 1;

struct Hello {
  std::uint32_t version = kProtocolVersion;
  std::uint64_t features = 0;
  ProcessId process;
  Role role = Role::kWorker;
  std::uint16_t window = 0;  // of the session: the same at both ends

  friend bool operator==(const Hello&, const Hello&) = default;
};

std::string EncodeHello(const Hello& hello);

// False, and why: not our protocol, another version, nonsense. `ours` is the
// version of this end.
[[nodiscard]] bool DecodeHello(std::string_view bytes, Hello* hello,
                               std::string* error,
                               std::uint32_t ours = kProtocolVersion);

}  // namespace mobula::base

#endif  // MOBULA_BASE_FRAMES_HELLO_H_
