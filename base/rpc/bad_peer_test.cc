// Peers that were admitted and then do not keep to the protocol: each loses its
// own stream and nothing else.
#include <gtest/gtest.h>
#include <poll.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/rpc/client_greeting.h"
#include "base/rpc/control_call.h"
#include "base/rpc/frame_stream.h"
#include "base/rpc/rpc_ends.h"
#include "base/rpc/store_channel.h"
#include "base/rpc/stream_events.h"
#include "proto/control_store.pb.h"

namespace mobula::base {
namespace {

using control::Frame;
using std::chrono::milliseconds;

control::Frame FrameOf(control::Kind kind) {
  Frame frame;
  frame.set_kind(kind);
  return frame;
}

control::Frame Hello(ProcessId from, std::uint64_t session) {
  Frame hello = FrameOf(control::HELLO);
  hello.mutable_from()->set_hi(from.hi);
  hello.mutable_from()->set_lo(from.lo);
  hello.set_next_session(session);
  return hello;
}

control::Frame Data(std::uint64_t seq, std::string payload) {
  Frame data = FrameOf(control::DATA);
  data.set_seq(seq);
  data.set_payload(std::move(payload));
  return data;
}

UniqueFd Admitted(const std::string& where) {
  std::string error;
  UniqueFd socket =
      ConnectControl(*ControlAddress::Parse(where, &error), &error);
  ClientGreeting greeting(socket.get(), "");
  for (;;) {
    const ClientGreeting::Step step = greeting.Continue();
    if (step == ClientGreeting::Step::kDone) return socket;
    if (step == ClientGreeting::Step::kFailed) return UniqueFd();
    pollfd wait{socket.get(), POLLIN | POLLOUT, 0};
    ::poll(&wait, 1, -1);
  }
}

// A stream by hand; its story: frame KIND, end.
class RawPeer {
 public:
  explicit RawPeer(const std::string& where)
      : strand_("raw"),
        events_(std::make_shared<StreamEvents>(
            strand_, [this](StreamEvent& event) { OnEvent(event); })) {
    strand_.StartThread();
    RunOn(strand_, [this, &where] {
      stream_ = std::make_shared<FrameStream>(
          strand_, 1, OpenStream(Admitted(where), 1, events_));
      stream_->Begin();
    });
  }
  ~RawPeer() {
    RunOn(strand_, [this] {
      stream_->Cut();
      events_->Close();
      events_->DrainUntil([this] { return done_; }, Duration::max());
    });
  }
  void Send(const Frame& frame) {
    RunOn(strand_, [this, &frame] { stream_->Send(frame); });
  }

  Story story;

 private:
  void OnEvent(StreamEvent& event) {
    switch (event.kind) {
      case StreamEvent::Kind::kFrames:
        for (const Frame& frame : event.frames->frames()) {
          story.Tell("frame " + std::to_string(frame.kind()) + " " +
                     (frame.kind() == control::CLOSE ? frame.payload() : ""));
        }
        return stream_->OnHandled(event.frames->ByteSizeLong());
      case StreamEvent::Kind::kWritten:
        return stream_->OnWritten(event.ok);
      case StreamEvent::Kind::kReadEnd:
        story.Tell("end");
        return stream_->Cut();
      case StreamEvent::Kind::kDone:
        done_ = true;
        return stream_->OnDone();
      default:
        return;
    }
  }

  Strand strand_;
  std::shared_ptr<StreamEvents> events_;
  std::shared_ptr<FrameStream> stream_;
  bool done_ = false;
};

class BadPeerTest : public testing::Test {
 protected:
  BadPeerTest() : store_(Options()) {
    std::string pattern = testing::TempDir() + "/badXXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    where_ = store_.Listen("unix:" + folder_ + "/s");
  }
  ~BadPeerTest() override {
    // Whatever happened, it serves.
    EchoClient client(where_);
    EXPECT_TRUE(client.story.WaitFor("up "));
    client.SendRenewals(1, 3);
    EXPECT_TRUE(client.story.WaitFor("renewed 3"));
    std::filesystem::remove_all(folder_);
  }
  static EchoStore::Options Options() {
    EchoStore::Options options;
    options.handshake_timeout = milliseconds(300);
    return options;
  }

  static constexpr ProcessId kPeer{3, 3};
  EchoStore store_;
  std::string folder_;
  std::string where_;
};

TEST_F(BadPeerTest, SaysNoHello) {
  RawPeer silent(where_);
  EXPECT_TRUE(silent.story.WaitFor("end"));
  RawPeer data(where_);
  data.Send(Data(1, "x"));
  EXPECT_TRUE(data.story.WaitFor("end"));
  RawPeer nobody(where_);
  nobody.Send(Hello(ProcessId(), 1));
  EXPECT_TRUE(nobody.story.WaitFor("end"));
  RawPeer no_session(where_);
  no_session.Send(Hello(kPeer, 0));
  EXPECT_TRUE(no_session.story.WaitFor("end"));
  EXPECT_EQ(store_.story.Count("open "), 0u);
}

TEST_F(BadPeerTest, SaysWhatCannotBeRead) {
  RawPeer peer(where_);
  peer.Send(Hello(kPeer, 1));
  ASSERT_TRUE(peer.story.WaitFor("frame 2"));
  peer.Send(Data(1, "nonsense"));
  EXPECT_TRUE(peer.story.WaitFor("frame 6 it sent what cannot be read"));
  EXPECT_TRUE(peer.story.WaitFor("end"));
  EXPECT_TRUE(store_.story.WaitFor("lost " + kPeer.ToString()));
}

TEST_F(BadPeerTest, GoesBeyondItsWindowOrAcknowledgesWhatNeverWas) {
  RawPeer far(where_);
  far.Send(Hello(kPeer, 1));
  far.Send(Data(1'000'000, "x"));
  EXPECT_TRUE(far.story.WaitFor("frame 6 it sent a frame that is out of"));
  EXPECT_TRUE(far.story.WaitFor("end"));
  RawPeer liar(where_);
  liar.Send(Hello(kPeer, 2));
  Frame ack = FrameOf(control::ACK);
  ack.set_ack(17);
  liar.Send(ack);
  EXPECT_TRUE(liar.story.WaitFor("end"));
  EXPECT_TRUE(store_.story.WaitFor("lost ", 2));
}

TEST_F(BadPeerTest, SaysHelloTwiceOrWhatOnlyAStoreSays) {
  for (const Frame& frame : {Hello(kPeer, 2), FrameOf(control::WELCOME),
                             FrameOf(control::KIND_NONE)}) {
    RawPeer peer(where_);
    peer.Send(Hello(kPeer, 1));
    ASSERT_TRUE(peer.story.WaitFor("frame 2"));
    peer.Send(frame);
    EXPECT_TRUE(peer.story.WaitFor("end"));
  }
  EXPECT_EQ(store_.story.Count("open "), 1u) << "its session went on";
}

// The process began anew, or somebody has its id: the later one has it.
TEST_F(BadPeerTest, TwoOfOneId) {
  RawPeer first(where_);
  first.Send(Hello(kPeer, 1));
  ASSERT_TRUE(first.story.WaitFor("frame 2"));
  RawPeer second(where_);
  second.Send(Hello(kPeer, 2));
  ASSERT_TRUE(second.story.WaitFor("frame 2"));
  EXPECT_TRUE(first.story.WaitFor("frame 6 it began a new session"));
  const auto lines = store_.story.lines();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_TRUE(lines[1].starts_with("lost ")) << lines[1];
  EXPECT_TRUE(lines[2].starts_with("open ")) << lines[2];
}

}  // namespace
}  // namespace mobula::base
