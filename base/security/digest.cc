#include "base/security/digest.h"

#include <openssl/rand.h>

#include <vector>

#include "base/check.h"
#include "base/security/openssl_types.h"

namespace mobula::base {

std::string HashOf(std::string_view bytes) { return openssl::Sha256Hex(bytes); }

std::string RandomHex(std::size_t bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::vector<unsigned char> chance(bytes);
  MOBULA_CHECK(RAND_bytes(chance.data(), static_cast<int>(bytes)) == 1,
               "no chance is to be had");
  std::string text;
  for (const unsigned char byte : chance) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace mobula::base
