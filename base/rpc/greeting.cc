#include "base/rpc/greeting.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <array>

#include "base/check.h"

namespace mobula::base {
namespace {

constexpr std::string_view kClientMagic = "mobulaCC";
constexpr std::string_view kStoreMagic = "mobulaCS";
constexpr std::string_view kDoorMagic = "mobulaDQ";
constexpr std::uint32_t kDoorVersion = 1;
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kProofAt = 16;
constexpr std::size_t kProofBytes = SHA256_DIGEST_LENGTH;
constexpr std::size_t kCodeAt = 12;
constexpr std::size_t kSizeAt = 14;
constexpr std::size_t kReasonAt = 16;
constexpr std::size_t kReasonMax = kAdmissionBytes - kReasonAt;

static_assert(kProofAt + kProofBytes == kGreetingBytes);

void Put(std::string& bytes, std::size_t at, std::size_t size,
         std::uint32_t value) {
  for (std::size_t i = 0; i < size; ++i) {
    bytes[at + i] = static_cast<char>(value >> (8 * i) & 0xff);
  }
}

std::uint32_t Take(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    value |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])}
             << (8 * i);
  }
  return value;
}

std::string ProofOf(std::string_view token) {
  std::string proof(kProofBytes, '\0');
  if (token.empty()) return proof;
  ::SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(),
           reinterpret_cast<unsigned char*>(proof.data()));
  return proof;
}

std::string BothVersions(std::uint32_t theirs, std::uint32_t ours) {
  return "the client speaks version " + std::to_string(theirs) +
         " of the control protocol, the control store version " +
         std::to_string(ours);
}

}  // namespace

std::string EncodeGreeting(std::string_view token, std::uint32_t version) {
  std::string bytes(kGreetingBytes, '\0');
  bytes.replace(0, kClientMagic.size(), kClientMagic);
  Put(bytes, kVersionAt, 4, version);
  bytes.replace(kProofAt, kProofBytes, ProofOf(token));
  return bytes;
}

Admission JudgeGreeting(std::string_view greeting, std::string_view token,
                        std::uint32_t ours) {
  MOBULA_CHECK(greeting.size() == kGreetingBytes);
  if (!greeting.starts_with(kClientMagic)) {
    return {AdmissionCode::kWrongProtocol,
            "this is a control store of Mobula, and what came is not its "
            "protocol"};
  }
  const std::uint32_t theirs = Take(greeting, kVersionAt, 4);
  if (theirs != ours) {
    return {AdmissionCode::kWrongVersion, BothVersions(theirs, ours)};
  }
  const std::string wanted = ProofOf(token);
  const std::string_view shown = greeting.substr(kProofAt, kProofBytes);
  if (!token.empty() &&
      ::CRYPTO_memcmp(shown.data(), wanted.data(), kProofBytes) != 0) {
    const bool none = shown == std::string(kProofBytes, '\0');
    return {AdmissionCode::kWrongToken,
            none ? "the control store asks for a token, and none was shown"
                 : "the token is not that of this cluster"};
  }
  return {AdmissionCode::kAdmitted, ""};
}

std::string EncodeAdmission(const Admission& admission, std::uint32_t version) {
  const std::string reason = admission.reason.substr(0, kReasonMax);
  std::string bytes(kAdmissionBytes, '\0');
  bytes.replace(0, kStoreMagic.size(), kStoreMagic);
  Put(bytes, kVersionAt, 4, version);
  Put(bytes, kCodeAt, 2, static_cast<std::uint32_t>(admission.code));
  Put(bytes, kSizeAt, 2, static_cast<std::uint32_t>(reason.size()));
  bytes.replace(kReasonAt, reason.size(), reason);
  return bytes;
}

std::string EncodeDoorGreeting(std::size_t question_bytes) {
  MOBULA_CHECK(question_bytes <= kDoorBytesMax);
  std::string bytes(kGreetingBytes, '\0');
  bytes.replace(0, kDoorMagic.size(), kDoorMagic);
  Put(bytes, kVersionAt, 4, kDoorVersion);
  Put(bytes, kCodeAt, 4, static_cast<std::uint32_t>(question_bytes));
  return bytes;
}

std::optional<std::size_t> DoorQuestionBytes(std::string_view greeting) {
  MOBULA_CHECK(greeting.size() == kGreetingBytes);
  const std::size_t bytes = Take(greeting, kCodeAt, 4);
  const bool is_one = greeting.starts_with(kDoorMagic) &&
                      Take(greeting, kVersionAt, 4) == kDoorVersion &&
                      bytes > 0 && bytes <= kDoorBytesMax;
  return is_one ? std::optional(bytes) : std::nullopt;
}

std::string FrameDoorAnswer(std::string_view answer) {
  MOBULA_CHECK(answer.size() <= kDoorBytesMax);
  std::string bytes(4, '\0');
  Put(bytes, 0, 4, static_cast<std::uint32_t>(answer.size()));
  return bytes.append(answer);
}

bool DecodeAdmission(std::string_view bytes, Admission* admission,
                     std::string* error, std::uint32_t ours) {
  MOBULA_CHECK(bytes.size() == kAdmissionBytes);
  if (!bytes.starts_with(kStoreMagic)) {
    *error = "who answers is no control store of Mobula";
    return false;
  }
  const std::uint32_t size = Take(bytes, kSizeAt, 2);
  const std::uint32_t code = Take(bytes, kCodeAt, 2);
  if (size > kReasonMax || code == 0) {
    *error = "the control store's answer makes no sense";
    return false;
  }
  admission->code = static_cast<AdmissionCode>(code);
  admission->reason = std::string(bytes.substr(kReasonAt, size));
  const std::uint32_t theirs = Take(bytes, kVersionAt, 4);
  if (admission->code == AdmissionCode::kAdmitted && theirs != ours) {
    *error = BothVersions(ours, theirs);
    return false;
  }
  return true;
}

}  // namespace mobula::base
