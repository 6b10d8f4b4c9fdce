#include "raylet/spawn/embedded_store.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace mobula::raylet {
namespace {

using base::UniqueFd;

EmbeddedStore::Options Options() {
  EmbeddedStore::Options options;
  options.program = "/bin/sh";
  options.folder = testing::TempDir();
  options.log_file = testing::TempDir() + "gcs.log";
  options.session = "test";
  return options;
}

bool IsOver(const UniqueFd& socket) {
  pollfd poll{socket.get(), POLLIN, 0};
  ::poll(&poll, 1, 10'000);
  char byte = 0;
  return ::read(socket.get(), &byte, 1) == 0;
}

TEST(EmbeddedStoreTest, ItsEndIsTheEndOfTheConnection) {
  EmbeddedStore store(Options());
  std::string error;
  // The shell finds no script of that name and ends.
  const UniqueFd socket = store.Connect(&error);
  ASSERT_TRUE(socket.valid()) << error;
  const pid_t pid = store.pid();
  EXPECT_GT(pid, 0);
  EXPECT_TRUE(IsOver(socket));
  ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
  EXPECT_FALSE(store.Ended(pid + 1));
  EXPECT_TRUE(store.Ended(pid));
  EXPECT_EQ(store.pid(), 0);
  EXPECT_TRUE(store.Connect(&error).valid()) << error;
  ASSERT_EQ(::waitpid(store.pid(), nullptr, 0), store.pid());
}

TEST(EmbeddedStoreTest, WhatItSaysIsInItsLog) {
  EmbeddedStore::Options options = Options();
  options.log_file = testing::TempDir() + "said.log";
  ::unlink(options.log_file.c_str());
  EmbeddedStore store(options);
  std::string error;
  const UniqueFd socket = store.Connect(&error);
  ASSERT_TRUE(socket.valid()) << error;
  ASSERT_EQ(::waitpid(store.pid(), nullptr, 0), store.pid());
  std::ifstream log(options.log_file);
  std::string line;
  std::getline(log, line);
  EXPECT_NE(line.find("gcs"), std::string::npos) << line;
}

TEST(EmbeddedStoreTest, TheNextOneWaitsForTheEndOfTheLast) {
  EmbeddedStore store(Options());
  std::string error;
  UniqueFd socket = store.Connect(&error);
  const pid_t pid = store.pid();
  EXPECT_FALSE(store.Connect(&error).valid());
  EXPECT_NE(error.find("ended"), std::string::npos);
  ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
  store.Ended(pid);
  EXPECT_TRUE(store.Connect(&error).valid());
  ASSERT_EQ(::waitpid(store.pid(), nullptr, 0), store.pid());
}

TEST(EmbeddedStoreTest, AProgramThatIsNotThereIsNamed) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "here vfork is a fork: the child cannot say why it failed";
#endif
  EmbeddedStore::Options options = Options();
  options.program = "/no/such/mobula";
  EmbeddedStore store(options);
  std::string error;
  EXPECT_FALSE(store.Connect(&error).valid());
  EXPECT_NE(error.find("/no/such/mobula"), std::string::npos);
  EXPECT_EQ(store.pid(), 0);
  ::waitpid(-1, nullptr, 0);
}

}  // namespace
}  // namespace mobula::raylet
