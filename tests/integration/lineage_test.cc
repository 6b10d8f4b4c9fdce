// Spilled bytes are damaged on disk: what tasks made is made again, by real
// processes, and what cannot be is named.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "tests/integration/store_user.h"
#include "tests/process_tree/process_tree.h"

namespace mobula::test {
namespace {

namespace fs = std::filesystem;

using Numbers = std::vector<std::uint64_t>;
constexpr std::size_t kCount = std::size_t{512} << 10;  // 4 MiB
constexpr int kFillers = 24;  // three times what the store has memory for

// Each run of a function leaves a byte in a file.
void NoteRun(const std::string& log) {
  const base::UniqueFd fd(
      ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd.valid() || ::write(fd.get(), "x", 1) != 1) std::abort();
}
std::uint64_t RunsIn(const std::string& log) {
  std::error_code absent;
  const auto size = fs::file_size(log, absent);
  return absent ? 0 : size;
}

Numbers First(std::uint64_t seed, const std::string& log) {
  NoteRun(log);
  Numbers numbers(kCount);
  std::iota(numbers.begin(), numbers.end(), seed);
  return numbers;
}
Numbers Next(const Numbers& numbers, const std::string& log) {
  NoteRun(log);
  Numbers next = numbers;
  for (std::uint64_t& number : next) number = 3 * number + 1;
  return next;
}
// Another one each time.
Numbers Fickle(const std::string& log) {
  NoteRun(log);
  return Numbers(kCount, RunsIn(log));
}
std::uint64_t Sum(const Numbers& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), std::uint64_t{0});
}
std::uint64_t SumLater(const Ref<Numbers>& numbers) {
  return Sum(Get(numbers));
}

class Summer {
 public:
  std::uint64_t Add(const Numbers& numbers) { return sum_ += Sum(numbers); }

 private:
  std::uint64_t sum_ = 0;
};

// The same as First and so many times Next.
Numbers Expected(std::uint64_t seed, int steps) {
  Numbers numbers(kCount);
  std::iota(numbers.begin(), numbers.end(), seed);
  for (std::uint64_t& number : numbers) {
    for (int i = 0; i < steps; ++i) number = 3 * number + 1;
  }
  return numbers;
}

class LineageTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/lineageXXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    top_ = fs::canonical(pattern);
    spill_ = top_ + "/spill";
    fs::create_directory(spill_);
    ::setenv("MOBULA_ADDRESS", "embedded", 1);
    runtime_.emplace(
        Init(InitOptions().Cpus(1).ObjectStoreMemory("32MiB").SpillFolders(
            {spill_})));
    raylet_ = RayletOfThisProcess();
    ASSERT_GT(raylet_, 0);
  }
  void TearDown() override {
    runtime_.reset();
    EXPECT_TRUE(Children(::getpid()).empty());
    fs::remove_all(top_);
  }

  [[nodiscard]] std::string Log(const std::string& name) const {
    return top_ + "/" + name;
  }
  // Everything that was made before is on disk, and is damaged there.
  void LoseAll() {
    std::vector<Ref<Numbers>> fillers;
    for (int i = 0; i < kFillers; ++i) {
      fillers.push_back(Put(Numbers(kCount, 7)));
    }
    EXPECT_GT(DamageFiles(), 0);
  }
  // How many files there were.
  int DamageFiles() const {
    int files = 0;
    const fs::path all = "/proc/" + std::to_string(raylet_) + "/fd";
    for (const auto& entry : fs::directory_iterator(all)) {
      std::error_code gone;
      const std::string what = fs::read_symlink(entry.path(), gone);
      if (!what.starts_with(spill_ + "/")) continue;
      const base::UniqueFd fd(::open(entry.path().c_str(), O_WRONLY));
      struct stat state{};
      EXPECT_EQ(::fstat(fd.get(), &state), 0);
      const std::string noise(std::size_t{1} << 20, '\x5A');
      for (off_t at = 0; at < state.st_size;) {
        const auto left = static_cast<std::size_t>(state.st_size - at);
        const ssize_t n =
            ::pwrite(fd.get(), noise.data(), std::min(left, noise.size()), at);
        if (n <= 0) {
          ADD_FAILURE() << "a spill file cannot be written";
          break;
        }
        at += n;
      }
      ++files;
    }
    return files;
  }
  static void ExpectObjectLost(const Ref<Numbers>& ref,
                               const std::string& part) {
    try {
      (void)Get(ref, std::chrono::seconds(60));
      ADD_FAILURE() << "there is a value";
    } catch (const ObjectLost& error) {
      EXPECT_NE(error.message().find(part), std::string::npos)
          << error.message();
    }
  }

  std::string top_;
  std::string spill_;
  std::optional<Runtime> runtime_;
  pid_t raylet_ = 0;
};

TEST_F(LineageTest, AChainIsMadeAgain) {
  const Ref<Numbers> first = Spawn<First>(5, Log("first"));
  const Ref<Numbers> second = Spawn<Next>(first, Log("second"));
  const Ref<Numbers> third = Spawn<Next>(second, Log("third"));
  Wait(std::vector{third}, 1);
  LoseAll();
  EXPECT_TRUE(Get(third) == Expected(5, 2));
  EXPECT_TRUE(Get(second) == Expected(5, 1));
  EXPECT_TRUE(Get(first) == Expected(5, 0));
  for (const char* name : {"first", "second", "third"}) {
    EXPECT_EQ(RunsIn(Log(name)), 2u) << name;
  }
}

TEST_F(LineageTest, FreeArgumentsAreMadeAgainToo) {
  Ref<Numbers> last = Spawn<First>(9, Log("first"));
  for (int i = 0; i < 5; ++i) last = Spawn<Next>(last, Log("next"));
  Wait(std::vector{last}, 1);
  LoseAll();
  EXPECT_TRUE(Get(last) == Expected(9, 5));
  EXPECT_EQ(RunsIn(Log("first")), 2u);
  EXPECT_EQ(RunsIn(Log("next")), 10u);
}

TEST_F(LineageTest, WhoeverReadsItGetsIt) {
  const std::uint64_t sum = Sum(Expected(1, 1));
  const Ref<Numbers> first = Spawn<First>(1, Log("first"));
  const Ref<Numbers> second = Spawn<Next>(first, Log("second"));
  Actor<Summer> actor = Create<Summer>();
  Wait(std::vector{second}, 1);
  LoseAll();
  EXPECT_EQ(Get(Spawn<Sum>(second)), sum) << "an argument of a task";
  LoseAll();
  EXPECT_EQ(Get(Spawn<SumLater>(second)), sum) << "a borrower";
  LoseAll();
  EXPECT_EQ(Get(actor.Call<&Summer::Add>(second)), sum) << "an actor";
  EXPECT_EQ(RunsIn(Log("second")), 4u);
}

TEST_F(LineageTest, AnotherResultIsReported) {
  const Ref<Numbers> fickle = Spawn<Fickle>(Log("fickle"));
  Wait(std::vector{fickle}, 1);
  LoseAll();
  testing::internal::CaptureStderr();
  EXPECT_TRUE(Get(fickle) == Numbers(kCount, 2));
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("gave another result"), std::string::npos) << said;
  EXPECT_NE(said.find("Fickle"), std::string::npos) << said;
}

TEST_F(LineageTest, WhatMayNotRunAgainIsNamed) {
  const Ref<Numbers> once =
      Spawn<First>(TaskOptions().Retries(0), 5, Log("once"));
  const Ref<Numbers> put = Put(Numbers(kCount, 3));
  Wait(std::vector{once}, 1);
  LoseAll();
  ExpectObjectLost(once, "Retries(0)");
  ExpectObjectLost(put, "it was Put");
  EXPECT_EQ(RunsIn(Log("once")), 1u);
  // As an argument too.
  try {
    (void)Get(Spawn<Sum>(once));
    ADD_FAILURE() << "there is a sum";
  } catch (const ObjectLost&) {
  }
}

TEST_F(LineageTest, AnArgumentThatWasPutAndIsFreeIsNamed) {
  Ref<Numbers> put = Put(Numbers(kCount, 3));
  const Ref<Numbers> next = Spawn<Next>(put, Log("next"));
  Wait(std::vector{next}, 1);
  put = Ref<Numbers>();
  LoseAll();
  ExpectObjectLost(next, "argument 1");
}

}  // namespace
}  // namespace mobula::test
