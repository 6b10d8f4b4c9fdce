#include "raylet/spawn/program_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace mobula::raylet {
namespace {

namespace fs = std::filesystem;
using base::UniqueFd;

constexpr char kHashOfAbc[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

class ProgramStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string root = testing::TempDir() + "programsXXXXXX";
    ASSERT_NE(::mkdtemp(root.data()), nullptr);
    root_ = root;
  }
  void TearDown() override { fs::remove_all(root_); }
  UniqueFd Program(const std::string& content) {
    const std::string path = root_ + "/program";
    std::ofstream(path, std::ios::trunc) << content;
    return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  }
  // Keeps one and gives what was said.
  std::string Keep(UniqueFd program, std::string* reason,
                   ProgramStore::Limits limits = ProgramStore::Limits()) {
    base::Strand strand("test");
    ProgramStore store(strand, folder(), limits);
    std::string hash;
    bool told = false;
    store.Keep(std::move(program), [&](std::string kept, std::string why) {
      told = true;
      hash = std::move(kept);
      *reason = std::move(why);
      strand.Stop();
    });
    EXPECT_FALSE(told);
    strand.Run();
    return hash;
  }
  [[nodiscard]] std::string folder() const { return root_ + "/state/programs"; }
  static std::string ContentOf(const UniqueFd& fd) {
    std::string text(100, '\0');
    const ssize_t n = ::pread(fd.get(), text.data(), text.size(), 0);
    return text.substr(0, n > 0 ? static_cast<std::size_t>(n) : 0);
  }
  // Of what lies in the folder.
  [[nodiscard]] std::set<std::string> Names() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder())) {
      names.insert(entry.path().filename());
    }
    return names;
  }
  void ForgetBut(const std::set<std::string>& needed) const {
    base::Strand strand("test");
    ProgramStore(strand, folder()).ForgetBut(needed);
  }
  std::string root_;
};

TEST_F(ProgramStoreTest, AProgramIsKeptUnderItsContent) {
  std::string reason;
  EXPECT_EQ(Keep(Program("abc"), &reason), kHashOfAbc);
  EXPECT_EQ(reason, "");
  struct stat stat;
  ASSERT_EQ(::stat((folder() + "/" + kHashOfAbc).c_str(), &stat), 0);
  EXPECT_EQ(stat.st_mode & 0777, 0500u);
  ASSERT_EQ(::stat(folder().c_str(), &stat), 0);
  EXPECT_EQ(stat.st_mode & 0777, 0700u);
  // Written over, the program is another; what was kept is as it was.
  Program("abd");
  base::Strand strand("test");
  const ProgramStore store(strand, folder());
  EXPECT_EQ(ContentOf(store.Open(kHashOfAbc, &reason)), "abc");
}

TEST_F(ProgramStoreTest, TwiceIsOnceAndLeavesNoScraps) {
  std::string reason;
  Keep(Program("abc"), &reason);
  EXPECT_EQ(Keep(Program("abc"), &reason), kHashOfAbc);
  const std::string large(std::size_t{9} << 20, 'x');
  EXPECT_EQ(Keep(Program(large), &reason).size(), 64u);
  EXPECT_EQ(
      std::distance(fs::directory_iterator(folder()), fs::directory_iterator()),
      2);
}

TEST_F(ProgramStoreTest, WhatCannotBeKeptIsSaid) {
  std::ofstream(root_ + "/state") << "a file where the folder should be";
  std::string reason;
  EXPECT_EQ(Keep(Program("abc"), &reason), "");
  EXPECT_NE(reason.find("/state/programs"), std::string::npos) << reason;
}

TEST_F(ProgramStoreTest, WhatNobodyNeedsIsForgotten) {
  std::string reason;
  const std::string abc = Keep(Program("abc"), &reason);
  const std::string other = Keep(Program("other"), &reason);
  // What a process that was killed was copying, one of our own, and what is no
  // program at all.
  const std::string own = "." + std::to_string(::getpid()) + ".7";
  for (const std::string& name : {std::string(".1.1"), own, std::string("x")}) {
    std::ofstream(folder() + "/" + name) << "part";
  }
  ForgetBut({other, "another"});
  EXPECT_EQ(Names(), (std::set<std::string>{own, "x", other}));
  ForgetBut({});
  EXPECT_EQ(Names(), (std::set<std::string>{own, "x"}));
  // It can be kept again.
  EXPECT_EQ(Keep(Program("abc"), &reason), abc);
  fs::remove_all(folder());
  ForgetBut({});
}

TEST_F(ProgramStoreTest, ThereAreOnlySoManyOfSoManyBytes) {
  std::string reason;
  const ProgramStore::Limits limits{/*count_max=*/2, /*bytes_max=*/10};
  const std::string abc = Keep(Program("abc"), &reason, limits);
  EXPECT_EQ(Keep(Program("12345678"), &reason, limits), "");
  EXPECT_NE(reason.find("keeps 1 programs of 3 bytes"), std::string::npos)
      << reason;
  EXPECT_NE(Keep(Program("def"), &reason, limits), "");
  EXPECT_EQ(Keep(Program("g"), &reason, limits), "");
  EXPECT_NE(reason.find("mobula kill"), std::string::npos) << reason;
  // One that is there already takes nothing.
  EXPECT_EQ(Keep(Program("abc"), &reason, limits), abc);
  ForgetBut({abc});
  EXPECT_NE(Keep(Program("g"), &reason, limits), "");
}

TEST_F(ProgramStoreTest, OnlyAHashNamesAProgram) {
  base::Strand strand("test");
  const ProgramStore store(strand, folder());
  std::string error;
  EXPECT_FALSE(store.Open("../../etc/passwd", &error).valid());
  EXPECT_NE(error.find("not the hash"), std::string::npos);
  EXPECT_FALSE(store.Open(kHashOfAbc, &error).valid());
  EXPECT_NE(error.find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace mobula::raylet
