#include "base/rpc/frame_stream.h"

#include <utility>

#include "base/check.h"

namespace mobula::base {
namespace {

// Beyond it the next frame waits for the next message; one frame always fits.
constexpr std::size_t kMessageBytesAim = std::size_t{256} << 10;

}  // namespace

FrameStream::FrameStream(Strand& strand, std::uint64_t id,
                         std::unique_ptr<FrameTransport> transport)
    : strand_(strand), id_(id), transport_(std::move(transport)) {}

void FrameStream::Send(mobula::control::Frame frame) {
  if (ended_ || ending_) return;
  queue_.push_back(std::move(frame));
  WriteSoon();
}

// At the end of this turn, with all that it sends.
void FrameStream::WriteSoon() {
  if (writing_ || soon_) return;
  soon_ = true;
  strand_.Post([self = shared_from_this()] {
    self->strand_.AssertHeld();
    self->soon_ = false;
    self->WriteNow();
  });
}

void FrameStream::WriteNow() {
  if (writing_ || ended_) return;
  if (queue_.empty()) {
    if (ending_) End(/*cut=*/false);
    return;
  }
  written_.Clear();
  std::size_t bytes = 0;
  while (!queue_.empty() &&
         (bytes == 0 ||
          bytes + queue_.front().payload().size() <= kMessageBytesAim)) {
    bytes += queue_.front().payload().size() + 1;
    *written_.add_frames() = std::move(queue_.front());
    queue_.pop_front();
  }
  writing_ = true;
  transport_->Write(&written_);
}

void FrameStream::EndAfterWriting() {
  if (ended_ || ending_) return;
  ending_ = true;
  WriteNow();
}

void FrameStream::Cut() { End(/*cut=*/true); }

void FrameStream::End(bool cut) {
  if (transport_ == nullptr || (ended_ && !cut)) return;
  ended_ = true;
  queue_.clear();
  transport_->End(cut);
}

void FrameStream::OnWritten(bool ok) {
  writing_ = false;
  if (ok) {
    WriteNow();
  } else {
    Cut();
  }
}

void FrameStream::OnHandled(std::size_t bytes) {
  if (!ended_) transport_->OnHandled(bytes);
}

void FrameStream::OnDone() {
  MOBULA_CHECK(ended_, "a stream was done before it was ended");
  transport_.reset();
}

}  // namespace mobula::base
