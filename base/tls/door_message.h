// What is asked at a cluster's door, before or beside the control protocol: to
// join with a token, to have a certificate made anew, to make a token.
//
//   question = EncodeDoorGreeting (base/rpc/greeting.h), EncodeQuestion
//   answer   = four bytes of length, EncodeAnswer
// JoinAsked is for who has no certificate, RenewAsked for who has one, and
// TokenAsked for processes of the store's user on its own machine.
// Threading: values and pure functions.
// Failure: Decode functions say false and why for whatever is none.
#ifndef MOBULA_BASE_TLS_DOOR_MESSAGE_H_
#define MOBULA_BASE_TLS_DOOR_MESSAGE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/ids.h"
#include "base/security/join_token.h"

namespace mobula::base {

struct JoinAsked {
  ClusterId cluster;
  TokenId token;
  std::string secret;
  std::string request;  // KeyPair::SigningRequest
};
struct RenewAsked {
  std::string request;
};
struct TokenAsked {
  std::int64_t lives_s = 0;
  std::uint32_t uses = 1;
};
using DoorQuestion = std::variant<JoinAsked, RenewAsked, TokenAsked>;

struct Certified {
  std::string own_pem;
  std::string authority_pem;
};
struct TokenMade {
  std::string token;  // JoinToken::ToText
};
enum class DoorRefusal : std::uint8_t {
  kMalformed = 1,
  kUnknownToken,
  kUsedUp,
  kExpired,
  kOtherCluster,
  kNotForYou,  // of another kind than who asks may ask
  kBusy,       // may pass
};
struct DoorRefused {
  DoorRefusal code = DoorRefusal::kMalformed;
  std::string reason;  // for people
};
using DoorAnswer = std::variant<DoorRefused, Certified, TokenMade>;

std::string EncodeQuestion(const DoorQuestion& question);
[[nodiscard]] bool DecodeQuestion(std::string_view bytes,
                                  DoorQuestion* question, std::string* error);
std::string EncodeAnswer(const DoorAnswer& answer);
[[nodiscard]] bool DecodeAnswer(std::string_view bytes, DoorAnswer* answer,
                                std::string* error);

}  // namespace mobula::base

#endif  // MOBULA_BASE_TLS_DOOR_MESSAGE_H_
