#include "api/mobula/io/detail/collect.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "api/mobula/io/detail/stream_state.h"

namespace mobula::detail {
namespace {

constexpr std::size_t kPieceMax = 16 * 1024;
// For one attempt, so that one who writes without end does not hold the thread;
// the last one takes what a pipe can hold.
constexpr int kPiecesMax = 16;
constexpr int kLastPiecesMax = 64;

}  // namespace

CollectWait::CollectWait(StreamPtr stream, const std::atomic<bool>& has_ended,
                         std::size_t bytes_max, std::string& into, bool& cut)
    : StreamWait(std::move(stream), Direction::kRead, Timeout()),
      has_ended_(has_ended),
      bytes_max_(bytes_max),
      into_(into),
      cut_(cut) {}

IoWait::Attempt CollectWait::Try() noexcept {
  if (stream_->is_closed) {
    error_ = ECANCELED;
    return Attempt::kOver;
  }
  // Before what is read: after the end nothing comes.
  const bool has_ended = has_ended_;
  std::array<char, kPieceMax> piece;  // NOLINT: it is read into
  const int pieces_max = has_ended ? kLastPiecesMax : kPiecesMax;
  for (int i = 0; i < pieces_max; ++i) {
    const ssize_t received =
        StreamState::Receive(fd(), piece.data(), piece.size());
    if (received < 0) {
      const Attempt failed = FailedAttempt();
      return has_ended ? Attempt::kOver : failed;
    }
    if (received == 0) return Attempt::kOver;
    const std::size_t room =
        std::min(static_cast<std::size_t>(received), bytes_max_ - into_.size());
    into_.append(piece.data(), room);
    cut_ = cut_ || room < static_cast<std::size_t>(received);
  }
  // It is asked again at once.
  return has_ended ? Attempt::kOver : Attempt::kNotReady;
}

void CollectWait::await_resume() {
  FinishWell("cannot read from");
  EndTurn();
}

}  // namespace mobula::detail
