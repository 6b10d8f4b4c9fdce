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
  Question(base::Strand& strand, UniqueFd socket, base::Message question,
           std::function<bool(base::Message)> take)
      : strand_(strand),
        question_(std::move(question)),
        take_(std::move(take)) {
    base::Link::Options options;
    options.self = {base::RandomBits(), 1};
    options.role = base::Role::kTool;
    base::Link::Callbacks callbacks;
    callbacks.on_open = [this](base::ProcessId, base::Role) {
      link_->Send(question_);
    };
    callbacks.on_message = [this](base::Message message, UniqueFd) {
      if (is_answered_) return;
      is_answered_ = take_(std::move(message));
      if (is_answered_) strand_.Stop();
    };
    callbacks.on_closed = [this](const std::string& reason) {
      reason_ = reason;
      strand_.Stop();
    };
    link_ = std::make_unique<base::Link>(
        strand, std::move(socket), std::move(options), std::move(callbacks));
  }

  [[nodiscard]] bool is_answered() const { return is_answered_; }
  // Why not.
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  base::Strand& strand_;
  const base::Message question_;
  const std::function<bool(base::Message)> take_;
  bool is_answered_ = false;
  std::string reason_ = "it does not answer";
  std::unique_ptr<base::Link> link_;
};

}  // namespace

std::vector<base::NodeFile> LocalNodes(const StoreFlags& flags) {
  std::vector<base::NodeFile> nodes = base::FindNodes(base::SessionRoots());
  if (!flags.address.empty()) {
    std::erase_if(nodes, [&flags](const base::NodeFile& node) {
      return node.control != flags.address;
    });
  }
  return nodes;
}

bool AskRaylet(const std::string& socket, base::Message question,
               std::function<bool(base::Message)> take, base::Duration timeout,
               std::string* error) {
  UniqueFd fd = Connect(socket, error);
  if (!fd.valid()) return false;
  base::Strand strand("mobula-tool");
  Question asked(strand, std::move(fd), std::move(question), std::move(take));
  strand.PostAt(base::BootNow() + timeout, [&strand] { strand.Stop(); });
  strand.Run();
  if (!asked.is_answered()) {
    *error = "the raylet at " + socket + ": " + asked.reason();
  }
  return asked.is_answered();
}

std::optional<base::LocalListing> AskRaylet(const std::string& socket,
                                            base::Duration timeout,
                                            std::string* error) {
  std::optional<base::LocalListing> answer;
  const auto take = [&answer](base::Message message) {
    auto* const listing = std::get_if<base::LocalListing>(&message);
    if (listing != nullptr) answer = std::move(*listing);
    return answer.has_value();
  };
  AskRaylet(socket, base::ListLocal(), take, timeout, error);
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
