// A control store over real sockets and a real log.
#include "gcs/server/server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/control/control_address.h"
#include "base/control/control_message.h"
#include "base/control/control_request.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/rpc/control_call.h"
#include "base/rpc/control_client.h"
#include "base/scheduling/resource_vector.h"
#include "base/strand.h"
#include "base/unique_fd.h"
#include "gcs/log/control_log.h"

namespace mobula::gcs {
namespace {

using base::ControlReply;
using base::Failure;
using base::FailureCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

void On(base::Strand& strand, const std::function<void()>& closure) {
  std::promise<void> ran;
  strand.Post([&closure, &ran] {
    closure();
    ran.set_value();
  });
  ran.get_future().wait();
}

base::ControlAddress Address(const std::string& text) {
  std::string error;
  const auto address = base::ControlAddress::Parse(text, &error);
  EXPECT_TRUE(address.has_value()) << error;
  return address.value_or(base::ControlAddress());
}

// A control store on a strand of its own, in a folder that outlives it.
class Store {
 public:
  explicit Store(Server::Options options) {
    const bool listens = !options.served.valid();
    if (listens) options.listen = {Address("unix:" + Folder() + "/sock")};
    if (options.log.folder.empty()) options.log.folder = Folder() + "/log";
    strand_.StartThread();
    On(strand_, [this, &options] {
      server_ = Server::Open(strand_, std::move(options), &error_);
    });
  }
  Store() : Store(Server::Options()) {}
  ~Store() {
    On(strand_, [this] { server_.reset(); });
  }

  static std::string Folder() { return ::testing::TempDir() + "/store"; }
  static void Forget() { std::filesystem::remove_all(Folder()); }

  [[nodiscard]] bool ok() const { return server_ != nullptr; }
  [[nodiscard]] const std::string& error() const { return error_; }

  ControlReply Ask(base::ControlRequest request) {
    return base::CallControl(server_->bound()[0], "", std::move(request),
                             seconds(30));
  }
  ControlReply Put(const std::string& key, const std::string& value) {
    base::PutKey put;
    put.ns = "test";
    put.key = key;
    put.value = base::Bytes::Own(value);
    return Ask(std::move(put));
  }
  std::optional<std::string> Get(const std::string& key) {
    base::GetKey get;
    get.ns = "test";
    get.key = key;
    const ControlReply reply = Ask(std::move(get));
    const auto* const answer = std::get_if<base::KeyAnswer>(&reply);
    if (answer == nullptr || !answer->value) return std::nullopt;
    return std::string(answer->value->view());
  }
  base::StatusAnswer Status() {
    const ControlReply reply = Ask(base::GetStatus());
    const auto* const status = std::get_if<base::StatusAnswer>(&reply);
    EXPECT_NE(status, nullptr);
    return status == nullptr ? base::StatusAnswer() : *status;
  }

 private:
  base::Strand strand_{"store"};
  std::unique_ptr<Server> server_;
  std::string error_;
};

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Store::Forget();
    std::filesystem::create_directories(Store::Folder());
  }
};

bool Succeeded(const ControlReply& reply) {
  return !std::holds_alternative<Failure>(reply);
}

TEST_F(ServerTest, WhatWasAnsweredIsThereInTheNextEpoch) {
  std::optional<base::ClusterId> cluster;
  for (std::uint64_t epoch = 1; epoch <= 3; ++epoch) {
    Store store;
    ASSERT_TRUE(store.ok()) << store.error();
    EXPECT_EQ(store.Get("key" + std::to_string(epoch - 1)),
              epoch == 1 ? std::nullopt : std::make_optional<std::string>("v"));
    ASSERT_TRUE(Succeeded(store.Put("key" + std::to_string(epoch), "v")));
    const base::StatusAnswer status = store.Status();
    EXPECT_EQ(status.epoch, epoch);
    EXPECT_EQ(status.keys, epoch);
    EXPECT_GT(status.log_number, 0u);
    if (!cluster) cluster = status.cluster;
    EXPECT_EQ(status.cluster, *cluster);
  }
}

TEST_F(ServerTest, AFullDiskRefusesChangesByNameUntilThereIsRoom) {
  std::atomic<std::int64_t> free_bytes = std::int64_t{1} << 40;
  Server::Options options;
  options.log.disk_period = milliseconds(1);
  options.log.free_bytes = [&free_bytes] { return free_bytes.load(); };
  Store store(std::move(options));
  ASSERT_TRUE(store.ok()) << store.error();
  ASSERT_TRUE(Succeeded(store.Put("key", "before")));
  free_bytes.store(1000);
  while (!store.Status().disk_full) std::this_thread::yield();
  EXPECT_EQ(store.Status().disk_free_bytes, 1000);
  const ControlReply refused = store.Put("key", "during");
  const auto* const failure = std::get_if<Failure>(&refused);
  ASSERT_NE(failure, nullptr);
  EXPECT_EQ(failure->code, FailureCode::kDiskFull) << failure->message;
  EXPECT_EQ(store.Get("key"), "before") << "reading goes on";
  free_bytes.store(std::int64_t{1} << 40);
  while (store.Status().disk_full) std::this_thread::yield();
  EXPECT_TRUE(Succeeded(store.Put("key", "after")));
  EXPECT_EQ(store.Get("key"), "after");
}

TEST_F(ServerTest, ManyAtOnceAreAnsweredThoughTheQueueIsShort) {
  Server::Options options;
  options.queue.held_max = 1;  // it stops reading all the time
  Store store(std::move(options));
  ASSERT_TRUE(store.ok()) << store.error();
  constexpr int kThreads = 8;
  constexpr int kEach = 25;
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&store, &done, thread] {
      for (int i = 0; i < kEach; ++i) {
        const std::string key =
            std::to_string(thread) + "/" + std::to_string(i);
        if (Succeeded(store.Put(key, "x"))) ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done.load(), kThreads * kEach);
  EXPECT_EQ(store.Status().keys, static_cast<std::uint64_t>(kThreads * kEach));
}

TEST_F(ServerTest, ARayletJoinsOverASocketThatWasHandedOver) {
  int sockets[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                         sockets),
            0);
  Server::Options options;
  options.served.Reset(sockets[0]);
  Store store(std::move(options));
  ASSERT_TRUE(store.ok()) << store.error();

  base::Strand strand("raylet");
  base::UniqueFd ours(sockets[1]);
  const base::ProcessId self{1, 1};
  std::promise<base::NodeJoined> joined;
  std::unique_ptr<base::ControlClient> client;
  base::ControlClient::Options line;
  line.self = self;
  line.connect = [&ours](std::string* error) {
    *error = "there is one socket only";
    return std::move(ours);
  };
  base::ControlClient::Callbacks callbacks;
  callbacks.on_up = [&](std::uint64_t, base::ClusterId) {
    base::JoinNode join;
    join.node.node = {2, 2};
    join.node.raylet = self;
    join.node.total = base::ResourceVector::Cpus(1);
    client->Send(join);
  };
  callbacks.on_message = [&joined](base::ControlMessage message) {
    if (const auto* const answer = std::get_if<base::NodeJoined>(&message)) {
      joined.set_value(*answer);
    }
  };
  callbacks.on_down = [](const std::string&) {};
  callbacks.on_refused = [](const std::string& why) { FAIL() << why; };
  strand.StartThread();
  On(strand, [&] {
    client = std::make_unique<base::ControlClient>(strand, std::move(line),
                                                   std::move(callbacks));
  });
  const base::NodeJoined answer = joined.get_future().get();
  EXPECT_EQ(answer.epoch, 1u);
  EXPECT_GT(answer.incarnation, 0);
  On(strand, [&client] { client.reset(); });
}

TEST_F(ServerTest, ARecordThatIsNoneIsRefusedNamingItsKey) {
  {
    base::Strand strand("writer");
    ControlLog::Options options;
    options.folder = Store::Folder() + "/log";
    std::string error;
    const auto log = ControlLog::Open(
        strand, options, {[](std::uint64_t) {}, [](bool, std::int64_t) {}},
        &error);
    ASSERT_NE(log, nullptr) << error;
    log->Append({{"?\x01", "nonsense"}});
  }
  const Store store;
  ASSERT_FALSE(store.ok());
  EXPECT_TRUE(store.error().starts_with("record ?\\x01 of the log is wrong: "))
      << store.error();
}

TEST_F(ServerTest, AnAddressThatIsTakenIsRefused) {
  const Store first;
  ASSERT_TRUE(first.ok()) << first.error();
  Server::Options options;
  options.log.folder = Store::Folder() + "/other";
  const Store second(std::move(options));
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().find("/sock"), std::string::npos) << second.error();
}

}  // namespace
}  // namespace mobula::gcs
