#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <thread>

#include "base/shm/ring/ring_end.h"
#include "base/shm/ring/ring_layout.h"
#include "base/shm/ring/ring_reader.h"
#include "base/shm/ring/ring_segment.h"
#include "base/shm/ring/ring_writer.h"

namespace mobula::base {
namespace {

using Put = RingWriter::Put;
using Got = RingReader::Got;

constexpr std::size_t kBytes = 4096;

// Both ends in one process: a writes to b.
struct Pair {
  explicit Pair(std::size_t ring_bytes = kBytes)
      : handles(RingEnd::MakeHandles(ring_bytes)),
        a(handles, 0),
        b(handles, 1) {}

  std::string Take() {
    std::string record;
    EXPECT_EQ(b.TryReceive(&record), Got::kRecord) << b.reader().error();
    return record;
  }
  Got Look() {
    std::size_t size = 0;
    return b.reader().Next(&size);
  }
  RingIndex& index() { return a.segment().index(0); }

  RingEnd::Handles handles;
  RingEnd a;
  RingEnd b;
};

TEST(RingTest, WhatIsAppendedIsSeenWhenPublishedAllAtOnce) {
  Pair pair;
  EXPECT_EQ(pair.a.writer().Append("one"), Put::kDone);
  EXPECT_EQ(pair.a.writer().Append("t", "wo"), Put::kDone);
  EXPECT_EQ(pair.a.writer().Append(""), Put::kDone);
  EXPECT_EQ(pair.Look(), Got::kNothing);
  EXPECT_FALSE(pair.a.writer().Publish()) << "nobody sleeps";
  EXPECT_EQ(pair.Take(), "one");
  EXPECT_EQ(pair.Take(), "two");
  EXPECT_EQ(pair.Take(), "");
  EXPECT_EQ(pair.Look(), Got::kNothing);
  EXPECT_FALSE(pair.a.writer().Publish()) << "nothing new";
}

TEST(RingTest, BothDirectionsAreApart) {
  Pair pair;
  EXPECT_EQ(pair.a.writer().Append("to b"), Put::kDone);
  EXPECT_EQ(pair.b.writer().Append("to a"), Put::kDone);
  EXPECT_FALSE(pair.a.writer().Publish());
  EXPECT_FALSE(pair.b.writer().Publish());
  std::string record;
  EXPECT_EQ(pair.a.TryReceive(&record), Got::kRecord);
  EXPECT_EQ(record, "to a");
  EXPECT_EQ(pair.Take(), "to b");
}

TEST(RingTest, ASleeperIsWokenOnceForWhatComesAfter) {
  Pair pair;
  EXPECT_TRUE(pair.b.reader().FallAsleep());
  EXPECT_FALSE(pair.b.reader().IsBeingWoken());
  EXPECT_TRUE(pair.a.writer().IsReaderAsleep());
  EXPECT_EQ(pair.a.writer().Append("x"), Put::kDone);
  EXPECT_TRUE(pair.a.writer().Publish());
  EXPECT_TRUE(pair.b.reader().IsBeingWoken());
  EXPECT_FALSE(pair.a.writer().IsReaderAsleep());
  EXPECT_EQ(pair.a.writer().Append("y"), Put::kDone);
  EXPECT_FALSE(pair.a.writer().Publish()) << "it is awake";
  EXPECT_FALSE(pair.b.reader().FallAsleep()) << "there is something";
  EXPECT_EQ(pair.Take(), "x");
  EXPECT_FALSE(pair.b.reader().FallAsleep());
  EXPECT_EQ(pair.Take(), "y");
  EXPECT_TRUE(pair.b.reader().FallAsleep());
}

TEST(RingTest, AWriterWithoutRoomIsWokenWhenHalfIsFree) {
  Pair pair;
  const std::string record(500, 'r');  // eight fill the ring
  std::size_t count = 0;
  while (pair.a.writer().Append(record) == Put::kDone) ++count;
  EXPECT_EQ(count, kBytes / RingRecordSpan(record.size()));
  EXPECT_FALSE(pair.a.writer().Publish());
  EXPECT_TRUE(pair.a.writer().AwaitRoom());
  for (std::size_t taken = 1; taken <= count; ++taken) {
    EXPECT_EQ(pair.Take(), record);
    const bool wakes = pair.b.reader().Release();
    const std::size_t left = (count - taken) * RingRecordSpan(record.size());
    const std::size_t left_before = left + RingRecordSpan(record.size());
    EXPECT_EQ(wakes, left <= kBytes / 2 && left_before > kBytes / 2) << taken;
  }
  EXPECT_FALSE(pair.a.writer().AwaitRoom()) << "all is free";
  EXPECT_EQ(pair.a.writer().Append(record), Put::kDone);
}

TEST(RingTest, ARecordOfTheLargestSizeFitsWhereHalfIsFree) {
  Pair pair;
  const std::string largest(pair.a.writer().record_max(), 'l');
  for (int round = 0; round < 50; ++round) {
    EXPECT_EQ(pair.a.writer().Append(std::string(100, 's')), Put::kDone);
    EXPECT_EQ(pair.a.writer().Append(largest), Put::kDone);
    EXPECT_EQ(pair.a.writer().Append(largest), Put::kDone);
    EXPECT_FALSE(pair.a.writer().Publish());
    EXPECT_EQ(pair.Take().size(), 100u);
    EXPECT_EQ(pair.Take(), largest);
    EXPECT_EQ(pair.Take(), largest);
    EXPECT_EQ(pair.Look(), Got::kNothing);
    EXPECT_FALSE(pair.b.reader().Release());
  }
}

// Everything that the machine does beside a model of it: a queue of what was
// published, what was not, and how many bytes both take.
TEST(RingTest, DoesWhatItsModelDoes) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Pair pair;
    std::deque<std::string> appended;
    std::deque<std::string> published;
    std::uint64_t used = 0;      // as the writer must see it
    std::uint64_t released = 0;  // taken, and not given back
    bool reader_sleeps = false;
    for (int step = 0; step < 20'000; ++step) {
      switch (random() % 5) {
        case 0:
        case 1: {
          std::string record(random() % (random() % 8 == 0 ? 1020 : 60), 0);
          for (char& c : record) c = static_cast<char>(random());
          const std::uint64_t span = RingRecordSpan(record.size());
          const std::size_t cut = random() % (record.size() + 1);
          const Put put =
              pair.a.writer().Append(std::string_view(record).substr(0, cut),
                                     std::string_view(record).substr(cut));
          ASSERT_EQ(put, used + span <= kBytes ? Put::kDone : Put::kFull);
          if (put == Put::kFull) break;
          used += span;
          appended.push_back(std::move(record));
          break;
        }
        case 2: {
          const bool wakes = pair.a.writer().Publish();
          ASSERT_EQ(wakes, reader_sleeps && !appended.empty());
          if (wakes) reader_sleeps = false;
          for (auto& record : appended) published.push_back(std::move(record));
          appended.clear();
          break;
        }
        case 3: {
          std::size_t size = 0;
          const Got got = pair.b.reader().Next(&size);
          ASSERT_EQ(got, published.empty() ? Got::kNothing : Got::kRecord);
          if (got == Got::kNothing) break;
          std::string record(size, 0);
          pair.b.reader().Take(record.data());
          ASSERT_TRUE(record == published.front());
          released += RingRecordSpan(size);
          published.pop_front();
          break;
        }
        default:
          ASSERT_FALSE(pair.b.reader().Release()) << "the writer never sleeps";
          used -= released;
          released = 0;
          if (random() % 2 == 0) break;
          const bool sleeps = pair.b.reader().FallAsleep();
          ASSERT_EQ(sleeps, published.empty());
          reader_sleeps = reader_sleeps || sleeps;
      }
      // The word stays where a sleeper was refused, until it is cleared.
      reader_sleeps = !pair.b.reader().IsBeingWoken();
    }
  }
}

// ---- a peer that scribbles --------------------------------------------------

TEST(RingTest, AnIndexThatNoWriterWritesBreaksTheReader) {
  for (const std::uint64_t bad :
       {std::uint64_t{4}, std::uint64_t{kBytes + 8}, ~std::uint64_t{7}}) {
    Pair pair;
    pair.index().published.store(bad);
    EXPECT_EQ(pair.Look(), Got::kBroken) << bad;
    EXPECT_TRUE(pair.b.reader().error().starts_with("bad ring: its writer"));
    pair.index().published.store(0);
    EXPECT_EQ(pair.Look(), Got::kBroken) << "for ever";
    EXPECT_FALSE(pair.b.reader().FallAsleep());
    EXPECT_FALSE(pair.b.reader().Release());
  }
}

TEST(RingTest, AnIndexThatGoesBackBreaksTheReader) {
  Pair pair;
  EXPECT_EQ(pair.a.writer().Append("one"), Put::kDone);
  EXPECT_FALSE(pair.a.writer().Publish());
  EXPECT_EQ(pair.Take(), "one");
  pair.index().published.store(0);
  EXPECT_EQ(pair.Look(), Got::kBroken);
}

TEST(RingTest, ALengthBeyondWhatWasPublishedBreaksTheReaderAfterWhatWasRight) {
  for (const std::uint32_t bad : {std::uint32_t{9}, std::uint32_t{1025},
                                  ~std::uint32_t{0}, ~std::uint32_t{7}}) {
    Pair pair;
    EXPECT_EQ(pair.a.writer().Append("one"), Put::kDone);
    EXPECT_EQ(pair.a.writer().Append("two"), Put::kDone);
    EXPECT_FALSE(pair.a.writer().Publish());
    std::memcpy(pair.a.segment().bytes(0).data() + 8, &bad, sizeof bad);
    EXPECT_EQ(pair.Take(), "one");
    EXPECT_EQ(pair.Look(), Got::kBroken) << bad;
    EXPECT_TRUE(pair.b.reader().error().starts_with("bad ring: a record of"));
  }
}

TEST(RingTest, ALengthThatChangesAfterItWasReadIsNotReadAgain) {
  Pair pair;
  EXPECT_EQ(pair.a.writer().Append("one"), Put::kDone);
  EXPECT_FALSE(pair.a.writer().Publish());
  EXPECT_EQ(pair.Look(), Got::kRecord);
  const std::uint32_t changed = 1000;
  std::memcpy(pair.a.segment().bytes(0).data(), &changed, sizeof changed);
  EXPECT_EQ(pair.Take(), "one");
}

TEST(RingTest, AnIndexThatNoReaderWritesBreaksTheWriter) {
  for (const std::uint64_t bad : {std::uint64_t{4096}, std::uint64_t{0}}) {
    Pair pair;
    const std::string record(1000, 'r');
    while (pair.a.writer().Append(record) == Put::kDone) {
    }
    EXPECT_FALSE(pair.a.writer().Publish());
    EXPECT_EQ(pair.Take(), record);
    EXPECT_FALSE(pair.b.reader().Release());
    EXPECT_EQ(pair.a.writer().Append(record), Put::kDone) << "sees the room";
    pair.index().taken.store(bad);
    EXPECT_EQ(pair.a.writer().Append(record), Put::kBroken) << bad;
    EXPECT_FALSE(pair.a.writer().Publish());
    EXPECT_FALSE(pair.a.writer().AwaitRoom());
    EXPECT_TRUE(pair.a.writer().error().starts_with("bad ring: its reader"));
  }
}

// Random bytes over everything that is shared, while the other side goes on:
// no access beyond the ring (asan), only an error or records that fit.
TEST(RingTest, ScribblingDoesNoHarm) {
  int broken = 0;
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    std::mt19937_64 random(seed);
    Pair pair;
    bool is_broken = false;
    for (int step = 0; step < 60 && !is_broken; ++step) {
      const std::string record(random() % 1021, 'x');
      is_broken = pair.a.writer().Append(record) == Put::kBroken;
      if (pair.a.writer().Publish()) continue;
      switch (random() % 100) {
        case 0:
          pair.index().published.store(random() % 3 == 0 ? random()
                                                         : random() % 9000);
          break;
        case 1:
          pair.index().taken.store(random() % 9000);
          break;
        case 2:
          for (char& c : pair.a.segment().bytes(0)) {
            c = static_cast<char>(random());
          }
          break;
        default:
          break;
      }
      std::string got;
      while (random() % 4 != 0) {
        const Got what = pair.b.TryReceive(&got);
        is_broken = is_broken || what == Got::kBroken;
        EXPECT_LE(got.size(), RingRecordMax(kBytes));
        if (what != Got::kRecord) break;
      }
      if (pair.b.reader().FallAsleep() || pair.a.writer().AwaitRoom()) continue;
    }
    broken += is_broken ? 1 : 0;
  }
  EXPECT_GT(broken, 1'000);
  EXPECT_LT(broken, 2'000);
}

// ---- the segment ------------------------------------------------------------

std::string WhyNot(const UniqueFd& fd, std::uint64_t epoch = RingEnd::kEpoch) {
  std::string error;
  EXPECT_EQ(RingSegment::Open(fd, epoch, &error), nullptr);
  return error;
}

// A memfd of `header` with these seals.
UniqueFd Forged(const RingSegmentHeader& header, off_t size, int seals) {
  UniqueFd fd(::memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(::ftruncate(fd.get(), size), 0);
  EXPECT_EQ(::pwrite(fd.get(), &header, sizeof header, 0),
            static_cast<ssize_t>(sizeof header));
  EXPECT_EQ(::fcntl(fd.get(), F_ADD_SEALS, seals), 0);
  return fd;
}

TEST(RingSegmentTest, CannotShrinkOrGrow) {
  RingEnd::Handles handles = RingEnd::MakeHandles(kBytes);
  EXPECT_NE(::ftruncate(handles.memory.get(), 4096), 0);
  EXPECT_NE(::ftruncate(handles.memory.get(), 1 << 20), 0);
}

TEST(RingSegmentTest, WhatIsNoSegmentIsRefused) {
  constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW;
  constexpr std::uint32_t kMagic = 0x52424f4d;
  const RingSegmentHeader good{kMagic, 1, RingEnd::kEpoch, kBytes};
  std::string error;
  EXPECT_NE(RingSegment::Open(Forged(good, 4096 * 3, kSeals), RingEnd::kEpoch,
                              &error),
            nullptr)
      << error;
  EXPECT_NE(WhyNot(UniqueFd()).find("did not arrive"), std::string::npos);
  EXPECT_NE(WhyNot(UniqueFd(::open("/dev/null", O_RDWR))).find("sealed"),
            std::string::npos);
  EXPECT_NE(WhyNot(Forged(good, 4096 * 3, F_SEAL_GROW)).find("sealed"),
            std::string::npos);
  EXPECT_NE(WhyNot(Forged(good, 4096 * 2, kSeals)).find("8192 bytes"),
            std::string::npos);
  EXPECT_NE(WhyNot(Forged(good, 4096 * 3, kSeals), 8).find("epoch 7, not 8"),
            std::string::npos);
  for (const RingSegmentHeader& bad :
       {RingSegmentHeader{kMagic + 1, 1, RingEnd::kEpoch, kBytes},
        RingSegmentHeader{kMagic, 2, RingEnd::kEpoch, kBytes}}) {
    EXPECT_NE(WhyNot(Forged(bad, 4096 * 3, kSeals)).find("no segment"),
              std::string::npos);
  }
  for (const std::uint64_t size : {0ul, 2048ul, 5000ul, 1ul << 63}) {
    const RingSegmentHeader bad{kMagic, 1, RingEnd::kEpoch, size};
    EXPECT_NE(WhyNot(Forged(bad, 4096 * 3, kSeals)).find("with rings of"),
              std::string::npos)
        << size;
  }
}

// ---- two threads ------------------------------------------------------------

std::string Numbered(std::uint64_t number, std::mt19937_64& random) {
  std::string record(sizeof number + random() % 90,
                     static_cast<char>(number * 131));
  std::memcpy(record.data(), &number, sizeof number);
  return record;
}

bool IsNumbered(const std::string& record, std::uint64_t number) {
  std::uint64_t got = 0;
  if (record.size() < sizeof got) return false;
  std::memcpy(&got, record.data(), sizeof got);
  return got == number &&
         record.find_first_not_of(static_cast<char>(number * 131),
                                  sizeof got) == std::string::npos;
}

// Small rings, so that both sides sleep all the time, and a flow each way.
TEST(RingThreadsTest, AllArrivesInOrderAndNoWakeIsLost) {
  constexpr std::uint64_t kCount = 100'000;
  Pair pair;
  const auto run = [](RingEnd& end, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::string got;
    std::uint64_t received = 0;
    for (std::uint64_t sent = 0; sent < kCount;) {
      const std::uint64_t batch = 1 + random() % 20;
      for (std::uint64_t i = 0; i < batch && sent < kCount; ++i, ++sent) {
        const std::string record = Numbered(sent, random);
        while (end.writer().Append(record) == Put::kFull) {
          // Whoever waits for room reads on meanwhile: no deadlock.
          const Got what = end.TryReceive(&got);
          if (what == Got::kBroken) return false;
          if (what == Got::kNothing) end.WaitForEither();
          if (what == Got::kRecord && !IsNumbered(got, received++)) {
            return false;
          }
        }
      }
      end.Publish();
      while (received < sent) {
        if (!end.Receive(&got, random() % 3 == 0 ? 100 : 0)) return false;
        if (!IsNumbered(got, received++)) return false;
      }
    }
    return received == kCount;
  };
  bool right = false;
  std::thread other([&run, &pair, &right] { right = run(pair.b, 2); });
  EXPECT_TRUE(run(pair.a, 1)) << pair.a.reader().error();
  other.join();
  EXPECT_TRUE(right) << pair.b.reader().error();
  EXPECT_EQ(pair.a.lost_wakes() + pair.b.lost_wakes(), 0u);
  EXPECT_GT(pair.a.sleeps() + pair.b.sleeps(), 0u);
}

TEST(RingThreadsTest, AWriterThatFillsTheRingSleepsAndIsWoken) {
  constexpr std::uint64_t kCount = 200'000;
  Pair pair;
  std::thread writer([&pair] {
    std::mt19937_64 random(3);
    for (std::uint64_t i = 0; i < kCount; ++i) {
      ASSERT_TRUE(pair.a.Send(Numbered(i, random)));
      if (random() % 16 == 0) pair.a.Publish();
    }
    pair.a.Publish();
  });
  std::string got;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    ASSERT_TRUE(pair.b.Receive(&got)) << pair.b.reader().error();
    ASSERT_TRUE(IsNumbered(got, i)) << i;
  }
  writer.join();
  EXPECT_EQ(pair.a.lost_wakes() + pair.b.lost_wakes(), 0u);
  EXPECT_GT(pair.a.sleeps(), 0u);
}

}  // namespace
}  // namespace mobula::base
