#include "api/mobula/io/unix_listener.h"

#include <unistd.h>

#include <vector>

#include "api/mobula/io/detail/endpoint.h"
#include "runtime/executor/io_loop.h"

namespace mobula {

UnixListener UnixListener::Listen(const std::string& path,
                                  const ListenOptions& options) {
  const std::vector<detail::Endpoint> endpoints(1, detail::UnixEndpoint(path));
  return UnixListener(detail::ListenerState::Listen(endpoints, path, options),
                      path.starts_with('@') ? "" : path);
}

UnixListener& UnixListener::operator=(UnixListener&& other) noexcept {
  if (this != &other) {
    Close();
    state_ = std::move(other.state_);
    file_ = std::move(other.file_);
  }
  return *this;
}

UnixListener::~UnixListener() { Close(); }

void UnixListener::Close() {
  if (state_ == nullptr) return;
  const detail::DescriptorPtr open = state_->descriptor();
  if (open == nullptr) return;
  if (!file_.empty() && !open->IsOfParent()) ::unlink(file_.c_str());
  state_->Close();
}

std::string UnixListener::address() const {
  return state_ == nullptr ? "" : state_->address();
}
std::size_t UnixListener::connections() const {
  return state_ == nullptr ? 0 : state_->connections();
}

}  // namespace mobula
