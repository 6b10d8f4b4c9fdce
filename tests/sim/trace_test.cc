#include "tests/sim/trace.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/frames/message.h"

namespace mobula::sim {
namespace {

std::uint64_t HashOf(const base::Message& message) {
  Trace trace(nullptr);
  trace.Note(base::BootTime(), base::ProcessId{1, 1}, "event", message);
  return trace.hash();
}

TEST(TraceTest, EveryFieldCounts) {
  base::TaskDone done;
  done.task = base::TaskId{1, 2};
  done.outcome = base::Bytes::Own("value");
  const std::uint64_t hash = HashOf(done);
  EXPECT_EQ(hash, HashOf(done));
  base::TaskDone other = done;
  other.run_ns = 1;
  EXPECT_NE(hash, HashOf(other));
  other = done;
  other.outcome = base::Bytes::Own("valuf");
  EXPECT_NE(hash, HashOf(other));
  base::Failure failure;
  other.outcome = failure;
  const std::uint64_t failed = HashOf(other);
  failure.log_tail = {"last words"};
  other.outcome = failure;
  EXPECT_NE(failed, HashOf(other));
}

TEST(TraceTest, KindTimeAndProcessCount) {
  const auto hash = [](std::int64_t ns, std::uint64_t process,
                       std::string_view what) {
    Trace trace(nullptr);
    trace.Note(base::BootTime::FromSinceBoot(base::Duration(ns)),
               base::ProcessId{1, process}, what, base::Retire{});
    return trace.hash();
  };
  EXPECT_EQ(hash(1, 1, "event"), hash(1, 1, "event"));
  EXPECT_NE(hash(1, 1, "event"), hash(2, 1, "event"));
  EXPECT_NE(hash(1, 1, "event"), hash(1, 2, "event"));
  EXPECT_NE(hash(1, 1, "event"), hash(1, 1, "effect"));
}

TEST(TraceTest, PrintsALineForPeople) {
  std::ostringstream out;
  Trace trace(&out);
  base::ConnectTo connect;
  connect.peer = base::ProcessId{7, 0x1f};
  trace.Note(base::BootTime::FromSinceBoot(std::chrono::seconds(1001)),
             base::ProcessId{7, 2}, "event", base::Message(connect));
  EXPECT_EQ(out.str(), "   1000000us p7.2 event ConnectTo{7.1f}\n");
}

}  // namespace
}  // namespace mobula::sim
