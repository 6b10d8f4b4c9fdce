#include "base/frames/hello.h"

#include "base/frames/little_endian.h"

namespace mobula::base {
namespace {

constexpr std::uint32_t kMagic = 0x31424f4d;  // "MOB1"
constexpr std::size_t kHelloBytes = 36;

bool VersionsAgree(std::uint32_t a, std::uint32_t b) {
  return a > b ? a - b <= 1 : b - a <= 1;
}

bool IsRole(std::uint8_t role) {
  return role >= static_cast<std::uint8_t>(Role::kRaylet) &&
         role <= static_cast<std::uint8_t>(Role::kTool);
}

bool Refuse(std::string* error, std::string why) {
  *error = std::move(why);
  return false;
}

}  // namespace

// magic u32, version u32, features u64, process 2 x u64, window u16, role u8,
// 0 u8
std::string EncodeHello(const Hello& hello) {
  std::string bytes(kHelloBytes, '\0');
  char* const out = bytes.data();
  PutLittleEndian(kMagic, out);
  PutLittleEndian(hello.version, out + 4);
  PutLittleEndian(hello.features, out + 8);
  PutLittleEndian(hello.process.hi, out + 16);
  PutLittleEndian(hello.process.lo, out + 24);
  PutLittleEndian(hello.window, out + 32);
  PutLittleEndian(static_cast<std::uint8_t>(hello.role), out + 34);
  return bytes;
}

bool DecodeHello(std::string_view bytes, Hello* hello, std::string* error,
                 std::uint32_t ours) {
  const char* const in = bytes.data();
  if (bytes.size() < 8 || GetLittleEndian<std::uint32_t>(in) != kMagic) {
    return Refuse(error, "the peer does not speak Mobula's protocol");
  }
  hello->version = GetLittleEndian<std::uint32_t>(in + 4);
  if (!VersionsAgree(ours, hello->version)) {
    return Refuse(error, "the peer speaks protocol version " +
                             std::to_string(hello->version) +
                             ", this program version " + std::to_string(ours));
  }
  if (bytes.size() < kHelloBytes) return Refuse(error, "a hello cut short");
  hello->features = GetLittleEndian<std::uint64_t>(in + 8);
  hello->process.hi = GetLittleEndian<std::uint64_t>(in + 16);
  hello->process.lo = GetLittleEndian<std::uint64_t>(in + 24);
  hello->window = GetLittleEndian<std::uint16_t>(in + 32);
  const auto role = GetLittleEndian<std::uint8_t>(in + 34);
  if (!IsRole(role)) return Refuse(error, "a hello of an unknown role");
  hello->role = static_cast<Role>(role);
  if (hello->process.IsNil()) return Refuse(error, "a hello of no process");
  return true;
}

}  // namespace mobula::base
