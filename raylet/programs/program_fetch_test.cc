#include "raylet/programs/program_fetch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/strand.h"
#include "base/unique_fd.h"
#include "raylet/programs/program_sender.h"
#include "raylet/spawn/program_store.h"

namespace mobula::raylet {
namespace {

namespace fs = std::filesystem;
using base::Bytes;
using base::kPartBytesMax;
using base::NodeId;
using base::NodeMessage;
using base::ProgramLacking;
using base::ProgramPart;
using base::WantProgram;

constexpr NodeId kAsker{1, 0};
constexpr NodeId kHolder{2, 0};
constexpr NodeId kOther{3, 0};
constexpr char kHashOfAbc[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

std::string Random(std::size_t size) {
  std::mt19937_64 random(size);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

// "late" after a while.
std::string Get(std::future<std::string>& future) {
  const auto status = future.wait_for(std::chrono::seconds(20));
  return status == std::future_status::ready ? future.get() : "late";
}

// A node that lacks programs, one that has some, and the line from the one to
// the other. What the tests set is set on the strand, or before it is used.
class ProgramFetchTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string root = testing::TempDir() + "fetchXXXXXX";
    ASSERT_NE(::mkdtemp(root.data()), nullptr);
    root_ = root;
    here_ = std::make_unique<ProgramStore>(strand_, root_ + "/here");
    there_ = std::make_unique<ProgramStore>(strand_, root_ + "/there");
    Make(ProgramFetch::Limits(), ProgramSender::Limits());
    strand_.StartThread();
  }
  void TearDown() override {
    strand_.Stop();
    strand_.Join();
    fs::remove_all(root_);
  }
  void Make(ProgramFetch::Limits limits, ProgramSender::Limits sender_limits) {
    fetch_ = std::make_unique<ProgramFetch>(
        strand_, *here_,
        [this](NodeId node, const NodeMessage& message) {
          const std::string& hash = std::get<WantProgram>(message).program;
          wanted_.emplace_back(node, hash);
          if (node == kHolder && serves_) sender_->Serve(kAsker, hash);
        },
        limits);
    ProgramSender::Callbacks callbacks;
    callbacks.tell = [this](NodeId node, NodeMessage message) {
      EXPECT_EQ(node, kAsker);
      Tell(std::move(message));
    };
    callbacks.queued_bytes = [this](NodeId) { return queued_bytes_; };
    sender_ = std::make_unique<ProgramSender>(
        strand_, *there_, std::move(callbacks), sender_limits);
  }

  // On the strand, and waits for it.
  void On(const std::function<void()>& action) {
    std::promise<void> done;
    strand_.Post([&] {
      action();
      done.set_value();
    });
    done.get_future().wait();
  }
  std::future<std::string> Fetch(const std::string& hash,
                                 NodeId from = kHolder) {
    const auto promise = std::make_shared<std::promise<std::string>>();
    On([&] {
      fetch_->Fetch(from, hash, [promise](std::string reason) {
        promise->set_value(std::move(reason));
      });
    });
    return promise->get_future();
  }
  std::string Reason(const std::string& hash, NodeId from = kHolder) {
    auto future = Fetch(hash, from);
    return Get(future);
  }
  void Take(const NodeMessage& message, NodeId from = kHolder) {
    On([&] { EXPECT_TRUE(fetch_->Take(from, message)); });
  }
  // The hash of one that the holder has from now on.
  std::string Keep(const std::string& content) {
    const std::string path = root_ + "/program";
    std::ofstream(path, std::ios::trunc) << content;
    std::promise<std::string> promise;
    On([&] {
      there_->Keep(
          base::UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)),
          [&](std::string hash, std::string) { promise.set_value(hash); });
    });
    auto future = promise.get_future();
    return Get(future);
  }
  // What the asker has by now under that hash; "" if nothing.
  [[nodiscard]] std::string Here(const std::string& hash) const {
    std::ifstream file(root_ + "/here/" + hash);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // Programs and scraps.
  [[nodiscard]] std::ptrdiff_t FilesHere() const {
    if (!fs::exists(root_ + "/here")) return 0;
    return std::distance(fs::directory_iterator(root_ + "/here"),
                         fs::directory_iterator());
  }

  void Tell(NodeMessage message) {
    if (auto* part = std::get_if<ProgramPart>(&message)) {
      ++parts_;
      EXPECT_LE(part->bytes.size(), kPartBytesMax);
      queued_bytes_ += part->bytes.size();
      most_queued_ = std::max(most_queued_, queued_bytes_);
      if (edit_) edit_(*part);
    }
    line_.push_back(std::move(message));
    strand_.Post([this] { Carry(); });
  }
  void Carry() {
    if (held_ || line_.empty()) return;
    const NodeMessage message = std::move(line_.front());
    line_.pop_front();
    const auto* part = std::get_if<ProgramPart>(&message);
    if (part != nullptr) {
      queued_bytes_ -= std::min(queued_bytes_, part->bytes.size());
    }
    if (part != nullptr && part->program.empty()) return;  // lost
    EXPECT_TRUE(fetch_->Take(kHolder, message));
  }
  void Release() {
    On([this] {
      held_ = false;
      for (std::size_t i = line_.size(); i > 0; --i) {
        strand_.Post([this] { Carry(); });
      }
    });
  }

  base::Strand strand_{"test"};
  std::string root_;
  std::unique_ptr<ProgramStore> here_;
  std::unique_ptr<ProgramStore> there_;
  std::unique_ptr<ProgramFetch> fetch_;
  std::unique_ptr<ProgramSender> sender_;
  std::deque<NodeMessage> line_;
  std::size_t queued_bytes_ = 0;
  std::size_t most_queued_ = 0;
  int parts_ = 0;
  bool held_ = false;
  bool serves_ = true;
  std::function<void(ProgramPart&)> edit_;
  std::vector<std::pair<NodeId, std::string>> wanted_;
};

ProgramPart Part(const std::string& hash, std::uint64_t offset,
                 std::uint64_t byte_count, std::string bytes) {
  return {hash, offset, byte_count, Bytes::Own(std::move(bytes))};
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(ProgramFetchTest, AProgramComesAsItIs) {
  const std::size_t sizes[] = {0, 1, kPartBytesMax, kPartBytesMax + 1,
                               std::size_t{20} << 20};
  for (const std::size_t size : sizes) {
    SCOPED_TRACE(size);
    const std::string content = Random(size);
    const std::string hash = Keep(content);
    EXPECT_EQ(Reason(hash), "");
    EXPECT_TRUE(Here(hash) == content);
    // For execution, and without reading it once more.
    On([&] {
      bool told = false;
      here_->Open(hash, [&](const ProgramStore::Opened& opened) {
        told = true;
        EXPECT_TRUE(opened.program.valid()) << opened.reason;
      });
      EXPECT_TRUE(told);
    });
  }
  EXPECT_EQ(FilesHere(), 5);
}

TEST_F(ProgramFetchTest, WhoAsksAgainWaitsForTheSame) {
  const std::string hash = Keep(Random(1'000'000));
  On([&] { held_ = true; });
  auto first = Fetch(hash);
  auto second = Fetch(hash);
  auto third = Fetch(hash, kOther);
  Release();
  EXPECT_EQ(Get(first), "");
  EXPECT_EQ(Get(second), "");
  EXPECT_EQ(Get(third), "");
  On([&] {
    EXPECT_EQ(wanted_.size(), 1u);
    EXPECT_EQ(parts_, 4);
  });
}

TEST_F(ProgramFetchTest, SeveralProgramsComeAtOnceAndTheOthersAfterThem) {
  constexpr std::size_t kCount = 9;
  ProgramFetch::Limits limits;
  limits.at_once_max = 2;
  On([&] { Make(limits, ProgramSender::Limits()); });
  std::vector<std::string> hashes;
  for (std::size_t i = 0; i < kCount; ++i) {
    hashes.push_back(Keep(Random(300'000 + i)));
  }
  On([&] { held_ = true; });
  std::vector<std::future<std::string>> futures;
  for (const std::string& hash : hashes) futures.push_back(Fetch(hash));
  On([&] { EXPECT_EQ(wanted_.size(), 2u); });
  Release();
  for (auto& future : futures) EXPECT_EQ(Get(future), "");
  EXPECT_EQ(FilesHere(), static_cast<std::ptrdiff_t>(kCount));
}

TEST_F(ProgramFetchTest, OnlySoManyMayWait) {
  ProgramFetch::Limits limits;
  limits.waiting_max = 1;
  On([&] { Make(limits, ProgramSender::Limits()); });
  serves_ = false;
  auto first = Fetch(kHashOfAbc);
  EXPECT_TRUE(Contains(Reason(kHashOfAbc), "try again"));
  Take(Part(kHashOfAbc, 0, 3, "abc"));
  EXPECT_EQ(Get(first), "");
  EXPECT_TRUE(Contains(Reason("../../x"), "not the hash of a program"));
}

// ---- what goes wrong --------------------------------------------------------

TEST_F(ProgramFetchTest, WhatTheOtherNodeLacksIsSaid) {
  const std::string reason = Reason(kHashOfAbc);
  EXPECT_TRUE(Contains(reason, kHashOfAbc)) << reason;
  EXPECT_TRUE(Contains(reason, kHolder.ToString())) << reason;
  EXPECT_TRUE(Contains(reason, "No such file")) << reason;
  const std::string hash = Keep("abc");
  const std::string path = root_ + "/there/" + hash;
  fs::permissions(path, fs::perms::owner_all);
  std::ofstream(path, std::ios::trunc) << "abd";
  EXPECT_TRUE(Contains(Reason(hash), "damaged"));
  EXPECT_EQ(FilesHere(), 0);
}

TEST_F(ProgramFetchTest, ADamagedOneIsNotKept) {
  const std::string content = Random(1'000'000);
  const std::string hash = Keep(content);
  edit_ = [](ProgramPart& part) {
    if (part.offset == 0) return;
    std::string bytes(part.bytes.view());
    bytes[bytes.size() / 2] ^= 1;
    part.bytes = Bytes::Own(std::move(bytes));
  };
  EXPECT_TRUE(Contains(Reason(hash), "another SHA-256"));
  EXPECT_EQ(FilesHere(), 0);
  On([&] { edit_ = nullptr; });
  EXPECT_EQ(Reason(hash), "") << "it can be asked for again";
  EXPECT_TRUE(Here(hash) == content);
}

TEST_F(ProgramFetchTest, PartsThatAreNotTheNextOnesEndIt) {
  serves_ = false;
  const ProgramPart bad[] = {
      Part(kHashOfAbc, 2, 3, "c"),    // one lacks
      Part(kHashOfAbc, 1, 3, "bcd"),  // too much
      Part(kHashOfAbc, 1, 4, "bc"),   // another size
      Part(kHashOfAbc, 1, 3, ""),     // for ever
  };
  for (const ProgramPart& part : bad) {
    auto future = Fetch(kHashOfAbc);
    Take(Part(kHashOfAbc, 0, 3, "a"));
    Take(part);
    EXPECT_TRUE(Contains(Get(future), "not the next one"));
    Take(Part(kHashOfAbc, 1, 3, "bc"));
    EXPECT_EQ(FilesHere(), 0);
  }
}

TEST_F(ProgramFetchTest, OneThatBeginsAgainForEverEnds) {
  serves_ = false;
  auto future = Fetch(kHashOfAbc);
  for (int i = 0; i < 100; ++i) Take(Part(kHashOfAbc, 0, 3, "a"));
  EXPECT_TRUE(Contains(Get(future), "for ever"));
  EXPECT_EQ(FilesHere(), 0);
}

TEST_F(ProgramFetchTest, OneThatIsTooLargeIsRefusedAtItsFirstPart) {
  ProgramFetch::Limits limits;
  limits.program_bytes_max = 10;
  On([&] { Make(limits, ProgramSender::Limits()); });
  EXPECT_EQ(Reason(Keep(Random(10))), "");
  const std::string reason = Reason(Keep(Random(11)));
  EXPECT_TRUE(Contains(reason, "11 bytes; the limit is 10")) << reason;
  EXPECT_EQ(FilesHere(), 1);
}

TEST_F(ProgramFetchTest, OneForWhichTheStoreHasNoRoomIsRefused) {
  On([&] {
    fetch_.reset();
    here_ = std::make_unique<ProgramStore>(
        strand_, root_ + "/here",
        ProgramStore::Limits{/*count_max=*/5, /*bytes_max=*/10});
    Make(ProgramFetch::Limits(), ProgramSender::Limits());
  });
  EXPECT_TRUE(Contains(Reason(Keep(Random(11))), "may keep 5 of 10 bytes"));
  EXPECT_EQ(FilesHere(), 0);
}

TEST_F(ProgramFetchTest, WhatStopsToComeIsGivenUp) {
  ProgramFetch::Limits limits;
  limits.patience = std::chrono::milliseconds(50);
  On([&] { Make(limits, ProgramSender::Limits()); });
  const std::string hash = Keep(Random(1'000'000));
  edit_ = [](ProgramPart& part) {
    if (part.offset > 0) part.program.clear();
  };
  EXPECT_TRUE(Contains(Reason(hash), "nothing of it came"));
  EXPECT_EQ(FilesHere(), 0);
  // Those that do come give it more time, whatever it takes in all.
  On([&] { edit_ = nullptr; });
  serves_ = false;
  auto future = Fetch(kHashOfAbc);
  Take(Part(kHashOfAbc, 0, 3, "a"));
  Take(Part(kHashOfAbc, 1, 3, "b"));
  Take(Part(kHashOfAbc, 2, 3, "c"));
  EXPECT_EQ(Get(future), "");
}

TEST_F(ProgramFetchTest, ANodeThatIsLostMidwayEndsItAndAnotherIsAsked) {
  serves_ = false;
  auto first = Fetch(kHashOfAbc, kOther);
  auto second = Fetch(kHashOfAbc, kHolder);
  auto third = Fetch(kHashOfAbc, kOther);
  Take(Part(kHashOfAbc, 0, 3, "ab"), kOther);
  On([&] { EXPECT_EQ(wanted_.size(), 1u); });
  On([&] { fetch_->CloseNode(kOther); });
  EXPECT_TRUE(Contains(Get(first), "lost"));
  EXPECT_TRUE(Contains(Get(third), "lost"));
  On([&] {
    ASSERT_EQ(wanted_.size(), 2u);
    EXPECT_EQ(wanted_[1].first, kHolder);
  });
  // The other one's last parts are not of this.
  Take(Part(kHashOfAbc, 0, 3, "xy"), kOther);
  Take(ProgramLacking{kHashOfAbc, "no"}, kOther);
  Take(Part(kHashOfAbc, 0, 3, "ab"));
  Take(Part(kHashOfAbc, 2, 3, "c"));
  EXPECT_EQ(Get(second), "");
  EXPECT_EQ(Here(kHashOfAbc), "abc");
  EXPECT_EQ(FilesHere(), 1);
}

TEST_F(ProgramFetchTest, ANodeThatIsLostIsAskedForNothingMore) {
  ProgramFetch::Limits limits;
  limits.at_once_max = 1;
  On([&] { Make(limits, ProgramSender::Limits()); });
  serves_ = false;
  auto first = Fetch(kHashOfAbc);
  auto second = Fetch(std::string(64, 'a'));
  auto third = Fetch(std::string(64, 'b'), kOther);
  On([&] {
    fetch_->CloseNode(kHolder);
    ASSERT_EQ(wanted_.size(), 2u);
    EXPECT_EQ(wanted_[1].first, kOther);
  });
  EXPECT_TRUE(Contains(Get(first), "lost"));
  EXPECT_TRUE(Contains(Get(second), "lost"));
  Take(ProgramLacking{std::string(64, 'b'), "gone"}, kOther);
  EXPECT_TRUE(Contains(Get(third), "gone"));
}

TEST_F(ProgramFetchTest, TheRestOfAnEarlierTimeIsNotOfThis) {
  serves_ = false;
  auto first = Fetch(kHashOfAbc);
  Take(ProgramLacking{kHashOfAbc, ""});
  EXPECT_TRUE(Contains(Get(first), "no such program"));
  auto second = Fetch(kHashOfAbc);
  Take(Part(kHashOfAbc, 1, 3, "x"));
  Take(Part(kHashOfAbc, 2, 3, "y"));
  Take(Part(kHashOfAbc, 0, 3, "x"));
  EXPECT_EQ(FilesHere(), 1);
  Take(Part(kHashOfAbc, 0, 3, "ab"));
  Take(Part(kHashOfAbc, 2, 3, "c"));
  EXPECT_EQ(Get(second), "");
  EXPECT_EQ(Here(kHashOfAbc), "abc");
  On([&] { EXPECT_FALSE(fetch_->Take(kHolder, WantProgram{kHashOfAbc})); });
}

TEST_F(ProgramFetchTest, TheEndOfTheFetchCallsNobody) {
  serves_ = false;
  On([&] {
    fetch_->Fetch(kHolder, kHashOfAbc, [](const std::string&) { FAIL(); });
    fetch_->Fetch(kHolder, "no hash", [](const std::string&) { FAIL(); });
    fetch_.reset();
  });
  On([] {});
}

// ---- who sends --------------------------------------------------------------

TEST_F(ProgramFetchTest, NoMoreIsReadThanTheLineCarries) {
  ProgramSender::Limits limits;
  limits.queued_bytes_max = std::size_t{1} << 20;
  On([&] { Make(ProgramFetch::Limits(), limits); });
  const std::string content = Random(std::size_t{8} << 20);
  const std::string hash = Keep(content);
  const std::string other = Keep(Random(std::size_t{7} << 20));
  On([&] { held_ = true; });
  auto first = Fetch(hash);
  auto second = Fetch(other);
  for (int i = 0; i < 100; ++i) On([] {});
  Release();
  EXPECT_EQ(Get(first), "");
  EXPECT_EQ(Get(second), "");
  EXPECT_TRUE(Here(hash) == content);
  On([&] {
    EXPECT_GE(most_queued_, limits.queued_bytes_max);
    EXPECT_LT(most_queued_, limits.queued_bytes_max + kPartBytesMax);
  });
}

TEST_F(ProgramFetchTest, WhoIsAskedAgainBeginsAgain) {
  const std::string content = Random(3'000'000);
  const std::string hash = Keep(content);
  On([&] {
    held_ = true;
    sender_->Serve(kAsker, hash);
  });
  while (true) {
    int parts = 0;
    On([&] { parts = parts_; });
    if (parts >= 3) break;
  }
  auto future = Fetch(hash);
  Release();
  EXPECT_EQ(Get(future), "");
  EXPECT_TRUE(Here(hash) == content);
}

TEST_F(ProgramFetchTest, OnlySoManyAreSentAtOnceAndNoneToANodeThatIsLost) {
  ProgramSender::Limits limits;
  limits.at_once_max = 1;
  limits.queued_bytes_max = 1;
  On([&] { Make(ProgramFetch::Limits(), limits); });
  const std::string first_hash = Keep(Random(1'000'000));
  const std::string second_hash = Keep(Random(1'000'001));
  On([&] { held_ = true; });
  auto first = Fetch(first_hash);
  auto second = Fetch(second_hash);
  On([&] {
    EXPECT_LE(parts_, 1) << "the first waits for room";
    const auto* lacking = std::get_if<ProgramLacking>(&line_.back());
    if (parts_ == 1 && lacking == nullptr) {
      lacking = std::get_if<ProgramLacking>(&line_.front());
    }
    ASSERT_NE(lacking, nullptr);
    EXPECT_EQ(lacking->program, second_hash);
    EXPECT_TRUE(Contains(lacking->reason, "sends 1 programs already"));
    sender_->CloseNode(kAsker);
    fetch_->CloseNode(kHolder);
    line_.clear();
    queued_bytes_ = 0;
    held_ = false;
  });
  EXPECT_TRUE(Contains(Get(first), "lost"));
  EXPECT_TRUE(Contains(Get(second), "lost"));
  // The place is free again.
  EXPECT_EQ(Reason(second_hash), "");
}

}  // namespace
}  // namespace mobula::raylet
