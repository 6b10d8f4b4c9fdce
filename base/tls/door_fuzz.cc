// Whatever strangers may send before they have proved who they are: TLS itself,
// questions, tokens, requests for certificates, certificates.
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/rpc/greeting.h"
#include "base/security/authority.h"
#include "base/security/certificate.h"
#include "base/security/credentials.h"
#include "base/security/join_token.h"
#include "base/security/key_pair.h"
#include "base/security/node_identity.h"
#include "base/tls/door_message.h"
#include "base/tls/tls_context.h"
#include "base/tls/tls_end.h"

namespace mobula::base {
namespace {

constexpr ClusterId kCluster{1, 2};
constexpr std::int64_t kNow = 1'800'000'000;

// A store's own, and what honest ones say to it; made once.
struct Store {
  Authority authority = Authority::Make(kCluster, kNow);
  KeyPair key = KeyPair::Make();
  Credentials mine{
      key,
      authority.Issue(key, {kCluster, ClusterRole::kStore, 0}, {kNow, 1000}),
      authority.certificate()};
  std::shared_ptr<const TlsContext> context =
      TlsContext::ForStore(mine, [] { return kNow; });
  std::string request = key.SigningRequest();
  JoinToken token{kCluster,
                  authority.certificate().Fingerprint(),
                  {5, 6},
                  std::string(64, 'a')};
  std::string question =
      EncodeQuestion(JoinAsked{kCluster, {5, 6}, token.secret, request});
  std::string answer = EncodeAnswer(
      Certified{mine.own.ToPem(), authority.certificate().ToPem()});
  std::string credentials = EncodeCredentials(mine);
  std::string hello = Hello();

  std::string Hello() {
    TlsEnd client(TlsContext::ForNode(mine), /*accepts=*/false);
    client.Feed("");
    return client.TakeOutput();
  }
};

// What is honest, with some bytes of it changed: each change is three bytes,
// where (two) and into what.
std::string Changed(std::string honest, std::string_view changes) {
  for (; changes.size() >= 3 && !honest.empty(); changes.remove_prefix(3)) {
    const auto high = static_cast<unsigned char>(changes[0]);
    const auto low = static_cast<unsigned char>(changes[1]);
    honest[(high * 256U + low) % honest.size()] = changes[2];
  }
  return honest;
}

void Parse(std::string_view bytes) {
  std::string error;
  DoorQuestion question;
  if (DecodeQuestion(bytes, &question, &error)) {
    DoorQuestion again;
    MOBULA_CHECK(DecodeQuestion(EncodeQuestion(question), &again, &error));
  }
  DoorAnswer answer;
  (void)!DecodeAnswer(bytes, &answer, &error);
  if (const auto token = JoinToken::Parse(bytes, &error)) {
    MOBULA_CHECK(JoinToken::Parse(token->ToText(), &error).has_value());
  }
  if (const auto who = NodeIdentity::Parse(bytes)) {
    MOBULA_CHECK(who->ToUri() == bytes);
  }
  for (const Certificate& one : Certificate::AllFromPem(bytes)) {
    (void)one.identity();
    (void)one.ends_s();
  }
  (void)ParseCredentials(bytes, &error);
  if (bytes.size() >= kGreetingBytes) {
    const auto size = DoorQuestionBytes(bytes.substr(0, kGreetingBytes));
    MOBULA_CHECK(!size || *size <= kDoorBytesMax);
  }
}

// Nobody signs what proves nothing.
void Sign(const Store& store, std::string_view bytes) {
  std::string error;
  const auto made = store.authority.Sign(
      bytes, {kCluster, ClusterRole::kNode, 7}, {kNow, 1000}, &error);
  MOBULA_CHECK(!made || !RequestFingerprint(bytes).empty());
}

void Shake(const Store& store, std::string_view bytes) {
  TlsEnd end(store.context, /*accepts=*/true);
  end.Feed(bytes);
  MOBULA_CHECK(end.state() != TlsEnd::State::kOpen, "it has proved nothing");
  MOBULA_CHECK(end.input().empty());
  (void)end.TakeOutput();
}

void Try(std::string_view bytes) {
  static const Store store;
  if (bytes.empty()) return;
  const std::string_view rest = bytes.substr(1);
  switch (static_cast<unsigned char>(bytes[0]) % 8) {
    case 0:
      return Parse(Changed(store.question, rest));
    case 1:
      return Parse(Changed(store.answer, rest));
    case 2:
      return Parse(Changed(store.token.ToText(), rest));
    case 3:
      return Parse(Changed(store.credentials, rest));
    case 4:
      return Sign(store, Changed(store.request, rest));
    case 5:
      return Shake(store, Changed(store.hello, rest));
    case 6:
      return Shake(store, rest);
    default:
      Sign(store, rest);
      return Parse(rest);
  }
}

}  // namespace
}  // namespace mobula::base

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  mobula::base::Try(
      std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
