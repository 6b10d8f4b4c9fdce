// A door and tunnels, without gRPC: what goes in comes out, however much and
// however slowly it is read.
#include "base/tls/tls_door.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/control/control_address.h"
#include "base/rpc/greeting.h"
#include "base/security/authority.h"
#include "base/security/credentials.h"
#include "base/sockets/connect_within.h"
#include "base/sockets/poll_wait.h"
#include "base/strand.h"
#include "base/tls/door_call.h"
#include "base/tls/tls_tunnel.h"
#include "base/unique_fd.h"

namespace mobula::base {
namespace {

using std::chrono::seconds;

constexpr ClusterId kCluster{9, 9};

// Gives back what it is told, to whoever was admitted or asks.
class EchoDoor {
 public:
  explicit EchoDoor(std::shared_ptr<const TlsContext> context) {
    strand_.StartThread();
    Run([this, &context] {
      TlsDoor::Callbacks callbacks;
      callbacks.on_admitted = [this](TlsDoor::Admitted admitted) {
        EXPECT_FALSE(admitted.name.empty());
        Echo(std::move(admitted.socket));
      };
      callbacks.on_gone = [this](const std::string&) { ++gone_; };
      callbacks.on_question = [this](TlsDoor::Question question) {
        door_->Answer(question.id, question.body);
      };
      callbacks.on_verdict = [](const TlsDoor::Verdict&) {};
      door_ = std::make_unique<TlsDoor>(strand_, TlsDoor::Options(),
                                        std::move(callbacks));
      std::string error;
      const auto any = ControlAddress::Parse("tls:127.0.0.1:0", &error);
      EXPECT_TRUE(door_->Listen(*any, context, &address, &error)) << error;
    });
  }
  ~EchoDoor() {
    Run([this] {
      door_.reset();
      for (auto& [fd, one] : echoes_) strand_.Unwatch(fd);
      echoes_.clear();
    });
  }
  int gone() {
    int count = 0;
    Run([this, &count] { count = gone_; });
    return count;
  }

  ControlAddress address;

 private:
  struct Echoed {
    UniqueFd socket;
    std::string bytes;
  };

  template <class Fn>
  void Run(Fn fn) {
    std::promise<void> ran;
    strand_.Post([&fn, &ran] {
      fn();
      ran.set_value();
    });
    ran.get_future().wait();
  }
  void Echo(UniqueFd socket) {
    const int fd = socket.get();
    echoes_[fd] = {std::move(socket), ""};
    Watch(fd);
  }
  void Watch(int fd) {
    const bool full = echoes_.at(fd).bytes.size() > 100'000;
    const std::uint32_t events =
        (full ? 0 : Strand::kReadable) |
        (echoes_.at(fd).bytes.empty() ? 0 : Strand::kWritable);
    strand_.Watch(fd, events, [this, fd](std::uint32_t) { Go(fd); });
  }
  void Go(int fd) {
    Echoed& one = echoes_.at(fd);
    char bytes[5000];
    const ssize_t count = ::recv(fd, bytes, sizeof bytes, 0);
    if (count > 0) one.bytes.append(bytes, static_cast<std::size_t>(count));
    const bool ended = count == 0 || (count < 0 && errno != EAGAIN);
    const ssize_t sent =
        ::send(fd, one.bytes.data(), one.bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) one.bytes.erase(0, static_cast<std::size_t>(sent));
    if (!ended) return Watch(fd);
    strand_.Unwatch(fd);
    echoes_.erase(fd);
  }

  Strand strand_{"door"};
  std::unique_ptr<TlsDoor> door_;
  std::map<int, Echoed> echoes_;
  int gone_ = 0;
};

class TlsDoorTest : public testing::Test {
 protected:
  TlsDoorTest() {
    std::string name = "/tmp/tdXXXXXX";
    folder_ = ::mkdtemp(name.data());
    file_ = folder_ + "/c/node.pem";
    std::string error;
    EXPECT_TRUE(WriteCredentials(file_, Make(ClusterRole::kNode, 7), &error));
  }
  ~TlsDoorTest() override { std::filesystem::remove_all(folder_); }

  Credentials Make(ClusterRole role, std::uint64_t maker) {
    KeyPair key = KeyPair::Make();
    Certificate own =
        authority_.Issue(key, {kCluster, role, maker}, {WallNowS(), 3600});
    return {std::move(key), std::move(own), authority_.certificate()};
  }
  // Says it, through the tunnel, and gives all that comes back; what it says
  // and hears goes on at the same time.
  static std::string Exchange(const UniqueFd& socket, std::string_view words,
                              std::size_t wanted) {
    std::string all;
    while (all.size() < wanted) {
      pollfd waits{
          socket.get(),
          static_cast<short>(words.empty() ? POLLIN : POLLIN | POLLOUT), 0};
      if (::poll(&waits, 1, 20'000) <= 0) return all + "(too late)";
      if (!words.empty()) {
        const ssize_t sent =
            ::send(socket.get(), words.data(), words.size(), MSG_NOSIGNAL);
        if (sent > 0) words.remove_prefix(static_cast<std::size_t>(sent));
      }
      char bytes[3000];
      const ssize_t count = ::recv(socket.get(), bytes, sizeof bytes, 0);
      if (count > 0) all.append(bytes, static_cast<std::size_t>(count));
      if (count == 0) return all + "(the end)";
    }
    return all;
  }
  UniqueFd Open(TlsTunnel& tunnel, const ControlAddress& address) {
    int failed = 0;
    std::string error;
    UniqueFd socket = tunnel.Wrap(
        ConnectWithin(address, BootNow() + seconds(10), &failed), &error);
    EXPECT_TRUE(socket.valid()) << error;
    return socket;
  }

  Authority authority_ = Authority::Make(kCluster, WallNowS());
  std::shared_ptr<const TlsContext> context_ =
      TlsContext::ForStore(Make(ClusterRole::kStore, 0));
  std::string folder_;
  std::string file_;
};

TEST_F(TlsDoorTest, MuchGoesBothWaysAtTheSameTimeAndInOrder) {
  EchoDoor door(context_);
  TlsTunnel tunnel({file_});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t, &tunnel, &door] {
      const UniqueFd socket = Open(tunnel, door.address);
      const std::string greeting = EncodeGreeting("");
      EXPECT_EQ(Exchange(socket, greeting, kAdmissionBytes).size(),
                kAdmissionBytes);
      std::string words(2'000'000, '\0');
      for (std::size_t i = 0; i < words.size(); ++i) {
        words[i] =
            static_cast<char>(i * 31 + i / 256 + static_cast<std::size_t>(t));
      }
      EXPECT_TRUE(Exchange(socket, words, words.size()) == words);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const BootTime deadline = BootNow() + seconds(20);
  while (door.gone() < 4 && BootNow() < deadline) {
  }
  EXPECT_EQ(door.gone(), 4);
}

TEST_F(TlsDoorTest, QuestionsOfManyAreAnsweredToWhoAskedThem) {
  EchoDoor door(context_);
  const auto stranger =
      TlsContext::ForJoiner(kCluster, authority_.certificate().Fingerprint());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &door, &stranger] {
      for (int i = 0; i < 10; ++i) {
        std::string error;
        // An echo of a question is no answer, and says which one it was not.
        const auto none = AskAtDoor(door.address, stranger, RenewAsked{"x"},
                                    seconds(20), &error);
        EXPECT_FALSE(none) << t;
        EXPECT_EQ(error.find("in time"), std::string::npos) << error;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(TlsDoorTest, TheEndOfOneSideIsTheEndOfTheOther) {
  auto door = std::make_unique<EchoDoor>(context_);
  auto tunnel =
      std::make_unique<TlsTunnel>(TlsTunnel::Options{file_, WallNowS});
  UniqueFd first = Open(*tunnel, door->address);
  const UniqueFd second = Open(*tunnel, door->address);
  const std::string greeting = EncodeGreeting("");
  EXPECT_EQ(Exchange(first, greeting, kAdmissionBytes).size(), kAdmissionBytes);
  EXPECT_EQ(Exchange(second, greeting, kAdmissionBytes).size(),
            kAdmissionBytes);
  first.Reset();
  const BootTime deadline = BootNow() + seconds(20);
  while (door->gone() < 1 && BootNow() < deadline) {
  }
  EXPECT_EQ(door->gone(), 1);
  door.reset();
  EXPECT_EQ(Exchange(second, "", 1), "(the end)");
  // And a door that is not there is said, as a store would say it.
  std::string error;
  int fds[2] = {-1, -1};
  ASSERT_EQ(
      ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
      0);
  const UniqueFd closed = tunnel->Wrap(UniqueFd(fds[0]), &error);
  UniqueFd(fds[1]).Reset();
  const std::string said = Exchange(closed, "", kAdmissionBytes);
  Admission admission;
  ASSERT_EQ(said.size(), kAdmissionBytes) << said;
  ASSERT_TRUE(DecodeAdmission(said, &admission, &error)) << error;
  EXPECT_EQ(admission.code, AdmissionCode::kUnreachable);
  EXPECT_FALSE(admission.reason.empty());
  tunnel.reset();
}

}  // namespace
}  // namespace mobula::base
