// Joining a control store that listens to other machines: with a real log, so
// that what a token was used for survives it.
#include "gcs/server/door.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/clock.h"
#include "base/control/control_address.h"
#include "base/control/control_message.h"
#include "base/control/control_request.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/rpc/control_call.h"
#include "base/rpc/control_client.h"
#include "base/security/credentials.h"
#include "base/security/join_token.h"
#include "base/security/key_pair.h"
#include "base/security/secret_file.h"
#include "base/strand.h"
#include "base/tls/credential_renewer.h"
#include "base/tls/door_call.h"
#include "base/tls/tls_tunnel.h"
#include "gcs/server/server.h"

namespace mobula::gcs {
namespace {

using base::ControlAddress;
using base::Credentials;
using base::JoinToken;
using base::KeyPair;
using std::chrono::seconds;

void On(base::Strand& strand, const std::function<void()>& closure) {
  std::promise<void> ran;
  strand.Post([&closure, &ran] {
    closure();
    ran.set_value();
  });
  ran.get_future().wait();
}

ControlAddress Address(const std::string& text) {
  std::string error;
  return ControlAddress::Parse(text, &error).value();
}

// A head's control store in a folder, which outlives it.
class Head {
 public:
  explicit Head(std::string folder, bool has_tls = true)
      : folder_(std::move(folder)), has_tls_(has_tls) {
    Begin();
  }
  ~Head() { End(); }

  void Begin() {
    std::filesystem::create_directories(folder_);
    strand_.emplace("store");
    strand_->StartThread();
    Server::Options options;
    options.log.folder = folder_ + "/log";
    options.door.folder = folder_;
    options.door.certificate_s = certificate_s;
    options.door.clock = clock;
    options.listen = {Address("unix:" + folder_ + "/sock")};
    if (has_tls_) options.listen.push_back(Address("tls:127.0.0.1:0"));
    std::string error;
    On(*strand_,
       [&] { server_ = Server::Open(*strand_, std::move(options), &error); });
    ASSERT_NE(server_, nullptr) << error;
  }
  void End() {
    if (!strand_) return;
    On(*strand_, [this] { server_.reset(); });
    strand_.reset();
  }

  [[nodiscard]] ControlAddress local() const { return server_->bound()[0]; }
  [[nodiscard]] ControlAddress tls() const { return server_->bound()[1]; }
  JoinToken Token(std::int64_t lives_s = 3600, std::uint32_t uses = 1) {
    std::string error;
    const auto text =
        base::AskForToken(local(), {lives_s, uses}, seconds(20), &error);
    EXPECT_TRUE(text.has_value()) << error;
    return JoinToken::Parse(text.value_or(""), &error).value();
  }
  // What is audited.
  [[nodiscard]] std::string Audit() const {
    std::ostringstream text;
    text << std::ifstream(folder_ + "/audit.log").rdbuf();
    return text.str();
  }

  std::int64_t certificate_s = 24 * 3600;
  base::WallClock clock = base::WallNowS;

 private:
  const std::string folder_;
  const bool has_tls_;
  std::optional<base::Strand> strand_;
  std::unique_ptr<Server> server_;
};

class DoorTest : public ::testing::Test {
 protected:
  DoorTest() {
    std::string name = "/tmp/doorXXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~DoorTest() override { std::filesystem::remove_all(folder_); }

  std::optional<Credentials> Join(const Head& head, const JoinToken& token,
                                  const KeyPair& key = KeyPair::Make()) {
    return base::JoinCluster(head.tls(), token, key, seconds(20), &error_);
  }
  // A file with what was given.
  std::string Keep(const Credentials& credentials) {
    const std::string path = folder_ + "/mine/node.pem";
    EXPECT_TRUE(base::WriteCredentials(path, credentials, &error_)) << error_;
    return path;
  }
  std::string Call(const Head& head, const std::string& file,
                   base::ControlRequest request = base::GetStatus()) {
    base::TlsTunnel tunnel({file});
    const auto reply = base::CallControl(head.tls(), "", std::move(request),
                                         seconds(20), seconds(20), &tunnel);
    const auto* const failure = std::get_if<base::Failure>(&reply);
    return failure == nullptr ? "" : failure->message;
  }
  void ExpectRefused(const std::string& why) {
    EXPECT_NE(error_.find(why), std::string::npos) << error_;
  }

  std::string folder_;
  std::string error_;
};

TEST_F(DoorTest, WhoHasATokenBecomesANode) {
  Head head(folder_ + "/head");
  const JoinToken token = head.Token();
  const auto mine = Join(head, token);
  ASSERT_TRUE(mine.has_value()) << error_;
  EXPECT_EQ(mine->identity().cluster, token.cluster);
  EXPECT_EQ(mine->identity().role, base::ClusterRole::kNode);
  EXPECT_EQ(Call(head, Keep(*mine)), "");
  const std::string audit = head.Audit();
  const std::string who = base::MakerText(mine->identity().maker);
  EXPECT_NE(audit.find("\"what\":\"token made\""), std::string::npos) << audit;
  EXPECT_NE(audit.find("\"what\":\"joined\""), std::string::npos) << audit;
  EXPECT_NE(audit.find("\"what\":\"admitted\""), std::string::npos) << audit;
  EXPECT_NE(audit.find("node " + who), std::string::npos) << audit;
  EXPECT_EQ(audit.find(token.secret), std::string::npos);
}

TEST_F(DoorTest, ATokenUsedTwiceIsRefusedAlsoByAStoreThatWasStartedAgain) {
  Head head(folder_ + "/head");
  const JoinToken token = head.Token();
  ASSERT_TRUE(Join(head, token).has_value()) << error_;
  EXPECT_FALSE(Join(head, token).has_value());
  ExpectRefused("refuses this machine: the token is used up");
  head.End();
  head.Begin();
  EXPECT_FALSE(Join(head, token).has_value());
  ExpectRefused("the token is used up");
  EXPECT_NE(head.Audit().find("\"allow\":false"), std::string::npos);
  EXPECT_NE(head.Audit().find("the token is used up"), std::string::npos);
}

TEST_F(DoorTest, WhoLostTheAnswerAsksAgainWithTheSameKey) {
  Head head(folder_ + "/head");
  const JoinToken token = head.Token();
  const KeyPair key = KeyPair::Make();
  ASSERT_TRUE(Join(head, token, key).has_value()) << error_;
  EXPECT_TRUE(Join(head, token, key).has_value()) << error_;
}

// Two hundred from one address: more than may shake hands at once.
TEST_F(DoorTest, ManyJoinAtOnceByOneToken) {
  Head head(folder_ + "/head");
  constexpr std::uint32_t kCount = 200;
  const JoinToken token = head.Token(3600, kCount);
  std::vector<std::future<std::optional<Credentials>>> all;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    all.push_back(std::async(std::launch::async, [&head, &token] {
      std::string error;
      return base::JoinCluster(head.tls(), token, KeyPair::Make(), seconds(60),
                               &error);
    }));
  }
  std::set<std::uint64_t> makers;
  for (auto& one : all) {
    const auto mine = one.get();
    if (mine) makers.insert(mine->identity().maker);
  }
  EXPECT_EQ(makers.size(), kCount);
  EXPECT_FALSE(Join(head, token).has_value());
  ExpectRefused("the token is used up");
}

TEST_F(DoorTest, ATokenOfAnotherClusterIsRefused) {
  Head head(folder_ + "/head");
  Head other(folder_ + "/other");
  // The joining side knows by the certificate that it is at the wrong door.
  EXPECT_FALSE(Join(head, other.Token()).has_value());
  ExpectRefused("the certificate that it shows is refused: it is of another");
  // And one who does not care is refused by the store.
  JoinToken forged = other.Token();
  forged.authority = head.Token().authority;
  const auto answer = base::AskAtDoor(
      head.tls(),
      base::TlsContext::ForJoiner(head.Token().cluster, forged.authority),
      base::JoinAsked{forged.cluster, forged.id, forged.secret,
                      KeyPair::Make().SigningRequest()},
      seconds(20), &error_);
  ASSERT_TRUE(answer.has_value()) << error_;
  EXPECT_EQ(std::get<base::DoorRefused>(*answer).code,
            base::DoorRefusal::kOtherCluster);
  EXPECT_NE(head.Audit().find("of another cluster"), std::string::npos);
}

TEST_F(DoorTest, ExpiredGuessedAndMalformedTokensAreRefused) {
  Head head(folder_ + "/head");
  JoinToken token = head.Token();
  token.secret = std::string(64, '0');
  EXPECT_FALSE(Join(head, token).has_value());
  ExpectRefused("the token is none of this control store");
  head.End();
  const std::int64_t now = base::WallNowS();
  head.clock = [now] { return now; };
  head.Begin();
  std::string error;
  EXPECT_FALSE(base::AskForToken(head.local(), {0, 1}, seconds(20), &error));
  EXPECT_NE(error.find("from a second to 24 hours"), std::string::npos);
  EXPECT_FALSE(
      base::AskForToken(head.local(), {INT64_MAX, 1}, seconds(20), &error));
  EXPECT_FALSE(base::AskForToken(head.local(), {60, 0}, seconds(20), &error));
  const auto answer = base::AskAtDoor(
      head.tls(), base::TlsContext::ForJoiner(token.cluster, token.authority),
      base::JoinAsked{token.cluster, token.id, token.secret, "nonsense"},
      seconds(20), &error_);
  ASSERT_TRUE(answer.has_value()) << error_;
  EXPECT_EQ(std::get<base::DoorRefused>(*answer).code,
            base::DoorRefusal::kMalformed);
}

TEST_F(DoorTest, OnlyTheHeadsOwnUserMakesTokens) {
  Head head(folder_ + "/head");
  const auto mine = Join(head, head.Token());
  ASSERT_TRUE(mine.has_value()) << error_;
  for (const auto& context :
       {base::TlsContext::ForNode(*mine),
        base::TlsContext::ForJoiner(mine->identity().cluster,
                                    mine->authority.Fingerprint())}) {
    const auto answer = base::AskAtDoor(
        head.tls(), context, base::TokenAsked{60, 1}, seconds(20), &error_);
    ASSERT_TRUE(answer.has_value()) << error_;
    EXPECT_EQ(std::get<base::DoorRefused>(*answer).code,
              base::DoorRefusal::kNotForYou);
  }
}

TEST_F(DoorTest, ACertificateIsMadeAnewForWhoShowsItAlone) {
  Head head(folder_ + "/head");
  const auto mine = Join(head, head.Token());
  ASSERT_TRUE(mine.has_value()) << error_;
  const auto renewed =
      base::RenewCredentials(head.tls(), *mine, seconds(20), &error_);
  ASSERT_TRUE(renewed.has_value()) << error_;
  EXPECT_EQ(renewed->identity(), mine->identity());
  EXPECT_NE(renewed->key.Fingerprint(), mine->key.Fingerprint());
  EXPECT_EQ(Call(head, Keep(*renewed)), "");
  const auto answer = base::AskAtDoor(
      head.tls(),
      base::TlsContext::ForJoiner(mine->identity().cluster,
                                  mine->authority.Fingerprint()),
      base::RenewAsked{KeyPair::Make().SigningRequest()}, seconds(20), &error_);
  ASSERT_TRUE(answer.has_value()) << error_;
  EXPECT_EQ(std::get<base::DoorRefused>(*answer).code,
            base::DoorRefusal::kNotForYou);
}

TEST_F(DoorTest, WhoHasNoTlsSaysHowToHaveIt) {
  Head head(folder_ + "/head", /*has_tls=*/false);
  std::string error;
  EXPECT_FALSE(base::AskForToken(head.local(), {60, 1}, seconds(20), &error));
  EXPECT_NE(error.find("--listen tls:HOST:PORT"), std::string::npos) << error;
}

TEST_F(DoorTest, ANodeSpeaksForNoOtherNode) {
  Head head(folder_ + "/head");
  const auto mine = Join(head, head.Token());
  ASSERT_TRUE(mine.has_value()) << error_;
  const std::string file = Keep(*mine);
  const std::uint64_t maker = mine->identity().maker;
  std::string said = Call(head, file, base::ReportNodeDead{{5, 5}, "a lie"});
  EXPECT_NE(said.find("it speaks for "), std::string::npos) << said;
  said = Call(head, file, base::ReportNodeDead{{maker, 5}, "it is"});
  EXPECT_NE(said.find("no node has that id"), std::string::npos) << said;
  EXPECT_NE(head.Audit().find("it speaks for "), std::string::npos);
}

TEST_F(DoorTest, TheAuthoritysFilesAreItsUsersAlone) {
  Head head(folder_ + "/head");
  for (const char* name : {"/head/ca/ca.key", "/head/audit.log"}) {
    EXPECT_EQ(base::WrongWithSecretFile(folder_ + name), "");
  }
  EXPECT_EQ(base::WrongWithSecretFolder(folder_ + "/head/ca"), "");
}

TEST_F(DoorTest, ANodesCertificateIsMadeAnewBeforeItsEnd) {
  Head head(folder_ + "/head");
  const auto mine = Join(head, head.Token());
  ASSERT_TRUE(mine.has_value()) << error_;
  const std::string file = Keep(*mine);
  constexpr std::int64_t kDay = 24 * 3600;
  const std::int64_t begin = base::WallNowS();
  std::promise<std::int64_t> renewed;
  base::CredentialRenewer::Options options;
  options.address = head.tls();
  options.file = file;
  options.look = std::chrono::milliseconds(10);
  std::atomic<bool> told = false;
  options.on_renewed = [&renewed, &told](std::int64_t ends_s) {
    if (!told.exchange(true)) renewed.set_value(ends_s);
  };
  {
    // Half of its life is over: nothing happens; then four fifths.
    std::atomic<std::int64_t> now{begin + kDay / 2};
    std::atomic<int> looks = 0;
    options.clock = [&now, &looks] {
      ++looks;
      return now.load();
    };
    const base::CredentialRenewer renewer(options);
    while (looks < 3) {
    }
    EXPECT_FALSE(told);
    now = begin + kDay * 4 / 5;
    EXPECT_GE(renewed.get_future().get(), begin + kDay);
  }
  const auto read = base::ReadCredentials(file, &error_);
  ASSERT_TRUE(read.has_value()) << error_;
  EXPECT_NE(read->key.Fingerprint(), mine->key.Fingerprint());
  EXPECT_EQ(read->identity(), mine->identity());
  EXPECT_EQ(Call(head, file), "");
}

// Its own certificate lives for three seconds of a clock that the test sets.
TEST_F(DoorTest, TheStoresCertificateIsMadeAnewInTime) {
  Head head(folder_ + "/head");
  const JoinToken token = head.Token();
  head.End();
  const std::int64_t begin = base::WallNowS();
  std::atomic<std::int64_t> now{begin};
  head.certificate_s = 3;
  head.clock = [&now] { return now.load(); };
  head.Begin();
  // Who comes at that time takes none but a new one.
  const std::int64_t later = begin + 1'000;
  const auto context = base::TlsContext::ForJoiner(
      token.cluster, token.authority, [later] { return later; });
  const auto answered = [&] {
    return base::AskAtDoor(head.tls(), context, base::RenewAsked{"x"},
                           seconds(20), &error_)
        .has_value();
  };
  EXPECT_FALSE(answered());
  ExpectRefused("it has expired");
  now = later;
  const base::BootTime deadline = base::BootNow() + seconds(30);
  while (!answered() && base::BootNow() < deadline) {
  }
  EXPECT_TRUE(answered()) << error_;
  head.End();  // before its clock
}

}  // namespace
}  // namespace mobula::gcs
