// Channels against a model: processes of two nodes that open, write, read and
// end as chance has it, over a line that delivers when chance has it.
//
// Each opening of an end writes a stream of its own, which begins with its
// number. So a reader knows what it must see: one opening of the other end for
// each of its own, a later one each time, as it was written, from its beginning
// and, where that end went as processes go, to its end.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/strand.h"
#include "raylet/channels/channels.h"

namespace mobula::raylet {
namespace {

using base::NodeId;
using base::NodeMessage;
using base::OpenChannel;
using base::ProcessId;
using base::UniqueFd;

constexpr int kProcesses = 2;  // of each node; each pair of them has a channel
constexpr int kPairs = kProcesses * kProcesses;
constexpr int kSteps = 4000;
constexpr std::size_t kPeriod = 100'003;
constexpr std::size_t kPieceMax = 150'000;

NodeId NodeOf(int side) { return {static_cast<std::uint64_t>(side) + 1, 0}; }
// Of this side, in that pair.
ProcessId ProcessOf(int pair, int side) {
  const int index = side == 0 ? pair / kProcesses : pair % kProcesses;
  return {static_cast<std::uint64_t>(10 * (side + 1) + index), 0};
}

// What the runs of all seeds did, so that none can pass by doing nothing.
struct Counts {
  int openings = 0;
  int whole = 0;  // streams that were read to their end
  std::uint64_t bytes = 0;
  int cut = 0;
  int refused = 0;
};

class Model {
 public:
  Model(std::uint64_t seed, Counts& counts) : random_(seed), counts_(counts) {
    for (std::size_t i = 0; i < kPeriod + kPieceMax; ++i) {
      text_.push_back(i < kPeriod ? static_cast<char>(random_())
                                  : text_[i - kPeriod]);
    }
    for (int side = 0; side < 2; ++side) {
      Channels::Callbacks callbacks;
      callbacks.tell = [this, side](NodeId, NodeMessage message) {
        lines_[side].push_back(std::move(message));
      };
      callbacks.on_closed = [this, side](ProcessId local, ProcessId afar) {
        Closed(side, local, afar);
      };
      channels_[side] = std::make_unique<Channels>(
          strand_, std::move(callbacks), std::chrono::minutes(10));
    }
  }
  void Run() {
    strand_.Post([this] { Step(); });
    strand_.Run();
  }

 private:
  struct Opening {
    int pair = 0;
    int side = 0;
    std::uint64_t number = 0;
    UniqueFd socket;
    std::uint64_t written = 0;
    bool is_closed = false;  // the raylet has said so, or was told to
    bool is_ended = false;   // by something that this end did
    bool is_cut = false;     // the nodes lost one another
    // What it reads.
    std::string head;
    std::uint64_t peer = 0;  // the number that head says
    std::uint64_t read = 0;
  };
  struct Stream {
    std::uint64_t size = 0;
    bool is_whole = false;  // it ended as processes end
  };
  using Openings = std::vector<std::unique_ptr<Opening>>;

  Channels& At(int side) { return *channels_[side]; }
  std::uint64_t Below(std::uint64_t n) { return random_() % n; }

  [[nodiscard]] std::string_view Text(const Opening& of, int side,
                                      std::uint64_t number, std::uint64_t place,
                                      std::size_t size) const {
    const std::uint64_t from = number * 7919 + side * 31 + of.pair * 1009;
    return std::string_view(text_).substr((from + place) % kPeriod, size);
  }
  Opening* Live(int pair, int side) {
    for (const auto& each : openings_) {
      if (each->pair == pair && each->side == side && !each->is_closed) {
        return each.get();
      }
    }
    return nullptr;
  }

  void Step() {
    ++steps_;
    if (testing::Test::HasFailure()) return strand_.Stop();
    if (steps_ > kSteps) {
      if (Finish()) return strand_.Stop();
    } else {
      Act();
    }
    strand_.Post([this] { Step(); });
  }

  void Act() {
    const int pair = static_cast<int>(Below(kPairs));
    const int side = static_cast<int>(Below(2));
    const std::uint64_t chance = Below(1000);
    if (chance < 60) {
      if (Live(pair, side) == nullptr) Open(pair, side);
    } else if (chance < 250) {
      Carry(side, Below(8));
    } else if (chance < 600) {
      if (Opening* const live = Live(pair, side)) Write(*live);
    } else if (chance < 960) {
      if (!openings_.empty()) ReadOne(Below(openings_.size()));
    } else if (chance < 975) {
      if (Opening* const live = Live(pair, side)) EndSocket(*live);
    } else if (chance < 985) {
      EndProcess(ProcessOf(pair, side), side);
    } else if (chance < 997) {
      Close(pair, side);
    } else {
      Cut();
    }
  }

  void Open(int pair, int side) {
    UniqueFd socket = At(side).Open(NodeOf(1 - side), ProcessOf(pair, side),
                                    ProcessOf(pair, 1 - side));
    if (!socket.valid()) return;
    Add(pair, side, std::move(socket));
    lines_[side].emplace_back(
        OpenChannel{ProcessOf(pair, side), ProcessOf(pair, 1 - side)});
  }
  void Add(int pair, int side, UniqueFd socket) {
    auto opening = std::make_unique<Opening>();
    opening->pair = pair;
    opening->side = side;
    opening->number = ++numbers_;
    opening->socket = std::move(socket);
    openings_.push_back(std::move(opening));
    ++counts_.openings;
  }

  // From that side to the other.
  void Carry(int side, std::uint64_t count) {
    for (; count > 0 && !lines_[side].empty(); --count) {
      const NodeMessage message = std::move(lines_[side].front());
      lines_[side].pop_front();
      const auto* open = std::get_if<OpenChannel>(&message);
      if (open == nullptr) {
        EXPECT_TRUE(At(1 - side).Take(NodeOf(side), message));
      } else {
        TakeOpen(*open, 1 - side);
      }
    }
  }
  void TakeOpen(const OpenChannel& open, int side) {
    if (At(side).Has(open.to, open.from)) return;
    UniqueFd socket;
    if (Below(8) != 0) {
      socket = At(side).Open(NodeOf(1 - side), open.to, open.from);
    }
    if (!socket.valid()) {
      ++counts_.refused;
      return At(side).Refuse(NodeOf(1 - side), open.to, open.from);
    }
    for (int pair = 0; pair < kPairs; ++pair) {
      if (ProcessOf(pair, side) == open.to &&
          ProcessOf(pair, 1 - side) == open.from) {
        Add(pair, side, std::move(socket));
      }
    }
  }

  void Write(Opening& opening) {
    if (!opening.socket.valid()) return;
    std::string piece;
    if (opening.written < sizeof opening.number) {
      if (opening.written > 0) return;  // the socket took a part of the head
      piece.assign(reinterpret_cast<const char*>(&opening.number),
                   sizeof opening.number);
    } else {
      const std::size_t size = Below(Below(2) == 0 ? kPieceMax : 500) + 1;
      piece =
          Text(opening, opening.side, opening.number, opening.written, size);
    }
    const ssize_t n = ::send(opening.socket.get(), piece.data(), piece.size(),
                             MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) opening.written += static_cast<std::uint64_t>(n);
  }

  void ReadOne(std::size_t index) {
    Opening& opening = *openings_[index];
    if (opening.socket.valid() && !ReadSome(opening)) opening.socket.Reset();
    // Nothing more is to be heard of it.
    if (!opening.socket.valid() && opening.is_closed) {
      openings_.erase(openings_.begin() + static_cast<std::ptrdiff_t>(index));
    }
  }
  // False at the end.
  bool ReadSome(Opening& opening) {
    std::string part(Below(kPieceMax) + 1, '\0');
    const ssize_t n =
        ::recv(opening.socket.get(), part.data(), part.size(), MSG_DONTWAIT);
    if (n < 0) {
      EXPECT_EQ(errno, EAGAIN);
      return errno == EAGAIN;
    }
    if (n == 0) {
      CheckEnd(opening);
      return false;
    }
    part.resize(static_cast<std::size_t>(n));
    counts_.bytes += part.size();
    if (opening.read < sizeof opening.peer) TakeHead(opening, part);
    const std::size_t skipped =
        opening.read < sizeof opening.peer
            ? std::min<std::size_t>(part.size(),
                                    sizeof opening.peer - opening.read)
            : 0;
    opening.read += skipped;
    const std::string_view rest = std::string_view(part).substr(skipped);
    EXPECT_TRUE(rest == Text(opening, 1 - opening.side, opening.peer,
                             opening.read, rest.size()))
        << "after " << opening.read << " bytes";
    opening.read += rest.size();
    return true;
  }
  void TakeHead(Opening& opening, const std::string& part) {
    opening.head += part.substr(0, sizeof opening.peer - opening.head.size());
    if (opening.head.size() < sizeof opening.peer) return;
    std::memcpy(&opening.peer, opening.head.data(), sizeof opening.peer);
    auto& seen = seen_[{opening.pair, opening.side}];
    const auto at = seen.emplace(opening.number, opening.peer).first;
    if (at != seen.begin()) {
      EXPECT_GT(opening.peer, std::prev(at)->second) << "of one before";
    }
    if (std::next(at) != seen.end()) {
      EXPECT_LT(opening.peer, std::next(at)->second) << "of one after";
    }
  }
  void CheckEnd(const Opening& opening) {
    EXPECT_TRUE(opening.is_closed) << "an end that nobody spoke of";
    if (opening.is_ended || opening.is_cut || opening.peer == 0) return;
    const Stream& stream = streams_[opening.peer];
    if (!stream.is_whole) return;
    EXPECT_EQ(opening.read, stream.size);
    ++counts_.whole;
  }

  // ---- ends
  void Closed(int side, ProcessId local, ProcessId afar) {
    EXPECT_FALSE(At(side).Has(local, afar));
    for (const auto& each : openings_) {
      if (!each->is_closed && each->side == side &&
          ProcessOf(each->pair, side) == local &&
          ProcessOf(each->pair, 1 - side) == afar) {
        each->is_closed = true;
        return;
      }
    }
    ADD_FAILURE() << "closed what was not open";
  }
  void End(Opening& opening) {
    if (!opening.is_ended) {
      streams_[opening.number] = {opening.written, !opening.is_closed};
    }
    opening.is_ended = true;
  }
  void EndSocket(Opening& opening) {
    End(opening);
    opening.socket.Reset();
  }
  void EndProcess(ProcessId process, int side) {
    for (const auto& each : openings_) {
      if (each->side == side && ProcessOf(each->pair, side) == process) {
        End(*each);
      }
    }
    At(side).ProcessEnding(process);
    for (const auto& each : openings_) {
      if (each->side == side && ProcessOf(each->pair, side) == process) {
        EXPECT_TRUE(each->is_closed);
        each->socket.Reset();
      }
    }
  }
  void Close(int pair, int side) {
    Opening* const live = Live(pair, side);
    if (live == nullptr || live->is_ended) return;
    live->is_ended = true;  // streams_ knows nothing of it: any part may come
    live->is_closed = true;
    At(side).Close(ProcessOf(pair, side), ProcessOf(pair, 1 - side));
  }
  void Cut() {
    ++counts_.cut;
    for (const auto& each : openings_) {
      if (!each->is_closed) each->is_cut = true;
    }
    for (int side = 0; side < 2; ++side) {
      At(side).CloseNode(NodeOf(1 - side));
      EXPECT_EQ(At(side).count(), 0u);
    }
    for (auto& line : lines_) line.clear();
  }

  // All ends of one node go; whether that has been heard of everywhere.
  bool Finish() {
    if (deadline_ == base::BootTime()) {
      deadline_ = base::BootNow() + std::chrono::seconds(20);
    }
    for (const auto& each : openings_) {
      if (each->side == 0 && !each->is_closed) EndSocket(*each);
    }
    for (int side = 0; side < 2; ++side) Carry(side, lines_[side].size());
    for (std::size_t i = openings_.size(); i > 0; --i) ReadOne(i - 1);
    const bool is_over =
        openings_.empty() && lines_[0].empty() && lines_[1].empty();
    EXPECT_TRUE(is_over || base::BootNow() < deadline_) << "it does not end";
    if (!is_over) return false;
    for (int side = 0; side < 2; ++side) {
      EXPECT_EQ(At(side).count(), 0u);
      for (int pair = 0; pair < kPairs; ++pair) {
        EXPECT_TRUE(At(side)
                        .Open(NodeOf(1 - side), ProcessOf(pair, side),
                              ProcessOf(pair, 1 - side))
                        .valid())
            << "one that is over still stands in the way";
      }
    }
    return true;
  }

  std::mt19937_64 random_;
  Counts& counts_;
  std::string text_;
  base::Strand strand_{"model"};
  std::array<std::deque<NodeMessage>, 2> lines_;
  std::array<std::unique_ptr<Channels>, 2> channels_;
  Openings openings_;
  std::uint64_t numbers_ = 0;
  std::map<std::uint64_t, Stream> streams_;  // by number of the opening
  // By pair and side: which opening of the other end each one has read.
  std::map<std::pair<int, int>, std::map<std::uint64_t, std::uint64_t>> seen_;
  int steps_ = 0;
  base::BootTime deadline_;
};

TEST(ChannelsRandom, WhatIsReadIsWhatWasWritten) {
  Counts counts;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Model(seed, counts).Run();
    if (HasFailure()) return;
  }
  EXPECT_GT(counts.openings, 4'000);
  EXPECT_GT(counts.whole, 300);
  EXPECT_GT(counts.bytes, 200'000'000u);
  EXPECT_GT(counts.cut, 100);
  EXPECT_GT(counts.refused, 200);
}

}  // namespace
}  // namespace mobula::raylet
