#include "raylet/channels/waiting_bytes.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"

namespace mobula::raylet {
namespace {

using base::Bytes;
using base::UniqueFd;

std::pair<UniqueFd, UniqueFd> Sockets() {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// What is there now.
std::string ReadAll(const UniqueFd& socket) {
  std::string all;
  std::string part(std::size_t{64} << 10, '\0');
  while (true) {
    const ssize_t n =
        ::recv(socket.get(), part.data(), part.size(), MSG_DONTWAIT);
    if (n <= 0) return all;
    all.append(part, 0, static_cast<std::size_t>(n));
  }
}

TEST(WaitingBytes, PiecesOfAnySizeLeaveInOrder) {
  auto [ours, theirs] = Sockets();
  std::mt19937_64 random(1);
  for (int round = 0; round < 20; ++round) {
    WaitingBytes waiting;
    std::string put;
    std::uint64_t taken = 0;
    std::string got;
    for (int i = 0; i < 200; ++i) {
      const std::size_t size =
          random() % 3 == 0 ? random() % 70'000 : random() % 100;
      std::string piece(size, static_cast<char>('a' + i % 26));
      put += piece;
      waiting.Add(Bytes::Own(std::move(piece)));
      if (random() % 5 != 0) continue;
      static_cast<void>(waiting.SendTo(ours.get(), &taken));
      if (random() % 2 == 0) got += ReadAll(theirs);
    }
    while (waiting.SendTo(ours.get(), &taken) == WaitingBytes::Result::kFull) {
      EXPECT_FALSE(waiting.empty());
      got += ReadAll(theirs);
    }
    got += ReadAll(theirs);
    EXPECT_TRUE(waiting.empty());
    EXPECT_EQ(taken, put.size());
    ASSERT_TRUE(got == put);
  }
}

TEST(WaitingBytes, NothingIsNothing) {
  auto [ours, theirs] = Sockets();
  WaitingBytes waiting;
  waiting.Add(Bytes());
  EXPECT_TRUE(waiting.empty());
  std::uint64_t taken = 0;
  EXPECT_EQ(waiting.SendTo(ours.get(), &taken), WaitingBytes::Result::kDone);
  EXPECT_EQ(taken, 0u);
}

// The owners of small pieces are let go of at once.
TEST(WaitingBytes, SmallPiecesAreGathered) {
  const auto block = std::make_shared<const std::string>(100'000, 'x');
  WaitingBytes waiting;
  waiting.Add(Bytes::Share(block, *block));
  EXPECT_EQ(block.use_count(), 2);
  for (int i = 0; i < 1000; ++i) {
    waiting.Add(Bytes::Share(block, std::string_view(*block).substr(0, 1)));
  }
  EXPECT_EQ(block.use_count(), 2);
  waiting.Add(Bytes::Share(block, std::string_view(*block).substr(0, 5000)));
  EXPECT_EQ(block.use_count(), 3) << "a large one is shared";
}

TEST(WaitingBytes, ASocketThatIsClosedIsBroken) {
  auto [ours, theirs] = Sockets();
  theirs.Reset();
  WaitingBytes waiting;
  waiting.Add(Bytes::Own("x"));
  std::uint64_t taken = 0;
  EXPECT_EQ(waiting.SendTo(ours.get(), &taken), WaitingBytes::Result::kBroken);
}

}  // namespace
}  // namespace mobula::raylet
