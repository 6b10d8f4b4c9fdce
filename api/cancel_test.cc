// Cancel on workers and in local mode: what is queued never starts, what runs
// is stopped where it waits or asks, and nothing is left running.
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "api/test_fifo.h"

namespace cancelling {

using namespace std::chrono_literals;

constexpr auto kLong = 120s;  // for what is certain to come

// ---- how tasks and the test wait for one another ----------------------------

using mobula::AwaitOpen;
using mobula::Fifo;
using mobula::Tell;

void NoteRun(const std::string& log) { mobula::NoteIn(log, 'x'); }
std::size_t RunsIn(const std::string& log) {
  std::error_code absent;
  const auto size = std::filesystem::file_size(log, absent);
  return absent ? 0 : size;
}

// Returns when the process has ended.
void AwaitEnd(pid_t pid) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return;  // it is gone
  pollfd ended{fd, POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 120'000), 1);
  ::close(fd);
}

// ---- what is run ------------------------------------------------------------

int Seven() { return 7; }

int Sleep(const std::string& begun) {
  Tell(begun);
  mobula::BlockOn(mobula::SleepFor(24h));
  return 0;
}

int Compute(const std::string& begun) {
  Tell(begun);
  for (;;) {
    mobula::ThrowIfStopped();
    std::this_thread::yield();
  }
}

int Ignore(const std::string& begun, const std::string& go) {
  Tell(begun);
  AwaitOpen(go);
  return 7;
}

int IgnoreForever(const std::string& begun) {
  Tell(begun);
  for (;;) ::pause();
}

int Wait(const std::string& begun) {
  const mobula::Ref<int> child = mobula::Spawn<Sleep>(begun);
  return child.Get();
}

int WaitForSome(const std::string& begun) {
  const std::vector<mobula::Ref<int>> children = {mobula::Spawn<Sleep>(begun)};
  mobula::Wait(children, 1);
  return 0;
}

mobula::Coro<int> AwaitChild(std::string begun) {
  const mobula::Ref<int> child = mobula::Spawn<Sleep>(begun);
  co_return co_await child;
}
int WaitInACoroutine(const std::string& begun) {
  return mobula::BlockOn(AwaitChild(begun));
}

int Note(const std::string& log) {
  NoteRun(log);
  return 0;
}

int Leaf(const std::string& begun, const std::string& log) {
  NoteRun(log);
  Tell(begun);
  for (;;) {
    mobula::ThrowIfStopped();
    std::this_thread::yield();
  }
}
int Branch(const std::string& begun, const std::string& log, int leaves) {
  std::vector<mobula::Ref<int>> refs;
  for (int i = 0; i < leaves; ++i) {
    refs.push_back(mobula::Spawn<Leaf>(begun, log));
  }
  mobula::Get(refs);
  return 0;
}
int Root(const std::string& begun, const std::string& log, int branches,
         int leaves) {
  std::vector<mobula::Ref<int>> refs;
  for (int i = 0; i < branches; ++i) {
    refs.push_back(mobula::Spawn<Branch>(begun, log, leaves));
  }
  mobula::Get(refs);
  return 0;
}

// Its child outlives it where only itself is cancelled.
int Parent(const std::string& begun, const std::string& go) {
  mobula::Ref<int> child =
      mobula::Spawn<Ignore>(mobula::TaskOptions().Cpus(0.5), begun, go);
  mobula::BlockOn(mobula::SleepFor(24h));
  return 0;
}

bool CancelAnothers(const mobula::Ref<int>& ref) { return mobula::Cancel(ref); }

int DieInAMoment() {
  for (int i = ::rand() % 100; i > 0; --i) std::this_thread::yield();
  ::kill(::getpid(), SIGKILL);
  return 0;
}

class Worker {
 public:
  int Sleep(const std::string& begun) {
    Tell(begun);
    mobula::BlockOn(mobula::SleepFor(24h));
    return 0;
  }
  int Ignore(const std::string& begun, const std::string& go) {
    Tell(begun);
    AwaitOpen(go);
    return 7;
  }
  int Count() { return ++count_; }
  // Calls itself, which it cannot answer before it has returned.
  std::string CancelBehind(const std::string& name) {
    const mobula::Ref<int> behind =
        mobula::GetActor<Worker>(name).Call<&Worker::Count>();
    const bool first = mobula::Cancel(behind);
    const bool again = mobula::Cancel(behind);
    const auto result = behind.TryGet();
    if (result.ok()) return "it ran";
    return std::to_string(first) + std::to_string(again) +
           (result.error().code() == mobula::ErrorCode::kCancelled ? "" : "?");
  }

 private:
  int count_ = 0;
};

// The executed() with which it is cancelled.
mobula::Executed CancelledAs(const mobula::Ref<int>& ref) {
  const auto result = ref.TryGet(kLong);
  if (result.ok()) {
    ADD_FAILURE() << "it gave " << *result;
    return mobula::Executed::kYes;
  }
  EXPECT_EQ(result.error().code(), mobula::ErrorCode::kCancelled)
      << result.error().what();
  return result.error().executed();
}

class CancelTest : public testing::Test {
 protected:
  CancelTest() {
    std::string name = "/tmp/mobula_cancel_XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~CancelTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string Path(const std::string& name) const {
    return folder_ + "/" + name;
  }
  static mobula::Runtime Start(int cpus) {
    return mobula::Init(mobula::InitOptions().Cpus(cpus));
  }

  std::string folder_;
};

TEST_F(CancelTest, WhatIsQueuedNeverStarts) {
  const mobula::Runtime runtime = Start(1);
  const Fifo begun(Path("begun"));
  const Fifo go(Path("go"));
  const auto first = mobula::Spawn<Ignore>(begun.path(), go.path());
  begun.Await();
  const auto queued = mobula::Spawn<Note>(Path("log"));
  const auto dependent = mobula::Spawn<[](int x) { return x; }>(queued);
  EXPECT_TRUE(mobula::Cancel(queued));
  EXPECT_EQ(CancelledAs(queued), mobula::Executed::kNo);
  EXPECT_EQ(CancelledAs(dependent), mobula::Executed::kNo);
  EXPECT_TRUE(mobula::Cancel(queued));
  go.Open();
  EXPECT_EQ(first.Get(kLong), 7);
  EXPECT_FALSE(mobula::Cancel(first));
  EXPECT_EQ(mobula::Spawn<Seven>().Get(kLong), 7);
  EXPECT_EQ(RunsIn(Path("log")), 0u);
}

TEST_F(CancelTest, WhatWaitsOrAsksIsStoppedAndItsSlotIsFree) {
  const mobula::Runtime runtime = Start(1);
  const Fifo begun(Path("begun"));
  for (int i = 0; i < 2; ++i) {
    const auto ref = i == 0 ? mobula::Spawn<Sleep>(begun.path())
                            : mobula::Spawn<Compute>(begun.path());
    begun.Await();
    EXPECT_TRUE(mobula::Cancel(ref));
    EXPECT_NE(CancelledAs(ref), mobula::Executed::kNo);
    EXPECT_EQ(mobula::Spawn<Seven>().Get(kLong), 7);
  }
}

TEST_F(CancelTest, WhatWaitsForItsOwnTasksIsStoppedWithThem) {
  const mobula::Runtime runtime = Start(1);
  const Fifo begun(Path("begun"));
  for (int i = 0; i < 3; ++i) {
    const auto ref = i == 0   ? mobula::Spawn<Wait>(begun.path())
                     : i == 1 ? mobula::Spawn<WaitForSome>(begun.path())
                              : mobula::Spawn<WaitInACoroutine>(begun.path());
    begun.Await();  // the child
    EXPECT_TRUE(mobula::Cancel(ref));
    CancelledAs(ref);
    EXPECT_EQ(mobula::Spawn<Seven>().Get(kLong), 7);
  }
}

TEST_F(CancelTest, WhatIgnoresItRunsToItsEndAndItsResultIsDropped) {
  const mobula::Runtime runtime = Start(1);
  const Fifo begun(Path("begun"));
  const Fifo go(Path("go"));
  const auto ref = mobula::Spawn<Ignore>(begun.path(), go.path());
  begun.Await();
  EXPECT_TRUE(mobula::Cancel(ref));
  EXPECT_EQ(CancelledAs(ref), mobula::Executed::kMaybe);
  const auto behind = mobula::Spawn<Seven>();
  go.Open();
  EXPECT_EQ(behind.Get(kLong), 7);
  EXPECT_EQ(CancelledAs(ref), mobula::Executed::kMaybe);
}

TEST_F(CancelTest, ForceEndsTheWorkerOfWhatIgnoresIt) {
  const mobula::Runtime runtime = Start(1);
  const Fifo begun(Path("begun"));
  const auto ref = mobula::Spawn<IgnoreForever>(begun.path());
  const pid_t pid = begun.Await();
  EXPECT_TRUE(mobula::Cancel(ref));
  CancelledAs(ref);
  EXPECT_TRUE(mobula::Cancel(ref, mobula::CancelOptions().Force()));
  AwaitEnd(pid);
  EXPECT_EQ(mobula::Spawn<Seven>().Get(kLong), 7);
  EXPECT_EQ(CancelledAs(ref), mobula::Executed::kMaybe);
}

TEST_F(CancelTest, ATreeOfAThousandTasksIsGone) {
  const mobula::Runtime runtime = Start(2);
  const Fifo begun(Path("begun"));
  const auto root = mobula::Spawn<Root>(begun.path(), Path("log"), 9, 110);
  begun.Await();  // a leaf
  begun.Await();
  EXPECT_TRUE(mobula::Cancel(root));
  CancelledAs(root);
  // It gets both cpus once nothing else runs or waits before it.
  const mobula::TaskOptions all = mobula::TaskOptions().Cpus(2);
  EXPECT_EQ(mobula::Spawn<Seven>(all).Get(kLong), 7);
  const std::size_t runs = RunsIn(Path("log"));
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(mobula::Spawn<Seven>(all).Get(kLong), 7);
  }
  EXPECT_EQ(RunsIn(Path("log")), runs);
  EXPECT_LT(runs, 990u);
}

TEST_F(CancelTest, NotRecursiveLeavesTheChildrenAlone) {
  const mobula::Runtime runtime = Start(2);
  const Fifo begun(Path("begun"));
  const Fifo go(Path("go"));
  const auto ref = mobula::Spawn<Parent>(mobula::TaskOptions().Cpus(0.5),
                                         begun.path(), go.path());
  const pid_t child = begun.Await();
  EXPECT_TRUE(mobula::Cancel(ref, mobula::CancelOptions().Recursive(false)));
  CancelledAs(ref);
  EXPECT_EQ(::kill(child, 0), 0);
  go.Open();
  EXPECT_EQ(mobula::Spawn<Seven>(mobula::TaskOptions().Cpus(2)).Get(kLong), 7);
}

TEST_F(CancelTest, ABorrowerCancelsToo) {
  const mobula::Runtime runtime = Start(2);
  const Fifo begun(Path("begun"));
  const auto ref = mobula::Spawn<Sleep>(begun.path());
  begun.Await();
  EXPECT_TRUE(mobula::Spawn<CancelAnothers>(ref).Get(kLong));
  CancelledAs(ref);
  EXPECT_TRUE(mobula::Spawn<CancelAnothers>(ref).Get(kLong));
  const auto seven = mobula::Spawn<Seven>();
  seven.Get(kLong);
  EXPECT_FALSE(mobula::Spawn<CancelAnothers>(seven).Get(kLong));
}

TEST_F(CancelTest, CallsAreStoppedOrNeverStartAndTheActorLives) {
  const mobula::Runtime runtime = Start(1);
  const Fifo begun(Path("begun"));
  const auto worker = mobula::Create<Worker>();
  const auto running = worker.Call<&Worker::Sleep>(begun.path());
  begun.Await();
  const auto queued = worker.Call<&Worker::Count>();
  const auto behind = worker.Call<&Worker::Count>();
  EXPECT_THROW(mobula::Cancel(running, mobula::CancelOptions().Force()),
               mobula::BadArgument);
  EXPECT_TRUE(mobula::Cancel(queued));
  EXPECT_EQ(CancelledAs(queued), mobula::Executed::kNo);
  EXPECT_TRUE(mobula::Cancel(running));
  EXPECT_NE(CancelledAs(running), mobula::Executed::kNo);
  EXPECT_EQ(behind.Get(kLong), 1);
}

TEST_F(CancelTest, WhatMakesNoSenseIsRefused) {
  const mobula::Runtime runtime = Start(1);
  EXPECT_THROW(mobula::Cancel(mobula::Ref<int>()), mobula::BadArgument);
  EXPECT_THROW(mobula::Cancel(mobula::Put(7)), mobula::BadArgument);
}

TEST_F(CancelTest, AmongDeathsOfWorkersEachHasOneOutcome) {
  const mobula::Runtime runtime = Start(2);
  std::vector<mobula::Ref<int>> refs;
  std::vector<bool> cancelled;
  for (int i = 0; i < 30; ++i) {
    refs.push_back(
        mobula::Spawn<DieInAMoment>(mobula::TaskOptions().Retries(i % 3)));
    const std::size_t at = static_cast<std::size_t>(::rand()) % refs.size();
    cancelled.resize(refs.size());
    if (mobula::Cancel(refs[at])) cancelled[at] = true;
  }
  for (std::size_t i = 0; i < refs.size(); ++i) {
    if (cancelled[i]) {
      CancelledAs(refs[i]);
    } else {
      EXPECT_THROW(refs[i].Get(kLong), mobula::WorkerDied);
    }
  }
  EXPECT_EQ(mobula::Spawn<Seven>(mobula::TaskOptions().Cpus(2)).Get(kLong), 7);
}

TEST_F(CancelTest, AGetInAScopeThatIsStoppedEnds) {
  const mobula::Runtime runtime = Start(1);
  const Fifo begun(Path("begun"));
  const auto ref = mobula::Spawn<Sleep>(begun.path());
  begun.Await();
  {
    const mobula::Scope scope(mobula::ScopeOptions().Timeout(10ms));
    EXPECT_THROW(ref.Get(), mobula::TimeoutError);
    EXPECT_THROW(mobula::Wait(std::vector{ref}, 1), mobula::TimeoutError);
  }
  mobula::Cancel(ref);
}

TEST_F(CancelTest, InLocalModeACallBehindABusyActorIsTakenBack) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Local());
  const auto worker =
      mobula::Create<Worker>(mobula::ActorOptions().Name("busy"));
  EXPECT_EQ(worker.Call<&Worker::CancelBehind>("busy").Get(), "11");
  const auto count = worker.Call<&Worker::Count>();
  EXPECT_EQ(count.Get(), 1);
  EXPECT_FALSE(mobula::Cancel(count));
  EXPECT_THROW(mobula::Cancel(count, mobula::CancelOptions().Force()),
               mobula::BadArgument);
  EXPECT_THROW(mobula::Cancel(mobula::Put(7)), mobula::BadArgument);
}

}  // namespace cancelling
