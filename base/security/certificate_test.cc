#include "base/security/certificate.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>

#include "base/ids.h"
#include "base/security/authority.h"
#include "base/security/key_pair.h"
#include "base/security/node_identity.h"

namespace mobula::base {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;
constexpr std::int64_t kDay = 24 * 3600;
constexpr ClusterId kCluster{1, 2};

NodeIdentity Node(std::uint64_t maker) {
  return {kCluster, ClusterRole::kNode, maker};
}

class CertificateTest : public testing::Test {
 protected:
  Certificate Issue(const NodeIdentity& whom, std::int64_t now = kNow) {
    return authority_.Issue(key_, whom, {now, kDay});
  }
  CertificateFault Verify(const Certificate& shown, const NodeIdentity& wanted,
                          std::int64_t now = kNow) {
    return VerifyCertificate(shown, authority_.certificate(), wanted, now);
  }

  Authority authority_ = Authority::Make(kCluster, kNow);
  KeyPair key_ = KeyPair::Make();
};

TEST_F(CertificateTest, OneOfANodeIsGoodForThatNodeFromBeginningToEnd) {
  const Certificate good = Issue(Node(7));
  EXPECT_EQ(good.identity(), Node(7));
  EXPECT_EQ(good.begins_s(), kNow - Authority::kClockSkewS);
  EXPECT_EQ(good.ends_s(), kNow + kDay);
  EXPECT_TRUE(good.IsOf(key_));
  EXPECT_FALSE(good.IsOf(KeyPair::Make()));
  EXPECT_EQ(Verify(good, Node(7)), CertificateFault::kNone);
  EXPECT_EQ(Verify(good, Node(0)), CertificateFault::kNone);
  EXPECT_EQ(Verify(good, Node(7), kNow + kDay - 1), CertificateFault::kNone);
  const auto again = Certificate::FromPem(good.ToPem());
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->Fingerprint(), good.Fingerprint());
  EXPECT_EQ(Verify(*again, Node(7)), CertificateFault::kNone);
}

TEST_F(CertificateTest, AnotherNodesAndAnotherRolesAreRefused) {
  EXPECT_EQ(Verify(Issue(Node(7)), Node(8)), CertificateFault::kOtherNode);
  const NodeIdentity store{kCluster, ClusterRole::kStore, 0};
  EXPECT_EQ(Verify(Issue(store), store), CertificateFault::kNone);
  EXPECT_EQ(Verify(Issue(store), Node(0)), CertificateFault::kOtherRole);
  EXPECT_EQ(Verify(Issue(Node(7)), store), CertificateFault::kOtherRole);
  // The authority's own names nobody who could come.
  EXPECT_NE(Verify(authority_.certificate(), Node(0)), CertificateFault::kNone);
}

TEST_F(CertificateTest, ExpiredAndNotYetValidOnesAreRefused) {
  const Certificate one = Issue(Node(7));
  EXPECT_EQ(Verify(one, Node(7), kNow + kDay + 1), CertificateFault::kExpired);
  EXPECT_EQ(Verify(one, Node(7), kNow - Authority::kClockSkewS - 2),
            CertificateFault::kNotYetValid);
}

TEST_F(CertificateTest, OneOfAnotherAuthorityIsRefused) {
  const Authority other = Authority::Make(ClusterId{3, 4}, kNow);
  const Certificate foreign =
      other.Issue(key_, {ClusterId{3, 4}, ClusterRole::kNode, 7}, {kNow, kDay});
  EXPECT_EQ(Verify(foreign, Node(7)), CertificateFault::kOtherAuthority);
  // Also one that claims to be of this cluster.
  const Authority forger = Authority::Make(kCluster, kNow);
  EXPECT_EQ(Verify(forger.Issue(key_, Node(7), {kNow, kDay}), Node(7)),
            CertificateFault::kOtherAuthority);
  // And one that a node signed for another.
  EXPECT_EQ(VerifyCertificate(Issue(Node(7)), Issue(Node(8)), Node(7), kNow),
            CertificateFault::kOtherAuthority);
}

TEST_F(CertificateTest, OneInWhichAByteWasChangedIsRefused) {
  const std::string pem = Issue(Node(7)).ToPem();
  const std::size_t begin = pem.find('\n') + 1;
  const std::size_t end = pem.rfind("\n-----END");
  int parsed = 0;
  for (std::size_t i = begin; i < end; ++i) {
    std::string changed = pem;
    if (changed[i] == '\n' || changed[i] == '=') continue;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    const auto shown = Certificate::FromPem(changed);
    if (!shown || shown->Fingerprint() == Issue(Node(7)).Fingerprint()) {
      continue;
    }
    ++parsed;
    EXPECT_NE(Verify(*shown, Node(0)), CertificateFault::kNone) << "at " << i;
  }
  EXPECT_GT(parsed, 100);  // most are still certificates
}

TEST_F(CertificateTest, ARequestIsSignedForWhomTheAuthoritySays) {
  std::string error;
  const std::string request = key_.SigningRequest();
  const auto made = authority_.Sign(request, Node(9), {kNow, kDay}, &error);
  ASSERT_TRUE(made.has_value()) << error;
  EXPECT_TRUE(made->IsOf(key_));
  EXPECT_EQ(RequestFingerprint(request), key_.Fingerprint());
  EXPECT_EQ(made->KeyFingerprint(), key_.Fingerprint());
  EXPECT_EQ(Verify(*made, Node(9)), CertificateFault::kNone);
}

TEST_F(CertificateTest, ARequestThatWasChangedIsNotSigned) {
  const std::string request = key_.SigningRequest();
  std::string error;
  for (std::size_t i = 0; i < request.size(); ++i) {
    std::string changed = request;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    const auto made = authority_.Sign(changed, Node(9), {kNow, kDay}, &error);
    // What is signed is the key that has proved itself, at the worst.
    EXPECT_TRUE(!made || made->IsOf(key_)) << "at " << i;
  }
  EXPECT_FALSE(authority_.Sign("", Node(9), {kNow, kDay}, &error));
  EXPECT_FALSE(authority_.Sign(request + "x", Node(9), {kNow, kDay}, &error));
  EXPECT_NE(error.find("no request"), std::string::npos) << error;
  EXPECT_EQ(RequestFingerprint("nonsense"), "");
}

TEST_F(CertificateTest, SerialNumbersAndKeysAreNew) {
  std::set<std::string> all;
  for (int i = 0; i < 20; ++i) {
    all.insert(Issue(Node(7)).Fingerprint());
    all.insert(KeyPair::Make().Fingerprint());
  }
  EXPECT_EQ(all.size(), 40U);
}

TEST(NodeIdentityTest, WhatIsWrittenIsReadAndNothingElse) {
  for (const NodeIdentity& one :
       {NodeIdentity{kCluster, ClusterRole::kAuthority, 0},
        NodeIdentity{kCluster, ClusterRole::kStore, 0}, Node(1),
        Node(UINT64_MAX)}) {
    EXPECT_EQ(NodeIdentity::Parse(one.ToUri()), one) << one.ToUri();
  }
  const std::string cluster = kCluster.ToString();
  for (const std::string& text :
       {std::string(""), std::string("mobula://"), "mobula://" + cluster,
        "mobula://" + cluster + "/node/", "mobula://" + cluster + "/node/1",
        "mobula://" + cluster + "/node/0000000000000000",
        "mobula://" + cluster + "/node/00000000000000001",
        "mobula://" + cluster + "/node/000000000000000G",
        "mobula://" + cluster + "/store/", "http://" + cluster + "/store",
        "mobula://" + std::string(32, '0') + "/store",
        Node(7).ToUri() + "\n"}) {
    EXPECT_FALSE(NodeIdentity::Parse(text).has_value()) << text;
  }
}

TEST(KeyPairTest, OnlyKeysOfOursAreRead) {
  std::string error;
  const KeyPair key = KeyPair::Make();
  const auto again = KeyPair::FromPem(key.ToPem(), &error);
  ASSERT_TRUE(again.has_value()) << error;
  EXPECT_EQ(again->Fingerprint(), key.Fingerprint());
  EXPECT_FALSE(KeyPair::FromPem("", &error).has_value());
  EXPECT_FALSE(KeyPair::FromPem("-----BEGIN PRIVATE KEY-----\nAAAA\n"
                                "-----END PRIVATE KEY-----\n",
                                &error)
                   .has_value());
  EXPECT_NE(error.find("no private key"), std::string::npos) << error;
}

}  // namespace
}  // namespace mobula::base
