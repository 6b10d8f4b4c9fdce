// Two sessions over a wire that drops, repeats, delays and reorders. Whatever
// it does, every message comes out once and in order, and no window is passed.
// The planted bugs must break that, or this test could not fail.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/session/session.h"

namespace mobula::base {
namespace {

using std::chrono::milliseconds;

constexpr int kMessages = 2000;

// A world of two ends, 0 and 1, under one virtual clock.
class World {
 public:
  World(std::uint64_t seed, int fault_percent, bool plant_no_dedup)
      : random_(seed), fault_percent_(fault_percent) {
    for (std::size_t end = 0; end < 2; ++end) {
      SessionOptions options;
      options.self = ProcessId{1, end + 1};
      options.peer = ProcessId{1, 2 - end};
      options.window = static_cast<std::uint32_t>(1 + random_() % 40);
      if (end == 1) options.window = ends_[0].options().window;
      options.plant_no_dedup = plant_no_dedup;
      ends_.emplace_back(options);
    }
  }

  // False if it did not come to rest.
  bool Run() {
    for (int step = 0; step < 2'000'000; ++step) {
      MaybeSend();
      if (Done()) return true;
      if (!NextEvent()) return false;
      for (const Session& end : ends_) {
        if (end.ended()) return false;
        window_kept_ &= end.in_flight() <= end.options().window;
      }
    }
    return false;
  }

  [[nodiscard]] bool window_kept() const { return window_kept_; }
  // What end `end` got, which is right if it is 0, 1, 2, ...
  [[nodiscard]] bool RightOrder(std::size_t end) const {
    for (std::size_t i = 0; i < got_[end].size(); ++i) {
      if (got_[end][i] != std::to_string(i)) return false;
    }
    return got_[end].size() == kMessages;
  }
  [[nodiscard]] std::uint64_t duplicates() const {
    return ends_[0].counts().duplicates + ends_[1].counts().duplicates;
  }
  [[nodiscard]] std::uint64_t retransmitted() const {
    return ends_[0].counts().retransmitted + ends_[1].counts().retransmitted;
  }

 private:
  struct Arrival {
    std::size_t to = 0;
    Transmit frame;
  };

  bool Chance() { return static_cast<int>(random_() % 100) < fault_percent_; }

  bool Done() const {
    return std::all_of(got_.begin(), got_.end(),
                       [](const auto& got) { return got.size() >= kMessages; });
  }

  void MaybeSend() {
    const std::size_t end = random_() % 2;
    if (sent_[end] == kMessages || random_() % 3 == 0) return;
    SessionEffects effects;
    const std::uint64_t seq =
        ends_[end].Send(Bytes::Own(std::to_string(sent_[end])),
                        BootTime::Never(), now_, effects);
    if (seq != 0) ++sent_[end];
    Carry(end, effects);
  }

  void Carry(std::size_t end, const SessionEffects& effects) {
    for (const SessionEffect& effect : effects) {
      if (const auto* frame = std::get_if<Transmit>(&effect)) {
        Put(1 - end, *frame);
      } else if (const auto* deliver = std::get_if<Deliver>(&effect)) {
        got_[end].emplace_back(deliver->payload.view());
      } else if (const auto* timer = std::get_if<SetSessionTimer>(&effect)) {
        timers_[end] = timer->at;
      }
    }
  }

  void Put(std::size_t to, const Transmit& frame) {
    if (Chance()) return;
    const int copies = Chance() ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      const auto most = Chance() ? 2000u : 5u;
      const BootTime at = now_ + milliseconds(1 + random_() % most);
      wire_.emplace(at, Arrival{to, frame});
    }
  }

  // Moves the clock to whatever comes next.
  bool NextEvent() {
    const BootTime arrival =
        wire_.empty() ? BootTime::Never() : wire_.begin()->first;
    const std::size_t end = timers_[0] <= timers_[1] ? 0 : 1;
    const BootTime next = std::min(arrival, timers_[end]);
    const BootTime later = now_ + milliseconds(1);
    if (next > later && (sent_[0] < kMessages || sent_[1] < kMessages)) {
      now_ = later;
      return true;
    }
    if (next.IsNever()) return false;
    now_ = std::max(now_, next);
    SessionEffects effects;
    if (arrival <= timers_[end]) {
      const Arrival frame = wire_.begin()->second;
      wire_.erase(wire_.begin());
      ends_[frame.to].OnFrame(frame.frame.header, frame.frame.payload, now_,
                              effects);
      Carry(frame.to, effects);
    } else {
      timers_[end] = BootTime::Never();
      ends_[end].OnTimer(now_, effects);
      Carry(end, effects);
    }
    return true;
  }

  std::mt19937_64 random_;
  const int fault_percent_;
  BootTime now_;
  std::vector<Session> ends_;
  std::array<int, 2> sent_ = {0, 0};
  std::array<std::vector<std::string>, 2> got_;
  std::array<BootTime, 2> timers_ = {BootTime::Never(), BootTime::Never()};
  std::multimap<BootTime, Arrival> wire_;
  bool window_kept_ = true;
};

TEST(SessionRandomTest, EverythingOnceAndInOrderOverABadWire) {
  std::uint64_t duplicates = 0;
  std::uint64_t retransmitted = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const int fault_percent = static_cast<int>(seed % 4) * 8;
    World world(seed, fault_percent, false);
    ASSERT_TRUE(world.Run()) << "seed " << seed;
    EXPECT_TRUE(world.RightOrder(0) && world.RightOrder(1)) << "seed " << seed;
    EXPECT_TRUE(world.window_kept()) << "seed " << seed;
    duplicates += world.duplicates();
    retransmitted += world.retransmitted();
  }
  EXPECT_GT(duplicates, 1000u) << "the wire was too good";
  EXPECT_GT(retransmitted, 1000u) << "the wire was too good";
}

TEST(SessionRandomTest, TheMissingDedupIsSeen) {
  World world(3, 16, true);
  world.Run();
  EXPECT_FALSE(world.RightOrder(0) && world.RightOrder(1));
}

}  // namespace
}  // namespace mobula::base
