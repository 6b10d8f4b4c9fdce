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
#include <utility>
#include <vector>

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
  // From a store that has not read any yet.
  ProgramStore::Opened Open(const std::string& hash) {
    base::Strand strand("test");
    ProgramStore store(strand, folder());
    ProgramStore::Opened result;
    bool told = false;
    store.Open(hash, [&](ProgramStore::Opened opened) {
      told = true;
      result = std::move(opened);
      strand.Stop();
    });
    if (!told) strand.Run();
    return result;
  }
  // Of the same size, so that only its content tells.
  void Damage(const std::string& hash, const std::string& content) const {
    const std::string path = folder() + "/" + hash;
    fs::permissions(path, fs::perms::owner_all);
    std::ofstream(path, std::ios::trunc) << content;
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
  EXPECT_EQ(ContentOf(Open(kHashOfAbc).program), "abc");
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

TEST_F(ProgramStoreTest, OneThatComesInPartsIsKeptWhenItIsWhole) {
  base::Strand strand("test");
  ProgramStore store(strand, folder());
  std::string reason;
  auto arrival = store.Receive(kHashOfAbc, 3, &reason);
  ASSERT_NE(arrival, nullptr) << reason;
  EXPECT_EQ(arrival->Add("a"), "");
  EXPECT_EQ(arrival->Add(""), "");
  EXPECT_EQ(arrival->Add("bc"), "");
  EXPECT_EQ(arrival->size(), 3u);
  EXPECT_TRUE(Open(kHashOfAbc).is_lacking);
  // It is no scrap while it comes.
  store.ForgetBut({});
  EXPECT_EQ(arrival->Keep(), "");
  arrival.reset();
  EXPECT_EQ(Names(), std::set<std::string>{kHashOfAbc});
  // Known at once: it has been read.
  bool told = false;
  store.Open(kHashOfAbc, [&](const ProgramStore::Opened& opened) {
    told = true;
    EXPECT_EQ(ContentOf(opened.program), "abc");
    struct stat stat;
    ASSERT_EQ(::fstat(opened.program.get(), &stat), 0);
    EXPECT_EQ(stat.st_mode & 0777, 0500u);
  });
  EXPECT_TRUE(told);
  // Once more is the same.
  arrival = store.Receive(kHashOfAbc, 3, &reason);
  EXPECT_EQ(arrival->Add("abc"), "");
  EXPECT_EQ(arrival->Keep(), "");
  EXPECT_EQ(ContentOf(Open(kHashOfAbc).program), "abc");
}

TEST_F(ProgramStoreTest, OneThatDoesNotArriveLeavesNothing) {
  base::Strand strand("test");
  ProgramStore store(strand, folder());
  std::string reason;
  auto arrival = store.Receive(kHashOfAbc, 3, &reason);
  EXPECT_EQ(arrival->Add("ab"), "");
  EXPECT_EQ(Names().size(), 1u);
  arrival.reset();
  EXPECT_TRUE(Names().empty());
  arrival = store.Receive(kHashOfAbc, 3, &reason);
  EXPECT_EQ(arrival->Add("abd"), "");
  EXPECT_NE(arrival->Keep().find("another SHA-256"), std::string::npos);
  arrival.reset();
  EXPECT_TRUE(Names().empty());
  EXPECT_TRUE(Open(kHashOfAbc).is_lacking);
}

TEST_F(ProgramStoreTest, WhatArrivesTakesRoomBeforeItIsThere) {
  base::Strand strand("test");
  ProgramStore store(strand, folder(), {/*count_max=*/2, /*bytes_max=*/10});
  std::string reason;
  EXPECT_EQ(store.Receive(kHashOfAbc, 11, &reason), nullptr);
  EXPECT_EQ(store.Receive(kHashOfAbc, ~std::uint64_t{0}, &reason), nullptr);
  auto first = store.Receive(kHashOfAbc, 8, &reason);
  ASSERT_NE(first, nullptr) << reason;
  const std::string other(64, 'a');
  EXPECT_EQ(store.Receive(other, 3, &reason), nullptr);
  EXPECT_NE(reason.find("keeps 1 programs of 8 bytes"), std::string::npos)
      << reason;
  EXPECT_NE(store.Receive(other, 2, &reason), nullptr) << reason;
  first.reset();
  EXPECT_NE(store.Receive(other, 3, &reason), nullptr) << reason;
}

TEST_F(ProgramStoreTest, OnlyAHashNamesAProgram) {
  const ProgramStore::Opened path = Open("../../etc/passwd");
  EXPECT_FALSE(path.program.valid());
  EXPECT_TRUE(path.is_lacking);
  EXPECT_NE(path.reason.find("not the hash"), std::string::npos);
  const ProgramStore::Opened absent = Open(kHashOfAbc);
  EXPECT_FALSE(absent.program.valid());
  EXPECT_TRUE(absent.is_lacking);
  EXPECT_NE(absent.reason.find(kHashOfAbc), std::string::npos);
  EXPECT_NE(absent.reason.find("No such file"), std::string::npos);
}

TEST_F(ProgramStoreTest, ADamagedOneIsRefusedLikeOneThatIsMissing) {
  std::string reason;
  Keep(Program("abc"), &reason);
  Damage(kHashOfAbc, "abd");
  const ProgramStore::Opened opened = Open(kHashOfAbc);
  EXPECT_FALSE(opened.program.valid());
  EXPECT_TRUE(opened.is_lacking);
  EXPECT_NE(opened.reason.find("damaged"), std::string::npos) << opened.reason;
  EXPECT_NE(opened.reason.find(kHashOfAbc), std::string::npos);
  fs::remove(folder() + "/" + kHashOfAbc);
  fs::create_directory(folder() + "/" + kHashOfAbc);
  EXPECT_TRUE(Open(kHashOfAbc).is_lacking);
}

TEST_F(ProgramStoreTest, KeepingItAgainMendsADamagedOne) {
  std::string reason;
  const ProgramStore::Limits limits{/*count_max=*/1, /*bytes_max=*/3};
  Keep(Program("abc"), &reason, limits);
  Damage(kHashOfAbc, "abd");
  EXPECT_EQ(Keep(Program("abc"), &reason, limits), kHashOfAbc) << reason;
  EXPECT_EQ(ContentOf(Open(kHashOfAbc).program), "abc");
  Damage(kHashOfAbc, "abcd");
  EXPECT_EQ(Keep(Program("abc"), &reason, limits), kHashOfAbc) << reason;
  EXPECT_EQ(ContentOf(Open(kHashOfAbc).program), "abc");
  EXPECT_EQ(Names(), std::set<std::string>{kHashOfAbc});
}

TEST_F(ProgramStoreTest, ItIsReadAgainOnlyWhenItHasChanged) {
  std::string reason;
  Keep(Program("abc"), &reason);
  base::Strand strand("test");
  ProgramStore store(strand, folder());
  std::vector<bool> whole;
  const auto note = [&whole](const ProgramStore::Opened& opened) {
    EXPECT_NE(opened.program.valid(), opened.is_lacking);
    whole.push_back(opened.program.valid());
  };
  // Who asks while it is read waits for the same reading.
  store.Open(kHashOfAbc, note);
  store.Open(kHashOfAbc, [&](const ProgramStore::Opened& opened) {
    note(opened);
    store.Open(kHashOfAbc, note);
    EXPECT_EQ(whole.size(), 3u) << "it is known by now";
    Damage(kHashOfAbc, "abd");
    store.Open(kHashOfAbc, [&](const ProgramStore::Opened& damaged) {
      note(damaged);
      store.Open(kHashOfAbc, note);
      EXPECT_EQ(whole.size(), 5u) << "that, too";
      strand.Stop();
    });
    EXPECT_EQ(whole.size(), 3u) << "it is another one";
  });
  EXPECT_TRUE(whole.empty());
  strand.Run();
  EXPECT_EQ(whole, (std::vector<bool>{true, true, true, false, false}));
}

}  // namespace
}  // namespace mobula::raylet
