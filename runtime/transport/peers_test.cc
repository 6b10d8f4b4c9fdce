#include "runtime/transport/peers.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/strand.h"
#include "runtime/transport/fake_peer.h"

namespace mobula::runtime {
namespace {

using base::ProcessId;

constexpr ProcessId kSelf{1, 1};
constexpr ProcessId kRaylet{2, 1};
constexpr ProcessId kOther{3, 1};

base::CancelTask Numbered(std::uint64_t n) {
  return base::CancelTask{base::TaskId{1, n}};
}

// Peers on a strand of its own, and what they reported, as words.
class World {
 public:
  World() : strand_("peers") {
    Peers::Callbacks callbacks;
    callbacks.on_open = [this](ProcessId peer) { Tell("open", peer); };
    callbacks.on_message = [this](ProcessId peer, base::Message message,
                                  base::UniqueFd fd) {
      strand_.AssertHeld();
      if (std::holds_alternative<base::Attach>(message)) {
        const auto& attach = std::get<base::Attach>(message);
        peers_->Connect(std::move(fd), attach.peer, attach.is_afar);
      }
      const auto* task = std::get_if<base::CancelTask>(&message);
      Tell(task == nullptr ? "message" : std::to_string(task->task.lo), peer);
    };
    callbacks.on_lost = [this](ProcessId peer, const std::string&) {
      Tell("lost", peer);
    };
    peers_ = std::make_unique<Peers>(strand_, kSelf, base::Role::kDriver,
                                     std::move(callbacks));
    strand_.StartThread();
  }
  ~World() {
    On([](Peers& peers) { peers.CloseAll(); });
    strand_.Stop();
    strand_.Join();
  }

  // On the strand, and waits for it.
  void On(const std::function<void(Peers&)>& action) {
    bool done = false;
    strand_.Post([this, &action, &done] {
      strand_.AssertHeld();
      action(*peers_);
      base::MutexLock lock(mutex_);
      done = true;
      changed_.NotifyAll();
    });
    base::MutexLock lock(mutex_);
    while (!done) changed_.Wait(mutex_);
  }

  // The other end of a new link; `named`: we know whom to expect.
  std::unique_ptr<FakePeer> Link(ProcessId peer, bool named,
                                 bool rings = false) {
    auto [ours, theirs] = SocketPair();
    auto shared = std::make_shared<base::UniqueFd>(std::move(ours));
    On([&](Peers& peers) {
      peers.Connect(std::move(*shared), named ? peer : ProcessId());
    });
    return std::make_unique<FakePeer>(std::move(theirs), peer,
                                      base::Role::kRaylet, nullptr, rings);
  }

  // The first `count` reports.
  std::vector<std::string> Story(std::size_t count) {
    const base::BootTime deadline = base::BootNow() + std::chrono::seconds(10);
    base::MutexLock lock(mutex_);
    while (story_.size() < count && base::BootNow() < deadline) {
      changed_.WaitFor(mutex_, deadline - base::BootNow());
    }
    return story_;
  }

 private:
  void Tell(const std::string& what, ProcessId peer) {
    base::MutexLock lock(mutex_);
    story_.push_back(what + " " + std::to_string(peer.hi));
    changed_.NotifyAll();
  }

  base::Mutex mutex_;
  base::CondVar changed_;
  std::vector<std::string> story_ MOBULA_GUARDED_BY(mutex_);
  base::Strand strand_;
  std::unique_ptr<Peers> peers_ MOBULA_GUARDED_BY(strand_);
};

using Words = std::vector<std::string>;

TEST(Peers, ARayletWithoutANameIsKnownByItsHello) {
  World world;
  const auto raylet = world.Link(kRaylet, /*named=*/false);
  EXPECT_EQ(world.Story(1), (Words{"open 2"}));
  world.On([](Peers& peers) {
    EXPECT_TRUE(peers.Has(kRaylet));
    peers.Send(kRaylet, Numbered(5));
  });
  EXPECT_EQ(raylet->Expect<base::CancelTask>().task.lo, 5u);
}

TEST(Peers, MessagesKeepTheirOrderAndTheLossComesLast) {
  World world;
  auto raylet = world.Link(kRaylet, /*named=*/true);
  for (std::uint64_t n = 1; n <= 3; ++n) raylet->Send(Numbered(n));
  raylet.reset();
  EXPECT_EQ(world.Story(5), (Words{"open 2", "1 2", "2 2", "3 2", "lost 2"}));
  world.On([](Peers& peers) {
    EXPECT_FALSE(peers.Has(kRaylet));
    peers.Send(kRaylet, Numbered(1));  // too late, no effect
    EXPECT_TRUE(peers.Flush());
  });
}

TEST(Peers, TheRayletHandsOverLinks) {
  World world;
  const auto raylet = world.Link(kRaylet, /*named=*/true);
  FakePeer other(raylet->Attach(kOther), kOther, base::Role::kWorker);
  other.Send(Numbered(7));
  EXPECT_EQ(world.Story(4), (Words{"open 2", "message 2", "open 3", "7 3"}));
}

TEST(Peers, ASocketThatDidNotArriveIsALoss) {
  World world;
  const auto raylet = world.Link(kRaylet, /*named=*/true);
  raylet->Send(base::Attach{kOther});
  EXPECT_EQ(world.Story(3), (Words{"open 2", "message 2", "lost 3"}));
}

TEST(Peers, WhatIsSentThereBeforeTheLossIsHeardGoesNowhere) {
  World world;
  world.On([](Peers& peers) {
    peers.Connect(base::UniqueFd(), kOther);
    peers.Send(kOther, Numbered(1));
  });
  EXPECT_EQ(world.Story(1), (Words{"lost 3"}));
}

TEST(Peers, ASecondLinkToALivingPeerIsRefused) {
  World world;
  const auto first = world.Link(kRaylet, /*named=*/true);
  const auto second = world.Link(kRaylet, /*named=*/true);
  second->WaitClosed();
  world.On([](Peers& peers) { peers.Send(kRaylet, Numbered(1)); });
  EXPECT_EQ(first->Expect<base::CancelTask>().task.lo, 1u);
}

TEST(Peers, APeerMayComeBack) {
  World world;
  world.Link(kRaylet, /*named=*/true).reset();
  EXPECT_EQ(world.Story(2).back(), "lost 2");
  const auto again = world.Link(kRaylet, /*named=*/true);
  world.On([](Peers& peers) { peers.Send(kRaylet, Numbered(1)); });
  EXPECT_EQ(again->Expect<base::CancelTask>().task.lo, 1u);
}

TEST(Peers, AnotherProcessThanExpectedIsLost) {
  World world;
  auto [ours, theirs] = SocketPair();
  auto shared = std::make_shared<base::UniqueFd>(std::move(ours));
  world.On([&](Peers& peers) { peers.Connect(std::move(*shared), kOther); });
  FakePeer stranger(std::move(theirs), kRaylet, base::Role::kRaylet);
  EXPECT_EQ(world.Story(1), (Words{"lost 3"}));
}

// ---- through a socket, and through rings ------------------------------------

// Whether the other end has rings.
class PeersWaysTest : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Ways, PeersWaysTest, ::testing::Bool());

// Echoes until both ways have been switched, and long after.
TEST_P(PeersWaysTest, ManyMessagesKeepTheirOrderBothWays) {
  constexpr std::uint64_t kCount = 3'000;
  World world;
  const auto other = world.Link(kOther, /*named=*/true, GetParam());
  EXPECT_EQ(world.Story(1), (Words{"open 3"}));
  for (std::uint64_t n = 1; n <= kCount; ++n) {
    world.On([n](Peers& peers) {
      peers.Send(kOther, Numbered(n));
      EXPECT_TRUE(peers.Flush());
    });
    ASSERT_EQ(other->Expect<base::CancelTask>().task.lo, n);
    other->Send(Numbered(n));
  }
  const Words story = world.Story(1 + kCount);
  ASSERT_EQ(story.size(), 1 + kCount);
  for (std::uint64_t n = 1; n <= kCount; ++n) {
    ASSERT_EQ(story[n], std::to_string(n) + " 3");
  }
  world.On([](Peers& peers) { EXPECT_EQ(peers.HasRings(kOther), GetParam()); });
}

TEST_P(PeersWaysTest, AFloodThatNobodyReadsWaitsHereAndIsReadInOrder) {
  constexpr std::uint64_t kCount = 20'000;
  World world;
  const auto other = world.Link(kOther, /*named=*/true, GetParam());
  world.On([](Peers& peers) {
    for (std::uint64_t n = 1; n <= kCount; ++n) {
      peers.Send(kOther, Numbered(n));
    }
  });
  for (std::uint64_t n = 1; n <= kCount; ++n) other->Send(Numbered(n));
  for (std::uint64_t n = 1; n <= kCount; ++n) {
    ASSERT_EQ(other->Expect<base::CancelTask>().task.lo, n);
  }
  const Words story = world.Story(1 + kCount);
  ASSERT_EQ(story.size(), 1 + kCount);
  for (std::uint64_t n = 1; n <= kCount; ++n) {
    ASSERT_EQ(story[n], std::to_string(n) + " 3");
  }
}

TEST_P(PeersWaysTest, ALossComesAfterWhatWasSaidBeforeIt) {
  constexpr std::uint64_t kCount = 900;  // within the session's window
  World world;
  auto other = world.Link(kOther, /*named=*/true, GetParam());
  for (std::uint64_t n = 1; n <= kCount; ++n) {
    other->Send(Numbered(n));
    // Until it has been heard, so that the switch is behind us.
    if (n <= 100) {
      ASSERT_EQ(world.Story(1 + n).size(), 1 + n);
    }
  }
  other.reset();
  const Words story = world.Story(2 + kCount);
  ASSERT_EQ(story.size(), 2 + kCount);
  for (std::uint64_t n = 1; n <= kCount; ++n) {
    ASSERT_EQ(story[n], std::to_string(n) + " 3");
  }
  EXPECT_EQ(story.back(), "lost 3");
}

TEST(PeersTest, RingsAreNotUsedWhereTheEnvironmentSaysSo) {
  ASSERT_EQ(::setenv("MOBULA_RINGS", "0", 1), 0);
  World world;
  ASSERT_EQ(::unsetenv("MOBULA_RINGS"), 0);
  const auto other = world.Link(kOther, /*named=*/true, /*rings=*/true);
  for (std::uint64_t n = 1; n <= 100; ++n) {
    other->Send(Numbered(n));
    ASSERT_EQ(world.Story(1 + n).size(), 1 + n);
  }
  world.On([](Peers& peers) { EXPECT_FALSE(peers.HasRings(kOther)); });
}

// Though the other end offers them.
TEST(PeersTest, AProcessOfAnotherNodeHasNoRings) {
  for (const bool is_afar : {true, false}) {
    World world;
    const auto raylet = world.Link(kRaylet, /*named=*/true);
    FakePeer other(raylet->Attach(kOther, is_afar), kOther, base::Role::kWorker,
                   nullptr, /*rings=*/true);
    for (std::uint64_t n = 1; n <= 100; ++n) {
      other.Send(Numbered(n));
      ASSERT_EQ(world.Story(3 + n).size(), 3 + n);
    }
    world.On([&](Peers& peers) {
      EXPECT_EQ(peers.HasRings(kOther), !is_afar);
      peers.Send(kOther, Numbered(7));
    });
    EXPECT_EQ(other.Expect<base::CancelTask>().task.lo, 7u);
  }
}

TEST(PeersDeathTest, AMessageToAProcessWithoutALinkIsAMistake) {
  EXPECT_DEATH(
      {
        World world;
        world.On([](Peers& peers) { peers.Send(kOther, Numbered(1)); });
      },
      "without a link");
}

}  // namespace
}  // namespace mobula::runtime
