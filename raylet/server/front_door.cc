#include "raylet/server/front_door.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/log.h"

namespace mobula::raylet {
namespace {

using base::ProcessId;
using base::Strand;
using base::UniqueFd;

constexpr int kBacklog = 128;
// Accepted in one turn, so that a flood does not keep others waiting.
constexpr int kAcceptsATurn = 16;

std::string Why(const std::string& what, int error) {
  return what + ": " + std::generic_category().message(error);
}

bool IsOurUser(const UniqueFd& socket) {
  ucred peer{};
  socklen_t length = sizeof(peer);
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) ==
             0 &&
         peer.uid == ::geteuid();
}

}  // namespace

FrontDoor::FrontDoor(Strand& strand, Options options, Callbacks callbacks)
    : strand_(strand), options_(options), callbacks_(std::move(callbacks)) {}

FrontDoor::~FrontDoor() {
  strand_.AssertHeld();
  if (accepts_) strand_.Unwatch(listener_.get());
  if (!path_.empty()) ::unlink(path_.c_str());
  for (auto& [number, guest] : guests_) {
    if (guest.silence != 0) strand_.Cancel(guest.silence);
  }
}

bool FrontDoor::Listen(const std::string& path, std::string* error) {
  strand_.AssertHeld();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    *error = "the path of a socket is too long: " + path;
    return false;
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd listener(
      ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // Left by a raylet of this session that died; the folder is ours alone.
  ::unlink(path.c_str());
  const mode_t mask = ::umask(0177);
  const int bound =
      ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address),
             sizeof(address));
  const int bind_error = errno;
  ::umask(mask);
  if (bound != 0 || ::listen(listener.get(), kBacklog) != 0) {
    *error = Why("cannot listen on " + path, bound != 0 ? bind_error : errno);
    return false;
  }
  path_ = path;
  listener_ = std::move(listener);
  WatchIfRoom();
  return true;
}

void FrontDoor::WatchIfRoom() {
  const bool wants = listener_.valid() && guests_.size() < options_.guests_max;
  if (wants == accepts_) return;
  accepts_ = wants;
  if (!wants) {
    MOBULA_LOG(WARNING) << guests_.size()
                        << " drivers and tools are connected: no more for now";
    strand_.Unwatch(listener_.get());
    return;
  }
  strand_.Watch(listener_.get(), Strand::kReadable, [this](std::uint32_t) {
    strand_.AssertHeld();
    Accept();
  });
}

void FrontDoor::Accept() {
  for (int i = 0; i < kAcceptsATurn && accepts_; ++i) {
    UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr,
                              SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket.valid()) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno != EAGAIN) {
        MOBULA_LOG(WARNING) << Why("a connection was lost", errno);
      }
      return;
    }
    if (!IsOurUser(socket)) {
      MOBULA_LOG(WARNING) << "a connection of another user was refused";
      continue;
    }
    Open(std::move(socket), /*may_be_silent=*/false);
    WatchIfRoom();
  }
}

void FrontDoor::Adopt(UniqueFd socket) {
  strand_.AssertHeld();
  Open(std::move(socket), /*may_be_silent=*/true);
}

void FrontDoor::Open(UniqueFd socket, bool may_be_silent) {
  const std::uint64_t number = next_number_++;
  Guest& guest = guests_[number];
  if (!may_be_silent) {
    guest.silence =
        strand_.PostAt(strand_.Now() + options_.silence_max, [this, number] {
          strand_.AssertHeld();
          guests_.at(number).silence = 0;
          OnClosed(number, "it said nothing");
        });
  }
  base::Link::Options link;
  link.self = options_.self;
  link.role = base::Role::kRaylet;
  base::Link::Callbacks callbacks;
  callbacks.on_open = [this, number](ProcessId process, base::Role role) {
    strand_.AssertHeld();
    OnOpen(number, process, role);
  };
  callbacks.on_message = [this, number](base::Message message, UniqueFd fd) {
    strand_.AssertHeld();
    const auto found = guests_.find(number);
    if (found == guests_.end() || found->second.process.IsNil()) return;
    callbacks_.on_message(found->second.process, std::move(message),
                          std::move(fd));
  };
  callbacks.on_closed = [this, number](const std::string& reason) {
    strand_.AssertHeld();
    OnClosed(number, reason);
  };
  guest.link = std::make_unique<base::Link>(
      strand_, std::move(socket), std::move(link), std::move(callbacks));
}

void FrontDoor::OnOpen(std::uint64_t number, ProcessId process,
                       base::Role role) {
  const auto found = guests_.find(number);
  if (found == guests_.end()) return;
  if (found->second.silence != 0) strand_.Cancel(found->second.silence);
  found->second.silence = 0;
  const bool is_guest =
      role == base::Role::kDriver || role == base::Role::kTool;
  if (!is_guest || !by_process_.emplace(process, number).second) {
    OnClosed(number, "neither a driver nor a tool, or one that is here");
    return;
  }
  found->second.process = process;
  callbacks_.on_open(process, role);
}

void FrontDoor::OnClosed(std::uint64_t number, const std::string& reason) {
  const auto found = guests_.find(number);
  if (found == guests_.end()) return;
  const ProcessId process = found->second.process;
  Drop(number);
  callbacks_.on_closed(process, reason);
}

void FrontDoor::Drop(std::uint64_t number) {
  const auto found = guests_.find(number);
  if (found->second.silence != 0) strand_.Cancel(found->second.silence);
  if (!found->second.process.IsNil()) by_process_.erase(found->second.process);
  // It may be the one that is calling us.
  const std::shared_ptr<base::Link> link = std::move(found->second.link);
  guests_.erase(found);
  if (link != nullptr && !link->closed()) link->Flush();
  strand_.Post([link] {});
  WatchIfRoom();
}

base::Link* FrontDoor::Find(ProcessId guest) const {
  const auto found = by_process_.find(guest);
  return found == by_process_.end() ? nullptr
                                    : guests_.at(found->second).link.get();
}

bool FrontDoor::Has(ProcessId guest) const {
  strand_.AssertHeld();
  return by_process_.contains(guest);
}

void FrontDoor::Send(ProcessId guest, const base::Message& message,
                     UniqueFd fd) {
  strand_.AssertHeld();
  base::Link* link = Find(guest);
  if (link != nullptr) link->Send(message, std::move(fd));
}

std::size_t FrontDoor::QueuedBytes(ProcessId guest) const {
  strand_.AssertHeld();
  const base::Link* link = Find(guest);
  return link == nullptr ? 0 : link->queued_bytes();
}

void FrontDoor::Close(ProcessId guest) {
  strand_.AssertHeld();
  const auto found = by_process_.find(guest);
  if (found != by_process_.end()) Drop(found->second);
}

void FrontDoor::CloseAll() {
  strand_.AssertHeld();
  while (!guests_.empty()) Drop(guests_.begin()->first);
}

}  // namespace mobula::raylet
