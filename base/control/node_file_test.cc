#include "base/control/node_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace mobula::base {
namespace {

class NodeFileTest : public testing::Test {
 protected:
  NodeFileTest() {
    std::string pattern = testing::TempDir() + "/nodesXXXXXX";
    root_ = ::mkdtemp(pattern.data());
  }
  ~NodeFileTest() override { std::filesystem::remove_all(root_); }

  NodeFile MakeFile(const std::string& session, std::int64_t started_ms) {
    NodeFile file;
    file.folder = root_ + "/" + session;
    ::mkdir(file.folder.c_str(), 0700);
    file.control = "unix:" + file.folder + "/control.sock";
    file.raylet = file.folder + "/raylet.sock";
    file.token_file = "/some where/token";
    file.spill_folders = {"/disk one", "/two=2"};
    file.node = {1, 2};
    file.cluster = {3, 4};
    file.pid = ::getpid();
    file.is_head = true;
    file.started_ms = started_ms;
    return file;
  }
  void Write(const NodeFile& file) {
    std::string error;
    ASSERT_TRUE(WriteNodeFile(file, &error)) << error;
  }
  std::vector<NodeFile> Find() { return FindNodes({root_, "/absent"}); }

  std::string root_;
};

TEST_F(NodeFileTest, FindsWhatWasWritten) {
  const NodeFile file = MakeFile("a", 5);
  Write(file);
  Write(file);  // again: replaced
  const auto found = Find();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].folder, file.folder);
  EXPECT_EQ(found[0].control, file.control);
  EXPECT_EQ(found[0].raylet, file.raylet);
  EXPECT_EQ(found[0].token_file, file.token_file);
  EXPECT_EQ(found[0].spill_folders, file.spill_folders);
  EXPECT_EQ(found[0].node, file.node);
  EXPECT_EQ(found[0].cluster, file.cluster);
  EXPECT_EQ(found[0].pid, file.pid);
  EXPECT_EQ(found[0].started_ms, 5);
  EXPECT_TRUE(found[0].is_head);
}

TEST_F(NodeFileTest, TheLatestComesFirst) {
  Write(MakeFile("a", 5));
  Write(MakeFile("b", 7));
  Write(MakeFile("c", 6));
  const auto found = Find();
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].started_ms, 7);
  EXPECT_EQ(found[1].started_ms, 6);
  EXPECT_EQ(found[2].started_ms, 5);
}

TEST_F(NodeFileTest, AProcessThatEndedIsNotFound) {
  int hold[2];
  ASSERT_EQ(::pipe(hold), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(hold[1]);
    char byte = 0;
    (void)!::read(hold[0], &byte, 1);
    ::_exit(0);
  }
  NodeFile file = MakeFile("a", 5);
  file.pid = child;
  Write(file);
  EXPECT_EQ(Find().size(), 1u);
  ::close(hold[0]);
  ::close(hold[1]);
  siginfo_t info;
  ASSERT_EQ(::waitid(P_PID, child, &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(Find().size(), 0u) << "a zombie";
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(Find().size(), 0u);
}

TEST_F(NodeFileTest, ANumberThatWasGivenAgainIsNotFound) {
  const NodeFile file = MakeFile("a", 5);
  Write(file);
  std::ifstream in(file.folder + "/node");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  const std::size_t at = text.find("\nstart=");
  ASSERT_NE(at, std::string::npos);
  text.insert(at + 7, "1");
  std::ofstream(file.folder + "/node") << text;
  EXPECT_EQ(Find().size(), 0u);
}

TEST_F(NodeFileTest, WhatOthersMayWriteIsIgnored) {
  const NodeFile file = MakeFile("a", 5);
  Write(file);
  const std::string path = file.folder + "/node";
  ::chmod(path.c_str(), 0620);
  EXPECT_EQ(Find().size(), 0u);
  ::chmod(path.c_str(), 0600);
  EXPECT_EQ(Find().size(), 1u);
  ::chmod(file.folder.c_str(), 0702);
  EXPECT_EQ(Find().size(), 0u);
  ::chmod(file.folder.c_str(), 0700);
  ::chmod(root_.c_str(), 0711);
  EXPECT_EQ(Find().size(), 0u);
}

TEST_F(NodeFileTest, LinksAndNonsenseAreIgnored) {
  const NodeFile file = MakeFile("a", 5);
  Write(file);
  std::filesystem::create_directory_symlink(file.folder, root_ + "/link");
  ::mkdir((root_ + "/b").c_str(), 0700);
  std::ofstream(root_ + "/b/node") << "control=x\nraylet=y\npid=abc\n====\n";
  ::chmod((root_ + "/b/node").c_str(), 0600);
  ::mkdir((root_ + "/c").c_str(), 0700);
  ::mkfifo((root_ + "/c/node").c_str(), 0600);
  EXPECT_EQ(Find().size(), 1u);
}

TEST_F(NodeFileTest, SaysWhyItCannotBeWritten) {
  std::string error;
  NodeFile file = MakeFile("a", 5);
  file.folder = root_ + "/absent";
  EXPECT_FALSE(WriteNodeFile(file, &error));
  EXPECT_NE(error.find("absent/node"), std::string::npos) << error;
  file = MakeFile("a", 5);
  file.control += "\nraylet=evil";
  EXPECT_FALSE(WriteNodeFile(file, &error));
}

TEST(SessionRoots, TheRuntimeFolderOfTheUserIsPreferred) {
  ::setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
  auto roots = SessionRoots();
  ASSERT_EQ(roots.size(), 2u);
  EXPECT_EQ(roots[0], "/run/user/7/mobula");
  ::setenv("XDG_RUNTIME_DIR", "relative", 1);
  roots = SessionRoots();
  ASSERT_EQ(roots.size(), 1u);
  EXPECT_EQ(roots[0], "/tmp/mobula-" + std::to_string(::geteuid()));
}

TEST_F(NodeFileTest, AKeeperWithoutARayletThatServesIsStarting) {
  const NodeFile file = MakeFile("a", 5);
  const auto is_starting = [this, &file](const std::string& keeper) {
    std::ofstream(file.folder + "/" + kKeeperFile) << keeper;
    return IsNodeStarting({"/absent", root_}, "unix:/s");
  };
  const std::string self = std::to_string(::getpid());
  EXPECT_FALSE(IsNodeStarting({"/absent", root_}, "unix:/s"));
  for (const std::string& nobody :
       {std::string(), std::string("x\nunix:/s\n"), std::string("0\nunix:/s\n"),
        std::string("99999999\nunix:/s\n"), self, self + "\nunix:/t\n"}) {
    EXPECT_FALSE(is_starting(nobody)) << nobody;
  }
  EXPECT_TRUE(is_starting(self + "\nunix:/s\n"));
  Write(file);
  EXPECT_FALSE(is_starting(self + "\nunix:/s\n")) << "it serves";
}

}  // namespace
}  // namespace mobula::base
