#include "base/frames/link.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/frames/frame.h"
#include "base/frames/hello.h"

namespace mobula::base {
namespace {

constexpr ProcessId kOwner{1, 1};
constexpr ProcessId kWorker{1, 2};

std::pair<UniqueFd, UniqueFd> Sockets(int type = SOCK_STREAM) {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Message Task(std::uint64_t number, std::size_t bytes = 8) {
  RunTask task;
  task.task = TaskId{1, number};
  task.args = {Bytes::Own(std::string(bytes, 'x'))};
  return task;
}

std::uint64_t NumberOf(const Message& message) {
  return std::get<RunTask>(message).task.lo;
}

// One end and what happened to it.
struct End {
  std::unique_ptr<Link> link;
  ProcessId opened_by;
  Role opened_as = Role::kRaylet;
  std::vector<Message> messages;
  std::vector<UniqueFd> fds;
  std::vector<std::string> closed;
  std::function<void()> on_message;  // after it was recorded
};

class LinkTest : public ::testing::Test {
 protected:
  void Open(End& end, UniqueFd socket, ProcessId self, ProcessId peer,
            std::size_t queued_bytes_max = std::size_t{1} << 30) {
    Link::Options options;
    options.self = self;
    options.role = self == kOwner ? Role::kDriver : Role::kWorker;
    options.peer = peer;
    options.queued_bytes_max = queued_bytes_max;
    Link::Callbacks callbacks;
    callbacks.on_open = [&end](ProcessId opened_by, Role role) {
      EXPECT_TRUE(end.messages.empty());
      end.opened_by = opened_by;
      end.opened_as = role;
    };
    callbacks.on_message = [&end](Message message, UniqueFd fd) {
      EXPECT_TRUE(end.closed.empty());
      end.messages.push_back(std::move(message));
      end.fds.push_back(std::move(fd));
      if (end.on_message) end.on_message();
    };
    callbacks.on_closed = [this, &end](std::string reason) {
      end.closed.push_back(std::move(reason));
      strand_.Stop();
    };
    end.link = std::make_unique<Link>(strand_, std::move(socket), options,
                                      std::move(callbacks));
  }
  void OpenBoth(ProcessId owners_peer = kWorker) {
    auto sockets = Sockets();
    Open(owner_, std::move(sockets.first), kOwner, owners_peer);
    Open(worker_, std::move(sockets.second), kWorker, kOwner);
  }
  // Stops the strand when `end` has so many messages.
  void StopAt(End& end, std::size_t count) {
    end.on_message = [this, &end, count] {
      if (end.messages.size() == count) strand_.Stop();
    };
  }
  // Feeds raw bytes to a link and runs until it has closed.
  std::string ReasonFor(const std::string& bytes) {
    auto sockets = Sockets();
    Open(owner_, std::move(sockets.first), kOwner, ProcessId());
    EXPECT_EQ(::write(sockets.second.get(), bytes.data(), bytes.size()),
              static_cast<ssize_t>(bytes.size()));
    strand_.Run();
    EXPECT_EQ(owner_.closed.size(), 1u);
    EXPECT_TRUE(owner_.link->closed());
    return owner_.closed.empty() ? "" : owner_.closed[0];
  }

  Strand strand_{"test"};
  End owner_;
  End worker_;
};

std::string Raw(FrameKind kind, std::uint64_t seq, const std::string& payload,
                std::uint8_t flags = 0) {
  FrameHeader header;
  header.kind = kind;
  header.seq = seq;
  header.flags = flags;
  header.length = static_cast<std::uint32_t>(payload.size());
  std::string bytes(kFrameHeaderBytes, '\0');
  PutFrameHeader(header, bytes.data());
  return bytes + payload;
}

std::string RawHello(std::uint32_t version = kProtocolVersion) {
  Hello hello;
  hello.version = version;
  hello.process = kWorker;
  hello.window = 1024;
  return Raw(FrameKind::kHello, 0, EncodeHello(hello));
}

TEST_F(LinkTest, SaysHelloThenMessagesInOrder) {
  OpenBoth(ProcessId());
  EXPECT_TRUE(owner_.link->peer().IsNil());
  owner_.link->Send(Task(1));
  owner_.link->Send(Task(2));
  worker_.on_message = [this] {
    if (worker_.messages.size() == 2) worker_.link->Send(Task(3));
  };
  StopAt(owner_, 1);
  strand_.Run();
  EXPECT_EQ(worker_.opened_by, kOwner);
  EXPECT_EQ(worker_.opened_as, Role::kDriver);
  EXPECT_EQ(worker_.link->peer(), kOwner);
  EXPECT_EQ(owner_.link->peer(), kWorker) << "its Hello told";
  ASSERT_EQ(worker_.messages.size(), 2u);
  EXPECT_EQ(NumberOf(worker_.messages[0]), 1u);
  EXPECT_EQ(NumberOf(worker_.messages[1]), 2u);
}

TEST_F(LinkTest, ATurnLeavesInOneCall) {
  auto sockets = Sockets(SOCK_SEQPACKET);  // which keeps calls apart
  Open(owner_, std::move(sockets.first), kOwner, ProcessId());
  strand_.Post([this] {
    for (std::uint64_t i = 1; i <= 100; ++i) owner_.link->Send(Task(i));
    strand_.Post([this] { strand_.Post([this] { strand_.Stop(); }); });
  });
  strand_.Run();
  EXPECT_EQ(owner_.link->queued_bytes(), 0u);
  std::vector<ssize_t> packets;
  std::string packet(100'000, '\0');
  for (;;) {
    const ssize_t size = ::recv(sockets.second.get(), packet.data(),
                                packet.size(), MSG_DONTWAIT);
    if (size <= 0) break;
    packets.push_back(size);
  }
  EXPECT_EQ(packets.size(), 2u) << "the hello, then all messages together";
}

TEST_F(LinkTest, FarMoreThanAWindowArrives) {
  OpenBoth();
  constexpr std::uint64_t kCount = 20'000;
  for (std::uint64_t i = 1; i <= kCount; ++i) owner_.link->Send(Task(i));
  EXPECT_GT(owner_.link->queued_bytes(), 0u);
  StopAt(worker_, kCount);
  strand_.Run();
  ASSERT_EQ(worker_.messages.size(), kCount);
  for (std::uint64_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(NumberOf(worker_.messages[i]), i + 1);
  }
  EXPECT_EQ(owner_.link->queued_bytes(), 0u);
}

TEST_F(LinkTest, LargeMessagesComeWholeAmongSmallOnes) {
  OpenBoth();
  const std::vector<std::size_t> sizes = {1, 262'000,    262'144, 300'000,
                                          5, 20'000'000, 2};
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    owner_.link->Send(Task(i, sizes[i]));
  }
  StopAt(worker_, sizes.size());
  strand_.Run();
  ASSERT_EQ(worker_.messages.size(), sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const auto& task = std::get<RunTask>(worker_.messages[i]);
    EXPECT_TRUE(task.args.at(0).view() == std::string(sizes[i], 'x')) << i;
  }
}

TEST_F(LinkTest, DescriptorsRideBesideTheirMessagesAlsoOverTheWindow) {
  OpenBoth();
  constexpr std::size_t kCount = 3000;
  for (std::size_t i = 0; i < kCount; ++i) {
    const bool with_fd = i % 100 == 7;
    owner_.link->Send(Task(i), UniqueFd(with_fd ? ::dup(0) : -1));
  }
  owner_.link->Send(Task(kCount, 1'000'000), UniqueFd(::dup(0)));
  StopAt(worker_, kCount + 1);
  strand_.Run();
  ASSERT_EQ(worker_.fds.size(), kCount + 1);
  for (std::size_t i = 0; i < kCount; ++i) {
    EXPECT_EQ(worker_.fds[i].valid(), i % 100 == 7) << i;
  }
  EXPECT_TRUE(worker_.fds[kCount].valid());
}

TEST_F(LinkTest, BothSidesAnswerOneAnother) {
  OpenBoth();
  constexpr std::size_t kRounds = 5000;
  worker_.on_message = [this] {
    worker_.link->Send(Task(NumberOf(worker_.messages.back())));
  };
  owner_.on_message = [this] {
    if (owner_.messages.size() == kRounds) return strand_.Stop();
    owner_.link->Send(Task(owner_.messages.size()));
  };
  owner_.link->Send(Task(0));
  strand_.Run();
  EXPECT_EQ(owner_.messages.size(), kRounds);
}

TEST_F(LinkTest, TheEndOfTheOtherSideIsToldOnceAfterItsLastWords) {
  OpenBoth();
  worker_.link->Send(Task(1));
  worker_.link.reset();  // sends what it can first
  strand_.Run();
  EXPECT_EQ(owner_.messages.size(), 1u);
  EXPECT_EQ(owner_.closed, std::vector<std::string>{"end of file"});
  EXPECT_TRUE(owner_.link->closed());
  EXPECT_TRUE(worker_.closed.empty()) << "a destroyed link calls nobody";
  owner_.link->Send(Task(2));  // does nothing
  owner_.link->Flush();
}

TEST_F(LinkTest, WhatAPeerWroteBeforeItsEndIsDeliveredAtOnce) {
  OpenBoth();
  constexpr std::size_t kCount = 500;
  for (std::size_t i = 0; i < kCount; ++i) {
    // Descriptors cut what one read gives.
    worker_.link->Send(Task(i, 200), UniqueFd(i % 50 == 0 ? ::dup(0) : -1));
  }
  worker_.link.reset();
  owner_.link->Drain();
  ASSERT_EQ(owner_.messages.size(), kCount);
  EXPECT_TRUE(owner_.link->closed());
  EXPECT_TRUE(owner_.closed.empty()) << "told when the strand has its turn";
  owner_.link->Drain();  // does nothing
  strand_.Run();
  EXPECT_EQ(owner_.closed, std::vector<std::string>{"end of file"});
}

TEST_F(LinkTest, NothingToDrainIsNoEnd) {
  OpenBoth();
  owner_.link->Drain();
  EXPECT_FALSE(owner_.link->closed());
  worker_.link->Send(Task(1));
  StopAt(owner_, 1);
  strand_.Run();
  EXPECT_EQ(owner_.messages.size(), 1u);
}

TEST_F(LinkTest, APeerThatDoesNotReadFillsTheQueueAndIsDropped) {
  auto sockets = Sockets();
  Open(owner_, std::move(sockets.first), kOwner, ProcessId(), 3'000'000);
  for (std::uint64_t i = 0; !owner_.link->closed(); ++i) {
    ASSERT_LT(i, 1000u);
    owner_.link->Send(Task(i, 100'000));
    EXPECT_LE(owner_.link->queued_bytes(), 3'300'000u);
    EXPECT_TRUE(owner_.closed.empty()) << "not inside of Send";
  }
  strand_.Run();
  ASSERT_EQ(owner_.closed.size(), 1u);
  EXPECT_NE(owner_.closed[0].find("queue is full"), std::string::npos);
}

TEST_F(LinkTest, AnotherProcessThanExpectedIsRefused) {
  auto sockets = Sockets();
  Open(owner_, std::move(sockets.first), kOwner, ProcessId{1, 9});
  const std::string hello = RawHello();
  ASSERT_GT(::write(sockets.second.get(), hello.data(), hello.size()), 0);
  strand_.Run();
  ASSERT_EQ(owner_.closed.size(), 1u);
  EXPECT_NE(owner_.closed[0].find("the peer is process"), std::string::npos);
  EXPECT_TRUE(owner_.opened_by.IsNil());
}

TEST_F(LinkTest, AnotherVersionIsRefusedNamingBoth) {
  EXPECT_EQ(ReasonFor(RawHello(99)),
            "the peer speaks protocol version 99, this program version " +
                std::to_string(kProtocolVersion));
}

TEST_F(LinkTest, DataBeforeHelloIsRefused) {
  EXPECT_EQ(ReasonFor(Raw(FrameKind::kData, 1, "x")),
            "bad frame: the first is no hello");
}

TEST_F(LinkTest, ASecondHelloIsRefused) {
  EXPECT_EQ(ReasonFor(RawHello() + RawHello()), "bad frame: a second hello");
}

TEST_F(LinkTest, BytesThatAreNoMessageAreRefused) {
  const std::string reason =
      ReasonFor(RawHello() + Raw(FrameKind::kData, 1, "\xc1"));
  EXPECT_TRUE(reason.starts_with("bad message (protocol version " +
                                 std::to_string(kProtocolVersion) + "): "))
      << reason;
}

TEST_F(LinkTest, ARepeatedNumberIsRefused) {
  const std::string retire = "\x92\x0e\x91\xc2";  // [14, [false]]
  const std::string frame = Raw(FrameKind::kData, 1, retire);
  EXPECT_EQ(ReasonFor(RawHello() + frame + frame),
            "bad frame: out of the session's order");
  ASSERT_EQ(owner_.messages.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<Retire>(owner_.messages[0]));
}

TEST_F(LinkTest, PartsOfTwoMessagesDoNotMix) {
  EXPECT_EQ(ReasonFor(RawHello() + Raw(FrameKind::kData, 1, "x", kFrameMore) +
                      Raw(FrameKind::kData, 2, "y")),
            "bad frame: a message inside another one's parts");
}

TEST_F(LinkTest, AnAckOfWhatWasNeverSentIsRefused) {
  FrameHeader header;
  header.kind = FrameKind::kAck;
  header.ack = 5;
  std::string bytes(kFrameHeaderBytes, '\0');
  PutFrameHeader(header, bytes.data());
  EXPECT_EQ(ReasonFor(RawHello() + bytes),
            "bad frame: out of the session's order");
}

}  // namespace
}  // namespace mobula::base
