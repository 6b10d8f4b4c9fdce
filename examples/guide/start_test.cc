// The snippets of docs/guide/start.md, beside its program start.cc.
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

namespace guide {

std::vector<int> tables;

std::vector<int> LoadTables() { return {1, 2, ::getpid()}; }

void OpenTables() { tables = LoadTables(); }
MOBULA_WORKER_SETUP(OpenTables);

int LastOfTables() { return tables.back(); }

TEST(StartTest, EveryWorkerOpensTables) {
  std::array<char, 5> name{"test"};
  std::array<char*, 2> words{name.data(), nullptr};
  int argc = 1;
  char** argv = words.data();
  mobula::Runtime runtime = mobula::Init(
      argc, argv, mobula::InitOptions().Cpus(4).Resource("gpu", 1));
  EXPECT_EQ(runtime.Cpus(), 4);
  const int pid = mobula::Get(mobula::Spawn<LastOfTables>());
  EXPECT_GT(pid, 2);
  EXPECT_NE(pid, ::getpid());
  EXPECT_TRUE(tables.empty());
}

}  // namespace guide
