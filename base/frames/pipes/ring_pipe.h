// RingPipe is a FramePipe that begins as a Unix socket and goes on in
// shared-memory rings, where both ends have agreed to that.
//
//   socket --the maker offers--> offered --accepted--> switched
//                                        --refused---> socket, for good
// One end, the maker, makes a segment when kFramesFirst frames have come and
// gone, and sends its descriptor and that of its strand's doorbell; the other
// maps it and answers with its own doorbell. Then the maker says `switch` as
// the last thing in the socket, and writes into its ring from then on; the
// other reads that ring when it has read this, and does the same. So the order
// is kept in each direction, and what cannot be made here or there only means
// that the socket goes on. The socket stays: its end is the peer's end, before
// which what the dead peer has published whole is read; and descriptors go
// through it, beside a frame that says nothing but that (a frame in the ring
// that has one waits for it). Who finds no room in a ring keeps its frames here
// and reads on meanwhile, so two full rings are no deadlock. Owner: base::Link.
// Threading: on its strand; see frame_pipe.h. Failure: as of the socket; a ring
// that the peer has broken closes it too.
#ifndef MOBULA_BASE_FRAMES_PIPES_RING_PIPE_H_
#define MOBULA_BASE_FRAMES_PIPES_RING_PIPE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/frames/pipes/frame_pipe.h"
#include "base/frames/pipes/frame_reader.h"
#include "base/frames/pipes/ring_line.h"
#include "base/frames/pipes/unix_pipe.h"
#include "base/shm/ring/ring_segment.h"
#include "base/strand.h"
#include "base/unique_fd.h"

namespace mobula::base {

class RingPipe final : public FramePipe, private Strand::Polled {
 public:
  static constexpr std::size_t kRingBytes = std::size_t{128} << 10;
  // A pair that says less to one another needs no memory for it.
  static constexpr std::uint64_t kFramesFirst = 16;
  // More pairs of one process stay with their sockets.
  static constexpr std::size_t kRingsMax = 64;

  RingPipe(Strand& strand, UniqueFd socket);
  ~RingPipe();
  RingPipe(const RingPipe&) = delete;
  RingPipe& operator=(const RingPipe&) = delete;

  // Both ends understand frames of kRings. Exactly one of them is the maker.
  void Agree(bool is_maker);
  // Both directions go through rings.
  [[nodiscard]] bool has_rings() const { return writes_ring_ && reads_ring_; }

  void Start(Callbacks callbacks) override;
  void Write(FrameHeader header, Bytes payload, UniqueFd fd) override;
  void Flush() override;
  void Drain() override;
  [[nodiscard]] std::size_t queued_bytes() const override;
  void Close(std::string reason) override;

 private:
  bool Poll() override;
  bool MaySleep() override;

  void OnSocketFrame(const FrameHeader& header, Bytes payload, UniqueFd fd);
  void OnSocketClosed(std::string reason);
  void CountFrame();
  void WriteStep(RingStep step, UniqueFd fd = UniqueFd(), Bytes payload = {});
  void OnStep(RingStep step, const Bytes& payload, UniqueFd fd);
  void Offer();
  bool Accept(UniqueFd bell, std::string* error);
  // Out of the socket, into the ring.
  void Switch();
  void StayWithSocket(const std::string& why);
  // A copy of the strand's doorbell, to be handed over.
  UniqueFd OwnBell(std::string* error);
  // Takes and delivers about so much; whether there was anything.
  bool Read(std::size_t bytes_max);
  bool DeliverFrames();
  bool CloseIfBroken();

  Strand& strand_;
  UnixPipe socket_;
  Callbacks callbacks_;
  bool agreed_ = false;
  bool is_maker_ = false;
  bool tried_ = false;  // offered, or asked
  std::uint64_t frames_ = 0;

  std::unique_ptr<RingLine> line_;
  std::uint64_t epoch_ = 0;  // of the memory that came
  UniqueFd memory_;
  bool polled_ = false;
  bool writes_ring_ = false;
  bool reads_ring_ = false;
  // Came through the ring, and waits for its descriptor.
  std::optional<FrameReader::Frame> held_;
  std::deque<UniqueFd> descriptors_;

  bool closing_ = false;  // by this side
  bool ended_ = false;    // the socket has
  std::string broken_;    // why, where that was found after the end
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_FRAMES_PIPES_RING_PIPE_H_
