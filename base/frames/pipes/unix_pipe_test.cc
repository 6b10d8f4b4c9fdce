#include "base/frames/pipes/unix_pipe.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace mobula::base {
namespace {

struct Got {
  FrameHeader header;
  std::string payload;
  bool has_fd = false;
};

std::pair<UniqueFd, UniqueFd> Sockets(int type = SOCK_STREAM) {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

FrameHeader Numbered(std::uint64_t seq) {
  FrameHeader header;
  header.seq = seq;
  return header;
}

std::string RawFrame(FrameHeader header, const std::string& payload) {
  std::string bytes(kFrameHeaderBytes, '\0');
  header.length = static_cast<std::uint32_t>(payload.size());
  PutFrameHeader(header, bytes.data());
  return bytes + payload;
}

// A pipe that reads until it is closed.
class UnixPipeTest : public ::testing::Test {
 protected:
  void StartReader(UniqueFd socket) {
    reader_ = std::make_unique<UnixPipe>(strand_, std::move(socket));
    reader_->Start(
        {[this](const FrameHeader& header, Bytes payload, UniqueFd fd) {
           got_.push_back({header, std::string(payload.view()), fd.valid()});
           kept_.push_back(std::move(payload));
           fds_.push_back(std::move(fd));
           if (got_.size() == stop_after_) strand_.Stop();
         },
         [this](std::string reason) {
           reason_ = std::move(reason);
           strand_.Stop();
         }});
  }
  // A write end whose close is nobody's business.
  std::unique_ptr<UnixPipe> StartWriter(UniqueFd socket) {
    auto writer = std::make_unique<UnixPipe>(strand_, std::move(socket));
    writer->Start({[](const FrameHeader&, Bytes, UniqueFd) {},
                   [](const std::string&) {}});
    return writer;
  }
  // Writes raw bytes and the end to the reader, then runs it.
  void Feed(const std::string& bytes) {
    auto sockets = Sockets();
    StartReader(std::move(sockets.first));
    ASSERT_EQ(::write(sockets.second.get(), bytes.data(), bytes.size()),
              static_cast<ssize_t>(bytes.size()));
    sockets.second.Reset();
    strand_.Run();
  }

  Strand strand_{"test"};
  std::unique_ptr<UnixPipe> reader_;
  std::vector<Got> got_;
  std::vector<Bytes> kept_;
  std::vector<UniqueFd> fds_;
  std::string reason_;
  std::size_t stop_after_ = 0;
};

TEST_F(UnixPipeTest, EverythingQueuedLeavesInOneCall) {
  auto sockets = Sockets(SOCK_SEQPACKET);  // which keeps calls apart
  const auto writer = StartWriter(std::move(sockets.first));
  for (std::uint64_t seq = 1; seq <= 200; ++seq) {
    writer->Write(Numbered(seq), Bytes::Own("payload"), UniqueFd());
  }
  writer->Write(Numbered(201), Bytes::Own(std::string(8000, 'x')), UniqueFd());
  EXPECT_EQ(writer->queued_bytes(), 200u * (32 + 7) + 32 + 8000);
  writer->Flush();
  EXPECT_EQ(writer->queued_bytes(), 0u);
  std::string packet(100'000, '\0');
  const ssize_t size =
      ::recv(sockets.second.get(), packet.data(), packet.size(), 0);
  EXPECT_EQ(size, 200 * (32 + 7) + 32 + 8000);
}

// Sizes around every limit, far more than the socket holds, some with a
// descriptor; the reader keeps every payload to the end.
TEST_F(UnixPipeTest, RandomFramesArriveAsTheyWere) {
  std::mt19937_64 random(9);
  auto sockets = Sockets();
  StartReader(std::move(sockets.first));
  const auto writer = StartWriter(std::move(sockets.second));
  std::vector<std::string> payloads;
  std::vector<bool> with_fd;
  for (std::uint64_t seq = 1; seq <= 400; ++seq) {
    const std::size_t sizes[] = {0,
                                 random() % 100,
                                 4096,
                                 4097,
                                 65504,
                                 random() % 200'000,
                                 kFramePayloadMax};
    std::string payload(sizes[random() % 7], '\0');
    for (char& c : payload) c = static_cast<char>(random());
    const bool fd = random() % 3 == 0;
    payloads.push_back(payload);
    with_fd.push_back(fd);
    writer->Write(Numbered(seq), Bytes::Own(std::move(payload)),
                  UniqueFd(fd ? ::dup(0) : -1));
    if (random() % 8 == 0) writer->Flush();
  }
  stop_after_ = payloads.size();
  writer->Flush();
  strand_.Run();
  ASSERT_EQ(got_.size(), payloads.size()) << reason_;
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    ASSERT_EQ(got_[i].header.seq, i + 1);
    ASSERT_TRUE(got_[i].payload == payloads[i]) << i;
    ASSERT_TRUE(kept_[i].view() == payloads[i]) << "changed later: " << i;
    ASSERT_EQ(got_[i].has_fd, with_fd[i]) << i;
  }
}

TEST_F(UnixPipeTest, EachFrameGetsItsOwnDescriptor) {
  auto sockets = Sockets();
  StartReader(std::move(sockets.first));
  const auto writer = StartWriter(std::move(sockets.second));
  stop_after_ = 100;
  for (std::uint64_t seq = 1; seq <= 100; ++seq) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const std::string text = std::to_string(seq);
    ASSERT_GT(::write(ends[1], text.data(), text.size()), 0);
    ::close(ends[1]);
    writer->Write(Numbered(seq), Bytes::Own(std::string(seq * 100, 'x')),
                  UniqueFd(ends[0]));
  }
  writer->Flush();
  strand_.Run();
  ASSERT_EQ(fds_.size(), 100u) << reason_;
  for (std::size_t i = 0; i < fds_.size(); ++i) {
    char text[8] = {};
    ASSERT_GT(::read(fds_[i].get(), text, sizeof text - 1), 0);
    EXPECT_EQ(text, std::to_string(i + 1));
    EXPECT_NE(::fcntl(fds_[i].get(), F_GETFD) & FD_CLOEXEC, 0);
  }
}

TEST_F(UnixPipeTest, ADescriptorThatHasNoNumberHereIsMissedAlone) {
  auto sockets = Sockets();
  StartReader(std::move(sockets.first));
  const auto writer = StartWriter(std::move(sockets.second));
  stop_after_ = 3;
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    writer->Write(Numbered(seq), Bytes::Own("x"), UniqueFd(::dup(0)));
  }
  writer->Flush();  // all three numbers are free again
  std::vector<UniqueFd> taken;
  while (taken.empty() || taken.back().valid()) taken.emplace_back(::dup(0));
  taken.resize(taken.size() - 2);  // one is left
  strand_.Run();
  ASSERT_EQ(got_.size(), 3u) << reason_;
  EXPECT_TRUE(got_[0].has_fd);
  EXPECT_FALSE(got_[1].has_fd);
  EXPECT_FALSE(got_[2].has_fd);
}

TEST_F(UnixPipeTest, BytesThatComeOneByOneMakeFrames) {
  auto sockets = Sockets();
  StartReader(std::move(sockets.first));
  const std::string bytes = RawFrame(Numbered(1), "hello") +
                            RawFrame(Numbered(2), "") +
                            RawFrame(Numbered(3), std::string(300, 'x'));
  stop_after_ = 3;
  std::size_t next = 0;
  std::function<void()> feed = [&] {
    if (next == bytes.size()) return;
    ASSERT_EQ(::write(sockets.second.get(), &bytes[next++], 1), 1);
    strand_.PostAt(BootTime(), feed);
  };
  strand_.PostAt(BootTime(), feed);
  strand_.Run();
  ASSERT_EQ(got_.size(), 3u);
  EXPECT_EQ(got_[0].payload, "hello");
  EXPECT_EQ(got_[1].payload, "");
  EXPECT_EQ(got_[2].payload, std::string(300, 'x'));
}

TEST_F(UnixPipeTest, TheLastWordsOfAPeerAreReadBeforeItsEnd) {
  auto sockets = Sockets();
  StartReader(std::move(sockets.first));
  const std::string bytes = RawFrame(Numbered(1), "last words");
  ASSERT_GT(::write(sockets.second.get(), bytes.data(), bytes.size()), 0);
  sockets.second.Reset();
  reader_->Write(Numbered(1), Bytes::Own("too late"), UniqueFd());
  reader_->Flush();
  EXPECT_EQ(reader_->queued_bytes(), 0u);
  strand_.Run();
  ASSERT_EQ(got_.size(), 1u);
  EXPECT_EQ(got_[0].payload, "last words");
  EXPECT_EQ(reason_, "end of file");
}

TEST_F(UnixPipeTest, AnEndIsHeardAlsoWhereAForkedChildHoldsTheSocket) {
  auto sockets = Sockets();
  StartReader(std::move(sockets.first));
  const UniqueFd of_child(::dup(sockets.second.get()));
  const auto writer = StartWriter(std::move(sockets.second));
  writer->Write(Numbered(1), Bytes::Own("last words"), UniqueFd());
  writer->Flush();
  writer->Close("enough");
  strand_.PostAt(strand_.Now() + std::chrono::seconds(10),
                 [this] { strand_.Stop(); });
  strand_.Run();
  EXPECT_EQ(got_.size(), 1u);
  EXPECT_EQ(reason_, "end of file");
}

TEST_F(UnixPipeTest, AnEndInsideAFrameIsNamed) {
  Feed(RawFrame(Numbered(1), "hello").substr(0, 34));
  EXPECT_EQ(reason_, "end of file inside a frame");
  EXPECT_TRUE(got_.empty());
}

TEST_F(UnixPipeTest, ABadHeaderClosesAfterTheGoodFramesBefore) {
  std::string bad = RawFrame(Numbered(2), "");
  bad[31] = 1;
  Feed(RawFrame(Numbered(1), "good") + bad + RawFrame(Numbered(3), ""));
  EXPECT_EQ(got_.size(), 1u);
  EXPECT_EQ(reason_, "bad frame: the reserved field is not 0");
}

TEST_F(UnixPipeTest, AMissingDescriptorCloses) {
  FrameHeader header = Numbered(1);
  header.flags = kFrameHasFd;
  Feed(RawFrame(header, "x"));
  EXPECT_EQ(reason_, "bad frame: its descriptor lacks");
}

TEST_F(UnixPipeTest, DescriptorsThatNobodyAskedForClose) {
  auto sockets = Sockets();
  StartReader(std::move(sockets.first));
  const auto writer = StartWriter(std::move(sockets.second));
  // Descriptors are numbered by frames: a peer that lies about them is made
  // here from many writers' frames that lack their flag.
  const int raw = ::dup(0);
  ASSERT_GE(raw, 0);
  UniqueFd owned(raw);
  writer->Close("not needed");
  auto liar = Sockets();
  reader_.reset();
  StartReader(std::move(liar.first));
  std::vector<int> fds(250, raw);
  std::string control(CMSG_SPACE(sizeof(int) * fds.size()), '\0');
  char byte = 0;
  iovec vector{&byte, 1};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
  memcpy(CMSG_DATA(header), fds.data(), sizeof(int) * fds.size());
  const std::string frame = RawFrame(Numbered(1), "");
  for (std::size_t i = 0; i < 6; ++i) {
    byte = frame[i];
    ASSERT_EQ(::sendmsg(liar.second.get(), &message, 0), 1);
  }
  strand_.Run();
  EXPECT_EQ(reason_, "bad frame: more descriptors than frames that have one");
}

}  // namespace
}  // namespace mobula::base
