#include "base/security/secret_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace mobula::base {
namespace {

class SecretFileTest : public testing::Test {
 protected:
  SecretFileTest() {
    std::string name = testing::TempDir() + "/secretXXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/key";
  }
  ~SecretFileTest() override { std::filesystem::remove_all(folder_); }

  std::string ErrorOfReading() {
    std::string error;
    EXPECT_FALSE(ReadSecretFile(path_, 100, &error).has_value());
    return error;
  }
  static mode_t ModeOf(const std::string& path) {
    struct stat stat{};
    EXPECT_EQ(::stat(path.c_str(), &stat), 0);
    return stat.st_mode & 0777;
  }

  std::string folder_;
  std::string path_;
};

TEST_F(SecretFileTest, WhatWasWrittenIsReadAndIsOurs) {
  std::string error;
  ASSERT_TRUE(WriteSecretFile(path_, "first", &error)) << error;
  ASSERT_TRUE(WriteSecretFile(path_, "a secret", &error)) << error;
  EXPECT_EQ(ModeOf(path_), 0600U);
  EXPECT_EQ(ReadSecretFile(path_, 8, &error), "a secret") << error;
  EXPECT_EQ(WrongWithSecretFile(path_), "");
  // Nothing of the writing is left.
  const std::filesystem::directory_iterator files(folder_);
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST_F(SecretFileTest, OneThatOthersMayReadIsRefusedAndSaysWhatToDo) {
  std::string error;
  ASSERT_TRUE(WriteSecretFile(path_, "a secret", &error)) << error;
  for (const mode_t mode : {0640U, 0604U, 0660U, 0610U, 0777U}) {
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    const std::string why = ErrorOfReading();
    EXPECT_NE(why.find("so others may know it"), std::string::npos) << why;
    EXPECT_NE(why.find("chmod 600 " + path_), std::string::npos) << why;
    EXPECT_EQ(why.find("a secret"), std::string::npos) << why;
    EXPECT_EQ(WrongWithSecretFile(path_), why);
  }
  ASSERT_EQ(::chmod(path_.c_str(), 0400), 0);
  EXPECT_EQ(ReadSecretFile(path_, 100, &error), "a secret");
}

TEST_F(SecretFileTest, OneOfAnotherUserIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  std::string error;
  ASSERT_TRUE(WriteSecretFile(path_, "a secret", &error)) << error;
  ASSERT_EQ(::chown(path_.c_str(), 12345, 12345), 0);
  EXPECT_NE(ErrorOfReading().find("belongs to user 12345"), std::string::npos);
  ASSERT_TRUE(MakeSecretFolder(folder_ + "/f", &error)) << error;
  ASSERT_EQ(::chown((folder_ + "/f").c_str(), 12345, 12345), 0);
  EXPECT_FALSE(MakeSecretFolder(folder_ + "/f", &error));
  EXPECT_NE(error.find("belongs to user 12345"), std::string::npos) << error;
}

TEST_F(SecretFileTest, WhatIsNoFileIsRefused) {
  EXPECT_NE(ErrorOfReading().find("No such file"), std::string::npos);
  ASSERT_EQ(::mkdir(path_.c_str(), 0700), 0);
  EXPECT_NE(ErrorOfReading().find("is not a file"), std::string::npos);
  ASSERT_EQ(::rmdir(path_.c_str()), 0);
  // A pipe whose other end nobody opens is not waited for.
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_NE(ErrorOfReading().find("is not a file"), std::string::npos);
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  std::string error;
  ASSERT_TRUE(WriteSecretFile(folder_ + "/real", "a secret", &error));
  ASSERT_EQ(::symlink((folder_ + "/real").c_str(), path_.c_str()), 0);
  EXPECT_NE(ErrorOfReading().find("is a link"), std::string::npos);
}

TEST_F(SecretFileTest, EmptyAndHugeOnesAreRefused) {
  std::string error;
  ASSERT_TRUE(WriteSecretFile(path_, "", &error));
  EXPECT_NE(ErrorOfReading().find("is empty"), std::string::npos);
  ASSERT_TRUE(WriteSecretFile(path_, std::string(101, 'x'), &error));
  EXPECT_NE(ErrorOfReading().find("more than 100 bytes"), std::string::npos);
}

TEST_F(SecretFileTest, AFolderIsMadeForUsAlone) {
  const std::string deep = folder_ + "/a/b";
  std::string error;
  ASSERT_TRUE(MakeSecretFolder(deep, &error)) << error;
  ASSERT_TRUE(MakeSecretFolder(deep, &error)) << error;
  EXPECT_EQ(ModeOf(deep), 0700U);
  ASSERT_EQ(::chmod(deep.c_str(), 0750), 0);
  EXPECT_FALSE(MakeSecretFolder(deep, &error));
  EXPECT_NE(error.find("chmod 700 " + deep), std::string::npos) << error;
  EXPECT_FALSE(WriteSecretFile(folder_ + "/none/key", "x", &error));
  EXPECT_NE(error.find("cannot write"), std::string::npos) << error;
}

}  // namespace
}  // namespace mobula::base
