#include "base/frames/pipes/ring_pipe.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/frames/frame.h"
#include "base/frames/little_endian.h"
#include "base/frames/pipes/frame_pipe.h"
#include "base/frames/pipes/unix_pipe.h"
#include "base/mutex.h"
#include "base/shm/ring/ring_layout.h"
#include "base/shm/ring/ring_segment.h"
#include "base/shm/ring/ring_writer.h"
#include "base/strand.h"
#include "base/unique_fd.h"

namespace mobula::base {
namespace {

constexpr std::uint64_t kFirst = RingPipe::kFramesFirst;

std::pair<UniqueFd, UniqueFd> Sockets() {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

FrameHeader Numbered(std::uint64_t seq) {
  FrameHeader header;
  header.seq = seq;
  return header;
}

FrameHeader Step(RingStep step) {
  FrameHeader header;
  header.kind = FrameKind::kRings;
  header.seq = static_cast<std::uint64_t>(step);
  return header;
}

// A pipe and what came through it.
struct End {
  struct Got {
    FrameHeader header;
    Bytes payload;
    UniqueFd fd;
  };
  std::unique_ptr<RingPipe> pipe;
  std::vector<Got> got;
  std::string reason;
  std::function<void()> on_frame;  // after it was recorded
};

class RingPipeTest : public ::testing::Test {
 protected:
  RingPipeTest() { strand_.StartThread(); }
  ~RingPipeTest() override {
    strand_.Stop();
    strand_.Join();
  }

  // On the strand; waits for it.
  void Do(const std::function<void()>& action) {
    std::promise<void> done;
    strand_.Post([&action, &done] {
      action();
      done.set_value();
    });
    done.get_future().wait();
  }
  // Until that is so, looked at after each frame and close.
  void WaitFor(const std::function<bool()>& is_so) {
    const BootTime deadline = BootNow() + std::chrono::seconds(60);
    while (true) {
      bool yes = false;
      std::uint64_t seen = 0;
      Do([&] {
        yes = is_so();
        MutexLock lock(mutex_);
        seen = changes_;
      });
      if (yes) return;
      MutexLock lock(mutex_);
      while (changes_ == seen) {
        ASSERT_LT(BootNow(), deadline);
        changed_.WaitFor(mutex_, deadline - BootNow());
      }
    }
  }
  void Changed() {
    MutexLock lock(mutex_);
    ++changes_;
    changed_.NotifyAll();
  }

  void Start(End& end, UniqueFd socket, bool is_maker) {
    auto shared = std::make_shared<UniqueFd>(std::move(socket));
    Do([this, &end, shared, is_maker] {
      end.pipe = std::make_unique<RingPipe>(strand_, std::move(*shared));
      end.pipe->Start(
          {[this, &end](const FrameHeader& header, Bytes payload, UniqueFd fd) {
             EXPECT_TRUE(end.reason.empty());
             end.got.push_back({header, std::move(payload), std::move(fd)});
             if (end.on_frame) end.on_frame();
             Changed();
           },
           [this, &end](std::string reason) {
             end.reason = std::move(reason);
             Changed();
           }});
      end.pipe->Agree(is_maker);
    });
  }
  void StartBoth() {
    auto sockets = Sockets();
    Start(maker_, std::move(sockets.first), true);
    Start(taker_, std::move(sockets.second), false);
  }
  void SendHere(End& end, std::uint64_t seq, std::string payload) {
    end.pipe->Write(Numbered(seq), Bytes::Own(std::move(payload)), UniqueFd());
    end.pipe->Flush();
  }
  void Send(End& end, std::uint64_t seq, const std::string& payload = "x") {
    Do([&] { SendHere(end, seq, payload); });
  }
  void WaitForFrames(End& end, std::size_t count) {
    WaitFor([&] { return end.got.size() >= count || !end.reason.empty(); });
  }
  void WaitForEnd(End& end) {
    WaitFor([&] { return !end.reason.empty(); });
  }
  // Sends until both have rings.
  void SwitchBoth() {
    StartBoth();
    for (std::uint64_t seq = 1; seq <= kFirst; ++seq) Send(maker_, seq);
    WaitForFrames(taker_, kFirst);
    for (std::uint64_t seq = 1; seq <= 2; ++seq) {
      Send(taker_, seq);
      WaitForFrames(maker_, seq);
    }
    Do([this] {
      EXPECT_TRUE(maker_.pipe->has_rings());
      EXPECT_TRUE(taker_.pipe->has_rings());
      EXPECT_EQ(strand_.polled_count(), 2u);
    });
  }

  Mutex mutex_;
  CondVar changed_;
  std::uint64_t changes_ MOBULA_GUARDED_BY(mutex_) = 0;
  Strand strand_{"test"};
  End maker_;
  End taker_;
};

// What is sent one after the other, of each side, so that it can be compared.
struct Sent {
  std::vector<std::string> payloads;
  std::vector<bool> with_fd;
};

std::string RandomPayload(std::mt19937_64& random) {
  const std::size_t sizes[] = {
      0,     random() % 100,           random() % 100,  4096,
      40000, RingPipe::kRingBytes / 4, kFramePayloadMax};
  std::string payload(sizes[random() % 7], '\0');
  for (char& c : payload) c = static_cast<char>(random());
  return payload;
}

// Far more than the rings hold, in both directions at once, with descriptors,
// from before the switch to long after it.
TEST_F(RingPipeTest, FramesKeepTheirOrderAcrossTheSwitch) {
  constexpr std::size_t kCount = 1'200;
  std::mt19937_64 random(7);
  Sent sent[2];
  StartBoth();
  End* const ends[2] = {&maker_, &taker_};
  const auto send = [&](int side) {
    for (std::size_t i = random() % 12; i > 0; --i) {
      if (sent[side].payloads.size() == kCount) break;
      // So that the switch comes in their midst.
      if (ends[side]->pipe->queued_bytes() > std::size_t{1} << 20) break;
      std::string payload = RandomPayload(random);
      const bool fd = random() % 5 == 0;
      sent[side].payloads.push_back(payload);
      sent[side].with_fd.push_back(fd);
      ends[side]->pipe->Write(Numbered(sent[side].payloads.size()),
                              Bytes::Own(std::move(payload)),
                              UniqueFd(fd ? ::dup(0) : -1));
    }
    if (random() % 3 == 0) ends[side]->pipe->Flush();
  };
  Do([&] {
    maker_.on_frame = [&] { send(0); };
    taker_.on_frame = [&] { send(1); };
  });
  const auto is_complete = [&] {
    return maker_.got.size() == kCount && taker_.got.size() == kCount;
  };
  for (bool complete = false; !complete;) {
    Do([&] {
      for (int side = 0; side < 2; ++side) {
        send(side);
        if (random() % 2 == 0) ends[side]->pipe->Flush();
      }
      complete = is_complete() || !(maker_.reason + taker_.reason).empty();
    });
  }
  Do([&] {
    for (int side = 0; side < 2; ++side) {
      const End& end = *ends[side];
      const Sent& expected = sent[1 - side];
      ASSERT_EQ(end.reason, "");
      EXPECT_TRUE(end.pipe->has_rings());
      ASSERT_EQ(end.got.size(), kCount);
      for (std::size_t i = 0; i < kCount; ++i) {
        ASSERT_EQ(end.got[i].header.seq, i + 1);
        ASSERT_TRUE(end.got[i].payload.view() == expected.payloads[i]) << i;
        ASSERT_EQ(end.got[i].fd.valid(), expected.with_fd[i]) << i;
      }
    }
  });
}

TEST_F(RingPipeTest, WhoSaysLittleHasNoRings) {
  StartBoth();
  for (std::uint64_t seq = 1; seq < kFirst; ++seq) Send(maker_, seq);
  WaitForFrames(taker_, kFirst - 1);
  Do([this] { EXPECT_EQ(strand_.polled_count(), 0u); });
  Send(taker_, 1);  // the maker counts what comes too
  for (std::uint64_t seq = 2; seq <= 3; ++seq) {
    WaitForFrames(maker_, seq - 1);
    Send(taker_, seq);
  }
  Send(maker_, kFirst);
  WaitForFrames(taker_, kFirst);
  Do([this] { EXPECT_EQ(strand_.polled_count(), 2u); });
}

TEST_F(RingPipeTest, QueuedBytesAreWhatThePeerCannotSee) {
  SwitchBoth();
  Do([this] {
    maker_.pipe->Write(Numbered(9), Bytes::Own("payload"), UniqueFd());
    EXPECT_EQ(maker_.pipe->queued_bytes(), 32u + 7);
    maker_.pipe->Flush();
    EXPECT_EQ(maker_.pipe->queued_bytes(), 0u);
    // More than the ring holds: the rest is here until the peer reads.
    for (int i = 0; i < 4; ++i) {
      SendHere(maker_, 10, std::string(RingPipe::kRingBytes / 2, 'x'));
    }
    EXPECT_GT(maker_.pipe->queued_bytes(), RingPipe::kRingBytes / 2);
  });
  WaitForFrames(taker_, kFirst + 5);
  Do([this] { EXPECT_EQ(maker_.pipe->queued_bytes(), 0u); });
}

// Each message is answered by two, and nobody waits for anybody: rings that are
// full both ways, and what is sent from within a callback.
TEST_F(RingPipeTest, FullRingsBothWaysAreNoDeadlock) {
  SwitchBoth();
  constexpr std::size_t kCount = 1'000;
  const std::string payload(20'000, 'p');
  std::size_t sent[2] = {0, 0};
  const auto answer = [&](End& from, std::size_t* count) {
    for (int i = 0; i < 2 && *count < kCount; ++i) {
      SendHere(from, ++*count, payload);
    }
  };
  Do([&] {
    maker_.on_frame = [&] { answer(maker_, &sent[0]); };
    taker_.on_frame = [&] { answer(taker_, &sent[1]); };
    for (int i = 0; i < 50; ++i) {
      answer(maker_, &sent[0]);
      answer(taker_, &sent[1]);
    }
    EXPECT_GT(maker_.pipe->queued_bytes(), RingPipe::kRingBytes);
    EXPECT_GT(taker_.pipe->queued_bytes(), RingPipe::kRingBytes);
  });
  WaitForFrames(maker_, 2 + kCount);
  WaitForFrames(taker_, kFirst + kCount);
  Do([this] { EXPECT_EQ(maker_.reason + taker_.reason, ""); });
}

TEST_F(RingPipeTest, TheLastWordsOfAPeerThatWasKilledAreReadBeforeItsEnd) {
  auto sockets = Sockets();
  UniqueFd child_socket = std::move(sockets.second);
  const pid_t child = ::fork();
  if (child == 0) {
    sockets.first.Reset();
    Strand strand("child");
    RingPipe pipe(strand, std::move(child_socket));
    std::uint64_t seq = 0;
    pipe.Start({[&pipe, &seq](const FrameHeader&, Bytes, UniqueFd) {
                  for (int i = 0; i < 10; ++i) {
                    pipe.Write(Numbered(++seq), Bytes::Own("last words"),
                               UniqueFd(i == 5 ? ::dup(0) : -1));
                  }
                  pipe.Flush();
                  if (!pipe.has_rings() || seq < 1000) return;
                  // Written and not published: never seen.
                  pipe.Write(Numbered(++seq), Bytes::Own("unsaid"), UniqueFd());
                  ::kill(::getpid(), SIGKILL);
                },
                [](const std::string&) { ::_exit(1); }});
    pipe.Agree(false);
    strand.Run();
    ::_exit(2);
  }
  child_socket.Reset();
  Do([this] {
    maker_.on_frame = [this] {
      if (maker_.got.size() % 10 == 0) SendHere(maker_, 1, "more");
    };
  });
  Start(maker_, std::move(sockets.first), true);
  Send(maker_, 1);
  WaitForEnd(maker_);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(maker_.reason, "end of file");
  ASSERT_GE(maker_.got.size(), 1000u);
  ASSERT_EQ(maker_.got.size() % 10, 0u);
  for (std::size_t i = 0; i < maker_.got.size(); ++i) {
    ASSERT_EQ(maker_.got[i].header.seq, i + 1);
    ASSERT_EQ(maker_.got[i].payload.view(), "last words");
    ASSERT_EQ(maker_.got[i].fd.valid(), i % 10 == 5) << i;
  }
  Do([this] { EXPECT_EQ(strand_.polled_count(), 0u); });
}

// ---- where there can be no rings --------------------------------------------

// Of which the better half is not for rings.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t limit) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit now = before_;
    now.rlim_cur = limit;
    ::setrlimit(RLIMIT_NOFILE, &now);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(RingPipeTest, WithoutDescriptorsTheSocketGoesOn) {
  StartBoth();
  const UniqueFd next(::dup(0));
  const FewDescriptors few(static_cast<rlim_t>(next.get()) + 4);
  for (std::uint64_t seq = 1; seq <= 4 * kFirst; ++seq) {
    Send(maker_, seq);
    WaitForFrames(taker_, seq);
    Send(taker_, seq);
    WaitForFrames(maker_, seq);
  }
  Do([this] {
    EXPECT_FALSE(maker_.pipe->has_rings());
    EXPECT_EQ(strand_.polled_count(), 0u);
    EXPECT_EQ(maker_.reason + taker_.reason, "");
  });
}

// The other end by hand.
class RingPipeByHandTest : public RingPipeTest {
 protected:
  ~RingPipeByHandTest() override {
    Do([this] { hand_.reset(); });
  }
  void StartTaker() {
    auto sockets = Sockets();
    Start(taker_, std::move(sockets.first), false);
    auto shared = std::make_shared<UniqueFd>(std::move(sockets.second));
    Do([this, shared] {
      steps_.clear();
      hand_ = std::make_unique<UnixPipe>(strand_, std::move(*shared));
      hand_->Start({[this](const FrameHeader& header, Bytes, UniqueFd fd) {
                      if (header.kind != FrameKind::kRings) return;
                      steps_.push_back(static_cast<RingStep>(header.seq));
                      if (fd.valid()) bell_ = std::move(fd);
                      Changed();
                    },
                    [](const std::string&) {}});
    });
  }
  void Again() {
    Do([this] { taker_ = End(); });
    StartTaker();
  }
  void Say(FrameHeader header, std::string payload = "",
           UniqueFd fd = UniqueFd()) {
    Do([&] {
      hand_->Write(header, Bytes::Own(std::move(payload)), std::move(fd));
      hand_->Flush();
    });
  }
  void Offer(UniqueFd memory, UniqueFd bell) {
    std::string epoch(kRingEpochBytes, '\0');
    PutLittleEndian(std::uint64_t{7}, epoch.data());
    Say(Step(RingStep::kMemory), epoch, std::move(memory));
    Say(Step(RingStep::kBell), "", std::move(bell));
  }
  UniqueFd Memory() {
    UniqueFd memory;
    std::string error;
    segment_ = RingSegment::Make(4096, 7, &memory, &error);
    EXPECT_NE(segment_, nullptr) << error;
    return memory;
  }
  void WaitForSteps(const std::vector<RingStep>& steps) {
    WaitFor([&] {
      return steps_.size() >= steps.size() || !taker_.reason.empty();
    });
    Do([&] { EXPECT_EQ(steps_, steps) << taker_.reason; });
  }
  void Ring() {
    const std::uint64_t one = 1;
    ASSERT_EQ(::write(bell_.get(), &one, sizeof one), 8);
  }
  void Switch() {
    StartTaker();
    Offer(Memory(), UniqueFd(::eventfd(0, EFD_NONBLOCK)));
    WaitForSteps({RingStep::kAccept});
    Say(Step(RingStep::kSwitch));
    WaitForSteps({RingStep::kAccept, RingStep::kSwitch});
    writer_ = std::make_unique<RingWriter>(segment_->Writer());
  }
  void Append(FrameHeader header, const std::string& payload = "") {
    std::string bytes(kFrameHeaderBytes, '\0');
    PutFrameHeader(header, bytes.data());
    EXPECT_EQ(writer_->Append(bytes, payload), RingWriter::Put::kDone);
  }
  void Publish() {
    if (writer_->Publish()) Ring();
  }
  std::size_t FramesGot() {
    std::size_t count = 0;
    Do([&] { count = taker_.got.size(); });
    return count;
  }

  std::unique_ptr<UnixPipe> hand_;
  std::unique_ptr<RingSegment> segment_;
  std::unique_ptr<RingWriter> writer_;
  std::vector<RingStep> steps_;
  UniqueFd bell_;
};

TEST_F(RingPipeByHandTest, WhatIsNoSegmentOrNoBellIsRefusedAndTheSocketGoesOn) {
  for (const bool is_bell_bad : {false, true}) {
    Again();
    Offer(is_bell_bad ? Memory() : UniqueFd(::open("/dev/null", O_RDWR)),
          is_bell_bad ? UniqueFd(::open("/dev/null", O_RDWR))
                      : UniqueFd(::eventfd(0, EFD_NONBLOCK)));
    WaitForSteps({RingStep::kRefuse});
    Say(Numbered(1), "on");
    WaitForFrames(taker_, 1);
    EXPECT_EQ(FramesGot(), 1u);
  }
}

TEST_F(RingPipeByHandTest, TheMakerMayDrawBack) {
  StartTaker();
  Offer(Memory(), UniqueFd(::eventfd(0, EFD_NONBLOCK)));
  WaitForSteps({RingStep::kAccept});
  Say(Step(RingStep::kRefuse));
  Say(Numbered(1), "on");
  WaitForFrames(taker_, 1);
  Do([this] {
    EXPECT_EQ(taker_.reason, "");
    EXPECT_FALSE(taker_.pipe->has_rings());
  });
}

TEST_F(RingPipeByHandTest, StepsOutOfTheirOrderClose) {
  for (const RingStep step :
       {RingStep::kBell, RingStep::kAccept, RingStep::kSwitch,
        RingStep::kRefuse, RingStep::kDescriptor}) {
    Again();
    const bool has_fd = step != RingStep::kSwitch && step != RingStep::kRefuse;
    Say(Step(step), "", UniqueFd(has_fd ? ::dup(0) : -1));
    WaitForEnd(taker_);
    EXPECT_EQ(taker_.reason, "bad frame: a step to rings out of its order");
  }
}

TEST_F(RingPipeByHandTest, FramesComeThroughTheRingAndItsBellWakes) {
  Switch();
  for (std::uint64_t seq = 1; seq <= 100; ++seq) {
    FrameHeader frame = Numbered(seq);
    frame.length = 2;
    Append(frame, "hi");
    Publish();
    WaitForFrames(taker_, seq);
    Do([&] {
      ASSERT_EQ(taker_.got.size(), seq) << taker_.reason;
      EXPECT_EQ(taker_.got.back().payload.view(), "hi");
    });
  }
}

TEST_F(RingPipeByHandTest, ARingThatIsScribbledOnClosesAfterWhatWasRight) {
  Switch();
  Append(Numbered(1));
  Append(Numbered(2));
  const std::uint32_t bad = 4000;
  std::memcpy(segment_->bytes(0).data() + RingRecordSpan(kFrameHeaderBytes),
              &bad, sizeof bad);
  Publish();
  WaitForEnd(taker_);
  EXPECT_EQ(FramesGot(), 1u);
  EXPECT_TRUE(taker_.reason.starts_with("bad ring: a record of 4000 bytes"))
      << taker_.reason;
  Do([this] { EXPECT_EQ(strand_.polled_count(), 0u); });
}

TEST_F(RingPipeByHandTest, BytesInTheRingThatAreNoFrameClose) {
  Switch();
  EXPECT_EQ(writer_->Append(std::string(40, '\xff')), RingWriter::Put::kDone);
  Publish();
  WaitForEnd(taker_);
  EXPECT_TRUE(taker_.reason.starts_with("bad frame: ")) << taker_.reason;
}

TEST_F(RingPipeByHandTest, ARecordThatIsNoPartOfItsFrameCloses) {
  Switch();
  FrameHeader frame = Numbered(1);
  frame.length = 200'500;
  Append(frame);
  bool is_open = true;
  for (int records = 0; records < 201 && is_open;) {
    if (writer_->Append(std::string(1000, 'x')) == RingWriter::Put::kDone) {
      ++records;
      continue;
    }
    Publish();
    Do([&] { is_open = taker_.reason.empty(); });
  }
  Publish();
  WaitForEnd(taker_);
  EXPECT_EQ(taker_.reason,
            "bad ring: a record of 1000 bytes is no part of a frame");
}

TEST_F(RingPipeByHandTest, AReaderThatScribblesClosesItsWriter) {
  Switch();
  segment_->index(1).taken.store(1 << 20);
  for (std::uint64_t seq = 1; seq <= 4; ++seq) {
    Send(taker_, seq, std::string(3000, 'x'));
  }
  WaitForEnd(taker_);
  EXPECT_TRUE(taker_.reason.starts_with("bad ring: its reader says"))
      << taker_.reason;
}

TEST_F(RingPipeByHandTest, AnEndInsideAFrameOfTheRingIsNamed) {
  Switch();
  FrameHeader frame = Numbered(1);
  frame.length = 2;
  Append(frame, "h");
  Publish();
  Do([this] { hand_->Close("gone"); });
  WaitForEnd(taker_);
  EXPECT_EQ(FramesGot(), 0u);
  EXPECT_EQ(taker_.reason, "end of file inside a frame");
}

TEST_F(RingPipeByHandTest, AFrameWaitsForItsDescriptor) {
  Switch();
  FrameHeader frame = Numbered(1);
  frame.flags = kFrameHasFd;
  Append(frame);
  Append(Numbered(2));
  Publish();
  Do([] {});
  EXPECT_EQ(FramesGot(), 0u);
  Say(Step(RingStep::kDescriptor), "", UniqueFd(::dup(0)));
  WaitForFrames(taker_, 2);
  Do([this] {
    ASSERT_EQ(taker_.got.size(), 2u) << taker_.reason;
    EXPECT_TRUE(taker_.got[0].fd.valid());
  });
  Append(frame);
  Publish();
  Do([] {});
  EXPECT_EQ(FramesGot(), 2u);
  Do([this] { hand_->Close("gone"); });
  WaitForEnd(taker_);
  ASSERT_EQ(FramesGot(), 3u) << "it never comes";
  EXPECT_FALSE(taker_.got[2].fd.valid());
  EXPECT_EQ(taker_.reason, "end of file");
}

}  // namespace
}  // namespace mobula::base
