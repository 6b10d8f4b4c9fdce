// RingEnd is one end of a pair of rings whose thread sleeps where it has to:
// for tests and benchmarks, which have no strand.
//
//   RingEnd::Handles handles = RingEnd::MakeHandles(64 << 10);
//   RingEnd ours(handles, 0);
//   RingEnd theirs(handles, 1);          // in a child, or another thread
//   ours.Send("text");  ours.Publish();
//   std::string got;  while (theirs.Receive(&got)) ...
//
// It counts lost wakes: something is there, this side has said that it sleeps,
// and nobody woke it for `kPatienceMs`.
// Threading: one thread at a time for each end.
#ifndef MOBULA_BASE_SHM_RING_RING_END_H_
#define MOBULA_BASE_SHM_RING_RING_END_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/shm/ring/ring_segment.h"
#include "base/shm/spin/cpu_gauge.h"
#include "base/shm/spin/spin_policy.h"
#include "base/unique_fd.h"

namespace mobula::base {

class RingEnd {
 public:
  static constexpr std::uint64_t kEpoch = 7;
  static constexpr int kPatienceMs = 20'000;

  struct Handles {
    UniqueFd memory;
    std::unique_ptr<RingSegment> made;
    // Of sides 0 and 1: what each sleeps on.
    std::array<UniqueFd, 2> bells;
  };
  static Handles MakeHandles(std::size_t ring_bytes);

  // Side 0 is whoever made them; it takes `made`.
  RingEnd(Handles& handles, int side);

  // Waits while there is no room; false if the ring is broken. Publishes what
  // was there before it waits.
  bool Send(std::string_view record);
  void Publish();
  // Before it sleeps it looks on where `policy`, which must outlive this, lets
  // it.
  void SetSpin(SpinPolicy* policy) { policy_ = policy; }
  // Waits for a record, looking `spins` times before it sleeps; false if the
  // ring is broken.
  bool Receive(std::string* record, int spins = 0);
  // Sleeps until there is room, or something to receive.
  void WaitForEither();
  // Without waiting.
  RingReader::Got TryReceive(std::string* record);

  [[nodiscard]] std::uint64_t lost_wakes() const { return lost_wakes_; }
  [[nodiscard]] std::uint64_t sleeps() const { return sleeps_; }
  [[nodiscard]] RingWriter& writer() { return writer_; }
  [[nodiscard]] RingReader& reader() { return reader_; }
  [[nodiscard]] RingSegment& segment() { return *segment_; }

 private:
  void Sleep();
  void Wake();
  // Whether a record, or an error, came while it looked on.
  bool LookOn(std::string* record, RingReader::Got* got);

  std::unique_ptr<RingSegment> segment_;
  RingWriter writer_;
  RingReader reader_;
  int own_bell_;
  int other_bell_;
  std::uint64_t lost_wakes_ = 0;
  std::uint64_t sleeps_ = 0;
  SpinPolicy* policy_ = nullptr;
  CpuGauge gauge_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SHM_RING_RING_END_H_
