#include "cli/cluster/state_store.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "cli/cluster/spec_file.h"

namespace mobula::cli {
namespace {

namespace fs = std::filesystem;

class StateStoreTest : public testing::Test {
 protected:
  StateStoreTest() {
    char pattern[] = "/tmp/mobula-states.XXXXXX";
    folder_ = mkdtemp(pattern);
    setenv("XDG_STATE_HOME", folder_.c_str(), 1);
    state_.name = "c";
    state_.id = "1";
  }
  ~StateStoreTest() override { fs::remove_all(folder_); }

  std::string folder_;
  ClusterState state_;
  std::string error_;
};

TEST_F(StateStoreTest, WhatWasWrittenIsReadByTheNext) {
  {
    auto store = StateStore::Open("c", &error_);
    ASSERT_TRUE(store) << error_;
    EXPECT_FALSE(store->IsThere());
    EXPECT_FALSE(store->Read(&error_));
    ASSERT_TRUE(store->Write(state_, &error_)) << error_;
    EXPECT_EQ(store->path(), folder_ + "/mobula/clusters/c");
    EXPECT_EQ(static_cast<int>(fs::status(store->path()).permissions()), 0600);
    EXPECT_EQ(StateStore::Names(), std::vector<std::string>{"c"});
  }
  EXPECT_EQ(StateStore::Look("c", &error_), state_);
  auto store = StateStore::Open("c", &error_);
  ASSERT_TRUE(store) << error_;
  EXPECT_EQ(store->Read(&error_), state_);
  store->Remove();
  EXPECT_TRUE(StateStore::Names().empty());
}

TEST_F(StateStoreTest, OneLauncherAtATime) {
  auto first = StateStore::Open("c", &error_);
  ASSERT_TRUE(first) << error_;
  EXPECT_FALSE(StateStore::Open("c", &error_));
  EXPECT_EQ(error_, "another launcher (pid " + std::to_string(getpid()) +
                        ") is at work on the cluster c");
  EXPECT_TRUE(StateStore::Open("d", &error_));
  first.reset();
  EXPECT_TRUE(StateStore::Open("c", &error_));
  // Not even the locks are left.
  EXPECT_TRUE(fs::is_empty(folder_ + "/mobula/clusters"));
}

TEST_F(StateStoreTest, WhatAKilledWriterLeftGoes) {
  fs::create_directories(folder_ + "/mobula/clusters");
  fs::permissions(folder_ + "/mobula/clusters", fs::perms::owner_all);
  std::ofstream(folder_ + "/mobula/clusters/c.Xy12ab") << "half";
  EXPECT_TRUE(StateStore::Names().empty());
  EXPECT_TRUE(StateStore::Open("c", &error_)) << error_;
  EXPECT_TRUE(fs::is_empty(folder_ + "/mobula/clusters"));
}

TEST_F(StateStoreTest, WhatAKilledLauncherLeftGoesWithoutACluster) {
  fs::create_directories(folder_ + "/mobula/clusters");
  fs::permissions(folder_ + "/mobula/clusters", fs::perms::owner_all);
  std::ofstream(folder_ + "/mobula/clusters/c.lock") << "1";
  std::ofstream(folder_ + "/mobula/clusters/c.Xy12ab") << "half";
  const auto held = StateStore::Open("d", &error_);
  ASSERT_TRUE(held && held->Write(state_, &error_)) << error_;
  StateStore::RemoveStale();
  EXPECT_FALSE(fs::exists(folder_ + "/mobula/clusters/c.lock"));
  EXPECT_FALSE(fs::exists(folder_ + "/mobula/clusters/c.Xy12ab"));
  EXPECT_TRUE(fs::exists(folder_ + "/mobula/clusters/d.lock"));
  EXPECT_TRUE(held->IsThere());
}

TEST_F(StateStoreTest, AStateThatOthersMayReadIsRefused) {
  auto store = StateStore::Open("c", &error_);
  ASSERT_TRUE(store && store->Write(state_, &error_)) << error_;
  fs::permissions(store->path(), fs::perms(0644));
  EXPECT_FALSE(store->Read(&error_));
  EXPECT_NE(error_.find("644"), std::string::npos) << error_;
}

TEST_F(StateStoreTest, AClustersFileAndWhatItNames) {
  EXPECT_FALSE(ReadSpecFile(folder_ + "/absent.yaml", &error_));
  EXPECT_EQ(error_, "cannot read " + folder_ +
                        "/absent.yaml: No such file or directory");
  EXPECT_FALSE(ReadSpecFile(folder_, &error_));
  const std::string path = folder_ + "/c.yaml";
  std::ofstream(path) << "name: c\n"
                         "provider:\n"
                         "  type: ssh\n"
                         "  key: key\n"
                         "  hosts: [10.0.0.1]\n"
                         "head: {}\n"
                         "files: [{from: absent}]\n";
  EXPECT_FALSE(ReadSpecFile(path, &error_));
  EXPECT_EQ(error_, path + ":4: the key " + folder_ +
                        "/key: No such file or directory\n" + path +
                        ":7: the file to copy " + folder_ +
                        "/absent: No such file or directory");
  std::ofstream(folder_ + "/absent") << "here";
  std::ofstream(folder_ + "/key") << "secret";
  fs::permissions(folder_ + "/key", fs::perms(0644));
  EXPECT_FALSE(ReadSpecFile(path, &error_));
  EXPECT_TRUE(error_.starts_with(path + ":4: the key: " + folder_ + "/key"))
      << error_;
  fs::permissions(folder_ + "/key", fs::perms(0600));
  const auto file = ReadSpecFile(path, &error_);
  ASSERT_TRUE(file) << error_;
  EXPECT_EQ(file->path, path);
  EXPECT_EQ(file->spec.provider.key, folder_ + "/key");
  std::ofstream(path) << std::string(kSpecBytesMax + 1, '#');
  EXPECT_FALSE(ReadSpecFile(path, &error_));
  EXPECT_TRUE(error_.find(":1: it is larger than") != std::string::npos);
}

TEST_F(StateStoreTest, TheExamplesAreTaken) {
  const std::string runfiles = getenv("TEST_SRCDIR");
  int count = 0;
  for (const auto& at :
       fs::directory_iterator(runfiles + "/mobula/deploy/examples")) {
    EXPECT_TRUE(ReadSpecFile(at.path(), &error_)) << error_;
    ++count;
  }
  EXPECT_EQ(count, 3);
}

}  // namespace
}  // namespace mobula::cli
