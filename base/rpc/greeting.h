// Greeting: what two ends of a control store's connection say before HTTP/2,
// so that nothing unknown reaches gRPC's parser and who is refused learns why.
//
//   client -> store   48 bytes: magic, version, proof of the token
//   store  -> client  256 bytes: magic, version, admitted or not, and why
// Fixed sizes: neither end reads a byte that is meant for gRPC. The first
// twelve bytes never change. A token is proved by its SHA-256; who needs none
// says zeros.
// Threading: values and pure functions.
#ifndef MOBULA_BASE_RPC_GREETING_H_
#define MOBULA_BASE_RPC_GREETING_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mobula::base {

// Grows with each message, or field of one, that was not there before: both
// ends must speak the same.
inline constexpr std::uint32_t kControlProtocolVersion = 4;
inline constexpr std::size_t kGreetingBytes = 48;
inline constexpr std::size_t kAdmissionBytes = 256;

enum class AdmissionCode : std::uint16_t {
  kAdmitted = 1,
  kWrongProtocol,
  kWrongVersion,
  kWrongToken,
  kWrongUser,
  kWrongCertificate,
  // Said by this side of a connection to itself: the store was not reached.
  kUnreachable,
};

struct Admission {
  AdmissionCode code = AdmissionCode::kAdmitted;
  std::string reason;  // for people; cut at what fits
};

std::string EncodeGreeting(std::string_view token,
                           std::uint32_t version = kControlProtocolVersion);

// What the store thinks of a greeting. `token`: "" where none is asked for.
Admission JudgeGreeting(std::string_view greeting, std::string_view token,
                        std::uint32_t ours = kControlProtocolVersion);

std::string EncodeAdmission(const Admission& admission,
                            std::uint32_t version = kControlProtocolVersion);

// False, and why, if that is no control store of a version we speak.
[[nodiscard]] bool DecodeAdmission(
    std::string_view bytes, Admission* admission, std::string* error,
    std::uint32_t ours = kControlProtocolVersion);

// A question at the door (base/tls/door_message.h) begins so; as many
// bytes follow. Its answer is four bytes of length, the lowest first, and that.
inline constexpr std::size_t kDoorBytesMax = 16384;
std::string EncodeDoorGreeting(std::size_t question_bytes);
// How many bytes follow; nothing if that is no such greeting, or too long.
std::optional<std::size_t> DoorQuestionBytes(std::string_view greeting);
std::string FrameDoorAnswer(std::string_view answer);

}  // namespace mobula::base

#endif  // MOBULA_BASE_RPC_GREETING_H_
