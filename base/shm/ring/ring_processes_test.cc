// Rings between processes: all arrives, and a writer that is killed between any
// two of its instructions leaves whole batches or nothing.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "base/shm/ring/ring_end.h"
#include "base/shm/ring/ring_reader.h"
#include "base/shm/ring/ring_writer.h"

namespace mobula::base {
namespace {

using Put = RingWriter::Put;
using Got = RingReader::Got;

constexpr std::size_t kBytes = std::size_t{64} << 10;

// A child that runs this and ends with 0 if it was right.
pid_t Start(const std::function<bool()>& run) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(run() ? 0 : 1);
  EXPECT_GT(child, 0);
  return child;
}

bool EndedWell(pid_t child) {
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) &&
         WEXITSTATUS(status) == 0;
}

std::uint64_t Messages() {
  const char* const text = std::getenv("MOBULA_RING_MESSAGES");
  return text == nullptr ? 1'000'000 : std::strtoull(text, nullptr, 10);
}

// A record's number, then bytes that follow from it, some more some less.
std::size_t Fill(std::uint64_t number, std::string* record) {
  record->resize(8 + number * 7 % 57);
  std::memcpy(record->data(), &number, 8);
  for (std::size_t at = 8; at < record->size(); ++at) {
    (*record)[at] = static_cast<char>(number + at);
  }
  return record->size();
}

TEST(RingProcessesTest, EveryMessageArrivesOnceInOrder) {
  const std::uint64_t count = Messages();
  RingEnd::Handles handles = RingEnd::MakeHandles(kBytes);
  const pid_t child = Start([&handles, count] {
    RingEnd end(handles, 1);
    std::string record;
    for (std::uint64_t i = 0; i < count; ++i) {
      Fill(i, &record);
      if (!end.Send(record)) return false;
      // Batches of every size, and a pause now and then.
      if (i % (1 + i / 1024 % 64) == 0) end.Publish();
    }
    end.Publish();
    return end.lost_wakes() == 0;
  });
  RingEnd end(handles, 0);
  std::string got;
  std::string expected;
  for (std::uint64_t i = 0; i < count; ++i) {
    ASSERT_TRUE(end.Receive(&got, i % 4096 < 2048 ? 50 : 0))
        << end.reader().error();
    Fill(i, &expected);
    ASSERT_TRUE(got == expected) << i;
  }
  EXPECT_TRUE(EndedWell(child));
  EXPECT_EQ(end.lost_wakes(), 0u);
  EXPECT_EQ(end.TryReceive(&got), Got::kNothing);
}

TEST(RingProcessesTest, OneAtATimeThereAndBack) {
  const std::uint64_t count =
      std::min<std::uint64_t>(Messages(), 20'000'000) / 20;
  RingEnd::Handles handles = RingEnd::MakeHandles(4096);
  const pid_t child = Start([&handles, count] {
    RingEnd end(handles, 1);
    std::string got;
    for (std::uint64_t i = 0; i < count; ++i) {
      if (!end.Receive(&got) || !end.Send(got)) return false;
      end.Publish();
    }
    return end.lost_wakes() == 0;
  });
  RingEnd end(handles, 0);
  std::string sent;
  std::string got;
  for (std::uint64_t i = 0; i < count; ++i) {
    Fill(i, &sent);
    ASSERT_TRUE(end.Send(sent));
    end.Publish();
    ASSERT_TRUE(end.Receive(&got));
    ASSERT_TRUE(got == sent) << i;
  }
  EXPECT_TRUE(EndedWell(child));
  EXPECT_EQ(end.lost_wakes(), 0u);
}

// What a writer has left, batch by batch: batches are numbers, each of one
// record and as many more as its number has left over when divided by five.
struct Left {
  std::uint64_t batches = 0;
  bool is_right = true;
};

std::string RecordOf(std::uint64_t batch, std::uint64_t record) {
  return std::string(5 + batch * 31 % 400, static_cast<char>(batch + record));
}

// Reads on from what has been read.
void ReadLeft(RingEnd& end, Left* left) {
  std::string got;
  std::uint64_t record = 0;
  while (true) {
    const Got what = end.TryReceive(&got);
    if (what != Got::kRecord) {
      left->is_right = left->is_right && what == Got::kNothing && record == 0;
      return;
    }
    left->is_right = left->is_right && got == RecordOf(left->batches, record);
    if (++record <= left->batches % 5) continue;
    record = 0;
    ++left->batches;
  }
}

bool WriteBatch(RingEnd& end, std::uint64_t batch) {
  for (std::uint64_t record = 0; record <= batch % 5; ++record) {
    if (end.writer().Append(RecordOf(batch, record)) != Put::kDone) {
      return false;
    }
  }
  end.Publish();
  return true;
}

TEST(RingProcessesTest, AWriterKilledAtAnyTimeLeavesWholeBatches) {
  std::mt19937_64 random(5);
  std::uint64_t met = 0;
  for (int kill = 0; kill < 200; ++kill) {
    RingEnd::Handles handles = RingEnd::MakeHandles(kBytes);
    const pid_t child = Start([&handles] {
      RingEnd end(handles, 1);
      for (std::uint64_t batch = 0; WriteBatch(end, batch); ++batch) {
      }
      ::pause();  // the ring is full
      return true;
    });
    RingEnd end(handles, 0);
    Left left;
    const std::uint64_t enough = random() % 40;
    while (left.batches < enough) ReadLeft(end, &left);
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ReadLeft(end, &left);
    EXPECT_TRUE(left.is_right) << end.reader().error();
    met += left.batches > 0 ? 1 : 0;
  }
  EXPECT_GT(met, 0u);
}

// A child that is stopped before it writes the batches after the first, and is
// then let go on instruction by instruction.
class SteppedWriter {
 public:
  explicit SteppedWriter(RingEnd::Handles& handles) {
    child_ = Start([&handles] {
      RingEnd end(handles, 1);
      if (!WriteBatch(end, 0) || ::ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) {
        return false;
      }
      ::raise(SIGSTOP);
      const bool is_right = WriteBatch(end, 1) && WriteBatch(end, 2);
      ::raise(SIGSTOP);
      return is_right;
    });
    stopped_ = Waited();
  }
  ~SteppedWriter() {
    ::kill(child_, SIGKILL);
    int status = 0;
    ::waitpid(child_, &status, 0);
  }

  // False where a process may not trace its children.
  [[nodiscard]] bool stopped() const { return stopped_; }
  // One instruction more; false at its second stop.
  bool Step() {
    if (::ptrace(PTRACE_SINGLESTEP, child_, 0, 0) != 0) return false;
    return Waited() && signal_ == SIGTRAP;
  }

 private:
  bool Waited() {
    int status = 0;
    if (::waitpid(child_, &status, 0) != child_ || !WIFSTOPPED(status)) {
      return false;
    }
    signal_ = WSTOPSIG(status);
    return true;
  }

  pid_t child_ = -1;
  int signal_ = 0;
  bool stopped_ = false;
};

// How many instructions the writer makes while its index has its first, second
// and third value. That index is all that a reader goes by: so between any two
// instructions it finds one, two or three whole batches.
std::vector<std::uint64_t> StepsOfEachValue() {
  RingEnd::Handles handles = RingEnd::MakeHandles(kBytes);
  SteppedWriter writer(handles);
  if (!writer.stopped()) return {};
  RingEnd end(handles, 0);
  Left left;
  ReadLeft(end, &left);
  EXPECT_TRUE(left.is_right);
  EXPECT_EQ(left.batches, 1u);
  std::vector<std::uint64_t> steps;
  std::uint64_t seen = 0;
  while (writer.Step()) {
    const std::uint64_t published = end.segment().index(1).published.load();
    if (steps.empty() || published != seen) steps.push_back(0);
    seen = published;
    ++steps.back();
  }
  return steps;
}

void KillAfter(std::uint64_t steps, std::uint64_t batches) {
  RingEnd::Handles handles = RingEnd::MakeHandles(kBytes);
  {
    SteppedWriter writer(handles);
    ASSERT_TRUE(writer.stopped());
    for (std::uint64_t step = 0; step < steps; ++step) writer.Step();
  }
  RingEnd end(handles, 0);
  Left left;
  ReadLeft(end, &left);
  EXPECT_TRUE(left.is_right)
      << "killed after " << steps << ": " << end.reader().error();
  // What else it does before its first step differs by an instruction or two.
  EXPECT_GE(left.batches + 1, batches) << "killed after " << steps;
  EXPECT_LE(left.batches, batches + 1) << "killed after " << steps;
}

TEST(RingProcessesTest, NothingIsHalfVisibleBetweenAnyTwoInstructions) {
  const std::vector<std::uint64_t> steps = StepsOfEachValue();
  if (steps.empty()) GTEST_SKIP() << "a process may not trace its children";
  ASSERT_EQ(steps.size(), 3u) << "two batches are two stores";
  constexpr std::uint64_t kAround = 8;
  std::uint64_t store = 0;
  for (std::uint64_t batches = 1; batches <= 2; ++batches) {
    store += steps[batches - 1];
    ASSERT_GT(steps[batches - 1], 2 * kAround);
    for (std::uint64_t at = store - kAround; at < store + kAround; ++at) {
      KillAfter(at, at < store ? batches : batches + 1);
    }
    KillAfter(store - steps[batches - 1] / 2, batches);
  }
}

}  // namespace
}  // namespace mobula::base
