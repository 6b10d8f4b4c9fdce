// Channels are the raylet's ends of sockets between a process of this node and
// one of another: what the one writes goes as ChannelBytes to the raylet of the
// other, which writes it to the socket of that one.
//
//   absent --Open--> open --ended here--> ending --CloseChannel--> absent
//                    open --CloseChannel--> absent (one is told in answer)
// A channel is ended here by Close, by the end of the local process or of its
// socket, or by a peer that sends more than it may. Either end says
// CloseChannel once, and what still comes for a channel that is ending is
// dropped: so a new one of the same two processes never sees the bytes of the
// one before. What had come for the local process before the channel was ended
// from afar is written to its socket all the same, for kDrainTime; then it is
// closed. Who reads slowly holds up its own channel alone (channel_flow.h); no
// channel keeps the strand from the others for more than a few reads. Owner:
// Server.   Threading: everything on the strand given; callbacks run there,
// within the call or when a socket is ready; `tell` must not call back into
// this, on_closed may. Invariants: (1) what the local process writes is told in
// order, and before CloseChannel; (2) after CloseChannel nothing is told of
// that channel. Failure: a channel for which there is no descriptor is not
// opened; one that cannot go on is closed.
#ifndef MOBULA_RAYLET_CHANNELS_CHANNELS_H_
#define MOBULA_RAYLET_CHANNELS_CHANNELS_H_

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/frames/node_message.h"
#include "base/ids.h"
#include "base/strand.h"
#include "base/thread_annotations.h"
#include "base/unique_fd.h"
#include "raylet/channels/channel_flow.h"
#include "raylet/channels/waiting_bytes.h"

namespace mobula::raylet {

class Channels {
 public:
  static constexpr base::Duration kDrainTime = std::chrono::seconds(10);

  struct Callbacks {
    // To the raylet of that node, in this order.
    std::function<void(base::NodeId node, base::NodeMessage message)> tell;
    // Has(local, afar) is false from now on. Not after Close.
    std::function<void(base::ProcessId local, base::ProcessId afar)> on_closed;
  };

  Channels(base::Strand& strand, Callbacks callbacks,
           base::Duration drain_time = kDrainTime);
  ~Channels();  // closes all sockets, and tells nothing
  Channels(const Channels&) = delete;
  Channels& operator=(const Channels&) = delete;

  // `afar` is a process of `node`, `local` one of this node: the latter's end
  // of the socket. Invalid where the two have a channel, or had one that is
  // ending still, or where the system gives no socket. Tells nothing:
  // OpenChannel, and Attach, are its owner's.
  [[nodiscard]] base::UniqueFd Open(base::NodeId node, base::ProcessId local,
                                    base::ProcessId afar);
  [[nodiscard]] bool Has(base::ProcessId local, base::ProcessId afar) const;
  // Answers an OpenChannel of `afar` where none could be opened here (`local`
  // is not there, Open gave nothing). Nothing to do where one is ending.
  void Refuse(base::NodeId node, base::ProcessId local, base::ProcessId afar);
  // False if it is none of ChannelBytes, ChannelCredit and CloseChannel.
  bool Take(base::NodeId from, const base::NodeMessage& message);
  // It has exited: what it wrote is told, then CloseChannel, for each of its
  // channels, before this returns. The other end's credit does not hold these
  // bytes back.
  void ProcessEnding(base::ProcessId local);
  // The node is lost, or the line to it was given up.
  void CloseNode(base::NodeId node);
  void Close(base::ProcessId local, base::ProcessId afar);

  [[nodiscard]] std::size_t count() const;  // that are open

 private:
  struct Pair {
    base::ProcessId local;
    base::ProcessId afar;
    friend auto operator<=>(const Pair&, const Pair&) = default;
  };
  struct Channel {
    Pair pair;
    base::NodeId node;
    base::UniqueFd socket;
    ChannelFlow flow;
    WaitingBytes waiting;
    std::uint32_t watched = 0;
    // Not 0: ended from afar; what waits is written until then.
    base::Strand::TimerId drain_timer = 0;
  };
  // Names a channel for as long as it has a socket; never reused.
  using Number = std::uint64_t;

  [[nodiscard]] Channel* Find(Number number) MOBULA_REQUIRES(strand_);
  // 0 if they have none. Who speaks of a channel that never was is told so.
  [[nodiscard]] Number NumberOf(base::NodeId from, Pair pair)
      MOBULA_REQUIRES(strand_);
  void OnReady(Number number, std::uint32_t ready) MOBULA_REQUIRES(strand_);
  void Watch(Channel& channel, Number number) MOBULA_REQUIRES(strand_);
  // False if the local process's end of the socket is closed.
  bool Read(Channel& channel, int reads_max) MOBULA_REQUIRES(strand_);
  bool Write(Channel& channel) MOBULA_REQUIRES(strand_);
  // What has been read into scratch_.
  base::Bytes TakeScratch(std::size_t byte_count) MOBULA_REQUIRES(strand_);

  void TakeBytes(base::NodeId from, const base::ChannelBytes& bytes)
      MOBULA_REQUIRES(strand_);
  void TakeCredit(base::NodeId from, const base::ChannelCredit& credit)
      MOBULA_REQUIRES(strand_);
  void TakeClose(base::NodeId from, Pair pair) MOBULA_REQUIRES(strand_);

  // The local process will write no more: passes on what it wrote.
  void EndLocal(Number number) MOBULA_REQUIRES(strand_);
  void EndHere(Number number) MOBULA_REQUIRES(strand_);
  void EndAfar(Number number) MOBULA_REQUIRES(strand_);
  // It sent what it must not.
  void EndForFault(Number number, const char* what) MOBULA_REQUIRES(strand_);
  void TellClosed(base::NodeId node, Pair pair) MOBULA_REQUIRES(strand_);
  void Remove(Number number) MOBULA_REQUIRES(strand_);
  void CloseSocket(Channel& channel) MOBULA_REQUIRES(strand_);

  base::Strand& strand_;
  const Callbacks callbacks_;
  const base::Duration drain_time_;
  std::map<Number, std::unique_ptr<Channel>> channels_
      MOBULA_GUARDED_BY(strand_);
  std::map<Pair, Number> open_ MOBULA_GUARDED_BY(strand_);
  // CloseChannel has been told, that of the other end has not come.
  std::map<Pair, base::NodeId> ending_ MOBULA_GUARDED_BY(strand_);
  Number numbers_ MOBULA_GUARDED_BY(strand_) = 0;
  // What is read comes here first; given away when much was.
  std::unique_ptr<char[]> scratch_ MOBULA_GUARDED_BY(strand_);
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_CHANNELS_CHANNELS_H_
