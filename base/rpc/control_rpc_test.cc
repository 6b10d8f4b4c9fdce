// A control store's two ends, over real sockets.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/rpc/control_call.h"
#include "base/rpc/control_client.h"
#include "base/rpc/control_server.h"
#include "base/strand.h"
#include "base/unique_fd.h"

namespace mobula::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr ProcessId kClient{1, 1};

// Runs on a strand and waits for it.
template <class F>
void On(Strand& strand, F f) {
  Mutex mutex;
  CondVar changed;
  bool done = false;
  strand.Post([&mutex, &changed, &done, &f] {
    f();
    MutexLock lock(mutex);
    done = true;
    changed.NotifyOne();
  });
  MutexLock lock(mutex);
  while (!done) changed.Wait(mutex);
}

// What an end was told, in order, as text; waited for.
class Story {
 public:
  void Tell(std::string line) {
    MutexLock lock(mutex_);
    lines_.push_back(std::move(line));
    changed_.NotifyAll();
  }
  // Whether there come to be `count` lines that begin so.
  bool WaitFor(const std::string& start, std::size_t count = 1) {
    const BootTime end = BootNow() + seconds(20);
    MutexLock lock(mutex_);
    while (Count(start) < count) {
      const Duration left = end - BootNow();
      if (left <= Duration::zero()) return false;
      changed_.WaitFor(mutex_, left);
    }
    return true;
  }
  std::vector<std::string> lines() {
    MutexLock lock(mutex_);
    return lines_;
  }
  std::size_t CountOf(const std::string& start) {
    MutexLock lock(mutex_);
    return Count(start);
  }

 private:
  std::size_t Count(const std::string& start) {
    std::size_t count = 0;
    for (const std::string& line : lines_) count += line.starts_with(start);
    return count;
  }
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> lines_;
};

ControlMessage Renewal(std::uint64_t sequence) {
  RenewNode renew;
  renew.node = {7, 7};
  renew.sequence = sequence;
  return renew;
}

// A store that answers RenewNode by NodeRenewed, and GetStatus by its epoch.
class Store {
 public:
  Store(std::uint64_t epoch, std::string token = "",
        std::size_t connections_max = 4096)
      : strand_("store") {
    ControlServer::Options options;
    options.self = {100, epoch};
    options.epoch = epoch;
    options.cluster = {9, 9};
    options.token = std::move(token);
    options.connections_max = connections_max;
    options.handshake_timeout = milliseconds(300);
    options.lost_after = seconds(2);
    ControlServer::Callbacks callbacks;
    callbacks.on_open = [this](ProcessId peer) {
      story.Tell("open " + peer.ToString());
    };
    callbacks.on_lost = [this](ProcessId peer, const std::string& reason) {
      story.Tell("lost " + peer.ToString() + " " + reason);
    };
    callbacks.on_message = [this](ProcessId peer, ControlMessage message) {
      OnMessage(peer, std::move(message));
    };
    server_ = std::make_unique<ControlServer>(strand_, std::move(options),
                                              std::move(callbacks));
    strand_.StartThread();
  }
  ~Store() { Stop(); }
  void Stop() {
    On(strand_, [this] { server_ = nullptr; });
  }

  std::string Listen(const std::string& where) {
    std::string error;
    const auto address = ControlAddress::Parse(where, &error);
    ControlAddress bound;
    On(strand_, [this, &address, &bound, &error] {
      if (!server_->Listen(*address, &bound, &error)) bound = {};
    });
    return error.empty() ? bound.ToString() : "error: " + error;
  }
  ControlServer& server() { return *server_; }
  Strand& strand() { return strand_; }

  Story story;

 private:
  void OnMessage(ProcessId peer, ControlMessage message) {
    if (const auto* renew = std::get_if<RenewNode>(&message)) {
      story.Tell("renew " + std::to_string(renew->sequence));
      NodeRenewed renewed;
      renewed.sequence = renew->sequence;
      server_->Send(peer, renewed);
    }
    if (const auto* call = std::get_if<ControlCall>(&message)) {
      story.Tell("call " + call->request.ToString());
      ControlAnswer answer;
      answer.request = call->request;
      answer.to = call->from;
      StatusAnswer status;
      status.epoch = 5;
      answer.body = status;
      if (answering) server_->Send(peer, answer);
    }
  }

 public:
  bool answering = true;

 private:
  Strand strand_;
  std::unique_ptr<ControlServer> server_;
};

class Client {
 public:
  explicit Client(std::string where, std::string token = "")
      : strand_("client") {
    ControlClient::Options options;
    options.self = kClient;
    options.token = std::move(token);
    options.handshake_timeout = milliseconds(500);
    options.reconnect_max = milliseconds(50);
    options.connect = [this, where](std::string* error) {
      const auto address = ControlAddress::Parse(where, error);
      UniqueFd socket = ConnectControl(*address, error);
      last_socket_ = UniqueFd(::dup(socket.get()));
      return socket;
    };
    ControlClient::Callbacks callbacks;
    callbacks.on_up = [this](std::uint64_t epoch, ClusterId cluster) {
      story.Tell("up " + std::to_string(epoch) + " " + cluster.ToString());
    };
    callbacks.on_down = [this](const std::string& reason) {
      story.Tell("down " + reason);
    };
    callbacks.on_refused = [this](const std::string& reason) {
      story.Tell("refused " + reason);
    };
    callbacks.on_message = [this](ControlMessage message) {
      if (const auto* renewed = std::get_if<NodeRenewed>(&message)) {
        story.Tell("renewed " + std::to_string(renewed->sequence));
      }
    };
    client_ = std::make_unique<ControlClient>(strand_, std::move(options),
                                              std::move(callbacks));
    strand_.StartThread();
  }
  ~Client() {
    On(strand_, [this] { client_ = nullptr; });
  }
  void Send(const ControlMessage& message) {
    On(strand_, [this, &message] { client_->Send(message); });
  }
  void Break() {
    On(strand_, [this] { ::shutdown(last_socket_.get(), SHUT_RDWR); });
  }
  Strand& strand() { return strand_; }
  ControlClient& client() { return *client_; }

  Story story;

 private:
  Strand strand_;
  UniqueFd last_socket_;
  std::unique_ptr<ControlClient> client_;
};

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

// Each of 1..count once, in order.
void ExpectInOrder(Story& story, const std::string& what, std::size_t count) {
  std::size_t next = 1;
  for (const std::string& line : story.lines()) {
    if (!line.starts_with(what)) continue;
    ASSERT_EQ(line, what + std::to_string(next));
    ++next;
  }
  EXPECT_EQ(next, count + 1);
}

TEST_F(ControlRpcTest, ManyMessagesBothWaysInOrder) {
  Store store(1);
  ASSERT_EQ(store.Listen(Unix()), Unix());
  Client client(Unix());
  ASSERT_TRUE(client.story.WaitFor("up 1 " + ClusterId{9, 9}.ToString()));
  constexpr std::size_t kCount = 5000;
  On(client.strand(), [&client] {
    for (std::size_t i = 1; i <= kCount; ++i) {
      client.client().Send(Renewal(i));
    }
  });
  ASSERT_TRUE(client.story.WaitFor("renewed ", kCount));
  ExpectInOrder(client.story, "renewed ", kCount);
  ExpectInOrder(store.story, "renew ", kCount);
}

TEST_F(ControlRpcTest, ABrokenConnectionIsNotNoticed) {
  Store store(1);
  ASSERT_EQ(store.Listen(Unix()), Unix());
  Client client(Unix());
  ASSERT_TRUE(client.story.WaitFor("up "));
  constexpr std::size_t kRounds = 20;
  constexpr std::size_t kEach = 100;
  for (std::size_t round = 0; round < kRounds; ++round) {
    On(client.strand(), [&client, round] {
      for (std::size_t i = 1; i <= kEach; ++i) {
        client.client().Send(Renewal(round * kEach + i));
      }
    });
    client.Break();
  }
  ASSERT_TRUE(client.story.WaitFor("renewed ", kRounds * kEach));
  ExpectInOrder(client.story, "renewed ", kRounds * kEach);
  ExpectInOrder(store.story, "renew ", kRounds * kEach);
  EXPECT_EQ(client.story.CountOf("up "), 1u);
  EXPECT_EQ(client.story.CountOf("down "), 0u);
  EXPECT_EQ(store.story.CountOf("open "), 1u);
  EXPECT_EQ(store.story.CountOf("lost "), 0u);
}

TEST_F(ControlRpcTest, ARestartedStoreIsANewSession) {
  auto store = std::make_unique<Store>(1);
  ASSERT_EQ(store->Listen(Unix()), Unix());
  Client client(Unix());
  ASSERT_TRUE(client.story.WaitFor("up 1"));
  store = nullptr;
  store = std::make_unique<Store>(2);
  ASSERT_EQ(store->Listen(Unix()), Unix());
  ASSERT_TRUE(client.story.WaitFor("up 2"));
  client.Send(Renewal(1));
  ASSERT_TRUE(client.story.WaitFor("renewed 1"));
  const auto lines = client.story.lines();
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_TRUE(lines[1].starts_with("down ")) << lines[1];
}

TEST_F(ControlRpcTest, ACallIsAnswered) {
  Store store(1);
  std::string error;
  const auto address =
      ControlAddress::Parse(store.Listen("127.0.0.1:0"), &error);
  ASSERT_TRUE(address.has_value()) << error;
  const ControlReply reply = CallControl(*address, "", GetStatus(), seconds(5));
  ASSERT_TRUE(std::holds_alternative<StatusAnswer>(reply))
      << std::get<Failure>(reply).message;
  EXPECT_EQ(std::get<StatusAnswer>(reply).epoch, 5u);
  ASSERT_TRUE(store.story.WaitFor("lost "));
  EXPECT_EQ(store.story.lines().size(), 3u);
}

}  // namespace
}  // namespace mobula::base
