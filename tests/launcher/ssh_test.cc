// A cluster by ssh: three addresses of this machine, behind an sshd and keys of
// the test's own. Nothing is skipped where sshd is missing: it fails, and says
// what to install.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/control/control_address.h"
#include "base/sockets/connect_within.h"
#include "base/unique_fd.h"
#include "tests/integration/running_program.h"
#include "tests/launcher/launched.h"
#include "tests/process_tree/process_tree.h"

namespace mobula::test {
namespace {

namespace fs = std::filesystem;

constexpr char kSshd[] = "/usr/sbin/sshd";

// Free on all addresses of this machine.
int FreePort() {
  const base::UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  socklen_t size = sizeof(any);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&any), size), 0);
  EXPECT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&any), &size), 0);
  return ntohs(any.sin_port);
}

class SshTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(access(kSshd, X_OK), 0)
        << "there is no " << kSshd
        << "; install it: apt-get install openssh-server openssh-client";
    port_ = FreePort();
    store_port_ = FreePort();
    const std::string folder = cluster_.folder();
    for (const char* const name : {"/host", "/key"}) {
      ASSERT_EQ(RunProgram({"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N",
                            "", "-f", folder + name})
                    .code,
                0);
    }
    fs::copy(folder + "/key.pub", folder + "/authorized");
    // Where sshd of root keeps nothing, and must.
    if (geteuid() == 0) fs::create_directories("/run/sshd");
    std::ofstream(folder + "/sshd")
        << "ListenAddress 127.0.0.1\nListenAddress 127.0.0.2\n"
        << "ListenAddress 127.0.0.3\nPort " << port_ << "\nHostKey " << folder
        << "/host\nPidFile none\nAuthorizedKeysFile " << folder
        << "/authorized\nPasswordAuthentication no\nUsePAM no\n"
        << "StrictModes no\nPermitRootLogin yes\nMaxStartups 100\n";
    sshd_ = std::make_unique<RunningProgram>(
        std::vector<std::string>{kSshd, "-D", "-f", folder + "/sshd", "-E",
                                 folder + "/sshd.log"},
        cluster_.environment());
    Know({"127.0.0.1", "127.0.0.2", "127.0.0.3"});
    WriteFile("");
    std::string error;
    int failed = 0;
    const auto address = base::ControlAddress::Parse(
        "127.0.0.1:" + std::to_string(port_), &error);
    ASSERT_TRUE(address) << error;
    const auto deadline = base::BootNow() + std::chrono::seconds(30);
    while (!base::ConnectWithin(*address, deadline, &failed).valid()) {
      ASSERT_LT(base::BootNow(), deadline);
    }
  }
  void Know(const std::vector<std::string>& addresses) const {
    std::ifstream key(cluster_.folder() + "/host.pub");
    std::string kind;
    std::string bytes;
    key >> kind >> bytes;
    std::ofstream known(cluster_.folder() + "/known");
    for (const std::string& address : addresses) {
      known << "[" << address << "]:" << port_ << " " << kind << " " << bytes
            << "\n";
    }
  }
  void WriteFile(const std::string& more) const {
    cluster_.WriteFile(
        "name: c\nprovider:\n  type: ssh\n  folder: FOLDER/n\n"
        "  port: " +
        std::to_string(port_) +
        "\n  listen_port: " + std::to_string(store_port_) +
        "\n  key: key\n  known_hosts: known\n"
        "  hosts: [127.0.0.1, 127.0.0.2, 127.0.0.3]\n"
        "head: {cpus: 1}\n"
        "workers: {small: {count: 2, cpus: 1}}\n"
        "environment: {SECRET: 'it''s a $secret'}\n"
        "files: [{from: c.yaml}]\n" +
        more);
  }
  void ExpectGone() {
    const Ended down = cluster_.Tool({"down"});
    EXPECT_EQ(down.code, 0) << down.output;
    sshd_.reset();
    EXPECT_EQ(cluster_.Left(), "");
  }

  Launched cluster_{""};
  int port_ = 0;
  int store_port_ = 0;
  std::unique_ptr<RunningProgram> sshd_;
};

TEST_F(SshTest, FromAFileToNothing) {
  const Ended up = cluster_.Up();
  ASSERT_EQ(up.code, 0) << up.output;
  const Ended status = cluster_.Tool({"status"});
  EXPECT_EQ(status.code, 0) << status.output;
  EXPECT_NE(status.output.find("3 alive"), std::string::npos) << status.output;
  const Ended again = cluster_.Up();
  EXPECT_NE(again.output.find("nothing had to be done"), std::string::npos);
  const Ended exec = cluster_.Tool(
      {"exec", "small-2", "--", "/bin/sh", "-c",
       "echo \"$SECRET $1\"; test -s c.yaml && exit 7", "x", "a'b \"c"});
  EXPECT_EQ(exec.code, 7);
  EXPECT_EQ(exec.output, "it's a $secret a'b \"c\n");
  const Ended ended =
      cluster_.Tool({"exec", "head", "--", "/bin/sh", "-c", "kill -TERM $$"});
  EXPECT_EQ(ended.code, 143);
  for (const pid_t pid : TreePids(1)) {
    EXPECT_EQ(CommandLine(pid).find("it's a $secret"), std::string::npos);
  }
  EXPECT_EQ(cluster_.Tool({"remove", "small-1"}).code, 0);
  EXPECT_EQ(cluster_.Tool({"add", "1"}).code, 0);
  const Ended full = cluster_.Tool({"add", "1"});
  EXPECT_EQ(full.code, 1);
  EXPECT_NE(full.output.find("no host of the file is free"), std::string::npos);
  ExpectGone();
}

TEST_F(SshTest, AProgramRunsOnTheHeadAndHearsCtrlC) {
  ASSERT_EQ(cluster_.Up().code, 0);
  const std::string driver = ProgramPath("tests/launcher/driver");
  const Ended ended = cluster_.Tool({"run", "--", driver, "exit", "9"});
  EXPECT_EQ(ended.code, 9) << ended.output;
  EXPECT_NE(ended.output.find("twice 21 is 42\n"), std::string::npos);
  RunningProgram run(cluster_.Words({"run", "--", driver, "wait", "x"}),
                     cluster_.environment());
  EXPECT_EQ(run.Line(), "twice 21 is 42");
  kill(run.pid(), SIGINT);
  EXPECT_EQ(run.End(), 5);
  ExpectGone();
}

TEST_F(SshTest, AHostWhoseKeyIsNotKnownIsRefused) {
  Know({"127.0.0.1", "127.0.0.2"});
  const Ended up = cluster_.Up();
  EXPECT_EQ(up.code, 1);
  EXPECT_NE(up.output.find("small-2: cannot make the folder"),
            std::string::npos)
      << up.output;
  EXPECT_NE(up.output.find("Host key verification failed"), std::string::npos)
      << up.output;
  const Ended down = cluster_.Tool({"down"});
  EXPECT_EQ(down.code, 1);
  EXPECT_NE(down.output.find("small-1: removed"), std::string::npos);
  EXPECT_NE(cluster_.Tool({"status"}).output.find("small-2"),
            std::string::npos);
  const Ended forget = cluster_.Tool({"down", "--forget"});
  EXPECT_EQ(forget.code, 0) << forget.output;
  EXPECT_NE(forget.output.find("small-2: forgotten"), std::string::npos);
  sshd_.reset();
  EXPECT_EQ(cluster_.Left(), "");
}

}  // namespace
}  // namespace mobula::test
