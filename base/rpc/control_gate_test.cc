// Who may connect to a control store, and what becomes of the others.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/rpc/control_call.h"
#include "base/rpc/greeting.h"
#include "base/rpc/rpc_ends.h"
#include "base/sockets/listener_socket.h"

namespace mobula::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ControlGateTest : public testing::Test {
 protected:
  ControlGateTest() {
    std::string pattern = testing::TempDir() + "/gateXXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~ControlGateTest() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string Path() const { return folder_ + "/s"; }
  [[nodiscard]] std::string Unix() const { return "unix:" + Path(); }
  std::string folder_;
};

ControlAddress Address(const std::string& text) {
  std::string error;
  return *ControlAddress::Parse(text, &error);
}

// Sends `bytes` and reads until the end.
std::string Say(const ControlAddress& address, const std::string& bytes) {
  std::string error;
  const UniqueFd socket = ConnectControl(address, &error);
  if (!socket.valid()) return "error: " + error;
  pollfd wait{socket.get(), POLLOUT, 0};
  ::poll(&wait, 1, -1);
  (void)!::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  std::string all;
  for (;;) {
    wait.events = POLLIN;
    if (::poll(&wait, 1, 20'000) != 1) return "error: no end";
    char buffer[512];
    const ssize_t count = ::recv(socket.get(), buffer, sizeof buffer, 0);
    if (count <= 0) return all;
    all.append(buffer, static_cast<std::size_t>(count));
    if (all.size() >= kAdmissionBytes) return all;
  }
}

Admission Answered(const std::string& bytes) {
  Admission admission;
  std::string error;
  if (bytes.size() != kAdmissionBytes ||
      !DecodeAdmission(bytes, &admission, &error)) {
    admission.reason = "error: " + error + bytes;
  }
  return admission;
}

TEST_F(ControlGateTest, ATokenIsAskedForOverTcpAlone) {
  EchoStore::Options options;
  options.token = "secret";
  EchoStore store(options);
  const std::string where = store.Listen("127.0.0.1:0");
  ASSERT_EQ(store.Listen(Unix()), Unix());
  EchoClient::Options wrong;
  wrong.where = where;
  wrong.token = "guess";
  EchoClient refused(wrong);
  EXPECT_TRUE(refused.story.WaitFor(
      "refused it refuses: the token is not that of this cluster"));
  wrong.token = "";
  EchoClient none(wrong);
  EXPECT_TRUE(none.story.WaitFor(
      "refused it refuses: the control store asks for a token"));
  wrong.token = "secret";
  EchoClient right(wrong);
  EXPECT_TRUE(right.story.WaitFor("up "));
  EchoClient local(Unix());
  EXPECT_TRUE(local.story.WaitFor("up "));
  EXPECT_EQ(refused.story.Count("up "), 0u);
}

TEST_F(ControlGateTest, WhoAcceptsAndSaysNothingIsNoControlStore) {
  ControlAddress port;
  std::string error;
  const auto silent =
      ListenerSocket::Open(Address("127.0.0.1:0"), &port, &error);
  ASSERT_TRUE(silent) << error;
  EchoClient::Options options;
  options.where = port.ToString();
  options.handshake_timeout = milliseconds(50);
  options.tells_failures = true;
  EchoClient client(options);
  EXPECT_TRUE(client.story.WaitFor(
      "failed it accepts, but does not answer as a control store"));
  EXPECT_EQ(client.story.Count("refused "), 0u);
}

TEST_F(ControlGateTest, AnotherVersionIsRefusedNamingBoth) {
  EchoStore store{EchoStore::Options()};
  ASSERT_EQ(store.Listen(Unix()), Unix());
  const Admission admission =
      Answered(Say(Address(Unix()), EncodeGreeting("", 77)));
  EXPECT_EQ(admission.code, AdmissionCode::kWrongVersion);
  EXPECT_NE(admission.reason.find("version 77"), std::string::npos);
  EXPECT_NE(admission.reason.find("store version " +
                                  std::to_string(kControlProtocolVersion)),
            std::string::npos);
}

TEST_F(ControlGateTest, GarbageIsToldWhereItIs) {
  EchoStore store{EchoStore::Options()};
  ASSERT_EQ(store.Listen(Unix()), Unix());
  const std::string http = "GET / HTTP/1.1\r\nHost: localhost:6380\r\n\r\n";
  ASSERT_LT(http.size(), kGreetingBytes);
  std::string http2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  http2.resize(kGreetingBytes + 100);
  for (const std::string& garbage :
       {std::string(5'000, 'x'), http + http, http2}) {
    const Admission admission = Answered(Say(Address(Unix()), garbage));
    EXPECT_EQ(admission.code, AdmissionCode::kWrongProtocol)
        << admission.reason;
  }
}

// gRPC's own client too: nothing of it reaches gRPC's parser.
TEST_F(ControlGateTest, ASilentClientIsClosedInTime) {
  EchoStore::Options options;
  options.handshake_timeout = milliseconds(100);
  EchoStore store(options);
  ASSERT_EQ(store.Listen(Unix()), Unix());
  const BootTime begin = BootNow();
  EXPECT_EQ(Say(Address(Unix()), ""), "");
  EXPECT_EQ(Say(Address(Unix()), "mobula"), "");
  EXPECT_GE(BootNow() - begin, milliseconds(200));
  // Admitted, and then silent: it never begins a stream.
  EXPECT_EQ(Answered(Say(Address(Unix()), EncodeGreeting(""))).code,
            AdmissionCode::kAdmitted);
  EchoClient client(Unix());
  EXPECT_TRUE(client.story.WaitFor("up "));
}

TEST_F(ControlGateTest, AThousandConnectionsAndStillServing) {
  EchoStore::Options options;
  options.connections_max = 900;
  options.handshake_timeout = milliseconds(500);
  EchoStore store(options);
  ASSERT_EQ(store.Listen(Unix()), Unix());
  std::vector<UniqueFd> flood;
  for (int i = 0; i < 1000; ++i) {
    std::string error;
    UniqueFd socket = ConnectControl(Address(Unix()), &error);
    if (socket.valid()) flood.push_back(std::move(socket));
  }
  EXPECT_GE(flood.size(), 900u);
  // It waits in the kernel until the flood has been refused.
  EchoClient client(Unix());
  EXPECT_TRUE(client.story.WaitFor("up "));
}

TEST_F(ControlGateTest, ConnectionsThatEndAreNotCounted) {
  EchoStore::Options options;
  options.connections_max = 2;
  EchoStore store(options);
  const ControlAddress tcp = Address(store.Listen("127.0.0.1:0"));
  ASSERT_EQ(store.Listen(Unix()), Unix());
  for (int i = 0; i < 20; ++i) {
    const ControlAddress address = i % 2 == 0 ? tcp : Address(Unix());
    const auto reply = CallControl(address, "", GetStatus(), seconds(20));
    ASSERT_TRUE(std::holds_alternative<StatusAnswer>(reply)) << i;
  }
}

TEST_F(ControlGateTest, AnotherUserIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
  EchoStore store{EchoStore::Options()};
  ASSERT_EQ(store.Listen(Unix()), Unix());
  ::chmod(folder_.c_str(), 0755);
  ::chmod(Path().c_str(), 0666);
  const pid_t child = ::fork();
  if (child == 0) {
    // From within: the folders above may be closed to others.
    if (::chdir(folder_.c_str()) != 0 || ::setuid(65534) != 0) ::_exit(2);
    ControlAddress here;
    here.path = "s";
    const Admission answer = Answered(Say(here, EncodeGreeting("")));
    ::_exit(answer.code == AdmissionCode::kWrongUser ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(ControlGateTest, APathIsTakenFromTheDeadAlone) {
  struct stat stat;
  {
    EchoStore first{EchoStore::Options()};
    ASSERT_EQ(first.Listen(Unix()), Unix());
    ASSERT_EQ(::stat(Path().c_str(), &stat), 0);
    EXPECT_EQ(stat.st_mode & 0777, 0600u);
    EchoStore second{EchoStore::Options()};
    EXPECT_EQ(second.Listen(Unix()),
              "error: cannot listen at " + Unix() + ": process " +
                  std::to_string(::getpid()) + " listens there");
    EchoClient client(Unix());
    EXPECT_TRUE(client.story.WaitFor("up ")) << "the first is undisturbed";
  }
  EXPECT_NE(::stat(Path().c_str(), &stat), 0) << "it took its path with it";
  // A crash leaves the path.
  const pid_t child = ::fork();
  if (child == 0) {
    ControlAddress bound;
    std::string error;
    const auto left = ListenerSocket::Open(Address(Unix()), &bound, &error);
    ::_exit(left.has_value() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  ASSERT_EQ(::stat(Path().c_str(), &stat), 0);
  EchoStore third{EchoStore::Options()};
  EXPECT_EQ(third.Listen(Unix()), Unix());
}

TEST_F(ControlGateTest, WhoHoldsAnAddressIsNamed) {
  EchoStore first{EchoStore::Options()};
  const std::string where = first.Listen("127.0.0.1:0");
  EchoStore second{EchoStore::Options()};
  EXPECT_EQ(second.Listen(where),
            "error: cannot listen at " + where + ": process " +
                std::to_string(::getpid()) + " listens there");
  std::ofstream(Path()) << "a file";
  EXPECT_EQ(second.Listen(Unix()), "error: cannot listen at " + Unix() +
                                       ": it is there and is no socket");
  EXPECT_TRUE(std::filesystem::exists(Path()));
  const std::string absent = "unix:" + folder_ + "/absent/s";
  EXPECT_EQ(second.Listen(absent), "error: cannot listen at " + absent +
                                       ": No such file or directory");
}

}  // namespace
}  // namespace mobula::base
