#include "runtime/process/embedded_head.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <variant>

#include "runtime/process/driver.h"

namespace mobula::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A shell script that stands for `mobula`.
std::string Script(const std::string& name, const std::string& body) {
  const std::string file =
      std::filesystem::path(::testing::TempDir()) / ("head_" + name);
  std::ofstream(file) << "#!/bin/sh\n" << body << "\n";
  EXPECT_EQ(::chmod(file.c_str(), 0700), 0);
  return file;
}

std::unique_ptr<EmbeddedHead> StartScript(HeadOptions options,
                                          const std::string& name,
                                          const std::string& body) {
  options.program = Script(name, body);
  auto head = EmbeddedHead::Start(options);
  if (auto* error = std::get_if<StartError>(&head)) {
    ADD_FAILURE() << error->message;
    return nullptr;
  }
  return std::get<0>(std::move(head));
}

std::string ReadAll(const base::UniqueFd& fd) {
  std::string text;
  char buffer[4096];
  ssize_t size = 0;
  while ((size = ::read(fd.get(), buffer, sizeof(buffer))) > 0) {
    text.append(buffer, static_cast<std::size_t>(size));
  }
  return text;
}

bool HasChildren() { return ::waitpid(-1, nullptr, WNOHANG) != -1; }

TEST(EmbeddedHead, GetsTheCommandLine) {
  HeadOptions options;
  options.cpus = 1.5;
  options.memory_bytes = 1 << 30;
  options.object_store = base::ByteAmount::Bytes(32 << 20);
  options.spill_folders = {"/a", "-b"};
  options.resources = {{"gpu", 2}};
  options.workers_max = 3;
  const auto head = StartScript(options, "words", "echo \"$@\"");
  EXPECT_EQ(ReadAll(head->TakeOutput()),
            "raylet --driver-fd 3 --program-fd 4 --cpus 1.5 --memory "
            "1073741824 --object-store-memory 33554432 --spill-folder=/a "
            "--spill-folder=-b --resource gpu=2 --workers-max 3\n");
}

TEST(EmbeddedHead, InheritsFiveDescriptorsAndNoMore) {
  const base::UniqueFd leaky(::dup(0));  // without CLOEXEC
  ASSERT_TRUE(leaky.valid());
  // The sixth is how ls reads the folder.
  const auto head = StartScript({}, "fds", "ls /proc/self/fd | tr '\\n' ' '");
  EXPECT_EQ(ReadAll(head->TakeOutput()), "0 1 2 3 4 5 ");
}

TEST(EmbeddedHead, GetsThisProgramAndItsEndOfTheSocket) {
  const auto head =
      StartScript({}, "ends", "readlink /proc/self/fd/4; cat <&3; echo end");
  const base::UniqueFd socket = head->TakeSocket();
  ASSERT_EQ(::write(socket.get(), "hi ", 3), 3);
  ASSERT_EQ(::shutdown(socket.get(), SHUT_WR), 0);
  char self[4096];
  const ssize_t length = ::readlink("/proc/self/exe", self, sizeof(self));
  EXPECT_EQ(ReadAll(head->TakeOutput()),
            std::string(self, static_cast<std::size_t>(length)) + "\nhi end\n");
}

TEST(EmbeddedHead, LeadsASessionOfItsOwn) {
  const auto head = StartScript({}, "session", "cut -d' ' -f6 /proc/$$/stat");
  EXPECT_EQ(ReadAll(head->TakeOutput()), std::to_string(head->pid()) + "\n");
}

TEST(EmbeddedHead, EndsWithItsSocketAndIsReaped) {
  auto head = StartScript({}, "eof", "cat <&3");
  head.reset();
  EXPECT_FALSE(HasChildren());
}

TEST(EmbeddedHead, IsKilledWhenItDoesNotEnd) {
  auto head = StartScript({}, "stubborn", "exec sleep 1000");
  head->WaitEnd(milliseconds(1));
  head->WaitEnd(seconds(1000));  // twice is once
  EXPECT_FALSE(HasChildren());
}

TEST(EmbeddedHead, EndsAlsoWhereTheProgramIgnoresItsChildren) {
  const auto before = ::signal(SIGCHLD, SIG_IGN);
  auto head = StartScript({}, "ignored", "exit 0");
  ReadAll(head->TakeOutput());
  head.reset();
  EXPECT_FALSE(HasChildren());
  ::signal(SIGCHLD, before);
}

TEST(EmbeddedHead, AMissingProgramIsNamed) {
  HeadOptions options;
  options.program = "/nowhere/mobula";
  const auto head = EmbeddedHead::Start(options);
  const auto& error = std::get<StartError>(head);
  EXPECT_EQ(error.code, StartError::Code::kHeadNotFound);
  EXPECT_NE(error.message.find("/nowhere/mobula"), std::string::npos);
  EXPECT_FALSE(HasChildren());
}

TEST(EmbeddedHead, NonsenseIsRefused) {
  HeadOptions cpus;
  cpus.cpus = -1;
  HeadOptions memory;
  memory.memory_bytes = 0;
  HeadOptions name;
  name.resources = {{"a=b", 1}};
  HeadOptions workers;
  workers.workers_max = 0;
  for (const HeadOptions& options : {cpus, memory, name, workers}) {
    const auto head = EmbeddedHead::Start(options);
    ASSERT_TRUE(std::holds_alternative<StartError>(head));
    EXPECT_EQ(std::get<StartError>(head).code, StartError::Code::kBadArgument);
  }
}

StartError FailToStart(const std::string& name, const std::string& body,
                       base::Duration timeout) {
  DriverOptions options;
  options.head.program = Script(name, body);
  options.start_timeout = timeout;
  const auto started = StartDriver(std::move(options));
  EXPECT_TRUE(std::holds_alternative<StartError>(started));
  EXPECT_FALSE(HasChildren());
  return std::get<StartError>(started);
}

TEST(StartDriver, ShowsWhatTheHeadPrinted) {
  const StartError error =
      FailToStart("oops", "echo oops >&2; exit 3", seconds(10));
  EXPECT_EQ(error.code, StartError::Code::kHeadFailed);
  EXPECT_NE(error.message.find("oops"), std::string::npos);
  EXPECT_NE(error.message.find("head_oops"), std::string::npos);
}

TEST(StartDriver, DoesNotWaitForEver) {
  const StartError error =
      FailToStart("silent", "exec sleep 1000", milliseconds(20));
  EXPECT_EQ(error.code, StartError::Code::kTimeout);
}

TEST(StartDriver, SurvivesAHeadThatSpeaksNonsense) {
  const StartError error =
      FailToStart("nonsense", "head -c 4096 /dev/zero >&3; cat <&3 >/dev/null",
                  seconds(10));
  EXPECT_EQ(error.code, StartError::Code::kHeadFailed);
}

}  // namespace
}  // namespace mobula::runtime
