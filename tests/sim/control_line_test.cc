#include "tests/sim/control_line.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "base/control/control_message.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/line_end.h"
#include "tests/sim/network.h"
#include "tests/sim/process.h"
#include "tests/sim/rng.h"
#include "tests/sim/verdict.h"

namespace mobula::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Bystander : public Process {
 public:
  using Process::Process;
  void OnMessage(base::ProcessId, const base::Message&) override {}
  void OnLinkClosed(base::ProcessId) override {}
};

// A store that remembers its session, or not, and notes what it hears.
class FakeDoor : public ControlDoor {
 public:
  FakeDoor(EventQueue& queue, Verdict& verdict)
      : queue_(queue),
        verdict_(verdict),
        store_({3, 1}, base::Role::kTool, {}, queue) {}

  bool Knock(const LineHello& hello, std::shared_ptr<LineConnection> connection,
             Agreed agreed) override {
    if (!open) return false;
    LineWelcome welcome{store_.id(), epoch, end != nullptr};
    welcome.goes_on &= hello.epoch == epoch;
    if (!welcome.goes_on) {
      LineEnd::Callbacks callbacks;
      callbacks.on_message = [this](const base::ControlMessage& message) {
        heard.push_back(std::get<base::RenewNode>(message).sequence);
      };
      callbacks.on_detached = [] {};
      callbacks.on_ended = [] {};
      end = std::make_shared<LineEnd>(LineEnd::Options{1, hello.raylet, epoch},
                                      store_, queue_, verdict_, callbacks);
    }
    end->Attach(std::move(connection));
    queue_.After(milliseconds(1), [agreed, welcome] { agreed(welcome); });
    return true;
  }

  bool open = true;
  std::uint64_t epoch = 1;
  std::shared_ptr<LineEnd> end;
  std::vector<std::uint64_t> heard;

 private:
  EventQueue& queue_;
  Verdict& verdict_;
  Bystander store_;
};

class ControlLineTest : public testing::Test {
 protected:
  ControlLineTest()
      : network_(Lossy(), Rng(1), queue_, counts_),
        raylet_({1, 1}, base::Role::kRaylet, {}, queue_),
        line_({queue_, network_, verdict_, door_}, raylet_, Rng(2),
              {[this](std::uint64_t epoch) { ups_.push_back(epoch); },
               [this] { ++downs_; }, [](const base::ControlMessage&) {}}) {
    line_.Start();
  }
  static NetworkOptions Lossy() {
    NetworkOptions options;
    options.drop = 0.2;
    options.duplicate = 0.2;
    options.reorder = 0.2;
    return options;
  }
  void Pass(base::Duration time) {
    const base::BootTime until = queue_.now() + time;
    queue_.At(until, [] {});
    while (queue_.now() < until && queue_.RunNext()) {
    }
  }

  EventQueue queue_;
  Verdict verdict_{queue_};
  FaultCounts counts_;
  Network network_;
  Bystander raylet_;
  FakeDoor door_{queue_, verdict_};
  std::vector<std::uint64_t> ups_;
  int downs_ = 0;
  ControlLine line_;
};

TEST_F(ControlLineTest, MessagesArriveOnceInOrderOverBrokenConnections) {
  Pass(seconds(1));
  ASSERT_EQ(ups_, std::vector<std::uint64_t>{1});
  std::vector<std::uint64_t> sent;
  for (std::uint64_t i = 1; i <= 200; ++i) {
    line_.Send(base::RenewNode{{1, 1}, i});
    sent.push_back(i);
    if (i % 20 == 0) line_.Break();
    Pass(milliseconds(5));
  }
  Pass(seconds(10));
  EXPECT_EQ(door_.heard, sent);
  EXPECT_EQ(ups_.size(), 1u) << "the session goes on";
  EXPECT_EQ(downs_, 0);
  EXPECT_TRUE(verdict_.violations().empty());
}

TEST_F(ControlLineTest, AnotherLifeOfTheStoreIsAnotherSession) {
  Pass(seconds(1));
  door_.open = false;
  line_.Break();
  Pass(seconds(2));
  EXPECT_EQ(downs_, 0) << "nobody knows yet what comes back";
  door_.open = true;
  door_.epoch = 2;
  Pass(seconds(1));
  EXPECT_EQ(downs_, 1);
  EXPECT_EQ(ups_, (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(ControlLineTest, NothingGetsThroughWhileItIsBlocked) {
  Pass(seconds(1));
  line_.Block(seconds(3));
  line_.Send(base::RenewNode{{1, 1}, 1});
  Pass(seconds(2));
  EXPECT_TRUE(door_.heard.empty());
  Pass(seconds(5));
  EXPECT_EQ(door_.heard.size(), 1u);
}

}  // namespace
}  // namespace mobula::sim
