#include "base/security/authority.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/ids.h"
#include "base/security/credentials.h"
#include "base/security/digest.h"
#include "base/security/join_token.h"
#include "base/security/key_pair.h"
#include "base/security/renewal.h"
#include "base/security/secret_file.h"

namespace mobula::base {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;
constexpr ClusterId kCluster{1, 2};

class AuthorityTest : public testing::Test {
 protected:
  AuthorityTest() {
    std::string name = testing::TempDir() + "/caXXXXXX";
    root_ = ::mkdtemp(name.data());
    folder_ = root_ + "/ca";
  }
  ~AuthorityTest() override { std::filesystem::remove_all(root_); }

  std::string ErrorOfOpening(ClusterId cluster = kCluster) {
    std::string error;
    EXPECT_FALSE(Authority::Open(folder_, cluster, kNow, &error).has_value());
    return error;
  }
  Credentials MakeCredentials(const Authority& authority) {
    KeyPair key = KeyPair::Make();
    Certificate own = authority.Issue(
        key, {authority.cluster(), ClusterRole::kNode, 7}, {kNow, 100});
    return {std::move(key), std::move(own), authority.certificate()};
  }

  std::string root_;
  std::string folder_;
};

TEST_F(AuthorityTest, ItIsMadeOnceForItsOwnerAlone) {
  std::string error;
  const auto first = Authority::Open(folder_, kCluster, kNow, &error);
  ASSERT_TRUE(first.has_value()) << error;
  const auto again = Authority::Open(folder_, kCluster, kNow + 9, &error);
  ASSERT_TRUE(again.has_value()) << error;
  EXPECT_EQ(first->certificate().Fingerprint(),
            again->certificate().Fingerprint());
  EXPECT_EQ(WrongWithSecretFolder(folder_), "");
  EXPECT_EQ(WrongWithSecretFile(folder_ + "/ca.key"), "");
}

TEST_F(AuthorityTest, AKeyThatOthersMayReadIsRefused) {
  std::string error;
  ASSERT_TRUE(Authority::Open(folder_, kCluster, kNow, &error)) << error;
  const std::string key = folder_ + "/ca.key";
  ASSERT_EQ(::chmod(key.c_str(), 0640), 0);
  EXPECT_NE(ErrorOfOpening().find("chmod 600 " + key), std::string::npos);
  ASSERT_EQ(::chmod(key.c_str(), 0600), 0);
  ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
  EXPECT_NE(ErrorOfOpening().find("chmod 700 " + folder_), std::string::npos);
}

TEST_F(AuthorityTest, FilesThatDoNotBelongHereAreRefusedAndStay) {
  std::string error;
  ASSERT_TRUE(Authority::Open(folder_, kCluster, kNow, &error)) << error;
  EXPECT_NE(ErrorOfOpening({3, 4}).find("of another cluster"),
            std::string::npos);
  ASSERT_TRUE(
      WriteSecretFile(folder_ + "/ca.key", KeyPair::Make().ToPem(), &error));
  EXPECT_NE(ErrorOfOpening().find("do not belong together"), std::string::npos);
  ASSERT_TRUE(WriteSecretFile(folder_ + "/ca.key", "nothing", &error));
  EXPECT_NE(ErrorOfOpening().find("ca.key is damaged"), std::string::npos);
  EXPECT_EQ(ReadSecretFile(folder_ + "/ca.key", 100, &error), "nothing");
}

TEST_F(AuthorityTest, CredentialsLieInOneFileAndBelongTogether) {
  const Authority authority = Authority::Make(kCluster, kNow);
  const std::string path = root_ + "/credentials/10.0.0.1:1.pem";
  std::string error;
  const Credentials mine = MakeCredentials(authority);
  ASSERT_TRUE(WriteCredentials(path, mine, &error)) << error;
  const auto read = ReadCredentials(path, &error);
  ASSERT_TRUE(read.has_value()) << error;
  EXPECT_EQ(read->identity(), mine.identity());
  EXPECT_EQ(EncodeCredentials(*read), EncodeCredentials(mine));
  EXPECT_EQ(WrongWithSecretFile(path), "");
  // Of two of them no third can be made.
  const Credentials other = MakeCredentials(Authority::Make({3, 4}, kNow));
  for (const Credentials& mixed :
       {Credentials{other.key, mine.own, mine.authority},
        Credentials{mine.key, other.own, mine.authority},
        Credentials{mine.key, mine.own, other.authority},
        Credentials{mine.key, mine.own, mine.own}}) {
    EXPECT_FALSE(
        ParseCredentials(EncodeCredentials(mixed), &error).has_value());
    EXPECT_NE(error.find("do not belong together"), std::string::npos) << error;
  }
  ASSERT_TRUE(WriteSecretFile(path, "nothing", &error));
  EXPECT_FALSE(ReadCredentials(path, &error).has_value());
  EXPECT_NE(error.find("join again"), std::string::npos) << error;
}

TEST_F(AuthorityTest, ATokensFileIsNotTakenForCredentials) {
  std::string error;
  const std::string token = root_ + "/token";
  ASSERT_TRUE(WriteSecretFile(
      token, JoinToken{kCluster, HashOf("a"), {5, 6}, HashOf("b")}.ToText(),
      &error));
  const std::string usual = CredentialsPath("10.0.0.1:1");
  EXPECT_EQ(ChooseCredentials("10.0.0.1:1", ""), usual);
  EXPECT_EQ(ChooseCredentials("10.0.0.1:1", token), usual);
  EXPECT_EQ(ChooseCredentials("10.0.0.1:1", root_ + "/none"), root_ + "/none");
}

TEST(JoinTokenTest, WhatIsWrittenIsReadAndSecretsStayOutOfErrors) {
  const JoinToken token{kCluster, HashOf("ca"), TokenId{5, 6}, RandomHex(32)};
  std::string error;
  const auto read = JoinToken::Parse(token.ToText() + "\n", &error);
  ASSERT_TRUE(read.has_value()) << error;
  EXPECT_EQ(read->ToText(), token.ToText());
  const std::string text = token.ToText();
  for (std::size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(JoinToken::Parse(text.substr(0, i), &error).has_value()) << i;
    std::string changed = text;
    changed[i] = '\0';
    EXPECT_FALSE(JoinToken::Parse(changed, &error).has_value()) << i;
    EXPECT_EQ(error.find(token.secret.substr(0, 8)), std::string::npos);
  }
  EXPECT_FALSE(JoinToken::Parse(text + ":x", &error).has_value());
  EXPECT_FALSE(JoinToken::Parse(std::string(1 << 20, 'x'), &error).has_value());
}

TEST(DigestTest, SecretsAreComparedWhole) {
  EXPECT_TRUE(SameSecret("", ""));
  EXPECT_TRUE(SameSecret("abc", "abc"));
  EXPECT_FALSE(SameSecret("abc", "abd"));
  EXPECT_FALSE(SameSecret("abc", "ab"));
  EXPECT_FALSE(SameSecret(std::string_view("a\0", 2), "a"));
  EXPECT_EQ(HashOf("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(RandomHex(32).size(), 64U);
  EXPECT_NE(RandomHex(32), RandomHex(32));
}

TEST(RenewalTest, ItComesInTimeAlsoWhereItFails) {
  for (const std::int64_t life : {300, 3600, 24 * 3600}) {
    for (std::uint64_t seed = 0; seed < 1000; seed += 7) {
      Renewal renewal(kNow, kNow + life, seed);
      EXPECT_GE(renewal.next_s(), kNow + life * 2 / 3);
      for (int i = 0; i < 10; ++i) {
        const std::int64_t at = renewal.next_s();
        renewal.Failed(at);
        EXPECT_GT(renewal.next_s(), at);
      }
      EXPECT_LT(renewal.next_s(), kNow + life);
    }
  }
  EXPECT_LT(Renewal(kNow, kNow + 2, 5).next_s(), kNow + 2);
}

}  // namespace
}  // namespace mobula::base
