#include "raylet/channels/channels.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "base/error_text.h"
#include "base/log.h"

namespace mobula::raylet {
namespace {

using base::Bytes;
using base::NodeId;
using base::ProcessId;
using base::Strand;
using base::UniqueFd;

constexpr std::size_t kReadBytes = std::size_t{64} << 10;  // of one message
constexpr std::size_t kCopiedBytesMax = kReadBytes / 4;
// Of one channel in one turn of the strand.
constexpr int kReadsMax = 4;
constexpr int kNoLimit = std::numeric_limits<int>::max();
constexpr int kDiscardsMax = 64;
// A raylet that answers no CloseChannel must not fill our memory.
constexpr std::size_t kEndingMax = 65'536;

}  // namespace

Channels::Channels(Strand& strand, Callbacks callbacks,
                   base::Duration drain_time)
    : strand_(strand),
      callbacks_(std::move(callbacks)),
      drain_time_(drain_time) {
  MOBULA_CHECK(callbacks_.tell && callbacks_.on_closed);
}

Channels::~Channels() {
  strand_.AssertHeld();
  while (!channels_.empty()) Remove(channels_.begin()->first);
}

UniqueFd Channels::Open(NodeId node, ProcessId local, ProcessId afar) {
  strand_.AssertHeld();
  const Pair pair{local, afar};
  if (open_.contains(pair) || ending_.contains(pair)) return UniqueFd();
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    MOBULA_LOG(ERROR) << "no channel between two processes: "
                      << base::ErrorText();
    return UniqueFd();
  }
  auto channel = std::make_unique<Channel>();
  channel->pair = pair;
  channel->node = node;
  channel->socket.Reset(ends[0]);
  const Number number = ++numbers_;
  Watch(*channel, number);
  channels_.emplace(number, std::move(channel));
  open_.emplace(pair, number);
  return UniqueFd(ends[1]);
}

bool Channels::Has(ProcessId local, ProcessId afar) const {
  strand_.AssertHeld();
  return open_.contains(Pair{local, afar});
}

std::size_t Channels::count() const {
  strand_.AssertHeld();
  return open_.size();
}

void Channels::Refuse(NodeId node, ProcessId local, ProcessId afar) {
  strand_.AssertHeld();
  const Pair pair{local, afar};
  if (open_.contains(pair) || ending_.contains(pair)) return;
  TellClosed(node, pair);
}

// ---- what comes -------------------------------------------------------------

bool Channels::Take(NodeId from, const base::NodeMessage& message) {
  strand_.AssertHeld();
  if (const auto* bytes = std::get_if<base::ChannelBytes>(&message)) {
    TakeBytes(from, *bytes);
  } else if (const auto* credit = std::get_if<base::ChannelCredit>(&message)) {
    TakeCredit(from, *credit);
  } else if (const auto* close = std::get_if<base::CloseChannel>(&message)) {
    TakeClose(from, Pair{close->to, close->from});
  } else {
    return false;
  }
  return true;
}

Channels::Channel* Channels::Find(Number number) {
  const auto found = channels_.find(number);
  return found == channels_.end() ? nullptr : found->second.get();
}

Channels::Number Channels::NumberOf(NodeId from, Pair pair) {
  const auto found = open_.find(pair);
  if (found != open_.end()) {
    const bool is_theirs = channels_.at(found->second)->node == from;
    return is_theirs ? found->second : 0;
  }
  if (!ending_.contains(pair)) TellClosed(from, pair);
  return 0;
}

void Channels::TakeBytes(NodeId from, const base::ChannelBytes& bytes) {
  const Number number = NumberOf(from, Pair{bytes.to, bytes.from});
  if (number == 0) return;
  Channel& channel = *channels_.at(number);
  if (!channel.flow.Arrived(bytes.bytes.size())) {
    return EndForFault(number, "more bytes than it had credit for");
  }
  channel.waiting.Add(bytes.bytes);
  // Where some wait already the socket takes none.
  if ((channel.watched & Strand::kWritable) != 0) return;
  if (!Write(channel)) return EndLocal(number);
  Watch(channel, number);
}

void Channels::TakeCredit(NodeId from, const base::ChannelCredit& credit) {
  const Number number = NumberOf(from, Pair{credit.to, credit.from});
  if (number == 0) return;
  Channel& channel = *channels_.at(number);
  if (!channel.flow.Credited(credit.byte_count)) {
    return EndForFault(number, "credit for bytes that it was not sent");
  }
  Watch(channel, number);
}

void Channels::TakeClose(NodeId from, Pair pair) {
  const auto ending = ending_.find(pair);
  if (ending != ending_.end()) {
    if (ending->second == from) ending_.erase(ending);
    return;
  }
  const auto found = open_.find(pair);
  if (found == open_.end() || channels_.at(found->second)->node != from) {
    return;
  }
  callbacks_.tell(from, base::CloseChannel{pair.local, pair.afar});
  EndAfar(found->second);
}

// ---- sockets ----------------------------------------------------------------

void Channels::OnReady(Number number, std::uint32_t ready) {
  Channel* const channel = Find(number);
  if (channel == nullptr) return;
  const bool is_gone = (ready & Strand::kHangup) != 0;
  if (channel->drain_timer != 0) {
    if (is_gone || !Write(*channel) || channel->waiting.empty()) {
      Remove(number);
    }
    return;
  }
  if (is_gone) return EndLocal(number);
  if ((ready & Strand::kWritable) != 0 && !Write(*channel)) {
    return EndLocal(number);
  }
  if ((ready & Strand::kReadable) != 0 && !Read(*channel, kReadsMax)) {
    return EndHere(number);
  }
  Watch(*channel, number);
}

// A hang-up is heard of whatever is watched for.
void Channels::Watch(Channel& channel, Number number) {
  std::uint32_t events = Strand::kHangup;
  if (channel.drain_timer == 0 && channel.flow.may_send() > 0) {
    events |= Strand::kReadable;
  }
  if (!channel.waiting.empty()) events |= Strand::kWritable;
  if (events == channel.watched) return;
  channel.watched = events;
  strand_.Watch(channel.socket.get(), events,
                [this, number](std::uint32_t ready) {
                  strand_.AssertHeld();
                  OnReady(number, ready);
                });
}

bool Channels::Read(Channel& channel, int reads_max) {
  for (int i = 0; i < reads_max; ++i) {
    const std::size_t room =
        std::min<std::uint64_t>(channel.flow.may_send(), kReadBytes);
    if (room == 0) return true;
    if (scratch_ == nullptr) {
      scratch_ = std::make_unique_for_overwrite<char[]>(kReadBytes);
    }
    const ssize_t n =
        ::recv(channel.socket.get(), scratch_.get(), room, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return true;
    if (n <= 0) return false;
    const auto byte_count = static_cast<std::size_t>(n);
    channel.flow.Sent(byte_count);
    callbacks_.tell(channel.node,
                    base::ChannelBytes{channel.pair.local, channel.pair.afar,
                                       TakeScratch(byte_count)});
  }
  return true;
}

// A small piece must not keep a large block alive.
Bytes Channels::TakeScratch(std::size_t byte_count) {
  if (byte_count <= kCopiedBytesMax) {
    return Bytes::Own(std::string(scratch_.get(), byte_count));
  }
  const std::shared_ptr<const char[]> block = std::move(scratch_);
  return Bytes::Share(block, std::string_view(block.get(), byte_count));
}

bool Channels::Write(Channel& channel) {
  std::uint64_t taken_bytes = 0;
  const WaitingBytes::Result result =
      channel.waiting.SendTo(channel.socket.get(), &taken_bytes);
  const std::uint64_t credit = channel.flow.Taken(taken_bytes);
  if (credit > 0 && channel.drain_timer == 0) {
    callbacks_.tell(
        channel.node,
        base::ChannelCredit{channel.pair.local, channel.pair.afar, credit});
  }
  return result != WaitingBytes::Result::kBroken;
}

// ---- ends -------------------------------------------------------------------

void Channels::ProcessEnding(ProcessId local) {
  strand_.AssertHeld();
  std::vector<Number> open;
  std::vector<Number> draining;
  for (const auto& [number, channel] : channels_) {
    if (channel->pair.local != local) continue;
    (channel->drain_timer == 0 ? open : draining).push_back(number);
  }
  for (const Number number : draining) Remove(number);
  for (const Number number : open) {
    if (Find(number) != nullptr) EndLocal(number);
  }
}

void Channels::CloseNode(NodeId node) {
  strand_.AssertHeld();
  std::erase_if(ending_, [&](const auto& each) { return each.second == node; });
  std::vector<Number> open;
  for (const auto& [pair, number] : open_) {
    if (channels_.at(number)->node == node) open.push_back(number);
  }
  for (const Number number : open) {
    const Channel* const channel = Find(number);
    if (channel != nullptr && channel->drain_timer == 0) EndAfar(number);
  }
}

void Channels::Close(ProcessId local, ProcessId afar) {
  strand_.AssertHeld();
  const Pair pair{local, afar};
  const auto found = open_.find(pair);
  if (found == open_.end()) return;
  const NodeId node = channels_.at(found->second)->node;
  Remove(found->second);
  TellClosed(node, pair);
}

void Channels::EndLocal(Number number) {
  Channel& channel = *channels_.at(number);
  channel.flow.Ending();
  Read(channel, kNoLimit);
  EndHere(number);
}

void Channels::EndHere(Number number) {
  const Channel& channel = *channels_.at(number);
  const Pair pair = channel.pair;
  const NodeId node = channel.node;
  Remove(number);
  TellClosed(node, pair);
  callbacks_.on_closed(pair.local, pair.afar);
}

void Channels::EndForFault(Number number, const char* what) {
  const Channel& channel = *channels_.at(number);
  MOBULA_LOG(ERROR) << "node " << channel.node.ToString() << " sent " << what
                    << ": the channel of " << channel.pair.local.ToString()
                    << " and " << channel.pair.afar.ToString() << " is closed";
  EndHere(number);
}

void Channels::EndAfar(Number number) {
  Channel& channel = *channels_.at(number);
  const Pair pair = channel.pair;
  open_.erase(pair);
  if (channel.waiting.empty()) {
    Remove(number);
  } else {
    channel.drain_timer =
        strand_.PostAt(strand_.Now() + drain_time_, [this, number] {
          strand_.AssertHeld();
          Remove(number);
        });
    Watch(channel, number);
  }
  callbacks_.on_closed(pair.local, pair.afar);
}

void Channels::TellClosed(NodeId node, Pair pair) {
  if (ending_.size() < kEndingMax) ending_.emplace(pair, node);
  callbacks_.tell(node, base::CloseChannel{pair.local, pair.afar});
}

void Channels::Remove(Number number) {
  const auto taken = channels_.extract(number);
  MOBULA_CHECK(!taken.empty());
  Channel& channel = *taken.mapped();
  if (channel.drain_timer == 0) {
    open_.erase(channel.pair);
  } else {
    strand_.Cancel(channel.drain_timer);
  }
  CloseSocket(channel);
}

// Closed with something unread in it the other end would see an error, and not
// the end of what it was written.
void Channels::CloseSocket(Channel& channel) {
  strand_.Unwatch(channel.socket.get());
  ::shutdown(channel.socket.get(), SHUT_RDWR);
  if (scratch_ == nullptr) {
    scratch_ = std::make_unique_for_overwrite<char[]>(kReadBytes);
  }
  for (int i = 0; i < kDiscardsMax; ++i) {
    const ssize_t n =
        ::recv(channel.socket.get(), scratch_.get(), kReadBytes, MSG_DONTWAIT);
    if (n <= 0) break;
  }
  channel.socket.Reset();
}

}  // namespace mobula::raylet
