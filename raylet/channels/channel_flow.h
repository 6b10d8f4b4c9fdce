// ChannelFlow counts the bytes of one end of a channel between two processes
// of two nodes: how many may still go to the other end, and how many the other
// end may still send here.
//
//   out: may_send --Sent--> on their way --Credited--> may_send
//   in:  room --Arrived--> waiting --Taken--> owed --> room (Taken tells when)
// Each way has kChannelCredit bytes in all, each of which is in one of those
// states. What is owed is given back half of it at a time, so that a channel
// that moves small pieces says little about it.
// The last words of a process that has ended are not held back (Ending): up to
// kLastBytesMax more, after which this end sends nothing.
// Owner: Channels, one a channel. Threading: none; runs on its owner's strand.
// Invariants: (1) an end that keeps to it never finds fault with another that
// does; (2) while nothing is on its way and nothing waits, at least half may be
// sent.
// Failure: what no peer does that keeps to it is refused and changes nothing.
#ifndef MOBULA_RAYLET_CHANNELS_CHANNEL_FLOW_H_
#define MOBULA_RAYLET_CHANNELS_CHANNEL_FLOW_H_

#include <cstdint>

#include "base/frames/node_message.h"

namespace mobula::raylet {

class ChannelFlow {
 public:
  // More than a socket of ours holds.
  static constexpr std::uint64_t kLastBytesMax = 1 << 20;

  // ---- to the other end
  [[nodiscard]] std::uint64_t may_send() const { return may_send_; }
  void Sent(std::uint64_t byte_count);  // of what may be sent
  // False if it gives back what it has not been sent.
  [[nodiscard]] bool Credited(std::uint64_t byte_count);
  // The local process has ended.
  void Ending();

  // ---- from the other end
  // False if there is no room for them: it sent more than it may.
  [[nodiscard]] bool Arrived(std::uint64_t byte_count);
  // The local process took so many of those that wait. How many are to be given
  // back now; 0: none yet.
  [[nodiscard]] std::uint64_t Taken(std::uint64_t byte_count);
  [[nodiscard]] std::uint64_t waiting() const { return waiting_; }
  [[nodiscard]] std::uint64_t owed() const { return owed_; }

 private:
  std::uint64_t may_send_ = base::kChannelCredit;
  std::uint64_t waiting_ = 0;
  std::uint64_t owed_ = 0;
  bool is_ending_ = false;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_CHANNELS_CHANNEL_FLOW_H_
