#include "runtime/process/head_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace mobula::runtime {
namespace {

constexpr std::size_t kTailBytesMax = 8 << 10;

}  // namespace

HeadOutput::HeadOutput(base::UniqueFd pipe) : pipe_(std::move(pipe)) {
  if (!pipe_.valid()) return;
  const int flags = ::fcntl(pipe_.get(), F_GETFL);
  if (::fcntl(pipe_.get(), F_SETFL, flags | O_NONBLOCK) != 0) pipe_.Reset();
}

bool HeadOutput::Read() {
  std::array<char, 4096> buffer;
  while (pipe_.valid()) {
    const ssize_t size = ::read(pipe_.get(), buffer.data(), buffer.size());
    if (size > 0) {
      tail_.append(buffer.data(), static_cast<std::size_t>(size));
      if (tail_.size() > 2 * kTailBytesMax) {
        tail_.erase(0, tail_.size() - kTailBytesMax);
      }
      continue;
    }
    if (size < 0 && errno == EINTR) continue;
    return size < 0 && errno == EAGAIN;
  }
  return false;
}

std::string HeadOutput::Tail() const {
  std::string text = tail_;
  if (text.size() > kTailBytesMax) {
    text.erase(0, text.size() - kTailBytesMax);
    const std::size_t line = text.find('\n');
    if (line != std::string::npos) text.erase(0, line + 1);
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace mobula::runtime
