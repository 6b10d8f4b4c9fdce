// Single questions to a control store.
#include "base/rpc/control_call.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <variant>

#include "base/clock.h"
#include "base/rpc/rpc_ends.h"
#include "base/sockets/listener_socket.h"

namespace mobula::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ControlCallTest : public testing::Test {
 protected:
  ControlCallTest() {
    std::string pattern = testing::TempDir() + "/callXXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    std::string error;
    address_ = *ControlAddress::Parse("unix:" + folder_ + "/s", &error);
  }
  ~ControlCallTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] Failure CallAndFail(Duration timeout) const {
    const auto reply = CallControl(address_, "", GetStatus(), timeout);
    const auto* failure = std::get_if<Failure>(&reply);
    return failure == nullptr ? Failure() : *failure;
  }

  std::string folder_;
  ControlAddress address_;
};

std::size_t Threads() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator("/proc/self/task")) {
    ++count;
  }
  return count;
}

// First, while nothing of gRPC's has been used: a program that never asks has
// no thread of it.
TEST_F(ControlCallTest, AStoreThatNeverIsThere) {
  const std::size_t before = Threads();
  const Failure failure = CallAndFail(milliseconds(200));
  EXPECT_EQ(failure.code, FailureCode::kControlAway);
  EXPECT_EQ(failure.message, "the control store at " + address_.ToString() +
                                 " is away: No such file or directory");
  EXPECT_EQ(Threads(), before);
}

// It would come back from the whole time only after the test has been ended.
TEST_F(ControlCallTest, WhereNobodyListensItIsOverAtOnceIfThatIsAsked) {
  const auto why = [](const ControlAddress& address) {
    const auto reply = CallControl(address, "", GetStatus(),
                                   std::chrono::hours(24), Duration::zero());
    const auto* failure = std::get_if<Failure>(&reply);
    EXPECT_NE(failure, nullptr);
    return failure == nullptr ? "" : failure->message;
  };
  EXPECT_NE(why(address_).find("No such file or directory"), std::string::npos);
  ControlAddress port;
  {
    std::string error;
    const auto address = ControlAddress::Parse("127.0.0.1:0", &error);
    ASSERT_TRUE(ListenerSocket::Open(*address, &port, &error)) << error;
  }
  EXPECT_NE(why(port).find("Connection refused"), std::string::npos);
}

// Somebody else's door: the kernel takes the connection in.
TEST_F(ControlCallTest, WhoAcceptsAndSaysNothingIsNoControlStore) {
  std::string error;
  const auto any = ControlAddress::Parse("127.0.0.1:0", &error);
  const auto silent = ListenerSocket::Open(*any, &address_, &error);
  ASSERT_TRUE(silent) << error;
  const Failure failure = CallAndFail(milliseconds(200));
  EXPECT_EQ(failure.code, FailureCode::kControlAway);
  EXPECT_EQ(failure.message,
            "the control store at " + address_.ToString() +
                " is away: it accepts, but does not answer as a control store");
}

TEST_F(ControlCallTest, IsAnsweredAndThenLost) {
  EchoStore store{EchoStore::Options()};
  ASSERT_EQ(store.Listen(address_.ToString()), address_.ToString());
  const auto reply = CallControl(address_, "", GetStatus(), seconds(20));
  ASSERT_TRUE(std::holds_alternative<StatusAnswer>(reply))
      << std::get<Failure>(reply).message;
  EXPECT_EQ(std::get<StatusAnswer>(reply).epoch, 5u);
  ASSERT_TRUE(store.story.WaitFor("lost "));
  const auto lines = store.story.lines();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_TRUE(lines[0].starts_with("open "));
  EXPECT_TRUE(lines[1].starts_with("call "));
}

TEST_F(ControlCallTest, WaitsForAStoreThatComesBack) {
  std::unique_ptr<EchoStore> store;
  ControlReply reply;
  std::thread caller([this, &reply] {
    reply = CallControl(address_, "", GetStatus(), seconds(60));
  });
  store = std::make_unique<EchoStore>(EchoStore::Options());
  store->Listen(address_.ToString());
  caller.join();
  EXPECT_TRUE(std::holds_alternative<StatusAnswer>(reply));
}

// The store dies with the question in it; the one that comes after sees the
// same request, and so does it once.
TEST_F(ControlCallTest, ARepeatedRequestHasTheSameId) {
  EchoStore::Options options;
  auto store = std::make_unique<EchoStore>(options);
  store->answering = false;
  store->Listen(address_.ToString());
  ControlReply reply;
  std::thread caller([this, &reply] {
    PutKey put;
    put.ns = "n";
    put.key = "k";
    reply = CallControl(address_, "", put, seconds(60));
  });
  ASSERT_TRUE(store->story.WaitFor("call "));
  const std::string first = store->story.lines()[1];
  options.epoch = 2;
  store = nullptr;
  store = std::make_unique<EchoStore>(options);
  store->Listen(address_.ToString());
  caller.join();
  EXPECT_TRUE(std::holds_alternative<StatusAnswer>(reply));
  EXPECT_EQ(store->story.Count(first), 1u) << first;
}

TEST_F(ControlCallTest, IsOverAtItsDeadline) {
  EchoStore store{EchoStore::Options()};
  store.answering = false;
  store.Listen(address_.ToString());
  const BootTime begin = BootNow();
  const Failure failure = CallAndFail(milliseconds(300));
  EXPECT_EQ(failure.code, FailureCode::kTimeout) << failure.message;
  EXPECT_GE(BootNow() - begin, milliseconds(290));
  ASSERT_TRUE(store.story.WaitFor("lost "));
  EXPECT_NE(store.story.lines()[2].find("hung up"), std::string::npos);
}

TEST_F(ControlCallTest, ARefusalIsTheAnswer) {
  EchoStore::Options options;
  options.token = "secret";
  EchoStore store(options);
  std::string error;
  address_ = *ControlAddress::Parse(store.Listen("127.0.0.1:0"), &error);
  const auto reply = CallControl(address_, "guess", GetStatus(), seconds(60));
  ASSERT_TRUE(std::holds_alternative<Failure>(reply));
  EXPECT_EQ(std::get<Failure>(reply).code, FailureCode::kBadArgument);
  EXPECT_EQ(std::get<Failure>(reply).message,
            "the control store at " + address_.ToString() +
                ": it refuses: the token is not that of this cluster");
}

TEST_F(ControlCallTest, WhatIsTooLargeIsNotSent) {
  PutKey put;
  put.ns = "n";
  put.key = "k";
  put.value = Bytes::Own(std::string(16u << 20, 'x'));
  const auto reply = CallControl(address_, "", put, seconds(60));
  ASSERT_TRUE(std::holds_alternative<Failure>(reply));
  EXPECT_EQ(std::get<Failure>(reply).code, FailureCode::kTooLarge);
}

}  // namespace
}  // namespace mobula::base
