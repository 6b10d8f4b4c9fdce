#include "base/tls/door_message.h"

#include "base/codec/codec.h"

namespace mobula::base {
namespace {

template <class Message>
bool DecodeMessage(std::string_view bytes, Message* message,
                   std::string* error) {
  const auto limits = ReadLimits::ForMessage(bytes.size());
  return Decode(bytes, message, error, limits);
}

}  // namespace

std::string EncodeQuestion(const DoorQuestion& question) {
  return Encode(question);
}

bool DecodeQuestion(std::string_view bytes, DoorQuestion* question,
                    std::string* error) {
  return DecodeMessage(bytes, question, error);
}

std::string EncodeAnswer(const DoorAnswer& answer) { return Encode(answer); }

bool DecodeAnswer(std::string_view bytes, DoorAnswer* answer,
                  std::string* error) {
  if (!DecodeMessage(bytes, answer, error)) return false;
  const auto* const refused = std::get_if<DoorRefused>(answer);
  if (refused == nullptr) return true;
  *error = "a refusal that is none";
  return refused->code >= DoorRefusal::kMalformed &&
         refused->code <= DoorRefusal::kBusy;
}

}  // namespace mobula::base
