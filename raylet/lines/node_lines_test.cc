// Nodes' lines in one process: what is sent arrives, in order, once, however
// the connections between them are cut, or both ends hear of the loss.
#include "raylet/lines/node_lines.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/control/control_address.h"
#include "base/frames/node_message.h"
#include "base/security/authority.h"
#include "base/security/credentials.h"
#include "base/sockets/acceptor.h"
#include "base/sockets/connect_within.h"
#include "base/sockets/poll_wait.h"
#include "base/strand.h"
#include "base/tls/door_call.h"
#include "base/tls/tls_context.h"
#include "base/unique_fd.h"

namespace mobula::raylet {
namespace {

using base::ClusterId;
using base::ControlAddress;
using base::NodeId;
using base::NodeMessage;
using base::ProcessId;
using base::Strand;
using base::UniqueFd;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr ClusterId kCluster{9, 9};
constexpr seconds kPatience(60);

NodeId NodeOf(std::uint64_t maker) { return {maker, 100 + maker}; }
ProcessId RayletOf(std::uint64_t maker) { return {maker, 200 + maker}; }

// Runs on a strand's thread, and waits for it.
void RunOn(Strand& strand, const std::function<void()>& fn) {
  std::promise<void> ran;
  strand.Post([&fn, &ran] {
    fn();
    ran.set_value();
  });
  ran.get_future().wait();
}

// One raylet's lines, with a thread of their own, and what has come of them.
class Node {
 public:
  Node(std::uint64_t maker, NodeLines::Options options)
      : options_(std::move(options)), maker_(maker) {
    if (options_.self.IsNil()) options_.self = NodeOf(maker);
    if (options_.raylet.IsNil()) options_.raylet = RayletOf(maker);
    strand_.StartThread();
    Open();
  }
  ~Node() { Close(); }

  void Open() {
    RunOn(strand_, [this] {
      strand_.AssertHeld();
      lines_ = std::make_unique<NodeLines>(
          strand_, options_,
          NodeLines::Callbacks{[this](NodeId from, NodeMessage message) {
                                 OnMessage(from, std::move(message));
                               },
                               [this](NodeId node, const std::string& why) {
                                 OnLost(node, why);
                               }});
      std::string error;
      EXPECT_TRUE(lines_->Listen(&door, &error)) << error;
      if (!cluster.IsNil()) lines_->Join(cluster);
    });
  }
  void Close() {
    RunOn(strand_, [this] { lines_.reset(); });
  }
  void Run(const std::function<void(NodeLines& lines)>& fn) {
    RunOn(strand_, [this, &fn] { fn(*lines_); });
  }
  void Knows(const Node& other, const std::string& door_of = "") {
    const std::string where = door_of.empty() ? other.door : door_of;
    doors_[other.id()] = {other.options_.raylet, where};
    Run([&](NodeLines& lines) {
      lines.Knows(other.id(), other.options_.raylet, where);
    });
  }
  void Forget(const Node& other) {
    Run([&](NodeLines& lines) { lines.Forget(other.id()); });
  }
  // Control: a number; bulk: a number and bytes.
  void Send(const Node& to, std::uint64_t number) {
    Run([&](NodeLines& lines) {
      lines.Send(to.id(), base::HostsJob{{maker_, number}});
    });
  }
  void SendBulk(const Node& to, std::uint64_t number, std::size_t size) {
    base::ExtentPart part;
    part.want = 1;
    part.offset = number;
    part.bytes = base::Bytes::Own(std::string(size, 'b'));
    Run([&](NodeLines& lines) { lines.Send(to.id(), part); });
  }
  std::size_t QueuedBytes(const Node& to) {
    std::size_t bytes = 0;
    Run([&](NodeLines& lines) { bytes = lines.queued_bytes(to.id()); });
    return bytes;
  }
  [[nodiscard]] NodeId id() const { return options_.self; }

  // ---- what has come, from any thread --------------------------------------
  bool Await(const std::function<bool()>& that) {
    std::unique_lock lock(mutex_);
    return came_.wait_for(lock, kPatience, that);
  }
  bool AwaitControl(const Node& from, std::size_t count) {
    return Await([&] { return control_[from.id()].size() >= count; });
  }
  bool AwaitBulk(const Node& from, std::size_t count) {
    return Await([&] { return bulk_[from.id()].size() >= count; });
  }
  bool AwaitLost(const Node& node, std::size_t count) {
    return Await([&] { return lost_[node.id()].size() >= count; });
  }
  std::vector<std::uint64_t> Control(const Node& from) {
    const std::scoped_lock lock(mutex_);
    return control_[from.id()];
  }
  std::vector<std::uint64_t> Bulk(const Node& from) {
    const std::scoped_lock lock(mutex_);
    return bulk_[from.id()];
  }
  std::vector<std::string> Lost(const Node& node) {
    const std::scoped_lock lock(mutex_);
    return lost_[node.id()];
  }

  ClusterId cluster = kCluster;  // for the next Open
  std::string door;
  bool knows_again = false;  // whom it has lost, at once
  std::function<void(NodeLines& lines, NodeId from)> on_control;

 private:
  struct Where {
    ProcessId raylet;
    std::string door;
  };

  void OnMessage(NodeId from, NodeMessage message) {
    {
      const std::scoped_lock lock(mutex_);
      if (const auto* one = std::get_if<base::HostsJob>(&message)) {
        control_[from].push_back(one->job.lo);
      } else if (const auto* part = std::get_if<base::ExtentPart>(&message)) {
        bulk_[from].push_back(part->offset);
      } else if (const auto* bytes =
                     std::get_if<base::ChannelBytes>(&message)) {
        control_[from].push_back(bytes->bytes.size());
      }
    }
    if (on_control) on_control(*lines_, from);
    came_.notify_all();
  }
  void OnLost(NodeId node, const std::string& why) {
    {
      const std::scoped_lock lock(mutex_);
      lost_[node].push_back(why);
    }
    if (knows_again) {
      lines_->Knows(node, doors_[node].raylet, doors_[node].door);
    }
    came_.notify_all();
  }

  NodeLines::Options options_;
  const std::uint64_t maker_;
  std::map<NodeId, Where> doors_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::map<NodeId, std::vector<std::uint64_t>> control_;
  std::map<NodeId, std::vector<std::uint64_t>> bulk_;
  std::map<NodeId, std::vector<std::string>> lost_;
  Strand strand_{"node"};
  std::unique_ptr<NodeLines> lines_;
};

// Stands before a door and passes bytes, until it is told to cut.
class Proxy {
 public:
  Proxy(const std::string& address, const std::string& target,
        std::uint32_t seed)
      : random_(seed) {
    std::string error;
    target_ = *ControlAddress::Parse(target, &error);
    strand_.StartThread();
    RunOn(strand_, [this, &address] {
      std::string error;
      acceptor_ = std::make_unique<base::Acceptor>(
          strand_, "proxy",
          base::Acceptor::Callbacks{
              [] { return true; },
              [this](UniqueFd socket, bool) { Accept(std::move(socket)); }});
      ControlAddress bound;
      EXPECT_TRUE(acceptor_->Listen(*ControlAddress::Parse(address, &error),
                                    &bound, &error))
          << error;
      door = bound.ToString();
    });
  }
  ~Proxy() {
    RunOn(strand_, [this] {
      acceptor_.reset();
      CutNow();
    });
  }
  // Each connection ends when so many bytes, by chance, have gone through it.
  void CutAfter(std::size_t min, std::size_t max) {
    RunOn(strand_, [&] {
      min_ = min;
      max_ = max;
    });
  }
  // Until Open nobody gets through.
  void Close() {
    RunOn(strand_, [this] {
      closed_ = true;
      CutNow();
    });
  }
  void Open() {
    RunOn(strand_, [this] { closed_ = false; });
  }
  void Cut() {
    RunOn(strand_, [this] { CutNow(); });
  }
  // Those that are there pass nothing any more, and stay.
  void Stall() {
    RunOn(strand_, [this] {
      for (auto& [fd, way] : ways_) strand_.Unwatch(fd);
    });
  }
  std::size_t cuts() {
    std::size_t count = 0;
    RunOn(strand_, [&] { count = cuts_; });
    return count;
  }

  std::string door;

 private:
  struct Way {
    int other = -1;
    UniqueFd socket;
    std::string bytes;  // to be written to it
    std::shared_ptr<std::size_t> left;
  };

  void Accept(UniqueFd socket) {
    if (closed_) return;
    int failed = 0;
    UniqueFd on =
        base::ConnectWithin(target_, base::BootNow() + seconds(10), &failed);
    if (!on.valid()) return;
    const auto left = std::make_shared<std::size_t>(
        max_ == 0
            ? SIZE_MAX
            : std::uniform_int_distribution<std::size_t>(min_, max_)(random_));
    const int a = socket.get();
    const int b = on.get();
    ways_[a] = {b, std::move(socket), "", left};
    ways_[b] = {a, std::move(on), "", left};
    Watch(a);
    Watch(b);
  }
  void Watch(int fd) {
    const Way& way = ways_.at(fd);
    const bool full = ways_.at(way.other).bytes.size() > 200'000;
    strand_.Watch(fd,
                  (full ? 0 : Strand::kReadable) |
                      (way.bytes.empty() ? 0 : Strand::kWritable),
                  [this, fd](std::uint32_t) { Go(fd); });
  }
  void Go(int fd) {
    Way& way = ways_.at(fd);
    Way& other = ways_.at(way.other);
    char bytes[20'000];
    const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) return End(fd);
    if (got > 0) {
      const auto count = std::min(static_cast<std::size_t>(got), *way.left);
      other.bytes.append(bytes, count);
      *way.left -= count;
    }
    for (Way* one : {&way, &other}) {
      const ssize_t sent = ::send(one->socket.get(), one->bytes.data(),
                                  one->bytes.size(), MSG_NOSIGNAL);
      if (sent > 0) one->bytes.erase(0, static_cast<std::size_t>(sent));
    }
    if (*way.left == 0) {
      ++cuts_;
      return End(fd);
    }
    const int there = way.other;
    Watch(fd);
    Watch(there);
  }
  void End(int fd) {
    const int other = ways_.at(fd).other;
    for (const int one : {fd, other}) {
      strand_.Unwatch(one);
      ways_.erase(one);
    }
  }
  void CutNow() {
    while (!ways_.empty()) {
      ++cuts_;
      End(ways_.begin()->first);
    }
  }

  ControlAddress target_;
  std::mt19937 random_;
  std::size_t min_ = 0;
  std::size_t max_ = 0;
  bool closed_ = false;
  std::size_t cuts_ = 0;
  std::map<int, Way> ways_;
  Strand strand_{"proxy"};
  std::unique_ptr<base::Acceptor> acceptor_;
};

std::vector<std::uint64_t> UpTo(std::uint64_t count) {
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t i = 1; i <= count; ++i) numbers.push_back(i);
  return numbers;
}

bool Says(const std::vector<std::string>& reasons, const std::string& words) {
  return !reasons.empty() && reasons.back().find(words) != std::string::npos;
}

class NodeLinesTest : public testing::Test {
 protected:
  NodeLinesTest() {
    std::string name = "/tmp/nlXXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~NodeLinesTest() override { std::filesystem::remove_all(folder_); }

  // `tls`: of a node whose certificate names `maker`.
  NodeLines::Options Of(std::uint64_t maker, bool tls) {
    NodeLines::Options options;
    options.door = tls ? "tls:127.0.0.1:0"
                       : "unix:" + folder_ + "/" + std::to_string(maker);
    if (!tls) return options;
    options.credentials_file = CredentialsOf(maker);
    return options;
  }
  std::string CredentialsOf(std::uint64_t maker, std::int64_t lives_s = 3600) {
    const std::string file = folder_ + "/c/" + std::to_string(maker) + ".pem";
    base::KeyPair key = base::KeyPair::Make();
    base::Certificate own =
        authority_.Issue(key, {kCluster, base::ClusterRole::kNode, maker},
                         {base::WallNowS(), lives_s});
    std::string error;
    EXPECT_TRUE(base::WriteCredentials(
        file, {std::move(key), std::move(own), authority_.certificate()},
        &error))
        << error;
    return file;
  }
  std::string ProxyAddress(bool tls) {
    return tls ? "tls:127.0.0.1:0"
               : "unix:" + folder_ + "/p" + std::to_string(++proxies_);
  }
  static void Acquaint(Node& a, Node& b) {
    a.Knows(b);
    b.Knows(a);
  }

  base::Authority authority_ =
      base::Authority::Make(kCluster, base::WallNowS());
  std::string folder_;
  int proxies_ = 0;
};

class BothWays : public NodeLinesTest,
                 public testing::WithParamInterface<bool> {};

INSTANTIATE_TEST_SUITE_P(All, BothWays, testing::Values(false, true),
                         [](const auto& info) {
                           return info.param ? "Tls" : "Unix";
                         });

TEST_P(BothWays, EachLaneInOrderBetweenThreeNodes) {
  Node a(1, Of(1, GetParam()));
  Node b(2, Of(2, GetParam()));
  Node c(3, Of(3, GetParam()));
  std::vector<Node*> all = {&a, &b, &c};
  for (Node* one : all) {
    for (Node* other : all) {
      if (one != other) one->Knows(*other);
    }
  }
  constexpr std::uint64_t kCount = 200;
  for (std::uint64_t i = 1; i <= kCount; ++i) {
    for (Node* one : all) {
      for (Node* other : all) {
        if (one == other) continue;
        one->Send(*other, i);
        if (i % 10 == 0) one->SendBulk(*other, i / 10, 250'000);
      }
    }
  }
  for (Node* one : all) {
    for (Node* other : all) {
      if (one == other) continue;
      ASSERT_TRUE(one->AwaitControl(*other, kCount));
      ASSERT_TRUE(one->AwaitBulk(*other, kCount / 10));
      EXPECT_EQ(one->Control(*other), UpTo(kCount));
      EXPECT_EQ(one->Bulk(*other), UpTo(kCount / 10));
      EXPECT_TRUE(one->Lost(*other).empty());
    }
  }
}

TEST_P(BothWays, OnceAndInOrderAlthoughConnectionsAreCut) {
  Node a(1, Of(1, GetParam()));
  Node b(2, Of(2, GetParam()));
  Proxy to_b(ProxyAddress(GetParam()), b.door, 7);
  Proxy to_a(ProxyAddress(GetParam()), a.door, 8);
  // A handshake of TLS alone is some 5,000 bytes.
  to_a.CutAfter(GetParam() ? 5'000 : 400, 40'000);
  to_b.CutAfter(GetParam() ? 5'000 : 400, 600'000);
  a.Knows(b, to_b.door);
  b.Knows(a, to_a.door);
  constexpr std::uint64_t kCount = 2'000;
  for (std::uint64_t i = 1; i <= kCount; ++i) {
    a.Send(b, i);
    b.Send(a, i);
    if (i % 50 == 0) a.SendBulk(b, i / 50, 200'000);
  }
  ASSERT_TRUE(b.AwaitControl(a, kCount));
  ASSERT_TRUE(a.AwaitControl(b, kCount));
  ASSERT_TRUE(b.AwaitBulk(a, kCount / 50));
  EXPECT_EQ(b.Control(a), UpTo(kCount));
  EXPECT_EQ(a.Control(b), UpTo(kCount));
  EXPECT_EQ(b.Bulk(a), UpTo(kCount / 50));
  EXPECT_TRUE(a.Lost(b).empty());
  EXPECT_TRUE(b.Lost(a).empty());
  EXPECT_GT(to_a.cuts() + to_b.cuts(), 5u);
}

TEST_P(BothWays, BigMessagesArriveWhole) {
  Node a(1, Of(1, GetParam()));
  Node b(2, Of(2, GetParam()));
  Acquaint(a, b);
  const std::vector<std::uint64_t> sizes = {1, 262'144, 1'000'000, 50'000'000};
  for (const std::uint64_t size : sizes) {
    base::ChannelBytes bytes;
    bytes.from = {1, 1};
    bytes.to = {2, 1};
    bytes.bytes = base::Bytes::Own(std::string(size, 'x'));
    a.Run([&](NodeLines& lines) { lines.Send(b.id(), bytes); });
  }
  ASSERT_TRUE(b.AwaitControl(a, sizes.size()));
  EXPECT_EQ(b.Control(a), sizes);
}

TEST_P(BothWays, BulkThatIsStuckHoldsUpNothingElse) {
  Node a(1, Of(1, GetParam()));
  Node b(2, Of(2, GetParam()));
  Proxy to_b(ProxyAddress(GetParam()), b.door, 1);
  a.Knows(b, to_b.door);
  b.Knows(a);
  a.SendBulk(b, 1, 1000);
  ASSERT_TRUE(b.AwaitBulk(a, 1));
  to_b.Stall();
  for (std::uint64_t i = 2; i < 30; ++i) a.SendBulk(b, i, 250'000);
  a.Send(b, 1);
  EXPECT_TRUE(b.AwaitControl(a, 1));
  EXPECT_GT(a.QueuedBytes(b), 27u * 250'000u);
  EXPECT_EQ(b.Bulk(a), UpTo(1));
  to_b.Cut();
  ASSERT_TRUE(b.AwaitBulk(a, 29));
  EXPECT_EQ(b.Bulk(a), UpTo(29));
}

TEST_P(BothWays, WhatIsSentBeforeItIsKnownThereWaits) {
  Node a(1, Of(1, GetParam()));
  Node b(2, Of(2, GetParam()));
  a.Knows(b);
  a.Send(b, 1);
  a.Send(b, 2);
  b.Knows(a);
  ASSERT_TRUE(b.AwaitControl(a, 2));
  EXPECT_EQ(b.Control(a), UpTo(2));
}

TEST_P(BothWays, OneThatIsNeverKnownIsRefusedAndToldSo) {
  NodeLines::Options hasty = Of(1, GetParam());
  hasty.lost_after = seconds(1);
  Node a(1, hasty);
  NodeLines::Options short_of_patience = Of(2, GetParam());
  short_of_patience.known_patience = milliseconds(20);
  Node b(2, short_of_patience);
  a.Knows(b);
  a.Send(b, 1);
  ASSERT_TRUE(a.AwaitLost(b, 1));
  EXPECT_TRUE(Says(a.Lost(b), "not told of it yet")) << a.Lost(b).back();
  EXPECT_TRUE(b.Control(a).empty());
}

TEST_P(BothWays, AnotherClusterIsRefused) {
  NodeLines::Options hasty = Of(1, GetParam());
  hasty.lost_after = seconds(1);
  hasty.door.clear();
  Node a(1, hasty);
  a.Close();
  a.cluster = ClusterId{6, 6};
  a.Open();
  Node b(2, Of(2, GetParam()));
  a.Knows(b);
  b.Knows(a, "unix:/nowhere");
  a.Send(b, 1);
  ASSERT_TRUE(a.AwaitLost(b, 1));
  EXPECT_TRUE(Says(a.Lost(b), "it is of cluster")) << a.Lost(b).back();
  EXPECT_TRUE(b.Control(a).empty());
}

TEST_P(BothWays, OneThatIsStartedAgainIsLostAndThenAnew) {
  Node a(1, Of(1, GetParam()));
  Node b(2, Of(2, GetParam()));
  b.knows_again = true;
  Acquaint(a, b);
  a.Send(b, 1);
  b.Send(a, 1);
  ASSERT_TRUE(b.AwaitControl(a, 1));
  ASSERT_TRUE(a.AwaitControl(b, 1));
  a.Close();
  a.Open();
  b.Knows(a);  // by TLS it waits elsewhere now
  a.Knows(b);
  a.Send(b, 2);
  ASSERT_TRUE(b.AwaitControl(a, 2));
  EXPECT_EQ(b.Control(a), UpTo(2));
  // By what it was told first: a hello, or an answer to its own.
  EXPECT_EQ(b.Lost(a).size(), 1u);
  b.Send(a, 2);
  ASSERT_TRUE(a.AwaitControl(b, 2));
  EXPECT_EQ(a.Control(b), UpTo(2));
  EXPECT_TRUE(a.Lost(b).empty());
}

TEST_P(BothWays, WhoGivesUpTellsTheOtherAndBothBeginAnew) {
  NodeLines::Options hasty = Of(1, GetParam());
  hasty.lost_after = seconds(2);
  Node a(1, hasty);
  Node b(2, Of(2, GetParam()));
  a.knows_again = true;
  b.knows_again = true;
  Proxy to_b(ProxyAddress(GetParam()), b.door, 1);
  a.Knows(b, to_b.door);
  b.Knows(a);
  a.Send(b, 1);
  b.Send(a, 1);
  ASSERT_TRUE(b.AwaitControl(a, 1));
  ASSERT_TRUE(a.AwaitControl(b, 1));
  to_b.Close();
  a.Send(b, 2);
  ASSERT_TRUE(a.AwaitLost(b, 1));
  EXPECT_TRUE(Says(a.Lost(b), "nothing got through")) << a.Lost(b).back();
  // It has nothing more to send, and tells it all the same.
  to_b.Open();
  ASSERT_TRUE(b.AwaitLost(a, 1));
  b.Send(a, 2);
  ASSERT_TRUE(a.AwaitControl(b, 2));
  a.Send(b, 3);
  ASSERT_TRUE(b.AwaitControl(a, 2));
  EXPECT_EQ(b.Control(a), (std::vector<std::uint64_t>{1, 3}));
  EXPECT_EQ(a.Control(b), UpTo(2));
  EXPECT_EQ(a.Lost(b).size(), 1u);
  EXPECT_EQ(b.Lost(a).size(), 1u);
}

TEST_F(NodeLinesTest, AfterALossNothingIsSentUntilItIsKnownAgain) {
  NodeLines::Options hasty = Of(1, false);
  hasty.lost_after = milliseconds(50);
  Node a(1, hasty);
  Node b(2, Of(2, false));
  b.Knows(a);
  a.Knows(b, "unix:" + folder_ + "/nobody");
  a.Send(b, 1);
  ASSERT_TRUE(a.AwaitLost(b, 1));
  EXPECT_TRUE(Says(a.Lost(b), "No such file")) << a.Lost(b).back();
  a.Send(b, 2);
  EXPECT_EQ(a.QueuedBytes(b), 0u);
  a.Knows(b);
  a.Send(b, 3);
  ASSERT_TRUE(b.AwaitControl(a, 1));
  EXPECT_EQ(b.Control(a), std::vector<std::uint64_t>{3});
  EXPECT_EQ(a.Lost(b).size(), 1u);
}

TEST_F(NodeLinesTest, TooMuchThatWaitsIsALoss) {
  NodeLines::Options small = Of(1, false);
  small.queued_bytes_max = 1'000'000;
  Node a(1, small);
  Node b(2, Of(2, false));
  a.Knows(b, "unix:" + folder_ + "/nobody");
  for (std::uint64_t i = 1; i <= 3; ++i) a.SendBulk(b, i, 250'000);
  EXPECT_GT(a.QueuedBytes(b), 750'000u);
  a.SendBulk(b, 4, 250'000);
  ASSERT_TRUE(a.AwaitLost(b, 1));
  EXPECT_TRUE(Says(a.Lost(b), "bytes wait for it")) << a.Lost(b).back();
  EXPECT_EQ(a.QueuedBytes(b), 0u);
}

TEST_F(NodeLinesTest, WhatIsForgottenIsGoneWithoutAWord) {
  NodeLines::Options impatient = Of(2, false);
  impatient.known_patience = milliseconds(10);
  NodeLines::Options hasty = Of(1, false);
  hasty.lost_after = seconds(1);
  Node a(1, hasty);
  Node b(2, impatient);
  Acquaint(a, b);
  a.Send(b, 1);
  ASSERT_TRUE(b.AwaitControl(a, 1));
  b.Forget(a);
  b.Send(a, 1);
  EXPECT_EQ(b.QueuedBytes(a), 0u);
  a.Send(b, 2);
  ASSERT_TRUE(a.AwaitLost(b, 1));
  EXPECT_EQ(b.Control(a), UpTo(1));
  EXPECT_TRUE(b.Lost(a).empty());
  EXPECT_TRUE(a.Control(b).empty());
}

TEST_F(NodeLinesTest, ItMayBeForgottenByWhoIsToldAMessage) {
  Node a(1, Of(1, false));
  Node b(2, Of(2, false));
  Acquaint(a, b);
  b.on_control = [](NodeLines& lines, NodeId from) { lines.Forget(from); };
  // They come together, in one turn.
  a.Run([&](NodeLines& lines) {
    for (std::uint64_t i = 1; i <= 5; ++i) {
      lines.Send(b.id(), base::HostsJob{{1, i}});
    }
  });
  ASSERT_TRUE(b.AwaitControl(a, 1));
  b.Run([](NodeLines&) {});
  EXPECT_EQ(b.Control(a), UpTo(1));
}

TEST_F(NodeLinesTest, ANodeThatShowsAnothersCertificateIsRefused) {
  NodeLines::Options thief = Of(1, true);
  thief.lost_after = seconds(1);
  thief.credentials_file = CredentialsOf(3);
  Node a(1, thief);  // says that it is node 1, by the certificate of node 3
  Node b(2, Of(2, true));
  Acquaint(a, b);
  a.Send(b, 1);
  ASSERT_TRUE(a.AwaitLost(b, 1));
  EXPECT_TRUE(Says(a.Lost(b), "certificate is not that of node"))
      << a.Lost(b).back();
  EXPECT_TRUE(b.Control(a).empty());
}

TEST_F(NodeLinesTest, ADoorWithAnotherCertificateIsNotSpokenTo) {
  NodeLines::Options hasty = Of(1, true);
  hasty.lost_after = seconds(1);
  Node a(1, hasty);
  Node b(2, Of(2, true));
  Node c(3, Of(3, true));
  b.Knows(a);
  c.Knows(a);
  a.Knows(c, b.door);
  a.Send(c, 1);
  ASSERT_TRUE(a.AwaitLost(c, 1));
  EXPECT_TRUE(Says(a.Lost(c), "the certificate that it shows is refused"))
      << a.Lost(c).back();
  EXPECT_TRUE(b.Control(a).empty());
  EXPECT_TRUE(c.Control(a).empty());
}

TEST_F(NodeLinesTest, WhatIsRenewedInTheFileIsShown) {
  NodeLines::Options looks = Of(2, true);
  looks.credentials_look = milliseconds(10);
  Node b(2, looks);
  // For this one what b shows has ended an hour ago.
  NodeLines::Options later = Of(1, true);
  later.credentials_file = CredentialsOf(1, 24 * 3600);
  later.clock = [] { return base::WallNowS() + 2 * 3600; };
  Node a(1, later);
  Acquaint(a, b);
  CredentialsOf(2, 24 * 3600);
  a.Send(b, 1);
  ASSERT_TRUE(b.AwaitControl(a, 1));
  EXPECT_TRUE(a.Lost(b).empty());
}

TEST_F(NodeLinesTest, AStrangerIsToldNothing) {
  Node b(2, Of(2, true));
  std::string error;
  const auto address = ControlAddress::Parse(b.door, &error);
  ASSERT_TRUE(address) << error;
  // By TLS, without a certificate, it may not even ask.
  const auto none =
      base::AskAtDoor(*address,
                      base::TlsContext::ForJoiner(
                          kCluster, authority_.certificate().Fingerprint()),
                      base::RenewAsked{"x"}, seconds(20), &error);
  EXPECT_FALSE(none);
  EXPECT_EQ(error.find("in time"), std::string::npos) << error;
  // Plain words end it, without a byte.
  int failed = 0;
  const UniqueFd plain =
      base::ConnectWithin(*address, base::BootNow() + seconds(10), &failed);
  ASSERT_TRUE(plain.valid());
  ASSERT_EQ(::send(plain.get(), "MOBN", 4, MSG_NOSIGNAL), 4);
  ASSERT_TRUE(base::WaitReadable(plain.get(), base::BootNow() + seconds(20)));
  char byte = 0;
  EXPECT_LE(::recv(plain.get(), &byte, 1, 0), 0);
}

TEST_F(NodeLinesTest, WhoSaysNoHelloIsClosed) {
  NodeLines::Options options = Of(2, false);
  options.hello_timeout = milliseconds(50);
  Node b(2, options);
  std::string error;
  int failed = 0;
  for (const std::string words : {"", "GET / HTTP/1.1\r\n\r\n"}) {
    const UniqueFd silent =
        base::ConnectWithin(*ControlAddress::Parse(b.door, &error),
                            base::BootNow() + seconds(10), &failed);
    ASSERT_TRUE(silent.valid());
    ASSERT_EQ(::send(silent.get(), words.data(), words.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(words.size()));
    ASSERT_TRUE(
        base::WaitReadable(silent.get(), base::BootNow() + seconds(20)));
    char byte = 0;
    EXPECT_LE(::recv(silent.get(), &byte, 1, 0), 0);
  }
}

}  // namespace
}  // namespace mobula::raylet
