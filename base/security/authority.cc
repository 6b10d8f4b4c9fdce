#include "base/security/authority.h"

#include <openssl/rand.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "base/security/openssl_types.h"
#include "base/security/secret_file.h"

namespace mobula::base {
namespace {

using openssl::Free;

constexpr std::size_t kFileBytesMax = 16384;
constexpr std::size_t kRequestBytesMax = 4096;
constexpr int kSerialBytes = 16;

void AddExtension(X509* certificate, X509* issuer, int kind,
                  const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509V3_set_ctx_nodb(&context);
  const openssl::Extension extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  MOBULA_CHECK(extension != nullptr, "an extension that cannot be written");
  MOBULA_CHECK(X509_add_ext(certificate, extension.get(), -1) == 1);
}

void SetSerial(X509* certificate) {
  unsigned char bytes[kSerialBytes];
  MOBULA_CHECK(RAND_bytes(bytes, sizeof bytes) == 1, "no chance is to be had");
  bytes[0] &= 0x7f;  // positive
  bytes[0] |= 0x40;  // and never short
  const std::unique_ptr<BIGNUM, Free<&BN_free>> number(
      BN_bin2bn(bytes, sizeof bytes, nullptr));
  MOBULA_CHECK(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(
                                                    certificate)) != nullptr);
}

void SetName(X509_NAME* name, const std::string& text) {
  MOBULA_CHECK(X509_NAME_add_entry_by_txt(
                   name, "CN", MBSTRING_ASC,
                   reinterpret_cast<const unsigned char*>(text.data()),
                   static_cast<int>(text.size()), -1, 0) == 1);
}

std::string NameOf(const NodeIdentity& whom) {
  switch (whom.role) {
    case ClusterRole::kAuthority:
      return "Mobula cluster " + whom.cluster.ToString();
    case ClusterRole::kStore:
      return "Mobula control store";
    case ClusterRole::kNode:
      return "Mobula node " + MakerText(whom.maker);
  }
  MOBULA_CHECK(false, "a role that is none");
}

// `issuer` null: it signs itself.
Certificate MakeCertificate(EVP_PKEY* of, const NodeIdentity& whom,
                            Validity validity, const Certificate* issuer,
                            EVP_PKEY* signs) {
  X509* const made = X509_new();
  MOBULA_CHECK(made != nullptr);
  const Certificate owned = Certificate::Share(made);
  X509_free(made);
  MOBULA_CHECK(X509_set_version(made, X509_VERSION_3) == 1);
  SetSerial(made);
  const std::int64_t begins = validity.now_s - Authority::kClockSkewS;
  MOBULA_CHECK(ASN1_TIME_set(X509_getm_notBefore(made), begins) != nullptr);
  MOBULA_CHECK(ASN1_TIME_set(X509_getm_notAfter(made),
                             validity.now_s + validity.lives_s) != nullptr);
  SetName(X509_get_subject_name(made), NameOf(whom));
  X509* const above = issuer == nullptr ? made : issuer->get();
  MOBULA_CHECK(X509_set_issuer_name(made, X509_get_subject_name(above)) == 1);
  MOBULA_CHECK(X509_set_pubkey(made, of) == 1);
  const bool is_authority = whom.role == ClusterRole::kAuthority;
  AddExtension(
      made, above, NID_basic_constraints,
      is_authority ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE");
  AddExtension(
      made, above, NID_key_usage,
      is_authority ? "critical,keyCertSign" : "critical,digitalSignature");
  if (!is_authority) {
    // A node answers other nodes, too.
    AddExtension(made, above, NID_ext_key_usage,
                 whom.role == ClusterRole::kStore ? "serverAuth"
                                                  : "clientAuth,serverAuth");
  }
  AddExtension(made, above, NID_subject_key_identifier, "hash");
  AddExtension(made, above, NID_authority_key_identifier, "keyid:always");
  AddExtension(made, above, NID_subject_alt_name, "URI:" + whom.ToUri());
  MOBULA_CHECK(X509_sign(made, signs, EVP_sha256()) > 0);
  return owned;
}

NodeIdentity AuthorityOf(ClusterId cluster) {
  return NodeIdentity{cluster, ClusterRole::kAuthority, 0};
}

openssl::Request ParseRequest(std::string_view request) {
  if (request.empty() || request.size() > kRequestBytesMax) return nullptr;
  const auto* at = reinterpret_cast<const unsigned char*>(request.data());
  const unsigned char* const end = at + request.size();
  openssl::Request parsed(
      d2i_X509_REQ(nullptr, &at, static_cast<long>(request.size())));
  ERR_clear_error();
  return at == end ? std::move(parsed) : nullptr;
}

}  // namespace

Authority Authority::Make(ClusterId cluster, std::int64_t now_s) {
  MOBULA_CHECK(!cluster.IsNil());
  KeyPair key = KeyPair::Make();
  Certificate own = MakeCertificate(key.get(), AuthorityOf(cluster),
                                    {now_s, kLivesS}, nullptr, key.get());
  return Authority(cluster, std::move(key), std::move(own));
}

std::optional<Authority> Authority::Open(const std::string& folder,
                                         ClusterId cluster, std::int64_t now_s,
                                         std::string* error) {
  const std::string key_path = folder + "/ca.key";
  const std::string own_path = folder + "/ca.pem";
  if (!MakeSecretFolder(folder, error)) return std::nullopt;
  if (::access(key_path.c_str(), F_OK) != 0 && errno == ENOENT) {
    Authority made = Make(cluster, now_s);
    // The key comes last: with it all is there.
    if (!WriteSecretFile(own_path, made.certificate_.ToPem(), error) ||
        !WriteSecretFile(key_path, made.key_.ToPem(), error)) {
      return std::nullopt;
    }
    return made;
  }
  const auto key_pem = ReadSecretFile(key_path, kFileBytesMax, error);
  if (!key_pem) return std::nullopt;
  const auto own_pem = ReadSecretFile(own_path, kFileBytesMax, error);
  if (!own_pem) return std::nullopt;
  std::string why;
  auto key = KeyPair::FromPem(*key_pem, &why);
  auto own = Certificate::FromPem(*own_pem);
  if (!key) *error = key_path + " is damaged: " + why;
  if (!own) *error = own_path + " is damaged: there is no certificate in it";
  if (!key || !own) return std::nullopt;
  if (!own->IsOf(*key)) {
    *error = key_path + " and " + own_path +
             " do not belong together; put both back from one copy";
  } else if (own->identity() != AuthorityOf(cluster)) {
    *error = own_path + " is of another cluster than " + cluster.ToString() +
             ": it does not belong into this folder";
  } else {
    return Authority(cluster, *std::move(key), *std::move(own));
  }
  return std::nullopt;
}

Certificate Authority::Issue(const KeyPair& key, const NodeIdentity& whom,
                             Validity validity) const {
  MOBULA_CHECK(whom.cluster == cluster_ &&
               whom.role != ClusterRole::kAuthority);
  return MakeCertificate(key.get(), whom, validity, &certificate_, key_.get());
}

std::optional<Certificate> Authority::Sign(std::string_view request,
                                           const NodeIdentity& whom,
                                           Validity validity,
                                           std::string* error) const {
  MOBULA_CHECK(whom.cluster == cluster_ &&
               whom.role != ClusterRole::kAuthority);
  const openssl::Request parsed = ParseRequest(request);
  EVP_PKEY* const key =
      parsed == nullptr ? nullptr : X509_REQ_get0_pubkey(parsed.get());
  const bool proved = key != nullptr && X509_REQ_verify(parsed.get(), key) == 1;
  ERR_clear_error();
  if (!proved || EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
      EVP_PKEY_get_bits(key) != 256) {
    *error = "what is to be signed is no request for a certificate of P-256";
    return std::nullopt;
  }
  return MakeCertificate(key, whom, validity, &certificate_, key_.get());
}

std::string RequestFingerprint(std::string_view request) {
  const openssl::Request parsed = ParseRequest(request);
  const EVP_PKEY* const key =
      parsed == nullptr ? nullptr : X509_REQ_get0_pubkey(parsed.get());
  ERR_clear_error();
  if (key == nullptr) return "";
  return openssl::Sha256Hex(openssl::Der<EVP_PKEY>(i2d_PUBKEY, key));
}

}  // namespace mobula::base
