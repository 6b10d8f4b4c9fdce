#include "base/frames/pipes/ring_pipe.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/error_text.h"
#include "base/frames/little_endian.h"
#include "base/log.h"

namespace mobula::base {
namespace {

// Taken in one turn of the strand before others have theirs.
constexpr std::size_t kTakeBytesMax = std::size_t{256} << 10;
constexpr std::size_t kDescriptorsMax = 1024;

// The process keeps the better half of its numbers for what cannot do without.
bool IsPlentiful(const UniqueFd& fd) {
  rlimit files{};
  return ::getrlimit(RLIMIT_NOFILE, &files) != 0 ||
         files.rlim_cur == RLIM_INFINITY ||
         static_cast<rlim_t>(fd.get()) < files.rlim_cur / 2;
}

// Anything else could block, or raise a signal, where it is written to.
bool IsEventfd(const UniqueFd& fd) {
  constexpr std::string_view kEventfd = "anon_inode:[eventfd]";
  const std::string path = "/proc/self/fd/" + std::to_string(fd.get());
  std::array<char, kEventfd.size() + 1> target;
  const ssize_t got = ::readlink(path.c_str(), target.data(), target.size());
  return got > 0 && kEventfd == std::string_view(target.data(),
                                                 static_cast<std::size_t>(got));
}

bool CheckBell(const UniqueFd& bell, std::string* error) {
  if (!bell.valid()) {
    *error = "a doorbell did not arrive: no free descriptor";
  } else if (!IsEventfd(bell)) {
    *error = "what came as a doorbell is no eventfd";
  } else if (!IsPlentiful(bell)) {
    *error = "half of the descriptors that this process may have are in use";
  } else {
    return true;
  }
  return false;
}

}  // namespace

RingPipe::RingPipe(Strand& strand, UniqueFd socket)
    : strand_(strand), socket_(strand, std::move(socket)) {}

RingPipe::~RingPipe() {
  if (polled_) strand_.RemovePolled(this);
}

void RingPipe::Start(Callbacks callbacks) {
  callbacks_ = std::move(callbacks);
  socket_.Start(
      {[this](const FrameHeader& header, Bytes payload, UniqueFd fd) {
         OnSocketFrame(header, std::move(payload), std::move(fd));
       },
       [this](std::string reason) { OnSocketClosed(std::move(reason)); }});
}

void RingPipe::Agree(bool is_maker) {
  agreed_ = true;
  is_maker_ = is_maker;
}

// ---- frames -----------------------------------------------------------------

void RingPipe::Write(FrameHeader header, Bytes payload, UniqueFd fd) {
  if (ended_ || closing_) return;
  if (!writes_ring_) {
    socket_.Write(header, std::move(payload), std::move(fd));
    return CountFrame();
  }
  if (fd.valid()) {
    header.flags |= kFrameHasFd;
    WriteStep(RingStep::kDescriptor, std::move(fd));
  }
  line_->Write(header, std::move(payload));
}

void RingPipe::Flush() {
  if (ended_ || closing_) return;
  socket_.Flush();  // descriptors before their frames
  if (ended_ || !writes_ring_) return;
  line_->Flush();
  CloseIfBroken();
}

std::size_t RingPipe::queued_bytes() const {
  return socket_.queued_bytes() +
         (writes_ring_ ? line_->queued_bytes() : std::size_t{0});
}

bool RingPipe::Poll() {
  if (ended_ || closing_) return false;
  bool any = Read(kTakeBytesMax);
  if (ended_ || closing_) return any;
  if (writes_ring_ && line_->queued_bytes() > 0 && line_->Flush()) any = true;
  return CloseIfBroken() || any;
}

bool RingPipe::MaySleep() {
  if (ended_ || closing_) return true;
  // What waits for a descriptor goes on when that comes, by the socket.
  return line_->MaySleep(reads_ring_ && !held_.has_value());
}

bool RingPipe::Read(std::size_t bytes_max) {
  if (!reads_ring_) return false;
  std::size_t taken = 0;
  while (taken < bytes_max && !closing_ && !held_.has_value()) {
    const std::size_t more = line_->Take(bytes_max - taken);
    if (!DeliverFrames() && more == 0) break;
    taken += more;
  }
  return taken > 0;
}

bool RingPipe::DeliverFrames() {
  bool any = false;
  std::string error;
  while (!closing_) {
    if (!held_.has_value()) {
      FrameReader::Frame frame;
      const FrameReader::Got got = line_->Next(&frame, &error);
      if (got == FrameReader::Got::kBad) Close(std::move(error));
      if (got != FrameReader::Got::kFrame) break;
      held_ = std::move(frame);
    }
    UniqueFd fd;
    if ((held_->header.flags & kFrameHasFd) != 0) {
      if (descriptors_.empty() && !ended_) break;
      if (!descriptors_.empty()) {
        fd = std::move(descriptors_.front());
        descriptors_.pop_front();
      }
    }
    FrameReader::Frame frame = *std::exchange(held_, std::nullopt);
    callbacks_.on_frame(frame.header, std::move(frame.payload), std::move(fd));
    any = true;
  }
  return any;
}

bool RingPipe::CloseIfBroken() {
  if (line_ == nullptr || line_->error().empty()) return false;
  Close(line_->error());
  return true;
}

void RingPipe::Drain() {
  socket_.Drain();
  if (!ended_ && !closing_ && reads_ring_) {
    Read(line_->ring_bytes());
    CloseIfBroken();
  }
}

void RingPipe::Close(std::string reason) {
  if (closing_) return;
  closing_ = true;
  if (ended_) {
    broken_ = std::move(reason);
  } else {
    socket_.Close(std::move(reason));
  }
}

void RingPipe::OnSocketClosed(std::string reason) {
  ended_ = true;
  if (!closing_ && reads_ring_) {
    DeliverFrames();  // also one whose descriptor did not come
    Read(line_->ring_bytes());
    CloseIfBroken();
    if (!closing_ && line_->is_inside_frame()) {
      reason = "end of file inside a frame";
    }
  }
  if (polled_) strand_.RemovePolled(this);
  polled_ = false;
  if (!broken_.empty()) reason = std::move(broken_);
  callbacks_.on_closed(std::move(reason));
}

void RingPipe::OnSocketFrame(const FrameHeader& header, Bytes payload,
                             UniqueFd fd) {
  if (header.kind == FrameKind::kRings) {
    return OnStep(static_cast<RingStep>(header.seq), payload, std::move(fd));
  }
  if (reads_ring_) return Close("bad frame: in the socket after the switch");
  CountFrame();
  callbacks_.on_frame(header, std::move(payload), std::move(fd));
}

// ---- the way to rings -------------------------------------------------------

void RingPipe::CountFrame() {
  if (agreed_ && is_maker_ && !tried_ && ++frames_ >= kFramesFirst) Offer();
}

void RingPipe::WriteStep(RingStep step, UniqueFd fd, Bytes payload) {
  FrameHeader header;
  header.kind = FrameKind::kRings;
  header.seq = static_cast<std::uint64_t>(step);
  socket_.Write(header, std::move(payload), std::move(fd));
}

UniqueFd RingPipe::OwnBell(std::string* error) {
  if (strand_.polled_count() >= kRingsMax) {
    *error = "this process has rings with " + std::to_string(kRingsMax) +
             " others already";
    return UniqueFd();
  }
  const int bell = strand_.Doorbell();
  UniqueFd copy(bell < 0 ? -1 : ::fcntl(bell, F_DUPFD_CLOEXEC, 0));
  if (!copy.valid()) *error = WithErrorText("cannot hand on a doorbell");
  if (copy.valid() && !IsPlentiful(copy)) {
    *error = "half of the descriptors that this process may have are in use";
    copy.Reset();
  }
  return copy;
}

void RingPipe::Offer() {
  tried_ = true;
  std::string error;
  UniqueFd bell = OwnBell(&error);
  if (!bell.valid()) return StayWithSocket(error);
  const std::uint64_t epoch = RandomBits() | 1;  // 0: none has come
  UniqueFd memory;
  auto segment = RingSegment::Make(kRingBytes, epoch, &memory, &error);
  if (segment == nullptr) return StayWithSocket(error);
  line_ = std::make_unique<RingLine>(std::move(segment));
  std::string payload(kRingEpochBytes, '\0');
  PutLittleEndian(epoch, payload.data());
  WriteStep(RingStep::kMemory, std::move(memory),
            Bytes::Own(std::move(payload)));
  WriteStep(RingStep::kBell, std::move(bell));
  socket_.Flush();
}

void RingPipe::OnStep(RingStep step, const Bytes& payload, UniqueFd fd) {
  std::string error;
  const bool offered = line_ != nullptr && !writes_ring_;
  if (!agreed_) return Close("bad frame: rings were not agreed upon");
  if (step == RingStep::kMemory && !is_maker_ && !tried_) {
    tried_ = true;
    epoch_ = GetLittleEndian<std::uint64_t>(payload.view().data());
    memory_ = std::move(fd);
  } else if (step == RingStep::kBell && !is_maker_ && tried_ &&
             line_ == nullptr && epoch_ != 0) {
    if (!Accept(std::move(fd), &error)) {
      WriteStep(RingStep::kRefuse);
      StayWithSocket(error);
    }
    epoch_ = 0;
    socket_.Flush();
  } else if (step == RingStep::kAccept && is_maker_ && offered) {
    if (CheckBell(fd, &error)) {
      line_->SetPeerBell(std::move(fd));
      Switch();
    } else {
      WriteStep(RingStep::kRefuse);
      StayWithSocket(error);
    }
    socket_.Flush();
  } else if (step == RingStep::kSwitch && line_ != nullptr && !reads_ring_ &&
             writes_ring_ == is_maker_) {
    reads_ring_ = true;
    if (!is_maker_) Switch();
    socket_.Flush();
  } else if (step == RingStep::kRefuse && offered) {
    StayWithSocket("the other process has none");
  } else if (step == RingStep::kDescriptor && reads_ring_ &&
             descriptors_.size() < kDescriptorsMax) {
    descriptors_.push_back(std::move(fd));
    DeliverFrames();
  } else {
    Close("bad frame: a step to rings out of its order");
  }
}

bool RingPipe::Accept(UniqueFd bell, std::string* error) {
  if (!CheckBell(bell, error)) return false;
  UniqueFd own = OwnBell(error);
  if (!own.valid()) return false;
  auto segment = RingSegment::Open(memory_, epoch_, error);
  memory_.Reset();
  if (segment == nullptr) return false;
  line_ = std::make_unique<RingLine>(std::move(segment));
  line_->SetPeerBell(std::move(bell));
  WriteStep(RingStep::kAccept, std::move(own));
  return true;
}

void RingPipe::Switch() {
  WriteStep(RingStep::kSwitch);
  writes_ring_ = true;
  polled_ = true;
  strand_.AddPolled(this);
}

void RingPipe::StayWithSocket(const std::string& why) {
  MOBULA_LOG(INFO) << "messages to another process of this node go on "
                      "through a socket, not through shared memory: "
                   << why;
  line_.reset();
  memory_.Reset();
}

}  // namespace mobula::base
