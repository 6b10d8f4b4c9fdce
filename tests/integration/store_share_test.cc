// One value in the store, many processes: it is there once, nobody but its
// writer can change it, and who is killed with it takes nothing along.
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/failure.h"
#include "base/function_table.h"
#include "runtime/core/events.h"
#include "tests/integration/store_user.h"
#include "tests/process_tree/process_tree.h"

namespace mobula::test {

// ---- what runs in workers; external linkage, as a user's would have ---------

constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;

base::BootTime InAMinute() {
  return base::BootNow() + std::chrono::seconds(60);
}

// Reads a value and keeps it mapped.
class StoreReader {
 public:
  int Hold(const StoredAt& value) {
    base::Failure failure;
    held_ = StoreUser().Map(value, InAMinute(), &failure);
    if (!held_ || !HasPattern(held_->view(), value.seed)) return 0;
    return ::getpid();
  }
  bool StillRight(const StoredAt& value) {
    return HasPattern(held_->view(), value.seed);
  }

 private:
  std::optional<base::Bytes> held_;
};

void WriteThroughTheReadersMapping(const StoredAt& value) {
  base::Failure failure;
  const auto bytes = StoreUser().Map(value, InAMinute(), &failure);
  ::signal(SIGSEGV, SIG_DFL);  // also under a sanitizer
  if (bytes) *const_cast<volatile char*>(bytes->view().data()) = 'x';
}

void TellPid(const std::string& file) {
  std::ofstream(file + ".new") << ::getpid() << "\n";
  std::filesystem::rename(file + ".new", file);
}

// Takes room, fills it, gives it back, for ever.
void WriteForEver(const std::string& pid_file) {
  const StoreUser user;
  std::mt19937_64 random(1);
  for (bool told = false;; told = true) {
    const auto given =
        user.backend().Allocate(1 + random() % (4 * kMebibyte), InAMinute());
    const auto& room = std::get<runtime::Backend::Room>(given);
    FillPattern(room.bytes, random());
    if (!told) TellPid(pid_file);
    user.backend().Discard(room.extent);
  }
}

void ReadForEver(const std::string& pid_file,
                 const std::vector<StoredAt>& values) {
  const StoreUser user;
  for (std::size_t i = 0;; ++i) {
    if (!user.IsRight(values[i % values.size()], InAMinute())) ::_exit(9);
    if (i == 0) TellPid(pid_file);
  }
}

namespace {

// A function whose result lies in the store: bytes of its worker, an object of
// its caller.
base::Outcome Produce(base::Invocation& invocation) {
  std::uint64_t seed = 0;
  invocation.args[0].view().copy(reinterpret_cast<char*>(&seed), sizeof(seed));
  const runtime::Backend& backend = StoreUser().backend();
  auto given = const_cast<runtime::Backend&>(backend).Allocate(
      kMebibyte + seed % (2 * kMebibyte), InAMinute());
  if (auto* why = std::get_if<base::Failure>(&given)) return std::move(*why);
  const auto& room = std::get<runtime::Backend::Room>(given);
  FillPattern(room.bytes, seed);
  return base::Value::Stored(invocation.result, room.extent);
}

const base::FunctionEntry kProduce{base::FunctionId{0x57'0e, 1},
                                   "store_share_test", "Produce", &Produce};
[[maybe_unused]] const bool kRegistered = [] {
  base::FunctionTable::Get().Register(&kProduce);
  return true;
}();

constexpr int kReaders = 8;
constexpr std::uint64_t kLargeBytes = 1024 * kMebibyte;
constexpr int kRounds = 12;

// One number of a file of lines "Name:   number kB", in bytes.
std::uint64_t BytesBehind(const std::string& file, const std::string& name) {
  std::ifstream lines(file);
  std::string line;
  while (std::getline(lines, line)) {
    if (!line.starts_with(name + ":")) continue;
    return std::strtoull(line.c_str() + name.size() + 1, nullptr, 10) * 1024;
  }
  ADD_FAILURE() << "no " << name << " in " << file;
  return 0;
}

std::uint64_t RollupOf(pid_t pid, const std::string& name) {
  return BytesBehind("/proc/" + std::to_string(pid) + "/smaps_rollup", name);
}

class StoreShareTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/shareXXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    top_ = std::filesystem::canonical(pattern);
    spill_ = top_ + "/spill";
    std::filesystem::create_directory(spill_);
    std::filesystem::create_directory(top_ + "/run");
    std::filesystem::permissions(top_ + "/run",
                                 std::filesystem::perms::owner_all);
    ::setenv("XDG_RUNTIME_DIR", (top_ + "/run").c_str(), 1);
    ::setenv("MOBULA_ADDRESS", "embedded", 1);
    named_ = NamesBelow("/dev/shm");
  }
  void TearDown() override {
    EXPECT_TRUE(Children(::getpid()).empty());
    EXPECT_TRUE(std::filesystem::is_empty(spill_));
    EXPECT_EQ(NamesBelow("/dev/shm"), named_);
    std::filesystem::remove_all(top_);
  }
  [[nodiscard]] InitOptions OptionsOf(double cpus, const char* store) const {
    return InitOptions().Cpus(cpus).ObjectStoreMemory(store).SpillFolders(
        {spill_});
  }

  std::string top_;
  std::string spill_;
  std::vector<std::string> named_;
};

TEST_F(StoreShareTest, EightReadersOfAValueHaveItOnce) {
  const Runtime runtime = Init(OptionsOf(2, "1200MiB"));
  const StoreUser user;
  const std::uint64_t before = BytesBehind("/proc/meminfo", "Shmem");
  base::Failure failure;
  const auto value = user.Put(kLargeBytes, 3, InAMinute(), &failure);
  ASSERT_TRUE(value.has_value()) << base::DescribeFailure(failure);
  std::vector<Actor<StoreReader>> readers;
  std::vector<Ref<int>> held;
  for (int i = 0; i < kReaders; ++i) {
    readers.push_back(Create<StoreReader>());
    held.push_back(readers.back().Call<&StoreReader::Hold>(*value));
  }
  std::uint64_t shares = RollupOf(::getpid(), "Pss_Shmem");
  for (const Ref<int>& ref : held) {
    const int pid = Get(ref);
    ASSERT_GT(pid, 0);
    EXPECT_GE(RollupOf(pid, "Rss"), kLargeBytes) << "all of it is mapped";
  }
  // Only now do all of them have it.
  shares = RollupOf(::getpid(), "Pss_Shmem");
  for (const Ref<int>& ref : held) shares += RollupOf(Get(ref), "Pss_Shmem");
  EXPECT_GE(shares, kLargeBytes - kMebibyte);
  EXPECT_LE(shares, kLargeBytes + 16 * kMebibyte);
  const std::uint64_t after = BytesBehind("/proc/meminfo", "Shmem");
  EXPECT_LT(after, before + 2 * kLargeBytes);

  // Who writes where it may only read ends, and alone.
  const Ref<void> scribble =
      Spawn<WriteThroughTheReadersMapping>(TaskOptions().Retries(0), *value);
  try {
    Get(scribble);
    ADD_FAILURE() << "it wrote";
  } catch (const WorkerDied& error) {
    EXPECT_EQ(error.signal(), SIGSEGV) << error.what();
  }
  for (Actor<StoreReader>& reader : readers) {
    EXPECT_TRUE(Get(reader.Call<&StoreReader::StillRight>(*value)));
  }
  user.Drop(*value);
}

// A head whose workers are killed.
class Shambles {
 public:
  Shambles(std::string top, std::string spill)
      : top_(std::move(top)),
        spill_(std::move(spill)),
        raylet_(RayletOfThisProcess()) {}

  // Results of a worker, which are ours.
  std::vector<StoredAt> HaveProduced(int count, std::uint64_t seed) {
    std::vector<StoredAt> values;
    for (int i = 0; i < count; ++i) values.push_back(Begin(seed + i));
    for (StoredAt& value : values) {
      const auto settled =
          user_.backend().Await(value.name.object, InAMinute());
      const auto* stored = settled ? base::StoredIn(settled->outcome) : nullptr;
      EXPECT_NE(stored, nullptr);
      if (stored != nullptr) value.extent = stored->extent();
    }
    return values;
  }
  // The pid that a function wrote down.
  pid_t AwaitPid(const std::string& file) {
    const base::BootTime deadline = InAMinute();
    while (!std::filesystem::exists(file) && base::BootNow() < deadline) {
      ::poll(nullptr, 0, 1);
    }
    pid_t pid = 0;
    std::ifstream(file) >> pid;
    std::filesystem::remove(file);
    EXPECT_GT(pid, 0) << file;
    return pid;
  }
  void RunRound(int round) {
    const std::vector<StoredAt> values =
        HaveProduced(8, static_cast<std::uint64_t>(round) * 1000);
    const TaskOptions once = TaskOptions().Retries(0);
    const Ref<void> writer = Spawn<WriteForEver>(once, top_ + "/writer");
    const Ref<void> reader = Spawn<ReadForEver>(once, top_ + "/reader", values);
    std::vector<pid_t> victims = {AwaitPid(top_ + "/writer"),
                                  AwaitPid(top_ + "/reader")};
    std::mt19937 random(static_cast<unsigned>(round));
    if (round % 2 == 0) std::swap(victims[0], victims[1]);
    for (const pid_t victim : victims) {
      ::poll(nullptr, 0, static_cast<int>(random() % 20));
      EXPECT_EQ(::kill(victim, SIGKILL), 0);
    }
    ExpectKilled(writer);
    ExpectKilled(reader);
    for (const StoredAt& value : values) {
      EXPECT_TRUE(user_.IsRight(value, InAMinute()));
      user_.Drop(value);
    }
    ExpectNoValueLeft(raylet_, spill_, InAMinute());
  }
  // All of the store can be had, so nothing of it is lost.
  void ExpectWholeStore() {
    std::vector<StoredAt> values;
    for (std::uint64_t i = 0; i < 28; ++i) {
      base::Failure failure;
      const auto value = user_.Put(1'000'000, i, InAMinute(), &failure);
      ASSERT_TRUE(value.has_value()) << base::DescribeFailure(failure);
      values.push_back(*value);
    }
    EXPECT_EQ(StoreFilesOf(raylet_, spill_).spill_files, 0u);
    for (const StoredAt& value : values) {
      EXPECT_TRUE(user_.IsRight(value, InAMinute()));
      user_.Drop(value);
    }
  }

 private:
  StoredAt Begin(std::uint64_t seed) {
    StoredAt value;
    value.name = {user_.backend().NewId<base::ObjectId>(),
                  user_.backend().self()};
    value.seed = seed;
    runtime::Submit submit;
    submit.task = user_.backend().NewId<base::TaskId>();
    submit.result = value.name.object;
    submit.function = kProduce.id;
    submit.function_name = kProduce.name;
    runtime::Arg arg;
    arg.value = base::Bytes::Own(
        std::string(reinterpret_cast<const char*>(&seed), sizeof(seed)));
    submit.args.push_back(std::move(arg));
    submit.resources = base::ResourceVector::Cpus(1);
    user_.backend().Post(std::move(submit));
    return value;
  }
  static void ExpectKilled(const Ref<void>& ref) {
    const Result<void> result = TryGet(ref, std::chrono::seconds(60));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code(), ErrorCode::kWorkerDied)
        << result.error().what();
    EXPECT_EQ(result.error().signal(), SIGKILL);
  }

  const std::string top_;
  const std::string spill_;
  const pid_t raylet_;
  const StoreUser user_;
};

TEST_F(StoreShareTest, WhoIsKilledWithItLeavesNothingAndTheStoreGoesOn) {
  const Runtime runtime = Init(OptionsOf(2, "32MiB"));
  Shambles shambles(top_, spill_);
  for (int round = 1; round <= kRounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    shambles.RunRound(round);
  }
  shambles.ExpectWholeStore();
}

TEST_F(StoreShareTest, WithTheAgentTheStoreIsGoneAndNobodyHangs) {
  const Runtime runtime = Init(OptionsOf(1, "32MiB"));
  const StoreUser user;
  base::Failure failure;
  std::vector<StoredAt> values;
  for (std::uint64_t i = 0; i < 60; ++i) {  // some of them on disk
    const auto value = user.Put(kMebibyte, i, InAMinute(), &failure);
    ASSERT_TRUE(value.has_value()) << base::DescribeFailure(failure);
    values.push_back(*value);
  }
  ASSERT_GT(StoreFilesOf(RayletOfThisProcess(), spill_).spill_files, 0u);
  ASSERT_EQ(::kill(RayletOfThisProcess(), SIGKILL), 0);
  std::optional<StoredAt> more;
  do {
    more = user.Put(kMebibyte, 1, InAMinute(), &failure);
  } while (more);
  EXPECT_EQ(base::FailureCodeName(failure.code), "RayletDied");
  EXPECT_FALSE(user.Map(values[0], InAMinute(), &failure).has_value());
  EXPECT_EQ(base::FailureCodeName(failure.code), "RayletDied");
}

}  // namespace
}  // namespace mobula::test
