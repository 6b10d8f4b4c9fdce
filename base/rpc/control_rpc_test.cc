// Sessions between a control store and a raylet, over real sockets that break.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/rpc/control_call.h"
#include "base/rpc/rpc_ends.h"
#include "base/sockets/listener_socket.h"
#include "base/strand.h"
#include "base/unique_fd.h"

namespace mobula::base {
namespace {

using std::chrono::milliseconds;

constexpr ClusterId kCluster{9, 9};

class ControlRpcTest : public testing::Test {
 protected:
  ControlRpcTest() {
    std::string pattern = testing::TempDir() + "/rpcXXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~ControlRpcTest() override { std::filesystem::remove_all(folder_); }
  std::string Unix(const std::string& name = "s") const {
    return "unix:" + folder_ + "/" + name;
  }
  std::string folder_;
};

// Passes bytes between `from` and `to`, and cuts a connection after a number of
// bytes that it draws, as long as it is to.
class CuttingProxy {
 public:
  CuttingProxy(const std::string& from, const std::string& to,
               std::uint64_t seed)
      : to_(*ControlAddress::Parse(to, &error_)), random_(seed) {
    ControlAddress bound;
    listener_.emplace(*ListenerSocket::Open(
        *ControlAddress::Parse(from, &error_), &bound, &error_));
    MOBULA_CHECK(::pipe(stop_.data()) == 0);
    thread_ = std::thread([this] { Run(); });
  }
  ~CuttingProxy() {
    ::close(stop_[1]);
    thread_.join();
    ::close(stop_[0]);
  }

  std::atomic<int> cuts_left{0};

 private:
  void Run() {
    while (Wait(listener_->fd(), -1)) {
      UniqueFd near(::accept4(listener_->fd(), nullptr, nullptr, SOCK_CLOEXEC));
      std::string error;
      UniqueFd far = ConnectControl(to_, &error);
      if (near.valid() && far.valid()) Pass(near.get(), far.get());
    }
  }
  // False if it is to stop.
  bool Wait(int a, int b) {
    std::array<pollfd, 3> waits{};
    waits[0] = {stop_[0], POLLIN, 0};
    waits[1] = {a, POLLIN, 0};
    waits[2] = {b, POLLIN, 0};
    ::poll(waits.data(), waits.size(), -1);
    return waits[0].revents == 0;
  }
  void Pass(int near, int far) {
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    std::size_t budget = SIZE_MAX;
    if (cuts_left > 0) {
      --cuts_left;
      budget = 300 + (random_ >> 33) % 30'000;
    }
    while (Wait(near, far)) {
      if (!Move(near, far, &budget) || !Move(far, near, &budget)) return;
    }
  }
  static bool Move(int from, int to, std::size_t* budget) {
    std::array<char, 4096> bytes;
    const std::size_t most = std::min(bytes.size(), *budget);
    const ssize_t count = ::recv(from, bytes.data(), most, MSG_DONTWAIT);
    if (count < 0) return errno == EAGAIN;
    if (count == 0) return false;
    *budget -= static_cast<std::size_t>(count);
    for (ssize_t at = 0; at < count;) {
      const ssize_t sent =
          ::send(to, bytes.data() + at, static_cast<std::size_t>(count - at),
                 MSG_NOSIGNAL);
      if (sent > 0) {
        at += sent;
        continue;
      }
      if (errno != EAGAIN) return false;
      pollfd room{to, POLLOUT, 0};
      ::poll(&room, 1, -1);
    }
    return *budget > 0;
  }

  std::string error_;
  const ControlAddress to_;
  std::uint64_t random_;
  std::optional<ListenerSocket> listener_;
  std::array<int, 2> stop_{};
  std::thread thread_;
};

TEST_F(ControlRpcTest, ManyMessagesBothWaysInOrder) {
  EchoStore store{EchoStore::Options()};
  ASSERT_EQ(store.Listen(Unix()), Unix());
  EchoClient client(Unix());
  ASSERT_TRUE(client.story.WaitFor("up 1 " + kCluster.ToString()));
  constexpr std::size_t kCount = 20'000;
  client.SendRenewals(1, kCount);
  ASSERT_TRUE(client.story.WaitFor("renewed ", kCount));
  EXPECT_EQ(client.story.WrongOrder("renewed ", kCount), "");
  EXPECT_EQ(store.story.WrongOrder("renew ", kCount), "");
}

TEST_F(ControlRpcTest, ABrokenConnectionIsNotNoticed) {
  EchoStore store{EchoStore::Options()};
  ASSERT_EQ(store.Listen(Unix()), Unix());
  EchoClient client(Unix());
  ASSERT_TRUE(client.story.WaitFor("up "));
  constexpr std::size_t kRounds = 20;
  constexpr std::size_t kEach = 100;
  for (std::size_t round = 0; round < kRounds; ++round) {
    client.SendRenewals(round * kEach + 1, (round + 1) * kEach);
    client.Break();
  }
  constexpr std::size_t kAll = kRounds * kEach;
  ASSERT_TRUE(client.story.WaitFor("renewed ", kAll));
  EXPECT_EQ(client.story.WrongOrder("renewed ", kAll), "");
  EXPECT_EQ(store.story.WrongOrder("renew ", kAll), "");
  EXPECT_EQ(client.story.Count("up "), 1u);
  EXPECT_EQ(client.story.Count("down "), 0u);
  EXPECT_EQ(store.story.Count("open "), 1u);
  EXPECT_EQ(store.story.Count("lost "), 0u);
}

// Within the greeting, within HELLO and WELCOME, within a frame.
TEST_F(ControlRpcTest, CutAnywhereNothingIsLostOrRepeated) {
  EchoStore store{EchoStore::Options()};
  ASSERT_EQ(store.Listen(Unix()), Unix());
  CuttingProxy proxy(Unix("proxy"), Unix(), BootNow().since_boot().count());
  proxy.cuts_left = 30;
  EchoClient client(Unix("proxy"));
  constexpr std::size_t kEach = 200;
  std::size_t sent = 0;
  while (proxy.cuts_left > 0 || sent < 10 * kEach) {
    ASSERT_TRUE(client.story.WaitFor("up "));
    client.SendRenewals(sent + 1, sent + kEach);
    sent += kEach;
    ASSERT_TRUE(client.story.WaitFor("renewed ", sent));
  }
  EXPECT_EQ(client.story.WrongOrder("renewed ", sent), "");
  EXPECT_EQ(store.story.WrongOrder("renew ", sent), "");
  EXPECT_EQ(client.story.Count("up "), 1u);
  EXPECT_EQ(client.story.Count("down "), 0u);
  EXPECT_EQ(store.story.Count("lost "), 0u);
}

TEST_F(ControlRpcTest, ARestartedStoreIsANewSession) {
  EchoStore::Options options;
  auto store = std::make_unique<EchoStore>(options);
  ASSERT_EQ(store->Listen(Unix()), Unix());
  EchoClient client(Unix());
  for (options.epoch = 2; options.epoch < 5; ++options.epoch) {
    const std::string epoch = std::to_string(options.epoch);
    ASSERT_TRUE(
        client.story.WaitFor("up " + std::to_string(options.epoch - 1)));
    store = nullptr;
    store = std::make_unique<EchoStore>(options);
    ASSERT_EQ(store->Listen(Unix()), Unix());
    ASSERT_TRUE(client.story.WaitFor("up " + epoch));
  }
  client.Send(Renewal(1));
  ASSERT_TRUE(client.story.WaitFor("renewed 1"));
  const auto lines = client.story.lines();
  ASSERT_EQ(lines.size(), 8u);
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_TRUE(lines[i].starts_with(i % 2 == 0 ? "up " : "down ")) << i;
  }
}

// What is sent while the store is away is for a session that may go on.
TEST_F(ControlRpcTest, WhatIsQueuedWhileAwayIsBounded) {
  EchoStore::Options options;
  auto store = std::make_unique<EchoStore>(options);
  ASSERT_EQ(store->Listen(Unix()), Unix());
  EchoClient::Options small;
  small.where = Unix();
  small.queued_bytes_max = 10'000;
  EchoClient client(small);
  ASSERT_TRUE(client.story.WaitFor("up 1"));
  store = nullptr;
  client.SendRenewals(1, 2000);
  ASSERT_TRUE(client.story.WaitFor("down too much"));
  options.epoch = 2;
  store = std::make_unique<EchoStore>(options);
  ASSERT_EQ(store->Listen(Unix()), Unix());
  ASSERT_TRUE(client.story.WaitFor("up 2"));
  client.Send(Renewal(5));
  ASSERT_TRUE(client.story.WaitFor("renewed 5"));
  EXPECT_EQ(client.story.Count("down "), 1u);
}

TEST_F(ControlRpcTest, AClientThatEndsInOrderIsLostAtOnce) {
  EchoStore store{EchoStore::Options()};
  ASSERT_EQ(store.Listen(Unix()), Unix());
  {
    EchoClient client(Unix());
    ASSERT_TRUE(client.story.WaitFor("up "));
    client.SendRenewals(1, 100);
  }
  ASSERT_TRUE(store.story.WaitFor("lost "));
  EXPECT_EQ(store.story.WrongOrder("renew ", 100), "") << "sent before the end";
}

TEST_F(ControlRpcTest, APeerThatStaysAwayIsLostAndComesBackAsNew) {
  EchoStore::Options options;
  options.lost_after = milliseconds(200);
  EchoStore store(options);
  ASSERT_EQ(store.Listen(Unix()), Unix());
  std::atomic<bool> away{false};
  EchoClient::Options may_be_away;
  int socket = -1;
  may_be_away.connect = [this, &away, &socket](std::string* error) {
    if (away) return UniqueFd();
    UniqueFd fd = ConnectControl(*ControlAddress::Parse(Unix(), error), error);
    socket = ::dup(fd.get());
    return fd;
  };
  EchoClient client(may_be_away);
  ASSERT_TRUE(client.story.WaitFor("up "));
  away = true;
  ::shutdown(socket, SHUT_RDWR);
  ::close(socket);
  ASSERT_TRUE(store.story.WaitFor("lost "));
  away = false;
  ASSERT_TRUE(client.story.WaitFor("up ", 2));
  EXPECT_EQ(client.story.Count("down the control store has no such session"),
            1u);
  EXPECT_EQ(store.story.Count("open "), 2u);
}

// It says nothing of its own for longer than the store bears silence.
TEST_F(ControlRpcTest, AnIdlePeerIsKept) {
  EchoStore::Options options;
  options.lost_after = milliseconds(400);
  EchoStore store(options);
  ASSERT_EQ(store.Listen(Unix()), Unix());
  EchoClient idle(Unix());
  ASSERT_TRUE(idle.story.WaitFor("up "));
  ::poll(nullptr, 0, 1200);
  idle.Send(Renewal(1));
  ASSERT_TRUE(idle.story.WaitFor("renewed 1"));
  EXPECT_EQ(idle.story.Count("down "), 0u);
}

TEST_F(ControlRpcTest, WhatIsClosedLearnsWhy) {
  EchoStore store{EchoStore::Options()};
  ASSERT_EQ(store.Listen(Unix()), Unix());
  EchoClient client(Unix());
  ASSERT_TRUE(client.story.WaitFor("up "));
  store.Close(EchoClient::kProcess, "because");
  ASSERT_TRUE(client.story.WaitFor("down the control store ended it: because"));
  ASSERT_TRUE(store.story.WaitFor("lost "));
  ASSERT_TRUE(client.story.WaitFor("up ", 2));
}

TEST_F(ControlRpcTest, APausedStoreReadsNothingAndLosesNothing) {
  EchoStore::Options options;
  options.lost_after = milliseconds(400);
  EchoStore store(options);
  ASSERT_EQ(store.Listen(Unix()), Unix());
  EchoClient client(Unix());
  ASSERT_TRUE(client.story.WaitFor("up "));
  store.Pause(true);
  client.SendRenewals(1, 3000);
  ::poll(nullptr, 0, 1200);
  EXPECT_EQ(store.story.Count("renew "), 0u);
  store.Pause(false);
  ASSERT_TRUE(client.story.WaitFor("renewed ", 3000));
  EXPECT_EQ(client.story.WrongOrder("renewed ", 3000), "");
  EXPECT_EQ(client.story.Count("down "), 0u);
}

TEST_F(ControlRpcTest, ASocketPairIsAdopted) {
  EchoStore store{EchoStore::Options()};
  EchoClient::Options options;
  options.connect = [&store](std::string* error) {
    std::array<int, 2> ends{};
    *error = "no pair";
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                     ends.data()) != 0) {
      return UniqueFd();
    }
    store.Adopt(UniqueFd(ends[0]));
    return UniqueFd(ends[1]);
  };
  EchoClient client(options);
  client.story.WaitFor("up ");
  client.SendRenewals(1, 10);
  ASSERT_TRUE(client.story.WaitFor("renewed ", 10));
}

// As an embedded store: each connection is that of a store just started, which
// takes `takes` to serve, and the one before is over.
class SlowStarts {
 public:
  SlowStarts(EchoStore& store, Duration takes) : store_(store), takes_(takes) {
    strand_.StartThread();
  }
  UniqueFd Connect(std::string* error) {
    std::array<int, 2> ends{};
    *error = "no pair";
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                     ends.data()) != 0) {
      return UniqueFd();
    }
    const auto theirs = std::make_shared<UniqueFd>(ends[0]);
    strand_.Post([this, theirs] {
      strand_.Cancel(timer_);
      timer_ = strand_.PostAt(strand_.Now() + takes_, [this, theirs] {
        store_.Adopt(std::move(*theirs));
      });
    });
    return UniqueFd(ends[1]);
  }

 private:
  EchoStore& store_;
  const Duration takes_;
  Strand::TimerId timer_ = 0;
  Strand strand_{"starts"};
};

TEST_F(ControlRpcTest, AStoreThatStartsSlowlyIsGivenMoreTimeEachTime) {
  EchoStore store{EchoStore::Options()};
  SlowStarts starts(store, milliseconds(200));
  EchoClient::Options options;
  options.handshake_timeout = milliseconds(50);
  options.connect = [&starts](std::string* error) {
    return starts.Connect(error);
  };
  EchoClient client(options);
  ASSERT_TRUE(client.story.WaitFor("up "));
  client.SendRenewals(1, 10);
  ASSERT_TRUE(client.story.WaitFor("renewed ", 10));
}

TEST_F(ControlRpcTest, LargeMessagesPassAndTooLargeOnesAreAnsweredHere) {
  EchoStore store{EchoStore::Options()};
  ASSERT_EQ(store.Listen(Unix()), Unix());
  EchoClient client(Unix());
  ASSERT_TRUE(client.story.WaitFor("up "));
  ControlCall call;
  call.from = EchoClient::kProcess;
  PutKey put;
  put.ns = "n";
  put.key = "k";
  for (std::uint64_t i = 1; i <= 3; ++i) {
    call.request = {1, i};
    put.value = Bytes::Own(std::string((16u << 20) - 4096, 'x'));
    call.body = put;
    client.Send(call);
  }
  call.request = {1, 4};
  put.value = Bytes::Own(std::string(16u << 20, 'x'));
  call.body = put;
  client.Send(call);
  client.Send(Renewal(1));
  ASSERT_TRUE(client.story.WaitFor("renewed 1"));
  ASSERT_TRUE(client.story.WaitFor("answer ", 4));
  EXPECT_EQ(store.story.Count("call "), 3u);
  EXPECT_EQ(client.story.Count("answer the request has 16777"), 1u);
}

}  // namespace
}  // namespace mobula::base
