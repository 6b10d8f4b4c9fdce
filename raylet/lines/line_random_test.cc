// Two ends of a line whose connections end at any moment, and which give one
// another up by chance: what came in one life of one end is of one life of the
// other, and no end of a life has further ones follow from it.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "raylet/lines/line.h"
#include "raylet/lines/line_life.h"

namespace mobula::raylet {
namespace {

using base::BootTime;
using std::chrono::milliseconds;
using std::chrono::seconds;

class World {
 public:
  explicit World(std::uint32_t seed) : random_(seed) {
    for (End& end : ends_) end.line.emplace(OptionsFrom(1 + random_() % 1000));
  }

  // One thing that may happen.
  void Step(bool faults) {
    const int at = Chance(2) ? 1 : 0;
    switch (random_() % (faults ? 12 : 7)) {
      case 0:
        return KnowOne(at);
      case 1:
      case 2:
        return WantOne(at);
      case 3:
        now_ = now_ + milliseconds(random_() % 100);
        return Tick(at);
      case 4:
      case 5:
        return Arrive(at);
      case 6:
        return Talk(at);
      case 7:
      case 8:
        return Cut(at);
      case 9:
        if (Chance(3)) GiveUp(at);
        return;
      case 10:
        if (Chance(10)) StartAgain(at);
        return;
      default:
        return ArriveLate();
    }
  }
  // Without faults: both are known, and both talk.
  void Settle() {
    for (int round = 0; round < 400; ++round) {
      for (int at = 0; at < 2; ++at) {
        KnowOne(at);
        WantOne(at);
        Arrive(at);
        Talk(at);
        now_ = now_ + milliseconds(20);
        Tick(at);
      }
      if (round == 300) ends_at_rest_ = {ends_[0].ended, ends_[1].ended};
    }
  }
  void CheckAtRest() {
    for (int at = 0; at < 2; ++at) {
      const End& end = ends_[at];
      EXPECT_TRUE(end.line->known());
      EXPECT_EQ(end.ended, ends_at_rest_[at]) << "it does not come to rest";
      EXPECT_EQ(end.line->life().theirs(), ends_[1 - at].line->life().own());
      EXPECT_TRUE(end.up);
    }
  }
  void CheckBonds() const {
    for (int at = 0; at < 2; ++at) {
      std::set<std::uint64_t> seen;
      for (const auto& [life, heard] : ends_[at].heard) {
        ASSERT_EQ(heard.size(), 1u) << "one life hears two of the other's";
        ASSERT_TRUE(seen.insert(*heard.begin()).second)
            << "two lives hear the same one of the other's";
        // And that one hears this one, or nothing.
        const auto& other = ends_[1 - at].heard;
        const auto back = other.find(*heard.begin());
        if (back == other.end()) continue;
        ASSERT_TRUE(back->second.contains(life));
      }
    }
  }
  [[nodiscard]] int lives() const { return ends_[0].ended + ends_[1].ended; }

 private:
  struct End {
    std::optional<Line> line;
    std::optional<NodeHello> dialled;  // of this life
    bool up = false;
    // What this end, as the acceptor, has of the other's connection.
    std::optional<std::uint64_t> in_life;
    // By life of this end: lives of the other's of which something came.
    std::map<std::uint64_t, std::set<std::uint64_t>> heard;
    int ended = 0;
  };

  Line::Options OptionsFrom(std::uint64_t life) {
    Line::Options options;
    options.first_life = life;
    options.seed = random_();
    return options;
  }
  bool Chance(std::uint32_t of) { return random_() % of == 0; }
  // What it had dialled is on its way, and ends when it has arrived.
  void DropDialled(End& end) {
    if (end.dialled && late_.size() < 10) {
      late_.emplace_back(&end == &ends_[1] ? 1 : 0, *end.dialled);
    }
    end.dialled.reset();
  }
  void EndLife(End& end) {
    ++end.ended;
    DropDialled(end);
    end.up = false;
    end.in_life.reset();
  }
  void Apply(int at, const LineEffects& effects) {
    End& end = ends_[at];
    if (effects.ended) {
      EndLife(end);
      // The other end sees its connections end.
      Broken(1 - at);
    }
    for (const Lane lane : effects.dial) {
      EXPECT_EQ(lane, Lane::kControl);
      EXPECT_TRUE(end.line->known());
      NodeHello& hello = end.dialled.emplace();
      hello.epoch = end.line->life().own();
      hello.seen = end.line->life().theirs();
      hello.over = end.line->life().over();
    }
  }
  // What `at` has dialled or has up.
  void Broken(int at) {
    End& end = ends_[at];
    if (!end.dialled && !end.up) return;
    DropDialled(end);
    end.up = false;
    end.line->OnDown(Lane::kControl, "cut", now_);
  }
  void KnowOne(int at) {
    LineEffects effects;
    ends_[at].line->Know(now_, effects);
    Apply(at, effects);
  }
  void WantOne(int at) {
    if (!ends_[at].line->known()) return;
    LineEffects effects;
    ends_[at].line->Want(Lane::kControl, now_, effects);
    Apply(at, effects);
  }
  void Tick(int at) {
    LineEffects effects;
    ends_[at].line->OnTimer(now_, effects);
    Apply(at, effects);
  }
  // The hello of `at` arrives, or its answer does.
  void Arrive(int at) {
    End& end = ends_[at];
    End& other = ends_[1 - at];
    if (!end.dialled) return;
    const NodeHello hello = *end.dialled;
    LineEffects effects;
    const Line::Verdict verdict = other.line->OnHello(hello, effects);
    const std::uint64_t theirs = other.line->life().own();
    if (verdict == Line::Verdict::kWelcome) other.in_life = hello.epoch;
    if (verdict == Line::Verdict::kWait) {
      // The connection waits there, whatever becomes of others.
      if (effects.ended) EndLife(other);
      return;
    }
    Apply(1 - at, effects);
    if (!end.dialled || Chance(4)) return Broken(at);  // it gets no answer
    end.dialled.reset();
    LineEffects answer;
    if (verdict == Line::Verdict::kWelcome) {
      end.up = end.line->OnUp(Lane::kControl, theirs, now_, answer);
    } else {
      NodeWelcome refusal;
      refusal.refusal = NodeRefusal::kStale;
      end.line->OnRefused(Lane::kControl, refusal, now_, answer);
    }
    Apply(at, answer);
  }
  // Something of `at` arrives, and is acknowledged by chance.
  void Talk(int at) {
    End& end = ends_[at];
    End& other = ends_[1 - at];
    if (!end.up || other.in_life != end.line->life().own()) return;
    other.heard[other.line->life().own()].insert(end.line->life().own());
    if (Chance(2)) end.line->OnAcked(Lane::kControl, Chance(2), now_);
  }
  void Cut(int at) { Broken(at); }
  void ArriveLate() {
    if (late_.empty()) return;
    const std::size_t which = random_() % late_.size();
    const auto [at, hello] = late_[which];
    late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(which));
    LineEffects effects;
    const Line::Verdict verdict = ends_[1 - at].line->OnHello(hello, effects);
    if (verdict == Line::Verdict::kWelcome) ends_[1 - at].in_life = hello.epoch;
    Apply(1 - at, effects);
  }
  // Another process, of the same id, that knows nothing.
  void StartAgain(int at) {
    End& end = ends_[at];
    const std::uint64_t life = end.line->life().own() + 1000;
    EndLife(end);
    end.line.emplace(OptionsFrom(life));
    Broken(1 - at);
  }
  void GiveUp(int at) {
    LineEffects effects;
    ends_[at].line->GiveUp("so", effects);
    Apply(at, effects);
  }

  std::mt19937 random_;
  BootTime now_ = BootTime::FromSinceBoot(seconds(100));
  std::array<End, 2> ends_;
  std::vector<std::pair<int, NodeHello>> late_;
  std::array<int, 2> ends_at_rest_ = {};
};

TEST(LineRandom, BothEndsSeeTheSameLives) {
  int lives = 0;
  for (std::uint32_t seed = 1; seed <= 3'000; ++seed) {
    SCOPED_TRACE(seed);
    World world(seed);
    for (int step = 0; step < 300; ++step) world.Step(/*faults=*/true);
    world.CheckBonds();
    world.Settle();
    world.CheckAtRest();
    world.CheckBonds();
    lives += world.lives();
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(lives, 3'000);
}

}  // namespace
}  // namespace mobula::raylet
