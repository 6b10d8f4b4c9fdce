#include "cli/tools/ask_raylet.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <utility>
#include <variant>

#include "base/clock.h"
#include "base/error_text.h"
#include "base/frames/link.h"
#include "base/ids.h"
#include "base/strand.h"
#include "base/unique_fd.h"

namespace mobula::cli {
namespace {

using base::UniqueFd;

constexpr base::Duration kPatience = std::chrono::seconds(5);

UniqueFd Connect(const std::string& path, std::string* error) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    *error = path + " is too long for the path of a socket";
    return UniqueFd();
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                sizeof(address)) == 0) {
    ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
    return fd;
  }
  *error = base::WithErrorText("cannot reach the raylet at " + path);
  return UniqueFd();
}

// One question; all on the calling thread's strand.
class Question {
 public:
  Question(base::Strand& strand, UniqueFd socket) : strand_(strand) {
    base::Link::Options options;
    options.self = {base::RandomBits(), 1};
    options.role = base::Role::kTool;
    base::Link::Callbacks callbacks;
    callbacks.on_open = [this](base::ProcessId, base::Role) {
      link_->Send(base::ListLocal());
    };
    callbacks.on_message = [this](base::Message message, UniqueFd) {
      auto* const listing = std::get_if<base::LocalListing>(&message);
      if (listing == nullptr) return;
      answer_ = std::move(*listing);
      strand_.Stop();
    };
    callbacks.on_closed = [this](const std::string& reason) {
      reason_ = reason;
      strand_.Stop();
    };
    link_ = std::make_unique<base::Link>(
        strand, std::move(socket), std::move(options), std::move(callbacks));
  }

  std::optional<base::LocalListing> TakeAnswer() { return std::move(answer_); }
  // Why there is none.
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  base::Strand& strand_;
  std::optional<base::LocalListing> answer_;
  std::string reason_ = "it does not answer";
  std::unique_ptr<base::Link> link_;
};

}  // namespace

std::optional<base::LocalListing> AskRaylet(const std::string& socket,
                                            base::Duration timeout,
                                            std::string* error) {
  UniqueFd fd = Connect(socket, error);
  if (!fd.valid()) return std::nullopt;
  base::Strand strand("mobula-tool");
  Question question(strand, std::move(fd));
  strand.PostAt(base::BootNow() + timeout, [&strand] { strand.Stop(); });
  strand.Run();
  std::optional<base::LocalListing> answer = question.TakeAnswer();
  if (!answer) *error = "the raylet at " + socket + ": " + question.reason();
  return answer;
}

bool HasWorker(const std::string& socket, std::int32_t pid,
               std::string* error) {
  const auto listing = AskRaylet(socket, kPatience, error);
  if (!listing) return false;
  for (const base::WorkerInfo& worker : listing->workers) {
    if (worker.pid == pid) return true;
  }
  *error = std::to_string(pid) + " is no worker of the raylet at " + socket;
  return false;
}

}  // namespace mobula::cli
