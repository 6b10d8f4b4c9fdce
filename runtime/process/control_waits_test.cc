#include "runtime/process/control_waits.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/control/control_request.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "runtime/core/events.h"

namespace mobula::runtime {
namespace {

AskControl Question(std::uint64_t n) {
  AskControl ask;
  ask.request = {1, n};
  ask.body = base::GetStatus{};
  return ask;
}

base::ControlReply Version(std::uint64_t version) {
  base::KeyAnswer answer;
  answer.version = version;
  return answer;
}

base::Failure Closed() {
  base::Failure failure;
  failure.code = base::FailureCode::kShutdown;
  return failure;
}

TEST(ControlWaitsTest, AnAnswerMayComeBeforeTheWait) {
  ControlWaits* to = nullptr;
  ControlWaits waits([&to](const AskControl& ask) {
    to->Settle({ask.request, Version(ask.request.lo)});
  });
  to = &waits;
  const base::ControlReply reply = waits.Ask(Question(5), nullptr);
  EXPECT_EQ(std::get<base::KeyAnswer>(reply).version, 5u);
  waits.Settle({{1, 6}, Version(6)});  // nobody waits
}

TEST(ControlWaitsTest, EachThreadGetsItsOwnAnswer) {
  constexpr std::uint64_t kThreads = 8;
  base::Mutex mutex;
  std::vector<base::RequestId> asked;
  std::atomic<std::size_t> count{0};
  ControlWaits waits([&](const AskControl& ask) {
    base::MutexLock lock(mutex);
    asked.push_back(ask.request);
    count = asked.size();
  });
  std::atomic<int> blocked{0};
  std::vector<std::thread> threads;
  for (std::uint64_t n = 1; n <= kThreads; ++n) {
    threads.emplace_back([&waits, &blocked, n] {
      const base::ControlReply reply = waits.Ask(
          Question(n),
          [&blocked](bool is_blocked) { blocked += is_blocked ? 1 : -1; });
      EXPECT_EQ(std::get<base::KeyAnswer>(reply).version, n);
    });
  }
  // None is answered before all are blocked.
  while (count < kThreads || blocked < static_cast<int>(kThreads)) {
    std::this_thread::yield();
  }
  for (auto it = asked.rbegin(); it != asked.rend(); ++it) {
    waits.Settle({*it, Version(it->lo)});
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(blocked, 0);
}

TEST(ControlWaitsTest, NobodyWaitsAfterTheEnd) {
  std::atomic<bool> asked{false};
  ControlWaits waits([&asked](const AskControl&) { asked = true; });
  std::thread thread([&waits] {
    const base::ControlReply reply = waits.Ask(Question(1), nullptr);
    EXPECT_EQ(std::get<base::Failure>(reply), Closed());
  });
  while (!asked) std::this_thread::yield();
  waits.Close(Closed());
  thread.join();
  const base::ControlReply reply = waits.Ask(Question(2), nullptr);
  EXPECT_EQ(std::get<base::Failure>(reply), Closed());
}

}  // namespace
}  // namespace mobula::runtime
