#include "raylet/channels/channels.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/strand.h"

namespace mobula::raylet {
namespace {

using base::Bytes;
using base::ChannelBytes;
using base::ChannelCredit;
using base::CloseChannel;
using base::kChannelCredit;
using base::NodeId;
using base::NodeMessage;
using base::ProcessId;
using base::UniqueFd;

// Of the two nodes, and a process of each.
constexpr NodeId kNodes[] = {{1, 0}, {2, 0}};
constexpr ProcessId kNear{11, 0};
constexpr ProcessId kFar{22, 0};

// What flows in a test: each place has its byte.
class Stream {
 public:
  explicit Stream(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    for (std::size_t i = 0; i < kPeriod + kPieceMax; ++i) {
      bytes_.push_back(static_cast<char>(
          i < kPeriod ? random()
                      : static_cast<unsigned char>(bytes_[i - kPeriod])));
    }
  }
  static constexpr std::size_t kPieceMax = 200'000;
  [[nodiscard]] std::string_view At(std::uint64_t place,
                                    std::size_t size) const {
    return std::string_view(bytes_).substr(place % kPeriod, size);
  }

 private:
  static constexpr std::size_t kPeriod = 1'000'003;
  std::string bytes_;
};

// Writes `size` bytes of the stream in pieces of any size; false if the socket
// broke.
bool WriteStream(const UniqueFd& socket, const Stream& stream,
                 std::uint64_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uint64_t place = 0;
  while (place < size) {
    const std::size_t most =
        random() % 2 == 0 ? Stream::kPieceMax : std::size_t{300};
    const std::string_view piece = stream.At(
        place, std::min<std::uint64_t>(size - place, random() % most + 1));
    const ssize_t n =
        ::send(socket.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    place += static_cast<std::uint64_t>(n);
    if (random() % 64 == 0) std::this_thread::yield();
  }
  return true;
}

// Reads until `size` bytes were read, or the end, and says how many they were;
// stops at the first that is not the stream's.
std::uint64_t ReadStream(const UniqueFd& socket, const Stream& stream,
                         std::uint64_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string part(Stream::kPieceMax, '\0');
  std::uint64_t place = 0;
  while (place < size) {
    const std::size_t room =
        std::min<std::uint64_t>(size - place, random() % Stream::kPieceMax + 1);
    const ssize_t n = ::recv(socket.get(), part.data(), room, 0);
    if (n <= 0) return place;
    const auto got = static_cast<std::size_t>(n);
    if (stream.At(place, got) != std::string_view(part).substr(0, got)) {
      ADD_FAILURE() << "other bytes after " << place;
      return place;
    }
    place += got;
    if (random() % 64 == 0) std::this_thread::yield();
  }
  return place;
}

// Up to the end of the file; "error" behind it if it ends in one.
std::string ReadToEnd(const UniqueFd& socket) {
  std::string all;
  std::array<char, 65536> part;
  while (true) {
    const ssize_t n = ::recv(socket.get(), part.data(), part.size(), 0);
    if (n < 0) return all + "error";
    if (n == 0) return all;
    all.append(part.data(), static_cast<std::size_t>(n));
  }
}

// Until the socket takes no more.
std::string Fill(const UniqueFd& socket) {
  std::string all;
  while (true) {
    const std::string piece(1000, static_cast<char>('a' + all.size() % 26));
    const ssize_t n = ::send(socket.get(), piece.data(), piece.size(),
                             MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n <= 0) return all;
    all.append(piece, 0, static_cast<std::size_t>(n));
  }
}

bool Put(const UniqueFd& socket, std::string_view text) {
  return ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(text.size());
}

// The channels of two raylets on one strand, and the line between them.
class World {
 public:
  // `carries`: what is told arrives at the other one, after a while; else the
  // test says what comes.
  explicit World(bool carries, base::Duration drain_time = Channels::kDrainTime)
      : carries_(carries), strand_("channels") {
    for (int i = 0; i < 2; ++i) {
      Channels::Callbacks callbacks;
      callbacks.tell = [this, i](NodeId node, NodeMessage message) {
        strand_.AssertHeld();
        EXPECT_EQ(node, kNodes[1 - i]);
        Tell(i, std::move(message));
      };
      callbacks.on_closed = [this, i](ProcessId local, ProcessId afar) {
        strand_.AssertHeld();
        EXPECT_FALSE(channels_[i]->Has(local, afar));
        base::MutexLock lock(mutex_);
        ++closed_[i];
        changed_.NotifyAll();
      };
      channels_[i] =
          std::make_unique<Channels>(strand_, std::move(callbacks), drain_time);
    }
    strand_.StartThread();
  }
  ~World() {
    strand_.Stop();
    strand_.Join();
  }

  // On the strand, and waits for it.
  void On(const std::function<void(Channels&)>& action, int i = 0) {
    bool done = false;
    strand_.Post([&] {
      strand_.AssertHeld();
      action(*channels_[i]);
      base::MutexLock lock(mutex_);
      done = true;
      changed_.NotifyAll();
    });
    base::MutexLock lock(mutex_);
    while (!done) changed_.Wait(mutex_);
  }
  UniqueFd Open(ProcessId near = kNear, ProcessId far = kFar, int i = 0) {
    UniqueFd socket;
    On(
        [&](Channels& channels) {
          EXPECT_FALSE(channels.Has(near, far));
          socket = channels.Open(kNodes[1 - i], near, far);
          EXPECT_EQ(channels.Has(near, far), socket.valid());
        },
        i);
    return socket;
  }
  // Both ends.
  std::pair<UniqueFd, UniqueFd> OpenBoth(ProcessId near = kNear,
                                         ProcessId far = kFar) {
    return {Open(near, far, 0), Open(far, near, 1)};
  }
  // From the other raylet, which is only played.
  void Take(const NodeMessage& message, NodeId from = kNodes[1]) {
    On([&](Channels& channels) { EXPECT_TRUE(channels.Take(from, message)); });
  }

  // Until it holds of what was told by the first raylet; false after a while.
  bool Await(const std::function<bool(const std::vector<NodeMessage>&)>& what) {
    const base::BootTime deadline = base::BootNow() + std::chrono::seconds(20);
    base::MutexLock lock(mutex_);
    while (!what(told_)) {
      if (base::BootNow() >= deadline) return false;
      changed_.WaitFor(mutex_, deadline - base::BootNow());
    }
    return true;
  }
  bool AwaitClosed(int i, int count = 1) {
    const base::BootTime deadline = base::BootNow() + std::chrono::seconds(20);
    base::MutexLock lock(mutex_);
    while (closed_[i] < count && base::BootNow() < deadline) {
      changed_.WaitFor(mutex_, deadline - base::BootNow());
    }
    return closed_[i] == count;
  }
  int closed(int i = 0) {
    base::MutexLock lock(mutex_);
    return closed_[i];
  }
  // What the first raylet has told so far, and forgets it.
  std::vector<NodeMessage> Told() {
    base::MutexLock lock(mutex_);
    return std::exchange(told_, {});
  }

 private:
  void Tell(int i, NodeMessage message) {
    strand_.AssertHeld();
    if (carries_) {
      lines_[i].push_back(std::move(message));
      if (lines_[i].size() == 1) strand_.Post([this, i] { Carry(i); });
      return;
    }
    base::MutexLock lock(mutex_);
    told_.push_back(std::move(message));
    changed_.NotifyAll();
  }
  // Some of them, or none.
  void Carry(int i) {
    strand_.AssertHeld();
    for (std::uint64_t n = random_() % 8; n > 0 && !lines_[i].empty(); --n) {
      const NodeMessage message = std::move(lines_[i].front());
      lines_[i].pop_front();
      // One that is told meanwhile must not post this a second time.
      const bool was_last = lines_[i].empty();
      if (was_last) lines_[i].emplace_back(base::EndWant{});
      EXPECT_TRUE(channels_[1 - i]->Take(kNodes[i], message));
      if (was_last) lines_[i].pop_front();
    }
    if (!lines_[i].empty()) strand_.Post([this, i] { Carry(i); });
  }

  const bool carries_;
  base::Mutex mutex_;
  base::CondVar changed_;
  std::vector<NodeMessage> told_ MOBULA_GUARDED_BY(mutex_);
  std::array<int, 2> closed_ MOBULA_GUARDED_BY(mutex_) = {0, 0};
  base::Strand strand_;
  std::array<std::deque<NodeMessage>, 2> lines_ MOBULA_GUARDED_BY(strand_);
  std::mt19937_64 random_ MOBULA_GUARDED_BY(strand_){7};
  std::array<std::unique_ptr<Channels>, 2> channels_ MOBULA_GUARDED_BY(strand_);
};

// The bytes of these messages; each must be ChannelBytes of the two, except
// that they may end in CloseChannel, which is noted.
struct Words {
  std::string bytes;
  std::size_t largest = 0;
  int closes = 0;
};
Words WordsOf(const std::vector<NodeMessage>& messages) {
  Words words;
  for (const NodeMessage& message : messages) {
    if (const auto* bytes = std::get_if<ChannelBytes>(&message)) {
      EXPECT_EQ(words.closes, 0) << "bytes after the end";
      EXPECT_EQ(bytes->from, kNear);
      EXPECT_EQ(bytes->to, kFar);
      EXPECT_FALSE(bytes->bytes.empty());
      words.bytes += bytes->bytes.view();
      words.largest = std::max(words.largest, bytes->bytes.size());
    } else if (const auto* close = std::get_if<CloseChannel>(&message)) {
      EXPECT_EQ(close->from, kNear);
      EXPECT_EQ(close->to, kFar);
      ++words.closes;
    } else {
      EXPECT_TRUE(std::holds_alternative<ChannelCredit>(message));
    }
  }
  return words;
}

std::size_t BytesIn(const std::vector<NodeMessage>& messages) {
  std::size_t size = 0;
  for (const NodeMessage& message : messages) {
    const auto* bytes = std::get_if<ChannelBytes>(&message);
    if (bytes != nullptr) size += bytes->bytes.size();
  }
  return size;
}
ChannelBytes BytesOf(std::string text) {
  return {kFar, kNear, Bytes::Own(std::move(text))};
}

// ---- what is carried --------------------------------------------------------

TEST(Channels, AHundredMegabytesBothWaysAtOnceArriveAsTheyWereWritten) {
  constexpr std::uint64_t kSize = 100'000'000;
  World world(/*carries=*/true);
  const auto [near, far] = world.OpenBoth();
  const Stream there(1);
  const Stream back(2);
  std::uint64_t got_there = 0;
  std::uint64_t got_back = 0;
  {
    std::jthread a([&] { EXPECT_TRUE(WriteStream(near, there, kSize, 3)); });
    std::jthread b([&] { EXPECT_TRUE(WriteStream(far, back, kSize, 4)); });
    std::jthread c([&] { got_there = ReadStream(far, there, kSize, 5); });
    std::jthread d([&] { got_back = ReadStream(near, back, kSize, 6); });
  }
  EXPECT_EQ(got_there, kSize);
  EXPECT_EQ(got_back, kSize);
  EXPECT_EQ(world.closed(0) + world.closed(1), 0);
}

TEST(Channels, WhoReadsSlowlyHoldsUpItsOwnChannelAlone) {
  constexpr std::uint64_t kSize = 20'000'000;
  World world(/*carries=*/true);
  const auto [near, far] = world.OpenBoth();
  const Stream stream(1);
  std::jthread held([&] { EXPECT_TRUE(WriteStream(near, stream, kSize, 1)); });
  for (std::uint64_t i = 1; i <= 3; ++i) {
    const auto [other_near, other_far] =
        world.OpenBoth(ProcessId{11, i}, ProcessId{22, i});
    std::jthread writer([&, &socket = other_near] {
      EXPECT_TRUE(WriteStream(socket, stream, kSize, i));
    });
    EXPECT_EQ(ReadStream(other_far, stream, kSize, i), kSize);
  }
  EXPECT_EQ(ReadStream(far, stream, kSize, 9), kSize);
}

TEST(Channels, NoMoreIsReadThanThereIsCreditFor) {
  World world(/*carries=*/false);
  const UniqueFd near = world.Open();
  const Stream stream(1);
  std::jthread writer(
      [&] { WriteStream(near, stream, 4 * kChannelCredit, 1); });
  EXPECT_TRUE(world.Await(
      [](const auto& told) { return BytesIn(told) >= kChannelCredit; }));
  // Several turns later it is no more than that.
  for (int i = 0; i < 20; ++i) world.On([](Channels&) {});
  Words words = WordsOf(world.Told());
  EXPECT_EQ(words.bytes.size(), kChannelCredit);
  EXPECT_LE(words.largest, std::size_t{64} << 10);
  world.Take(ChannelCredit{kFar, kNear, 12'345});
  EXPECT_TRUE(
      world.Await([](const auto& told) { return BytesIn(told) >= 12'345; }));
  words = WordsOf(world.Told());
  EXPECT_EQ(words.bytes.size(), 12'345u);
  EXPECT_TRUE(words.bytes == stream.At(kChannelCredit, 12'345));
  world.On([](Channels& channels) { channels.Close(kNear, kFar); });
}

TEST(Channels, CreditIsGivenBackAsTheSocketTakesWhatCame) {
  World world(/*carries=*/false);
  const UniqueFd near = world.Open();
  const std::string piece(kChannelCredit / 16, 'x');
  for (int i = 0; i < 16; ++i) world.Take(BytesOf(piece));
  // What the socket holds is less than half.
  EXPECT_TRUE(world.Told().empty());
  const Stream stream(1);
  std::string got(kChannelCredit, '\0');
  EXPECT_EQ(::recv(near.get(), got.data(), got.size(), MSG_WAITALL),
            static_cast<ssize_t>(kChannelCredit));
  EXPECT_TRUE(world.Await([](const auto& told) {
    std::uint64_t sum = 0;
    for (const NodeMessage& message : told) {
      const auto* credit = std::get_if<ChannelCredit>(&message);
      EXPECT_NE(credit, nullptr);
      if (credit != nullptr) sum += credit->byte_count;
    }
    return sum >= kChannelCredit / 2;
  }));
}

TEST(Channels, TwoHundredChannelsAtOnce) {
  constexpr std::uint64_t kCount = 200;
  constexpr std::uint64_t kSize = 300'000;
  World world(/*carries=*/true);
  const Stream stream(1);
  std::vector<std::pair<UniqueFd, UniqueFd>> ends;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    // Some have one of the two processes in common.
    ends.push_back(
        world.OpenBoth(ProcessId{100 + i % 15, 0}, ProcessId{500 + i, 0}));
  }
  std::vector<std::jthread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = t; i < kCount; i += 4) {
        EXPECT_TRUE(WriteStream(ends[i].first, stream, kSize, i));
        EXPECT_TRUE(WriteStream(ends[i].second, stream, kSize, i));
      }
    });
  }
  for (const auto& [near, far] : ends) {
    EXPECT_EQ(ReadStream(far, stream, kSize, 1), kSize);
    EXPECT_EQ(ReadStream(near, stream, kSize, 2), kSize);
  }
  world.On([&](Channels& channels) { EXPECT_EQ(channels.count(), kCount); });
}

// ---- how one ends -----------------------------------------------------------

TEST(Channels, WhatWasWrittenBeforeTheEndArrivesBeforeIt) {
  World world(/*carries=*/true);
  auto [near, far] = world.OpenBoth();
  ASSERT_TRUE(Put(near, "the last words"));
  near.Reset();
  EXPECT_EQ(ReadToEnd(far), "the last words");
  EXPECT_TRUE(world.AwaitClosed(0));
  EXPECT_TRUE(world.AwaitClosed(1));
  for (int i = 0; i < 2; ++i) {
    world.On([](Channels& channels) { EXPECT_EQ(channels.count(), 0u); }, i);
  }
  // Another one of the same two, which knows nothing of the first.
  auto [again_near, again_far] = world.OpenBoth();
  ASSERT_TRUE(Put(again_far, "again"));
  again_far.Reset();
  EXPECT_EQ(ReadToEnd(again_near), "again");
}

TEST(Channels, ASocketThatIsClosedWhileNothingMayBeSentIsReadAllTheSame) {
  World world(/*carries=*/false);
  UniqueFd near = world.Open();
  const Stream stream(1);
  EXPECT_TRUE(WriteStream(near, stream, kChannelCredit, 1));
  EXPECT_TRUE(world.Await(
      [](const auto& told) { return BytesIn(told) == kChannelCredit; }));
  const std::string rest = Fill(near);
  EXPECT_GT(rest.size(), 10'000u);
  near.Reset();
  EXPECT_TRUE(world.AwaitClosed(0));
  const Words words = WordsOf(world.Told());
  EXPECT_EQ(words.closes, 1);
  EXPECT_TRUE(words.bytes.substr(kChannelCredit) == rest);
}

TEST(Channels, AProcessThatEndedHasSaidAllBeforeTheCallReturns) {
  World world(/*carries=*/false);
  const UniqueFd near = world.Open();
  const UniqueFd second = world.Open(kNear, ProcessId{22, 1});
  const UniqueFd other = world.Open(ProcessId{11, 1}, kFar);
  const Stream stream(1);
  EXPECT_TRUE(WriteStream(near, stream, kChannelCredit, 1));
  EXPECT_TRUE(world.Await(
      [](const auto& told) { return BytesIn(told) == kChannelCredit; }));
  world.Told();
  const std::string rest = Fill(near);
  // A child of it has the other end still.
  std::vector<NodeMessage> told;
  world.On([&](Channels& channels) {
    channels.ProcessEnding(kNear);
    told = world.Told();
    EXPECT_EQ(channels.count(), 1u);
    EXPECT_TRUE(channels.Has(ProcessId{11, 1}, kFar));
    channels.ProcessEnding(kNear);
    EXPECT_TRUE(world.Told().empty());
  });
  EXPECT_EQ(world.closed(), 2);
  ASSERT_FALSE(told.empty());
  const auto* last = std::get_if<CloseChannel>(&told.back());
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->to, (ProcessId{22, 1}));
  told.pop_back();
  const Words words = WordsOf(told);
  EXPECT_EQ(words.closes, 1);
  EXPECT_TRUE(words.bytes == rest);
  EXPECT_EQ(ReadToEnd(near), "");
}

// It takes the room that is kept for that, also at a receiver that is full.
TEST(Channels, TheLastWordsReachAReceiverThatHasNotReadAnything) {
  World world(/*carries=*/true);
  auto [near, far] = world.OpenBoth();
  const Stream stream(1);
  std::uint64_t size = 0;
  // Until nothing moves any more: the sockets and both raylets are full.
  for (int quiet = 0; quiet < 200;) {
    const std::string_view piece = stream.At(size, 1000);
    const ssize_t n = ::send(near.get(), piece.data(), piece.size(),
                             MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) size += static_cast<std::uint64_t>(n);
    quiet = n > 0 ? 0 : quiet + 1;
    world.On([](Channels&) {});
  }
  EXPECT_GT(size, kChannelCredit);
  near.Reset();
  EXPECT_TRUE(world.AwaitClosed(1));
  EXPECT_EQ(ReadStream(far, stream, ~std::uint64_t{0}, 1), size);
}

TEST(Channels, WhatCameBeforeTheEndAfarIsReadBeforeIt) {
  World world(/*carries=*/false);
  const UniqueFd near = world.Open();
  std::string sent;
  for (int i = 0; i < 16; ++i) {
    const std::string piece(kChannelCredit / 16, static_cast<char>('a' + i));
    world.Take(BytesOf(piece));
    sent += piece;
  }
  world.Take(CloseChannel{kFar, kNear});
  EXPECT_EQ(world.closed(), 1);
  world.On([](Channels& channels) { EXPECT_FALSE(channels.Has(kNear, kFar)); });
  // What is written now goes nowhere, and nothing is told but the answer.
  Put(near, "too late");
  EXPECT_TRUE(ReadToEnd(near) == sent);
  const std::vector<NodeMessage> told = world.Told();
  EXPECT_EQ(WordsOf(told).bytes, "");
  EXPECT_EQ(WordsOf(told).closes, 1);
  EXPECT_EQ(world.closed(), 1);
}

TEST(Channels, WhoDoesNotReadItInTimeDoesNotGetIt) {
  World world(/*carries=*/false, std::chrono::milliseconds(1));
  const UniqueFd near = world.Open();
  world.Take(BytesOf(std::string(kChannelCredit, 'x')));
  world.Take(CloseChannel{kFar, kNear});
  // Only then is it read: the socket is closed by itself.
  std::array<char, 1> byte;
  while (::send(near.get(), "x", 1, MSG_NOSIGNAL) == 1) {
    std::this_thread::yield();
  }
  const std::string got = ReadToEnd(near);
  EXPECT_LT(got.size(), kChannelCredit);
  EXPECT_GT(got.size(), byte.size());
}

TEST(Channels, CloseEndsItAtOnceAndSaysSoOnce) {
  World world(/*carries=*/false);
  const UniqueFd near = world.Open();
  world.Take(BytesOf("read me"));
  world.On([](Channels& channels) {
    channels.Close(kNear, kFar);
    channels.Close(kNear, kFar);
    EXPECT_FALSE(channels.Has(kNear, kFar));
  });
  EXPECT_EQ(ReadToEnd(near), "read me");
  EXPECT_EQ(WordsOf(world.Told()).closes, 1);
  EXPECT_EQ(world.closed(), 0) << "who closes it knows";
}

TEST(Channels, ANewOneNeverSeesTheBytesOfTheOneBefore) {
  World world(/*carries=*/false);
  const UniqueFd first = world.Open();
  world.On([](Channels& channels) { channels.Close(kNear, kFar); });
  EXPECT_EQ(WordsOf(world.Told()).closes, 1);
  // On their way when it was closed.
  world.Take(BytesOf("old"));
  EXPECT_FALSE(world.Open().valid());
  world.Take(ChannelCredit{kFar, kNear, 5});
  world.Take(CloseChannel{kFar, kNear});
  EXPECT_TRUE(world.Told().empty());
  const UniqueFd second = world.Open();
  world.Take(BytesOf("new"));
  world.Take(CloseChannel{kFar, kNear});
  EXPECT_EQ(ReadToEnd(second), "new");
}

TEST(Channels, ThereIsOneOfTwoProcesses) {
  World world(/*carries=*/false);
  const UniqueFd first = world.Open();
  world.On([](Channels& channels) {
    EXPECT_FALSE(channels.Open(kNodes[1], kNear, kFar).valid());
  });
  ASSERT_TRUE(Put(first, "x"));
  EXPECT_TRUE(world.Await([](const auto& told) { return BytesIn(told) == 1; }));
}

TEST(Channels, WhoSpeaksOfAChannelThatIsNotThereIsToldSoOnce) {
  World world(/*carries=*/false);
  world.Take(BytesOf("x"));
  world.Take(BytesOf("y"));
  world.Take(ChannelCredit{kFar, kNear, 5});
  EXPECT_EQ(WordsOf(world.Told()).closes, 1);
  world.Take(CloseChannel{kFar, kNear});
  world.Take(CloseChannel{kFar, kNear});
  EXPECT_TRUE(world.Told().empty()) << "it had none either";
  world.On([](Channels& channels) {
    EXPECT_FALSE(channels.Take(kNodes[1], base::WantProgram{"x"}));
    channels.Refuse(kNodes[1], kNear, kFar);
    channels.Refuse(kNodes[1], kNear, kFar);
  });
  EXPECT_EQ(WordsOf(world.Told()).closes, 1);
  world.Take(CloseChannel{kFar, kNear});
  EXPECT_TRUE(world.Open().valid());
}

TEST(Channels, ANodeSpeaksForItsOwnProcessesAlone) {
  World world(/*carries=*/false);
  const UniqueFd near = world.Open();
  const NodeId stranger{3, 0};
  world.Take(BytesOf("x"), stranger);
  world.Take(CloseChannel{kFar, kNear}, stranger);
  world.On([](Channels& channels) { EXPECT_TRUE(channels.Has(kNear, kFar)); });
  EXPECT_TRUE(world.Told().empty());
  world.Take(BytesOf("y"));
  world.Take(CloseChannel{kFar, kNear});
  EXPECT_EQ(ReadToEnd(near), "y");
}

TEST(Channels, ANodeThatIsLostEndsItsChannels) {
  World world(/*carries=*/false);
  const UniqueFd near = world.Open();
  const UniqueFd second = world.Open(kNear, ProcessId{22, 1});
  const std::string sent(kChannelCredit, 'x');
  world.Take(BytesOf(sent));
  world.On([](Channels& channels) {
    channels.CloseNode(NodeId{3, 0});
    EXPECT_EQ(channels.count(), 2u);
    channels.CloseNode(kNodes[1]);
    EXPECT_EQ(channels.count(), 0u);
  });
  EXPECT_EQ(world.closed(), 2);
  EXPECT_TRUE(ReadToEnd(near) == sent);
  EXPECT_EQ(ReadToEnd(second), "");
  EXPECT_TRUE(world.Told().empty()) << "there is nobody to be told";
  EXPECT_TRUE(world.Open().valid());
}

TEST(Channels, WhatNoRayletDoesEndsTheChannel) {
  World world(/*carries=*/false);
  const UniqueFd near = world.Open();
  for (int i = 0; i < 2; ++i) {
    world.Take(BytesOf(std::string(kChannelCredit, 'x')));
  }
  EXPECT_EQ(world.closed(), 0) << "they could be its last words";
  world.Take(BytesOf(std::string(kChannelCredit / 2, 'x')));
  EXPECT_EQ(world.closed(), 1);
  EXPECT_EQ(WordsOf(world.Told()).closes, 1);
  world.Take(CloseChannel{kFar, kNear});

  const UniqueFd again = world.Open();
  world.Take(ChannelCredit{kFar, kNear, 1});
  EXPECT_EQ(world.closed(), 2);
  EXPECT_EQ(WordsOf(world.Told()).closes, 1);
  EXPECT_EQ(ReadToEnd(again), "");
}

TEST(Channels, DescriptorsDoNotPass) {
  World world(/*carries=*/true);
  auto [near, far] = world.OpenBoth();
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  char byte = 'x';
  iovec vector{&byte, 1};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int fd = near.get();
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  ASSERT_EQ(::sendmsg(near.get(), &message, 0), 1);
  ASSERT_TRUE(Put(near, "y"));
  // Were it held anywhere, the end would not be seen.
  near.Reset();
  EXPECT_EQ(ReadToEnd(far), "xy");
}

}  // namespace
}  // namespace mobula::raylet
