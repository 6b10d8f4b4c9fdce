// switch: carries packets of IP between network namespaces, with faults.
//
//   switch PORTS SEED SOCKET
//
// Each namespace that is attached gets an interface, whose other end is held
// here; so it needs nothing of the kernel but TUN. It is told what to do on the
// Unix socket, one line each (switch_words.h), answers each with "ok ..." or
// "error: why", says "ready" when it listens, and ends when its standard input
// does.
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/error_text.h"
#include "base/unique_fd.h"
#include "tests/netns/network.h"
#include "tests/netns/switch_words.h"
#include "tests/netns/tun.h"

namespace mobula::test {
namespace {

using base::BootTime;
using base::UniqueFd;

constexpr int kPortsMax = 1024;
constexpr int kPacketsAtOnce = 64;  // of one port
constexpr std::size_t kLineMax = 4096;
constexpr std::size_t kClientsMax = 16;

class Switch {
 public:
  Switch(int ports, std::uint64_t seed) : network_(ports, seed) {}

  bool Listen(const std::string& path, std::string* error);
  // Until standard input ends.
  void Run();

 private:
  // What an event of epoll is of: a port from 1 on, a client by its
  // descriptor, or one of these.
  enum Source : std::uint64_t { kInput = 0, kDoor = 1, kTimer = 2 };
  static constexpr std::uint64_t kPortFrom = 1'000;
  static constexpr std::uint64_t kClientFrom = 1'000'000;
  struct Client {
    UniqueFd fd;
    std::string text;
  };

  bool Watch(int fd, std::uint64_t source);
  void SetTimer();
  bool On(std::uint64_t source);  // false: the end
  void OnDoor();
  void OnTimer();
  void OnPort(int port);
  void OnClient(int fd);
  void Write(int port, const void* bytes, std::size_t size);
  std::string Obey(const std::string& line);
  std::string Do(const Attach& attach);
  std::string Do(const Detach& detach);
  std::string Do(const SetLink& link);
  std::string Do(const AskCounts& ask);

  Network network_;
  UniqueFd epoll_;
  UniqueFd door_;
  UniqueFd timer_;
  BootTime timer_at_ = BootTime::Never();
  std::map<int, UniqueFd> tuns_;
  std::map<int, Client> clients_;
  std::array<std::uint8_t, 1 << 16> packet_{};
};

bool Switch::Watch(int fd, std::uint64_t source) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = source;
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

bool Switch::Listen(const std::string& path, std::string* error) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    *error = path + " is longer than the path of a socket may be";
    return false;
  }
  path.copy(address.sun_path, path.size());
  epoll_.Reset(epoll_create1(EPOLL_CLOEXEC));
  door_.Reset(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  timer_.Reset(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (bind(door_.get(), reinterpret_cast<sockaddr*>(&address),
           sizeof address) != 0 ||
      listen(door_.get(), SOMAXCONN) != 0 || !Watch(door_.get(), kDoor) ||
      !Watch(timer_.get(), kTimer) || !Watch(STDIN_FILENO, kInput)) {
    *error = base::WithErrorText("cannot listen at " + path);
    return false;
  }
  return true;
}

void Switch::Run() {
  std::array<epoll_event, 64> events{};
  while (true) {
    SetTimer();
    const int count =
        epoll_wait(epoll_.get(), events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      if (!On(events[static_cast<std::size_t>(i)].data.u64)) return;
    }
  }
}

void Switch::SetTimer() {
  const BootTime due = network_.NextDue();
  if (due == timer_at_) return;
  timer_at_ = due;
  itimerspec at{};
  if (!due.IsNever()) {
    const auto ns = due.since_boot().count();
    at.it_value = {ns / 1'000'000'000, ns % 1'000'000'000};
  }
  timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &at, nullptr);
}

bool Switch::On(std::uint64_t source) {
  if (source == kInput) {
    std::array<char, 64> ignored{};
    return read(STDIN_FILENO, ignored.data(), ignored.size()) > 0;
  }
  if (source == kDoor) {
    OnDoor();
  } else if (source == kTimer) {
    OnTimer();
  } else if (source >= kClientFrom) {
    OnClient(static_cast<int>(source - kClientFrom));
  } else {
    OnPort(static_cast<int>(source - kPortFrom));
  }
  return true;
}

void Switch::OnDoor() {
  UniqueFd fd(accept4(door_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!fd.valid() || clients_.size() >= kClientsMax) return;
  const int number = fd.get();
  if (!Watch(number, kClientFrom + static_cast<std::uint64_t>(number))) return;
  clients_[number] = {std::move(fd), ""};
}

void Switch::OnTimer() {
  std::uint64_t times = 0;
  (void)!read(timer_.get(), &times, sizeof times);
  timer_at_ = BootTime::Never();
  Network::Parcel parcel;
  while (network_.Pop(base::BootNow(), &parcel)) {
    Write(parcel.port, parcel.bytes.data(), parcel.bytes.size());
  }
}

void Switch::OnPort(int port) {
  const auto tun = tuns_.find(port);
  if (tun == tuns_.end()) return;
  for (int i = 0; i < kPacketsAtOnce; ++i) {
    const ssize_t size =
        read(tun->second.get(), packet_.data(), packet_.size());
    if (size <= 0) {
      if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
      // Its namespace is gone.
      network_.Unplug(port);
      tuns_.erase(tun);
      return;
    }
    const auto bytes = static_cast<std::size_t>(size);
    const int to =
        network_.Arrive(port, {packet_.data(), bytes}, base::BootNow());
    if (to != 0) Write(to, packet_.data(), bytes);
  }
}

// What an interface does not take is lost, as on a cable.
void Switch::Write(int port, const void* bytes, std::size_t size) {
  const auto tun = tuns_.find(port);
  if (tun != tuns_.end()) (void)!write(tun->second.get(), bytes, size);
}

void Switch::OnClient(int fd) {
  const auto found = clients_.find(fd);
  if (found == clients_.end()) return;
  Client& client = found->second;
  std::array<char, 1024> part{};
  const ssize_t size = read(fd, part.data(), part.size());
  if (size > 0) client.text.append(part.data(), static_cast<std::size_t>(size));
  if (size <= 0 || client.text.size() > kLineMax) {
    clients_.erase(fd);
    return;
  }
  for (std::size_t end = 0;
       (end = client.text.find('\n')) != std::string::npos;) {
    const std::string answer = Obey(client.text.substr(0, end)) + "\n";
    client.text.erase(0, end + 1);
    (void)!send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
  }
}

std::string Switch::Obey(const std::string& line) {
  std::string error;
  const auto word = ParseSwitchWord(line, network_.ports(), &error);
  if (!word) return "error: " + error;
  return std::visit([this](const auto& one) { return Do(one); }, *word);
}

std::string Switch::Do(const Attach& attach) {
  Do(Detach{attach.port});
  std::string error;
  UniqueFd tun = OpenTun(attach.network_namespace, attach.addresses, &error);
  if (!tun.valid()) return "error: " + error;
  std::vector<Address> addresses;
  for (const Prefixed& one : attach.addresses) {
    addresses.push_back(one.address);
  }
  if (!network_.Plug(attach.port, addresses)) {
    return "error: another port has that address";
  }
  if (!Watch(tun.get(), kPortFrom + static_cast<std::uint64_t>(attach.port))) {
    return "error: " + base::WithErrorText("cannot watch it");
  }
  tuns_[attach.port] = std::move(tun);
  return "ok";
}

std::string Switch::Do(const Detach& detach) {
  network_.Unplug(detach.port);
  tuns_.erase(detach.port);
  return "ok";
}

std::string Switch::Do(const SetLink& link) {
  for (int from = 1; from <= network_.ports(); ++from) {
    if (link.from != 0 && link.from != from) continue;
    for (int to = 1; to <= network_.ports(); ++to) {
      if (link.to != 0 && link.to != to) continue;
      network_.SetFaults(from, to, link.faults);
    }
  }
  return "ok";
}

std::string Switch::Do(const AskCounts&) {
  const Network::Counts& counts = network_.counts();
  std::string text = "ok";
  for (const auto& [name, count] :
       {std::pair("passed", counts.passed), std::pair("lost", counts.lost),
        std::pair("copied", counts.copied),
        std::pair("overtaken", counts.overtaken),
        std::pair("held", counts.held), std::pair("strange", counts.strange),
        std::pair("dropped", counts.dropped)}) {
    text += std::string(" ") + name + "=" + std::to_string(count);
  }
  return text;
}

int Main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: switch PORTS SEED SOCKET\n");
    return 2;
  }
  const int ports = std::atoi(argv[1]);
  if (ports < 1 || ports > kPortsMax) {
    std::fprintf(stderr, "switch: a switch has 1 to %d ports\n", kPortsMax);
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  Switch it(ports, std::strtoull(argv[2], nullptr, 10));
  std::string error;
  if (!it.Listen(argv[3], &error)) {
    std::fprintf(stderr, "switch: %s\n", error.c_str());
    return 1;
  }
  std::printf("ready\n");
  std::fflush(stdout);
  it.Run();
  return 0;
}

}  // namespace
}  // namespace mobula::test

int main(int argc, char** argv) { return mobula::test::Main(argc, argv); }
