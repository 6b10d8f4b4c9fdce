// What OpenSSL allocates, owned; and bytes in its forms.
// Only sources of this folder and of base/tls include it.
// Threading: values and pure functions.
#ifndef MOBULA_BASE_SECURITY_OPENSSL_TYPES_H_
#define MOBULA_BASE_SECURITY_OPENSSL_TYPES_H_

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace mobula::base::openssl {

template <auto kFree>
struct Free {
  template <class T>
  void operator()(T* what) const {
    kFree(what);
  }
};
using Bio = std::unique_ptr<BIO, Free<&BIO_free_all>>;
using Request = std::unique_ptr<X509_REQ, Free<&X509_REQ_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<&X509_EXTENSION_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<&EVP_PKEY_CTX_free>>;

inline Bio Reading(std::string_view bytes) {
  return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}
inline Bio Writing() { return Bio(BIO_new(BIO_s_mem())); }
inline std::string Written(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : "";
}

// What i2d of this kind writes: DER.
template <class T>
std::string Der(int (*encode)(const T*, unsigned char**), const T* what) {
  unsigned char* bytes = nullptr;
  const int size = encode(what, &bytes);
  if (size <= 0) return "";
  std::string text(reinterpret_cast<const char*>(bytes),
                   static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return text;
}

inline std::string Sha256Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  unsigned char hash[SHA256_DIGEST_LENGTH];
  ::SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
           hash);
  std::string text;
  for (const unsigned char byte : hash) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace mobula::base::openssl

#endif  // MOBULA_BASE_SECURITY_OPENSSL_TYPES_H_
