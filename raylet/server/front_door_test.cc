#include "raylet/server/front_door.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/log.h"

namespace mobula::raylet {
namespace {

using base::ProcessId;
using base::Role;
using base::UniqueFd;
using std::chrono::milliseconds;

const ProcessId kSelf{1, 1};

class FrontDoorTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string root = testing::TempDir() + "doorXXXXXX";
    ASSERT_NE(::mkdtemp(root.data()), nullptr);
    root_ = root;
    path_ = root + "/raylet.sock";
  }
  void TearDown() override {
    clients_.clear();
    door_.reset();
    std::filesystem::remove_all(root_);
  }

  void Open(FrontDoor::Options options = {kSelf}) {
    FrontDoor::Callbacks callbacks;
    callbacks.on_open = [this](ProcessId guest, Role role) {
      roles_[guest] = role;
      Check();
    };
    callbacks.on_message = [this](ProcessId guest, base::Message message,
                                  UniqueFd fd) {
      messages_.emplace_back(guest, std::move(message));
      had_fd_ = fd.valid();
      Check();
    };
    callbacks.on_closed = [this](ProcessId guest, const std::string&) {
      closed_.push_back(guest);
      Check();
    };
    door_ = std::make_unique<FrontDoor>(strand_, options, std::move(callbacks));
    std::string error;
    ASSERT_TRUE(door_->Listen(path_, &error)) << error;
  }
  // What is done once something is so, one after the other.
  using Condition = std::function<bool()>;
  using Action = std::function<void()>;
  FrontDoorTest& When(Condition condition, Action action = [] {}) {
    steps_.emplace_back(std::move(condition), std::move(action));
    return *this;
  }
  // Until all of it was done; a test that waits for ever fails by its own
  // limit.
  void Run() {
    Check();
    strand_.Run();
    EXPECT_TRUE(steps_.empty());
  }
  void Check() {
    strand_.Post([this] {
      while (!steps_.empty() && steps_.front().first()) {
        const Action action = std::move(steps_.front().second);
        steps_.pop_front();
        action();
      }
      if (steps_.empty()) strand_.Stop();
    });
  }
  [[nodiscard]] UniqueFd Connect() const {
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    EXPECT_EQ(
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address),
                  sizeof(address)),
        0);
    return socket;
  }
  base::Link* Client(ProcessId process, Role role) {
    return Client(process, role, Connect());
  }
  base::Link* Client(ProcessId process, Role role, UniqueFd socket) {
    base::Link::Options options;
    options.self = process;
    options.role = role;
    base::Link::Callbacks callbacks;
    callbacks.on_open = [](ProcessId, Role) {};
    callbacks.on_message = [this](base::Message message, UniqueFd) {
      answers_.push_back(std::move(message));
      Check();
    };
    callbacks.on_closed = [this](const std::string&) {
      ++client_ends_;
      Check();
    };
    clients_.push_back(std::make_unique<base::Link>(
        strand_, std::move(socket), options, std::move(callbacks)));
    return clients_.back().get();
  }

  std::string root_;
  std::string path_;
  base::Strand strand_{"test"};
  std::unique_ptr<FrontDoor> door_;
  std::vector<std::unique_ptr<base::Link>> clients_;
  std::deque<std::pair<Condition, Action>> steps_;
  std::map<ProcessId, Role> roles_;
  std::vector<std::pair<ProcessId, base::Message>> messages_;
  bool had_fd_ = false;
  std::vector<ProcessId> closed_;
  std::vector<base::Message> answers_;
  int client_ends_ = 0;
};

TEST_F(FrontDoorTest, TheSocketIsOursAlone) {
  Open();
  struct stat stat;
  ASSERT_EQ(::stat(path_.c_str(), &stat), 0);
  EXPECT_EQ(stat.st_mode & 0777, 0600u);
  door_.reset();
  EXPECT_NE(::stat(path_.c_str(), &stat), 0);
}

TEST_F(FrontDoorTest, HelloTellsWhoItIsAndADescriptorRidesBeside) {
  Open();
  const ProcessId driver{2, 1};
  const ProcessId tool{2, 2};
  base::Register registers;
  registers.process = driver;
  Client(driver, Role::kDriver)->Send(registers, UniqueFd(::dup(0)));
  When([this] { return messages_.size() == 1; },
       [&] {
         EXPECT_EQ(messages_[0].first, driver);
         EXPECT_TRUE(had_fd_);
         Client(tool, Role::kTool)->Send(base::ListLocal{});
       });
  When([this] { return messages_.size() == 2; },
       [&] { door_->Send(tool, base::LocalListing{}); });
  When([this] { return answers_.size() == 1; });
  Run();
  EXPECT_EQ(roles_.at(driver), Role::kDriver);
  EXPECT_EQ(roles_.at(tool), Role::kTool);
}

TEST_F(FrontDoorTest, WorkersAndThoseWhoAreHereAreRefused) {
  Open();
  const ProcessId driver{2, 1};
  Client(driver, Role::kDriver);
  When([this] { return roles_.size() == 1; },
       [&] {
         Client(driver, Role::kDriver);
         Client(ProcessId{2, 3}, Role::kWorker);
       });
  When([this] { return client_ends_ == 2; });
  Run();
  EXPECT_TRUE(door_->Has(driver));
  EXPECT_EQ(roles_.size(), 1u);
  EXPECT_EQ(closed_, std::vector<ProcessId>(2));
}

TEST_F(FrontDoorTest, WhoIsSilentIsDropped) {
  FrontDoor::Options options{kSelf};
  options.silence_max = milliseconds(20);
  Open(options);
  const UniqueFd silent = Connect();
  When([this] { return closed_.size() == 1; });
  Run();
  EXPECT_TRUE(closed_[0].IsNil());
}

TEST_F(FrontDoorTest, WhoIsOverTheCapWaitsForAPlace) {
  FrontDoor::Options options{kSelf};
  options.guests_max = 2;
  Open(options);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    Client(ProcessId{2, i}, Role::kTool)->Send(base::ListLocal{});
  }
  bool turned = false;  // in turns in which the third could have come in
  When([this] { return roles_.size() == 2; },
       [&] {
         strand_.PostAt(strand_.Now() + milliseconds(10), [&] {
           turned = true;
           Check();
         });
       });
  When([&] { return turned; },
       [this] {
         EXPECT_EQ(roles_.size(), 2u);
         clients_.erase(clients_.begin());
       });
  When([this] { return roles_.size() == 3; });
  Run();
}

TEST_F(FrontDoorTest, WhatWasSaidBeforeTheCloseArrives) {
  Open();
  const ProcessId driver{2, 1};
  Client(driver, Role::kDriver);
  When([this] { return roles_.size() == 1; },
       [&] {
         door_->Send(driver, base::JobEnded{});
         door_->Close(driver);
       });
  When([this] { return client_ends_ == 1; });
  Run();
  EXPECT_EQ(answers_.size(), 1u);
  EXPECT_TRUE(closed_.empty());
  EXPECT_FALSE(door_->Has(driver));
}

// The socket stays readable: who tries again at once tries for ever.
TEST_F(FrontDoorTest, WithoutDescriptorsItRestsAndThenLetsIn) {
  Open();
  base::LogOptions log;
  log.file = root_ + "/log";
  std::string error;
  ASSERT_TRUE(base::StartLog(log, &error)) << error;
  UniqueFd waiting = Connect();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<UniqueFd> all;
  do {
    all.emplace_back(::dup(0));
  } while (all.back().valid());
  strand_.PostAt(strand_.Now() + milliseconds(50), [&] {
    all.clear();
    Client(ProcessId{2, 2}, Role::kTool, std::move(waiting));
  });
  When([this] { return roles_.contains(ProcessId{2, 2}); });
  Run();
  ::setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_TRUE(base::StartLog(base::LogOptions(), &error)) << error;
  std::ifstream in(log.file);
  int lines = 0;
  for (std::string line; std::getline(in, line);) ++lines;
  EXPECT_EQ(lines, 1) << "it says so, and not again and again";
}

}  // namespace
}  // namespace mobula::raylet
