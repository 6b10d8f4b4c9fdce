// The executable is the worker, and the user's main never runs in it: a test
// binary whose last case calls Init runs no earlier case in any worker, while
// static initialisation does run there, afresh.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

// As a user would: a generator made by static initialisation.
std::mt19937_64 generator{std::random_device{}()};

// Every process that ran a case writes its pid here.
std::string RecordPath() { return testing::TempDir() + "/cases.txt"; }

void RecordCase(const char* name) {
  std::ofstream(RecordPath(), std::ios::app) << getpid() << " " << name << "\n";
}

}  // namespace

struct Drawn {
  int pid;
  std::uint64_t number;
};

// External linkage on purpose: found by name.
Drawn Draw() { return {getpid(), generator()}; }

class Holder {
 public:
  Drawn Draw() const { return ::Draw(); }
};

TEST(LastCase, FirstCaseRecordsItself) { RecordCase("first"); }

TEST(LastCase, SecondCaseRecordsItself) { RecordCase("second"); }

TEST(LastCase, WorkersRunNoCaseAndDrawTheirOwnNumbers) {
  RecordCase("last");
  mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(2));
  std::vector<mobula::Actor<Holder>> holders;
  std::vector<mobula::Ref<Drawn>> drawn;
  for (int i = 0; i < 4; ++i) {
    holders.push_back(mobula::Create<Holder>());
    drawn.push_back(holders.back().Call<&Holder::Draw>());
  }
  drawn.push_back(mobula::Spawn<Draw>());
  std::set<int> pids = {getpid()};
  std::set<std::uint64_t> numbers = {generator()};
  for (const mobula::Ref<Drawn>& ref : drawn) {
    const Drawn one = mobula::Get(ref);
    pids.insert(one.pid);
    numbers.insert(one.number);
  }
  EXPECT_EQ(pids.size(), 6U);  // four actors, one task's worker, the driver
  EXPECT_EQ(numbers.size(), 6U);
  runtime.Shutdown();

  std::ifstream record(RecordPath());
  std::string line;
  int cases = 0;
  while (std::getline(record, line)) {
    EXPECT_EQ(std::atoi(line.c_str()), getpid()) << line;
    ++cases;
  }
  EXPECT_EQ(cases, 3);
}
