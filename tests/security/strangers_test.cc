// Real processes on loopback addresses: a head that listens to other machines,
// those who may join it, and those who may not.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/control/control_address.h"
#include "base/rpc/greeting.h"
#include "base/sockets/connect_within.h"
#include "base/sockets/poll_wait.h"
#include "base/unique_fd.h"
#include "tests/integration/programs.h"
#include "tests/integration/started_head.h"
#include "tests/process_tree/process_tree.h"
#include "tests/security/machine.h"

namespace mobula::test {
namespace {

using std::chrono::seconds;

class StrangersTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(head_.started().code, 0) << head_.started().output;
    std::smatch found;
    const std::string said = head_.started().output;
    ASSERT_TRUE(std::regex_search(said, found, std::regex("tls:[0-9.:]+")))
        << said;
    where_ = found.str();
  }
  std::string Token(const std::vector<std::string>& flags = {}) const {
    std::vector<std::string> words = {"token", "create"};
    words.insert(words.end(), flags.begin(), flags.end());
    Ended made = head_.Tool(words);
    EXPECT_EQ(made.code, 0) << made.output;
    return made.output.substr(0, made.output.find('\n'));
  }
  Ended Join(const Machine& machine, const std::string& token_file) const {
    std::vector<std::string> words = {"start", "--address", where_, "--cpus",
                                      "1"};
    if (!token_file.empty()) {
      words.insert(words.end(), {"--token-file", token_file});
    }
    return machine.Tool(words);
  }
  // How often it stands in what is said of nodes.
  long Nodes(const std::string& state) const {
    const Ended list = head_.Tool({"list", "nodes", "--all"});
    EXPECT_EQ(list.code, 0) << list.output;
    const std::regex word("\\b" + state + "\\b");
    return std::distance(
        std::sregex_iterator(list.output.begin(), list.output.end(), word),
        std::sregex_iterator());
  }
  std::string Audit() const { return FilesBelow(head_.store(), "audit.log"); }
  // The store may hear of it a moment after the joining side.
  void ExpectAudited(const std::string& words) {
    const base::BootTime deadline = base::BootNow() + seconds(10);
    while (Audit().find(words) == std::string::npos &&
           base::BootNow() < deadline) {
    }
    EXPECT_NE(Audit().find(words), std::string::npos) << words << Audit();
  }
  // Lines of the doctor's that say what is wrong here; it looks at all of this
  // user, and so at other tests too.
  long WrongHere(const std::string& said) const {
    const std::string here = head_.store().substr(0, head_.store().rfind('/'));
    const std::regex line("WRONG [^\n]*" + here + "/");
    return std::distance(std::sregex_iterator(said.begin(), said.end(), line),
                         std::sregex_iterator());
  }
  void ExpectRefused(const Ended& join, const std::string& why,
                     const std::string& audited) {
    EXPECT_EQ(join.code, 1) << join.output;
    EXPECT_NE(join.output.find(why), std::string::npos) << join.output;
    ExpectAudited(audited);
    EXPECT_EQ(Nodes("alive"), 1);
  }
  static base::UniqueFd Connect(const std::string& host_and_port) {
    std::string error;
    auto address = base::ControlAddress::Parse("tls:" + host_and_port, &error);
    EXPECT_TRUE(address) << host_and_port << ": " << error;
    int failed = 0;
    auto socket =
        base::ConnectWithin(*address, base::BootNow() + seconds(10), &failed);
    EXPECT_TRUE(socket.valid()) << failed;
    return socket;
  }
  // All that is said to who says `words` there, until the end.
  static std::string Answered(const std::string& where,
                              const std::string& words) {
    const base::UniqueFd socket = Connect(where);
    (void)!send(socket.get(), words.data(), words.size(), MSG_NOSIGNAL);
    std::string all;
    while (base::WaitReadable(socket.get(), base::BootNow() + seconds(20))) {
      char bytes[4096];
      const ssize_t count = recv(socket.get(), bytes, sizeof bytes, 0);
      if (count <= 0) return all;
      all.append(bytes, static_cast<std::size_t>(count));
    }
    return all + "(and no end)";
  }

  StartedHead head_{{"--listen", "tls:127.0.0.2:0", "--cpus", "1"}};
  std::string where_;
};

TEST_F(StrangersTest, TwoMachinesAreOneClusterAndAKilledNodeComesBack) {
  Machine other;
  const Ended joined = Join(other, Token());
  ASSERT_EQ(joined.code, 0) << joined.output;
  EXPECT_EQ(Nodes("alive"), 2);
  const Ended seen = other.Tool({"status"});
  EXPECT_NE(seen.output.find("nodes    2 alive"), std::string::npos)
      << seen.output;
  // Its raylet is killed: the keeper tells the store, by the certificate, and
  // the next raylet is a new node of the same machine.
  const Ended list = other.Tool({"list", "nodes"});
  std::smatch row;
  ASSERT_TRUE(std::regex_search(
      list.output, row,
      std::regex("([0-9a-f]{16})[0-9a-f]{16} +alive +\\S+ {6,}([0-9]+)")))
      << list.output;
  const std::string maker = row[1].str();
  ASSERT_EQ(kill(std::stoi(row[2].str()), SIGKILL), 0);
  const base::BootTime deadline = base::BootNow() + seconds(30);
  while ((Nodes("dead") < 1 || Nodes("alive") < 2) &&
         base::BootNow() < deadline) {
  }
  EXPECT_EQ(Nodes("alive"), 2);
  EXPECT_EQ(Nodes(maker + "[0-9a-f]{16}"), 2);
  // The control store is killed: the node stays, and is back by itself.
  for (const int pid : head_.Left()) {
    if (CommandLine(pid).find(" gcs ") != std::string::npos) {
      ASSERT_EQ(kill(pid, SIGKILL), 0);
    }
  }
  const base::BootTime back = base::BootNow() + seconds(30);
  const std::string run = other.folder() + "/run";
  while (FilesBelow(run, "raylet.log").find("its life 2") ==
             std::string::npos &&
         base::BootNow() < back) {
  }
  EXPECT_NE(other.Tool({"status"}).output.find("epoch 2"), std::string::npos);
  EXPECT_EQ(Nodes("alive"), 2);
  EXPECT_EQ(Nodes(maker + "[0-9a-f]{16}"), 2);
  // Stopped, it starts again without a token.
  EXPECT_EQ(other.Tool({"stop"}).code, 0);
  EXPECT_EQ(Nodes("alive"), 1);
  const Ended again = Join(other, "");
  EXPECT_EQ(again.code, 0) << again.output;
  EXPECT_EQ(Nodes("alive"), 2);
}

TEST_F(StrangersTest, ATokenIsUsedOnceAndBothSidesSaySo) {
  const std::string token = Token();
  {
    Machine first;
    ASSERT_EQ(Join(first, token).code, 0);
  }
  Machine second;
  ExpectRefused(Join(second, token), "the token is used up",
                "the token is used up");
}

TEST_F(StrangersTest, WrongTokensAreRefusedAndBothSidesSayWhy) {
  Machine other;
  ExpectRefused(Join(other, ""), "this machine has not joined " + where_, "");
  // Of another cluster: the joining side sees that before it shows the token.
  const StartedHead foreign({"--listen", "tls:127.0.0.3:0"});
  ASSERT_EQ(foreign.started().code, 0) << foreign.started().output;
  const Ended made = foreign.Tool({"token", "create"});
  ExpectRefused(Join(other, made.output.substr(0, made.output.find('\n'))),
                "is refused: it is of another cluster",
                "it says that our certificate is of another cluster");
  // Expired.
  const std::string brief = Token({"--ttl", "1s"});
  const base::BootTime expired = base::BootNow() + seconds(2);
  while (base::BootNow() < expired) {
    (void)base::WaitReadable(Connect(where_.substr(4)).get(), expired);
  }
  ExpectRefused(Join(other, brief), "the token has expired",
                "the token has expired");
  // Guessed.
  const std::string guess = other.folder() + "/guess";
  std::ifstream in(Token());
  std::string text;
  in >> text;
  text.back() = text.back() == '0' ? '1' : '0';
  std::ofstream(guess) << text;
  chmod(guess.c_str(), 0600);
  ExpectRefused(Join(other, guess), "the token is none of this control store",
                "the token is none of this control store");
  // Of a file that others may read, or that is none.
  chmod(guess.c_str(), 0644);
  ExpectRefused(Join(other, guess), "chmod 600 " + guess, "");
  chmod(guess.c_str(), 0600);
  std::ofstream(guess) << "nothing";
  ExpectRefused(Join(other, guess), "it is no join token", "");
}

TEST_F(StrangersTest, NoPortAnswersAByteToWhoSpeaksNoTls) {
  std::vector<int> pids = head_.Left();
  const std::vector<std::string> ports = ListensAt(pids);
  // The control store's, and the raylet's for other nodes.
  ASSERT_EQ(ports.size(), 2U);
  ASSERT_EQ(std::count(ports.begin(), ports.end(), where_.substr(4)), 1);
  const std::string before = head_.Tool({"status"}).output;
  const std::vector<std::string> words = {
      "GET / HTTP/1.1\r\nHost: 127.0.0.2\r\n\r\n",
      "POST /api/jobs HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      base::EncodeGreeting("a token"),
      base::EncodeDoorGreeting(100) + std::string(100, 'x'),
      std::string(100'000, '\0'),
      std::string(100'000, '\xff'),
      "\n",
  };
  for (const std::string& port : ports) {
    for (const std::string& one : words) {
      EXPECT_EQ(Answered(port, one), "") << one.substr(0, 20);
    }
    // What begins like TLS gets an alert of TLS, of a few bytes.
    const std::string garbage =
        Answered(port, "\x16\x03\x01" + std::string(500, 'x'));
    EXPECT_LE(garbage.size(), 16U);
  }
  ExpectAudited("plain HTTP came");
  ExpectAudited("plain text of Mobula came");
  const std::string after = head_.Tool({"status"}).output;
  for (const char* const line : {"cluster ", "nodes ", "jobs ", "actors "}) {
    const std::size_t at = before.find(line);
    ASSERT_NE(at, std::string::npos) << before;
    const std::string was = before.substr(at, before.find('\n', at) - at);
    EXPECT_NE(after.find(was), std::string::npos) << after;
  }
}

TEST_F(StrangersTest, AFloodOfHalfOpenConnectionsKeepsNobodyOut) {
  std::vector<base::UniqueFd> silent;
  for (int i = 0; i < 300; ++i) silent.push_back(Connect(where_.substr(4)));
  // The head's own machine does not notice.
  EXPECT_EQ(Nodes("alive"), 1);
  for (const base::UniqueFd& one : silent) {
    EXPECT_TRUE(base::WaitReadable(one.get(), base::BootNow() + seconds(20)));
    char byte = 0;
    EXPECT_LE(recv(one.get(), &byte, 1, 0), 0);
  }
  ExpectAudited("more than 64 connections of its address");
  Machine other;
  const Ended joined = Join(other, Token());
  EXPECT_EQ(joined.code, 0) << joined.output;
}

TEST_F(StrangersTest, SecretsAreInNoArgumentAndNoLog) {
  const std::string token = Token();
  Machine other;
  ASSERT_EQ(Join(other, token).code, 0);
  std::ifstream in(token);
  std::string text;
  in >> text;
  const std::string secret = text.substr(text.rfind(':') + 1);
  ASSERT_EQ(secret.size(), 64U);
  struct stat stat{};
  ASSERT_EQ(::stat(token.c_str(), &stat), 0);
  EXPECT_EQ(stat.st_mode & 0777, 0600U);
  std::vector<int> pids = head_.Left();
  for (const int pid : PidsWithEnvironment(other.mark())) pids.push_back(pid);
  EXPECT_GE(pids.size(), 5U);
  for (const int pid : pids) {
    EXPECT_EQ(CommandLine(pid).find(secret), std::string::npos) << pid;
  }
  const std::string run = head_.environment().at(1).substr(16);
  const std::string logs = FilesBelow(run, ".log") + Audit() +
                           FilesBelow(other.folder() + "/run", ".log");
  EXPECT_NE(logs.find("has joined as node"), std::string::npos);
  EXPECT_EQ(logs.find(secret), std::string::npos);
  // Nor where the control store keeps what it knows.
  EXPECT_EQ(FilesBelow(head_.store(), "").find(secret), std::string::npos);
}

TEST_F(StrangersTest, TheDoctorSeesWhatIsOpen) {
  (void)Token();
  const Ended good = head_.Tool({"doctor", "--security"});
  EXPECT_EQ(WrongHere(good.output), 0) << good.output;
  const bool all_good = good.output.find("WRONG") == std::string::npos;
  EXPECT_EQ(good.code, all_good ? 0 : 1);
  const std::string port = where_.substr(4);
  EXPECT_NE(good.output.find("ok     listener: " + port + ", mobula"),
            std::string::npos)
      << good.output;
  for (const char* const what :
       {", TLS with certificates at both ends", "control.sock", "raylet.sock",
        "ca.key", "audit.log", ".token"}) {
    EXPECT_NE(good.output.find(what), std::string::npos) << good.output;
  }
  const std::string key = head_.store() + "/ca/ca.key";
  ASSERT_EQ(chmod(key.c_str(), 0644), 0);
  const Ended wrong = head_.Tool({"doctor", "--security"});
  EXPECT_EQ(wrong.code, 1);
  EXPECT_EQ(WrongHere(wrong.output), 1) << wrong.output;
  EXPECT_NE(wrong.output.find("WRONG  key: " + key + " has mode 644"),
            std::string::npos)
      << wrong.output;
  // Nor does a head start with it.
  head_.Stop();
  const Ended again = head_.Tool(
      {"start", "--head", "--dir", head_.store(), "--listen", where_});
  EXPECT_EQ(again.code, 1);
  EXPECT_NE(again.output.find("chmod 600 " + key), std::string::npos)
      << again.output;
}

}  // namespace
}  // namespace mobula::test
