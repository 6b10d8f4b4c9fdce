// A control store that listens to other machines, and who comes: nodes, and
// those who are none.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/control/control_address.h"
#include "base/rpc/control_call.h"
#include "base/rpc/greeting.h"
#include "base/rpc/rpc_ends.h"
#include "base/security/authority.h"
#include "base/security/credentials.h"
#include "base/sockets/connect_within.h"
#include "base/sockets/poll_wait.h"
#include "base/tls/door_call.h"
#include "base/tls/tls_context.h"
#include "base/tls/tls_end.h"
#include "base/tls/tls_tunnel.h"
#include "base/unique_fd.h"

namespace mobula::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr ClusterId kCluster{9, 9};
constexpr std::int64_t kDay = 24 * 3600;

Credentials Make(const Authority& authority, ClusterRole role,
                 std::uint64_t maker, std::int64_t ends_s) {
  KeyPair key = KeyPair::Make();
  const std::int64_t now = WallNowS() - kDay;
  Certificate own = authority.Issue(key, {authority.cluster(), role, maker},
                                    {now, ends_s - now});
  return {std::move(key), std::move(own), authority.certificate()};
}

class ControlTlsTest : public testing::Test {
 protected:
  ControlTlsTest() {
    std::string name = "/tmp/tlsXXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~ControlTlsTest() override { std::filesystem::remove_all(folder_); }

  void Open(const EchoStore::Options& options = EchoStore::Options()) {
    store_ = std::make_unique<EchoStore>(options);
    where_ = store_->ListenTls("tls:127.0.0.1:0", context_);
    ASSERT_TRUE(where_.starts_with("tls:127.0.0.1:")) << where_;
    std::string error;
    address_ = *ControlAddress::Parse(where_, &error);
  }
  // A file with the credentials of a node.
  std::string Node(std::uint64_t maker, const Authority& authority,
                   std::int64_t ends_s = WallNowS() + kDay) {
    const std::string path =
        folder_ + "/c" + std::to_string(++files_) + "/node.pem";
    std::string error;
    EXPECT_TRUE(WriteCredentials(
        path, Make(authority, ClusterRole::kNode, maker, ends_s), &error))
        << error;
    return path;
  }
  std::string Node(std::uint64_t maker) { return Node(maker, authority_); }
  EchoClient::Options Through(TlsTunnel& tunnel) {
    EchoClient::Options options;
    options.tells_failures = true;
    options.connect = [this, &tunnel](std::string* error) {
      return ConnectControl(address_, error, &tunnel);
    };
    return options;
  }
  UniqueFd Connect() {
    int failed = 0;
    UniqueFd socket = ConnectWithin(address_, BootNow() + seconds(10), &failed);
    EXPECT_TRUE(socket.valid()) << failed;
    return socket;
  }
  // All that is said to who says `words`, until the connection ends.
  std::string Answered(const std::string& words) {
    const UniqueFd socket = Connect();
    EXPECT_EQ(::send(socket.get(), words.data(), words.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(words.size()));
    std::string all;
    while (WaitReadable(socket.get(), BootNow() + seconds(20))) {
      char bytes[4096];
      const ssize_t count = ::recv(socket.get(), bytes, sizeof bytes, 0);
      if (count <= 0) return all;
      all.append(bytes, static_cast<std::size_t>(count));
    }
    return all + "(and no end)";
  }
  // What a call by these credentials comes to.
  std::string Call(const std::string& file, WallClock clock = WallNowS) {
    TlsTunnel tunnel({file, std::move(clock)});
    const ControlReply reply = CallControl(address_, "", GetStatus(),
                                           seconds(20), seconds(20), &tunnel);
    const auto* const failure = std::get_if<Failure>(&reply);
    return failure == nullptr ? "answered" : failure->message;
  }

  Authority authority_ = Authority::Make(kCluster, WallNowS() - kDay);
  std::shared_ptr<const TlsContext> context_ = TlsContext::ForStore(
      Make(authority_, ClusterRole::kStore, 0, WallNowS() + kDay));
  std::string folder_;
  int files_ = 0;
  std::unique_ptr<EchoStore> store_;
  std::string where_;
  ControlAddress address_;
};

TEST_F(ControlTlsTest, ANodeSpeaksAsOverAnyLine) {
  Open();
  TlsTunnel tunnel({Node(1)});
  EchoClient client(Through(tunnel));
  ASSERT_TRUE(client.story.WaitFor("up "));
  constexpr std::uint64_t kCount = 5'000;
  client.SendRenewals(1, kCount);
  ASSERT_TRUE(client.story.WaitFor("renewed", kCount));
  EXPECT_EQ(client.story.WrongOrder("renewed ", kCount), "");
  EXPECT_EQ(store_->story.WrongOrder("renew ", kCount), "");
  EXPECT_EQ(store_->story.Count("admitted 1"), 1U);
  EXPECT_EQ(Call(Node(1)), "answered");
}

TEST_F(ControlTlsTest, ANodeCanClaimNoOtherNodesIds) {
  Open();
  TlsTunnel tunnel({Node(2)});
  EchoClient client(Through(tunnel));  // its process is of node 1
  ASSERT_TRUE(store_->story.WaitFor("turned away 2 it claims to be process"));
  EXPECT_EQ(client.story.Count("up "), 0U);
  EXPECT_EQ(store_->story.Count("open "), 0U);
}

TEST_F(ControlTlsTest, OneOfAnotherClusterIsRefusedAndBothSidesSayWhy) {
  Open();
  const Authority other = Authority::Make({8, 8}, WallNowS() - kDay);
  std::string said = Call(Node(1, other));
  EXPECT_NE(said.find("the certificate that it shows is refused: it is of "
                      "another cluster"),
            std::string::npos)
      << said;
  EXPECT_NE(said.find("--token-file"), std::string::npos) << said;
  EXPECT_TRUE(
      store_->story.WaitFor("turned away 0 it says that our "
                            "certificate is of another cluster"));
  // One who trusts this authority, and shows a certificate of another.
  const Authority forger = Authority::Make(kCluster, WallNowS() - kDay);
  const Credentials mixed =
      Make(forger, ClusterRole::kNode, 1, WallNowS() + kDay);
  const auto forged =
      TlsContext::ForNode({mixed.key, mixed.own, authority_.certificate()});
  std::string error;
  EXPECT_FALSE(
      AskAtDoor(address_, forged, RenewAsked{"x"}, seconds(20), &error));
  EXPECT_TRUE(
      store_->story.WaitFor("turned away 0 the certificate that it "
                            "shows is refused"));
  EXPECT_EQ(store_->story.Count("asked"), 0U);
  EXPECT_EQ(store_->story.Count("admitted"), 0U);
}

TEST_F(ControlTlsTest, AnExpiredCertificateIsRefusedAndBothSidesSayWhy) {
  Open();
  const std::string file = Node(1, authority_, WallNowS() - 10);
  std::string said = Call(file);
  EXPECT_NE(
      said.find("the certificate in " + file + " has expired; join again"),
      std::string::npos)
      << said;
  EXPECT_EQ(store_->story.lines().size(), 0U);
  // Its clock is slow, and it does not know.
  said = Call(file, [] { return WallNowS() - 3600; });
  EXPECT_NE(said.find("it says that our certificate has expired; join again"),
            std::string::npos)
      << said;
  EXPECT_TRUE(store_->story.WaitFor(
      "turned away 0 the certificate that it shows is refused: it has "
      "expired"));
  EXPECT_EQ(store_->story.Count("admitted"), 0U);
}

TEST_F(ControlTlsTest, WhoShowsNoCertificateCanAskAtTheDoorAlone) {
  Open();
  const auto stranger =
      TlsContext::ForJoiner(kCluster, authority_.certificate().Fingerprint());
  std::string error;
  (void)AskAtDoor(address_, stranger, RenewAsked{"hm"}, seconds(20), &error);
  EXPECT_EQ(store_->story.Count("asked 0 "), 1U);
  (void)AskAtDoor(address_,
                  TlsContext::ForNode(Make(authority_, ClusterRole::kNode, 3,
                                           WallNowS() + kDay)),
                  RenewAsked{"hm"}, seconds(20), &error);
  EXPECT_EQ(store_->story.Count("asked 3 "), 1U);
  EXPECT_EQ(store_->story.Count("admitted"), 0U);
  // It knows the store by its authority, and no other one.
  const auto astray = TlsContext::ForJoiner(kCluster, std::string(64, '0'));
  EXPECT_FALSE(
      AskAtDoor(address_, astray, RenewAsked{"hm"}, seconds(20), &error));
  EXPECT_NE(error.find("is refused: it is of another cluster"),
            std::string::npos)
      << error;
}

TEST_F(ControlTlsTest, WhoSpeaksNoTlsIsNotAnsweredAByte) {
  Open();
  EXPECT_EQ(Answered("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "");
  EXPECT_TRUE(store_->story.WaitFor("turned away 0 plain HTTP came"));
  EXPECT_EQ(Answered("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "");
  EXPECT_TRUE(store_->story.WaitFor("turned away 0 plain HTTP came", 2));
  EXPECT_EQ(Answered(EncodeGreeting("")), "");
  EXPECT_TRUE(store_->story.WaitFor("turned away 0 plain text of Mobula came"));
  EXPECT_EQ(Answered(std::string(10'000, '\x80')), "");
  EXPECT_TRUE(store_->story.WaitFor("turned away 0 what came is not TLS"));
  // And a client without TLS says what it meets.
  ControlAddress plain = address_;
  plain.tls = false;
  EchoClient::Options options;
  options.tells_failures = true;
  options.connect = [plain](std::string* error) {
    return ConnectControl(plain, error);
  };
  EchoClient client(options);
  EXPECT_TRUE(
      client.story.WaitFor("failed it closed the connection without a "
                           "word; does it speak TLS"));
  EXPECT_EQ(store_->story.Count("admitted"), 0U);
}

TEST_F(ControlTlsTest, ANodeThatMeetsNoTlsSaysSo) {
  Open();
  const std::string plain = store_->Listen("127.0.0.1:0");
  std::string error;
  address_ = *ControlAddress::Parse("tls:" + plain, &error);
  const std::string said = Call(Node(1));
  EXPECT_NE(said.find("what it says is not TLS"), std::string::npos) << said;
}

TEST_F(ControlTlsTest, GarbageWithinTlsIsRefused) {
  Open();
  const auto node = TlsContext::ForNode(
      Make(authority_, ClusterRole::kNode, 3, WallNowS() + kDay));
  TlsEnd end(node, /*accepts=*/false);
  const UniqueFd socket = Connect();
  end.Feed("");
  bool sent = false;
  while (end.state() != TlsEnd::State::kEnded) {
    const std::string out = end.TakeOutput();
    (void)!::send(socket.get(), out.data(), out.size(), MSG_NOSIGNAL);
    if (end.state() == TlsEnd::State::kOpen && !sent) {
      sent = true;
      end.Send(std::string(kGreetingBytes, 'x'));
      continue;
    }
    ASSERT_TRUE(WaitReadable(socket.get(), BootNow() + seconds(20)));
    char bytes[4096];
    const ssize_t count = ::recv(socket.get(), bytes, sizeof bytes, 0);
    if (count <= 0) break;
    end.Feed({bytes, static_cast<std::size_t>(count)});
  }
  ASSERT_EQ(end.input().size(), kAdmissionBytes);
  Admission admission;
  std::string error;
  ASSERT_TRUE(DecodeAdmission(end.input(), &admission, &error)) << error;
  EXPECT_EQ(admission.code, AdmissionCode::kWrongProtocol);
  EXPECT_TRUE(store_->story.WaitFor("turned away 3 this is a control store"));
}

TEST_F(ControlTlsTest, AFloodOfSilentOnesKeepsNobodyOutForLong) {
  EchoStore::Options options;
  options.handshake_timeout = milliseconds(300);
  Open(options);
  std::vector<UniqueFd> silent;
  for (int i = 0; i < 200; ++i) silent.push_back(Connect());
  EXPECT_TRUE(store_->story.WaitFor("turned away 0 more than 64"));
  EXPECT_EQ(Call(Node(1)), "answered");
  EXPECT_TRUE(
      store_->story.WaitFor("turned away 0 it said nothing in time", 64));
  for (const UniqueFd& one : silent) {
    EXPECT_TRUE(WaitReadable(one.get(), BootNow() + seconds(20)));
    char byte = 0;
    EXPECT_LE(::recv(one.get(), &byte, 1, 0), 0);
  }
}

TEST_F(ControlTlsTest, AConnectionEndsWithItsCertificateAndTheSessionGoesOn) {
  EchoStore::Options options;
  const std::int64_t now = WallNowS();
  options.clock = [now] { return now; };
  context_ = TlsContext::ForStore(
      Make(authority_, ClusterRole::kStore, 0, now + kDay), options.clock);
  Open(options);
  // It ends, as the store's clock sees it, one second after each admission.
  TlsTunnel tunnel({Node(1, authority_, now + 1), [now] { return now; }});
  EchoClient client(Through(tunnel));
  ASSERT_TRUE(client.story.WaitFor("up "));
  client.SendRenewals(1, 10);
  EXPECT_TRUE(store_->story.WaitFor("admitted 1", 2));
  client.SendRenewals(11, 20);
  EXPECT_TRUE(client.story.WaitFor("renewed", 20));
  EXPECT_EQ(client.story.WrongOrder("renewed ", 20), "");
  EXPECT_EQ(client.story.Count("up "), 1U);
  EXPECT_EQ(client.story.Count("down "), 0U);
}

TEST_F(ControlTlsTest, OverAUnixSocketTheDoorIsAskedByItsUserAlone) {
  Open();
  const std::string where = "unix:" + folder_ + "/s";
  ASSERT_EQ(store_->Listen(where), where);
  std::string error;
  (void)AskForToken(*ControlAddress::Parse(where, &error), {60, 1}, seconds(20),
                    &error);
  EXPECT_EQ(store_->story.Count("asked 0 here "), 1U);
  // A plain port, token or not, has no door.
  const std::string plain = store_->Listen("127.0.0.1:0");
  EXPECT_FALSE(AskForToken(*ControlAddress::Parse(plain, &error), {60, 1},
                           seconds(20), &error));
  EXPECT_EQ(store_->story.Count("asked"), 1U);
}

}  // namespace
}  // namespace mobula::base
