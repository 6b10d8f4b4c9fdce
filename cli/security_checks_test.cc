#include "cli/security_checks.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/security/authority.h"
#include "base/security/credentials.h"
#include "base/security/secret_file.h"

namespace mobula::cli {
namespace {

namespace fs = std::filesystem;

constexpr base::ClusterId kCluster{1, 2};
constexpr std::int64_t kHour = 3600;

// Folders as a head, a node and a user who made a token have them.
class SecurityChecksTest : public testing::Test {
 protected:
  SecurityChecksTest() {
    std::string name = "/tmp/secXXXXXX";
    above_ = ::mkdtemp(name.data());
    places_.roots = {above_ + "/run"};
    places_.head_folders = {above_ + "/head"};
    places_.state_folder = above_ + "/state";
    places_.now_s = std::time(nullptr);
    std::string error;
    for (const char* const folder :
         {"/run", "/run/1", "/head", "/state", "/state/tokens"}) {
      EXPECT_TRUE(base::MakeSecretFolder(above_ + folder, &error)) << error;
    }
    BindSocket(above_ + "/run/1/raylet.sock");
    authority_ = base::Authority::Open(above_ + "/head/ca", kCluster,
                                       places_.now_s, &error);
    Write("/head/token");
    Write("/head/audit.log");
    Write("/state/tokens/a.token");
    WriteCertificate(kHour);
  }
  ~SecurityChecksTest() override { fs::remove_all(above_); }

  void Write(const std::string& name) {
    std::string error;
    EXPECT_TRUE(base::WriteSecretFile(above_ + name, "x", &error)) << error;
  }
  void WriteCertificate(std::int64_t lives_s) {
    base::KeyPair key = base::KeyPair::Make();
    base::Certificate own = authority_->Issue(
        key, {kCluster, base::ClusterRole::kNode, 7}, {places_.now_s, lives_s});
    std::string error;
    EXPECT_TRUE(base::WriteCredentials(
        above_ + "/state/credentials/10.0.0.1:1.pem",
        {std::move(key), std::move(own), authority_->certificate()}, &error))
        << error;
  }
  void BindSocket(const std::string& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    EXPECT_EQ(::chmod(path.c_str(), 0600), 0);
    ::close(fd);
  }
  // The names of what is wrong, "a b".
  std::string Wrong() {
    std::string names;
    for (const Check& check : CheckSecurity(places_)) {
      if (check.ok || check.is_note) continue;
      names += (names.empty() ? "" : " ") + check.name;
      EXPECT_FALSE(check.detail.empty());
    }
    return names;
  }
  std::string Text() { return SecurityText(CheckSecurity(places_)); }

  std::string above_;
  SecurityPlaces places_;
  std::optional<base::Authority> authority_;
};

TEST_F(SecurityChecksTest, AllThatIsAsItShouldBeIsListed) {
  places_.listeners = {{"mobula-gcs, pid 7", "127.0.0.1:80", false},
                       {"mobula-gcs, pid 8", "[::1]:80", false},
                       {"mobula-gcs, pid 9", "10.0.0.1:80", true}};
  EXPECT_EQ(Wrong(), "") << Text();
  for (const char* const what :
       {"10.0.0.1:80, mobula-gcs, pid 9, TLS", "127.0.0.1:80",
        "/run/1/raylet.sock", "/head/ca/ca.key, 0 min old", "/head/token",
        "/head/audit.log", "of node 0000000000000007, ends in 1 h",
        "/state/tokens/a.token", "not protected from one another"}) {
    EXPECT_NE(Text().find(what), std::string::npos) << what << "\n" << Text();
  }
}

TEST_F(SecurityChecksTest, EachDeviationIsFound) {
  const struct {
    const char* name;
    mode_t mode;
    const char* found;
  } rows[] = {
      {"/run", 0755, "sessions"},
      {"/run/1", 0711, "session"},
      {"/run/1/raylet.sock", 0666, "socket"},
      {"/head", 0755, "head"},
      {"/head/token", 0640, "token"},
      {"/head/audit.log", 0644, "audit"},
      {"/head/ca", 0750, "authority"},
      {"/head/ca/ca.key", 0604, "key"},
      {"/state/credentials", 0755, "credentials"},
      {"/state/credentials/10.0.0.1:1.pem", 0644, "certificate"},
      {"/state/tokens", 0770, "tokens"},
      {"/state/tokens/a.token", 0660, "join token"},
  };
  for (const auto& row : rows) {
    const std::string path = above_ + row.name;
    struct stat before{};
    ASSERT_EQ(::stat(path.c_str(), &before), 0);
    ASSERT_EQ(::chmod(path.c_str(), row.mode), 0);
    EXPECT_EQ(Wrong(), row.found) << row.name;
    ASSERT_EQ(::chmod(path.c_str(), before.st_mode & 0777), 0);
  }
  EXPECT_EQ(Wrong(), "");
}

TEST_F(SecurityChecksTest, PlainTextForOtherMachinesIsWrong) {
  for (const char* const address :
       {"10.0.0.1:80", "0.0.0.0:80", "[::]:80", "127.0.0.2:80"}) {
    places_.listeners = {{"mobula-gcs, pid 7", address, false}};
    EXPECT_EQ(Wrong(), "listener") << address;
  }
}

TEST_F(SecurityChecksTest, CertificatesEndAndTokensGrowOld) {
  WriteCertificate(-kHour);
  EXPECT_EQ(Wrong(), "certificate");
  EXPECT_NE(Text().find("HAS EXPIRED 1 h ago"), std::string::npos) << Text();
  WriteCertificate(90 * kHour);
  places_.now_s += 25 * kHour;
  EXPECT_EQ(Wrong(), "");
  EXPECT_NE(Text().find("note   join token: "), std::string::npos) << Text();
}

TEST_F(SecurityChecksTest, WhatAHeadsRayletShowsIsLookedAt) {
  fs::copy_file(above_ + "/state/credentials/10.0.0.1:1.pem",
                above_ + "/run/1/node.pem");
  const std::string path = above_ + "/run/1/node.pem";
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  EXPECT_EQ(Wrong(), "");
  EXPECT_NE(Text().find("/run/1/node.pem, of node"), std::string::npos)
      << Text();
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  EXPECT_EQ(Wrong(), "certificate");
}

TEST_F(SecurityChecksTest, WhereNothingIsNothingIsWrong) {
  fs::remove_all(above_);
  EXPECT_EQ(Wrong(), "") << Text();
  EXPECT_NE(Text().find("none of TCP"), std::string::npos) << Text();
}

}  // namespace
}  // namespace mobula::cli
