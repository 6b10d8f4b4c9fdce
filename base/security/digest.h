// What is needed of cryptography beside certificates: a hash, chance for
// secrets, a comparison that takes the same time whatever differs.
// Threading: pure functions, but for RandomHex, which asks the kernel.
#ifndef MOBULA_BASE_SECURITY_DIGEST_H_
#define MOBULA_BASE_SECURITY_DIGEST_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace mobula::base {

// SHA-256, 64 hex digits.
std::string HashOf(std::string_view bytes);
// So many random bytes, in hex digits.
std::string RandomHex(std::size_t bytes);

// Which bytes differ does not show in how long it takes.
inline bool SameSecret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char differs = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    differs = static_cast<unsigned char>(differs | (a[i] ^ b[i]));
  }
  return differs == 0;
}

}  // namespace mobula::base

#endif  // MOBULA_BASE_SECURITY_DIGEST_H_
