#include "base/sockets/listener_socket.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>

#include "base/check.h"
#include "base/error_text.h"
#include "base/sockets/peer.h"

namespace mobula::base {
namespace {

constexpr int kBacklog = 1024;

sockaddr_un UnixAddress(const std::string& path) {
  sockaddr_un name{};
  MOBULA_CHECK(path.size() < sizeof name.sun_path);
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.data(), path.size());
  return name;
}

// bind or connect: 0 or an error number.
int WithAddress(const ControlAddress& address, int fd,
                int (*call)(int, const sockaddr*, socklen_t)) {
  int result = 0;
  if (!address.path.empty()) {
    const sockaddr_un name = UnixAddress(address.path);
    result = call(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name);
  } else if (address.host.find(':') == std::string::npos) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(address.port);
    ::inet_pton(AF_INET, address.host.c_str(), &name.sin_addr);
    result = call(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name);
  } else {
    sockaddr_in6 name{};
    name.sin6_family = AF_INET6;
    name.sin6_port = htons(address.port);
    ::inet_pton(AF_INET6, address.host.c_str(), &name.sin6_addr);
    result = call(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name);
  }
  return result == 0 ? 0 : errno;
}

// "process 17", who listens at the path now; "" if nobody does.
std::string LiveListener(const ControlAddress& address) {
  const UniqueFd probe = MakeSocket(address);
  const int error = ConnectSocket(address, probe.get());
  if (error == EAGAIN) return "a process";  // it is busy, so it lives
  if (error != 0) return "";
  const auto peer = PeerOf(probe.get());
  return "process " + std::to_string(peer ? peer->pid : 0);
}

// Of the socket that listens at a port of this machine, "" if none is seen.
std::string InodeOfPort(std::uint16_t port) {
  char wanted[8];
  std::snprintf(wanted, sizeof wanted, ":%04X", port);
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream in(table);
    std::string line;
    while (std::getline(in, line)) {
      std::istringstream fields(line);
      std::string slot, local, remote, state, skip, inode;
      fields >> slot >> local >> remote >> state;
      for (int i = 0; i < 5; ++i) fields >> skip;
      fields >> inode;
      if (state == "0A" && local.ends_with(wanted)) return inode;
    }
  }
  return "";
}

bool HasSocket(const std::string& pid, const std::string& inode) {
  const std::string folder = "/proc/" + pid + "/fd";
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()),
                                                ::closedir);
  if (dir == nullptr) return false;
  const std::string wanted = "socket:[" + inode + "]";
  while (const dirent* entry = ::readdir(dir.get())) {
    char target[64];
    const ssize_t size =
        ::readlinkat(::dirfd(dir.get()), entry->d_name, target, sizeof target);
    if (size > 0 && wanted == std::string(target, size)) return true;
  }
  return false;
}

// "process 17", if it is one that we may look at.
std::string HolderOfPort(std::uint16_t port) {
  const std::string inode = InodeOfPort(port);
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir("/proc"), ::closedir);
  if (inode.empty() || dir == nullptr) return "a process";
  while (const dirent* entry = ::readdir(dir.get())) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    if (HasSocket(entry->d_name, inode)) {
      return std::string("process ") + entry->d_name;
    }
  }
  return "a process of another user";
}

// Held while one looks whether a path is free and takes it.
UniqueFd LockFolderOf(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  while (fd.valid() && ::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) break;
  }
  return fd;
}

// Whether the path can be bound now: absent, or a dead socket that is gone now.
bool MakeRoom(const ControlAddress& address, std::string* error) {
  struct stat stat;
  if (::lstat(address.path.c_str(), &stat) != 0) return true;
  if (!S_ISSOCK(stat.st_mode)) {
    *error = "it is there and is no socket";
    return false;
  }
  const std::string holder = LiveListener(address);
  if (!holder.empty()) {
    *error = holder + " listens there";
    return false;
  }
  ::unlink(address.path.c_str());
  return true;
}

}  // namespace

UniqueFd MakeSocket(const ControlAddress& address) {
  int family = AF_UNIX;
  if (address.path.empty()) {
    family = address.host.find(':') == std::string::npos ? AF_INET : AF_INET6;
  }
  return UniqueFd(
      ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

int ConnectSocket(const ControlAddress& address, int fd) {
  return WithAddress(address, fd, ::connect);
}

std::optional<ListenerSocket> ListenerSocket::Open(
    const ControlAddress& address, ControlAddress* bound, std::string* error) {
  *bound = address;
  std::string why;
  auto listener =
      address.path.empty() ? OpenTcp(bound, &why) : OpenUnix(address, &why);
  if (!listener) {
    *error = "cannot listen at " + address.ToString() + ": " + why;
  }
  return listener;
}

std::optional<ListenerSocket> ListenerSocket::OpenUnix(
    const ControlAddress& address, std::string* error) {
  const UniqueFd held = LockFolderOf(address.path);
  if (!MakeRoom(address, error)) return std::nullopt;
  ListenerSocket listener;
  listener.socket_ = MakeSocket(address);
  // Before it has a name: nobody else can have connected meanwhile.
  ::fchmod(listener.fd(), 0600);
  int failed = WithAddress(address, listener.fd(), ::bind);
  struct stat stat;
  if (failed == 0 && ::lstat(address.path.c_str(), &stat) == 0) {
    listener.path_ = address.path;
    listener.inode_ = stat.st_ino;
  }
  if (failed == 0 && ::listen(listener.fd(), kBacklog) != 0) failed = errno;
  if (failed == 0) return listener;
  *error = ErrorText(failed);
  return std::nullopt;
}

std::optional<ListenerSocket> ListenerSocket::OpenTcp(ControlAddress* address,
                                                      std::string* error) {
  ListenerSocket listener;
  listener.socket_ = MakeSocket(*address);
  const int on = 1;
  ::setsockopt(listener.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  int failed = WithAddress(*address, listener.fd(), ::bind);
  if (failed == 0 && ::listen(listener.fd(), kBacklog) != 0) failed = errno;
  if (failed == EADDRINUSE) {
    *error = HolderOfPort(address->port) + " listens there";
    return std::nullopt;
  }
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (failed == 0 &&
      ::getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&name), &size) !=
          0) {
    failed = errno;
  }
  if (failed != 0) {
    *error = ErrorText(failed);
    return std::nullopt;
  }
  // The port lies at the same place in both families.
  address->port = ntohs(reinterpret_cast<const sockaddr_in&>(name).sin_port);
  return listener;
}

ListenerSocket::ListenerSocket(ListenerSocket&& other) noexcept
    : socket_(std::move(other.socket_)),
      path_(std::exchange(other.path_, {})),
      inode_(other.inode_) {}

ListenerSocket::~ListenerSocket() {
  if (path_.empty()) return;
  struct stat stat;
  const bool ours = ::lstat(path_.c_str(), &stat) == 0 && stat.st_ino == inode_;
  if (ours) ::unlink(path_.c_str());
}

}  // namespace mobula::base
