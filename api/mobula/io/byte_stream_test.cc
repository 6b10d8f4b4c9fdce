// Streams and listeners, over TCP and Unix sockets, from coroutines and
// threads.
#include "api/mobula/io/byte_stream.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "api/mobula/coro/block_on.h"
#include "api/mobula/coro/coro.h"
#include "api/mobula/coro/detail/process_executor.h"
#include "api/mobula/coro/detail/process_io.h"
#include "api/mobula/coro/scope.h"
#include "api/mobula/coro/sleep.h"
#include "api/mobula/coro/task_group.h"
#include "api/mobula/coro/with_scope.h"
#include "api/mobula/error.h"
#include "api/mobula/io/system_error.h"
#include "api/mobula/io/tcp_listener.h"
#include "api/mobula/io/tcp_stream.h"
#include "api/mobula/io/unix_listener.h"
#include "api/mobula/io/unix_stream.h"
#include "api/mobula/sync/event.h"

namespace mobula {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A connection to oneself.
struct Ends {
  TcpStream near;
  TcpStream far;
};

Ends MakeEnds() {
  TcpListener door = TcpListener::Listen("127.0.0.1", 0);
  Ends ends;
  ends.near =
      BlockOn(TcpStream::Connect("127.0.0.1", door.port(), seconds(10)));
  ends.far = BlockOn(door.Accept(seconds(10)));
  return ends;
}

template <class Act>
std::error_code ErrorOf(Act act) {
  try {
    act();
  } catch (const NetworkError& error) {
    EXPECT_FALSE(std::string(error.what()).empty());
    return error.error();
  }
  ADD_FAILURE() << "it threw nothing";
  return {};
}

Coro<> Echo(TcpStream peer) {
  std::array<char, 4096> bytes{};
  while (const std::size_t count = co_await peer.Read(bytes)) {
    co_await peer.WriteAll(std::string_view(bytes.data(), count));
  }
}

Coro<> Serve(TcpListener& door) {
  TaskGroup group;
  try {
    while (true) group.Start(Echo(co_await door.Accept()));
  } catch (const NetworkError& error) {
    EXPECT_EQ(error.error(), std::errc::operation_canceled);
  }
  co_await group.Wait();
}

Coro<> Talk(std::uint16_t port, int id) {
  Coro<TcpStream> connect = TcpStream::Connect("127.0.0.1", port, seconds(60));
  TcpStream peer = co_await connect;
  for (int i = 0; i < 20; ++i) {
    const std::string line =
        std::to_string(id) + "." + std::to_string(i) + "\n";
    co_await peer.WriteAll(line);
    const std::optional<std::string> got = co_await peer.ReadUntil("\n", 64);
    EXPECT_EQ(got, line);
  }
  peer.ShutdownWrite();
  const std::optional<std::string> none = co_await peer.ReadUntil("\n", 64);
  EXPECT_EQ(none, std::nullopt);
}

// ---- servers ----------------------------------------------------------------

TEST(Tcp, AHundredConnectionsAtOnce) {
  TcpListener door = TcpListener::Listen("127.0.0.1", 0);
  TaskGroup server;
  server.Start(Serve(door));
  {
    TaskGroup clients;
    for (int i = 0; i < 100; ++i) clients.Start(Talk(door.port(), i));
    BlockOn(clients.Wait());
  }
  door.Close();
  BlockOn(server.Wait());
  EXPECT_EQ(door.connections(), 0u);
}

TEST(Tcp, FromThreadsAsWell) {
  TcpListener door = TcpListener::Listen("127.0.0.1", 0);
  std::jthread server([&door] {
    TcpStream peer = BlockOn(door.Accept(seconds(60)));
    std::array<char, 64> bytes{};
    while (const std::size_t count = BlockOn(peer.Read(bytes))) {
      BlockOn(peer.WriteAll(std::string_view(bytes.data(), count)));
    }
  });
  TcpStream peer =
      BlockOn(TcpStream::Connect("127.0.0.1", door.port(), seconds(60)));
  peer.SetNoDelay();
  peer.SetKeepAlive(seconds(30));
  EXPECT_EQ(peer.peer(), door.address());
  BlockOn(peer.WriteAll("hello"));
  std::array<char, 5> bytes{};
  BlockOn(peer.ReadExactly(bytes, seconds(60)));
  EXPECT_EQ(std::string(bytes.data(), bytes.size()), "hello");
  peer.ShutdownWrite();
  EXPECT_EQ(BlockOn(peer.ReadAll(10)), "");
}

TEST(Tcp, AcceptsNoMoreThanItMay) {
  TcpListener door =
      TcpListener::Listen("127.0.0.1", 0, ListenOptions().ConnectionsMax(2));
  std::vector<TcpStream> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(
        BlockOn(TcpStream::Connect("127.0.0.1", door.port(), seconds(60))));
  }
  TcpStream first = BlockOn(door.Accept(seconds(60)));
  TcpStream second = BlockOn(door.Accept(seconds(60)));
  EXPECT_EQ(door.connections(), 2u);
  EXPECT_THROW((void)BlockOn(door.Accept(milliseconds(20))), TimeoutError);
  EXPECT_THROW((void)BlockOn(door.Accept(milliseconds(0))), TimeoutError);
  TaskGroup group;
  Event accepted;
  const auto accept = [&]() -> Coro<> {
    TcpStream third = co_await door.Accept();
    EXPECT_TRUE(third.is_open());
    accepted.Set();
  };
  group.Start(accept());
  std::jthread leaver([&first] { first.Close(); });
  BlockOn(accepted.Wait(seconds(60)));
  BlockOn(group.Wait());
  EXPECT_EQ(door.connections(), 1u);
}

TEST(Tcp, SeveralMayAccept) {
  TcpListener door = TcpListener::Listen("127.0.0.1", 0);
  std::atomic<int> accepted{0};
  TaskGroup group;
  const auto accept = [&]() -> Coro<> {
    const TcpStream peer = co_await door.Accept();
    accepted.fetch_add(1);
  };
  for (int i = 0; i < 8; ++i) group.Start(accept());
  const auto connect = [&]() -> Coro<> {
    Coro<TcpStream> begun = TcpStream::Connect("127.0.0.1", door.port());
    const TcpStream peer = co_await begun;
  };
  for (int i = 0; i < 8; ++i) group.Start(connect());
  BlockOn(group.Wait());
  EXPECT_EQ(accepted.load(), 8);
}

// ---- connecting -------------------------------------------------------------

TEST(Tcp, SaysWhoRefused) {
  std::uint16_t port = 0;
  {
    const TcpListener gone = TcpListener::Listen("127.0.0.1", 0);
    port = gone.port();
  }
  try {
    (void)BlockOn(TcpStream::Connect("127.0.0.1", port, seconds(60)));
    FAIL();
  } catch (const NetworkError& error) {
    EXPECT_EQ(error.error(), std::errc::connection_refused);
    EXPECT_EQ(error.address(), "127.0.0.1:" + std::to_string(port));
    EXPECT_NE(std::string(error.what()).find(error.address()),
              std::string::npos);
  }
  // As those see it who know the standard only.
  EXPECT_THROW((void)BlockOn(TcpStream::Connect("127.0.0.1", port)),
               std::system_error);
}

TEST(Tcp, NamesAreLookedUp) {
  TcpListener door = TcpListener::Listen("localhost", 0);
  const TcpStream peer =
      BlockOn(TcpStream::Connect("localhost", door.port(), seconds(60)));
  EXPECT_TRUE(peer.is_open());
  EXPECT_EQ(ErrorOf([] {
              (void)BlockOn(
                  TcpStream::Connect("no.such.host.invalid", 1, seconds(60)));
            }),
            std::errc::host_unreachable);
  EXPECT_THROW((void)BlockOn(TcpStream::Connect("", 1)), BadArgument);
  EXPECT_THROW((void)BlockOn(TcpStream::Connect(std::string("a\0b", 3), 1)),
               BadArgument);
}

// The queue of a listener that accepts nobody fills, and then nobody answers.
TEST(Tcp, ConnectingHeedsDeadlinesAndStops) {
  TcpListener door =
      TcpListener::Listen("127.0.0.1", 0, ListenOptions().Backlog(1));
  std::vector<TcpStream> queued;
  const auto connect = [&](Timeout timeout) {
    queued.push_back(
        BlockOn(TcpStream::Connect("127.0.0.1", door.port(), timeout)));
  };
  EXPECT_THROW(
      {
        for (int i = 0; i < 100; ++i) connect(milliseconds(100));
      },
      TimeoutError);
  std::stop_source source;
  std::jthread stopper([&source] { source.request_stop(); });
  const Scope scope(ScopeOptions().Stop(source.get_token()));
  EXPECT_THROW(connect(hours(1)), Cancelled);
}

TEST(Tcp, AnAddressThatIsTakenIsSaid) {
  const TcpListener door = TcpListener::Listen("127.0.0.1", 0);
  EXPECT_EQ(
      ErrorOf([&door] { (void)TcpListener::Listen("127.0.0.1", door.port()); }),
      std::errc::address_in_use);
  EXPECT_THROW((void)TcpListener::Listen("127.0.0.1", 0,
                                         ListenOptions().ConnectionsMax(0)),
               BadArgument);
}

// ---- reading and writing ----------------------------------------------------

TEST(Stream, ReadsPiecesOfAnySize) {
  Ends ends = MakeEnds();
  const auto write = [&]() -> Coro<> {
    const std::string text = "one\r\ntwo\r\n\r\nrest";
    for (const char c : text) {
      co_await ends.far.WriteAll(std::string_view(&c, 1));
      co_await Yield();
    }
    ends.far.ShutdownWrite();
  };
  TaskGroup group;
  group.Start(write());
  EXPECT_EQ(BlockOn(ends.near.ReadUntil("\r\n", 5)), "one\r\n");
  EXPECT_EQ(BlockOn(ends.near.ReadUntil("\r\n", 100)), "two\r\n");
  EXPECT_EQ(BlockOn(ends.near.ReadUntil("\r\n", 100)), "\r\n");
  std::array<char, 2> two{};
  EXPECT_EQ(BlockOn(ends.near.ReadExactly(two)), 2u);
  EXPECT_EQ(std::string(two.data(), 2), "re");
  EXPECT_THROW((void)BlockOn(ends.near.ReadUntil("\r\n", 100)), StreamEnded);
  EXPECT_EQ(BlockOn(ends.near.ReadAll(2)), "st");
  EXPECT_EQ(BlockOn(ends.near.Read(two)), 0u);
  EXPECT_EQ(BlockOn(ends.near.ReadUntil("\r\n", 100)), std::nullopt);
  EXPECT_THROW((void)BlockOn(ends.near.ReadExactly(two)), StreamEnded);
  BlockOn(group.Wait());
}

TEST(Stream, WhatIsTooLongCanStillBeRead) {
  Ends ends = MakeEnds();
  BlockOn(ends.far.WriteAll("0123456789\n"));
  EXPECT_EQ(ErrorOf([&] { (void)BlockOn(ends.near.ReadUntil("\n", 10)); }),
            std::errc::message_size);
  ends.far.ShutdownWrite();
  EXPECT_EQ(ErrorOf([&] { (void)BlockOn(ends.near.ReadAll(10)); }),
            std::errc::message_size);
  EXPECT_EQ(BlockOn(ends.near.ReadUntil("\n", 11)), "0123456789\n");
  EXPECT_THROW((void)ends.near.ReadUntil("", 10), BadArgument);
  EXPECT_THROW((void)ends.near.Read(std::span<char>()), BadArgument);
}

TEST(Stream, AReadThatEndsEarlyHasTakenNothing) {
  Ends ends = MakeEnds();
  std::array<char, 6> six{};
  BlockOn(ends.far.WriteAll("abc"));
  EXPECT_THROW((void)BlockOn(ends.near.ReadExactly(six, milliseconds(10))),
               TimeoutError);
  EXPECT_THROW((void)BlockOn(ends.near.ReadUntil("\n", 10, milliseconds(10))),
               TimeoutError);
  {
    std::stop_source source;
    const Scope scope(ScopeOptions().Stop(source.get_token()));
    std::jthread stopper([&source] { source.request_stop(); });
    EXPECT_THROW((void)BlockOn(ends.near.ReadExactly(six)), Cancelled);
  }
  BlockOn(ends.far.WriteAll("def"));
  BlockOn(ends.near.ReadExactly(six));
  EXPECT_EQ(std::string(six.data(), 6), "abcdef");
  BlockOn(ends.far.WriteAll("gh"));
  ends.far.ShutdownWrite();
  EXPECT_THROW((void)BlockOn(ends.near.ReadExactly(six)), StreamEnded);
  EXPECT_EQ(BlockOn(ends.near.ReadAll(2)), "gh");
}

TEST(Stream, AWriteThatIsBrokenOffSaysSo) {
  Ends ends = MakeEnds();
  const std::string much(std::size_t{16} << 20, 'x');
  EXPECT_THROW(BlockOn(ends.near.WriteAll(much, milliseconds(10))),
               TimeoutError);
  EXPECT_EQ(ErrorOf([&] { BlockOn(ends.near.WriteAll("more")); }),
            std::errc::operation_canceled);
  // The other way is as it was.
  BlockOn(ends.far.WriteAll("y"));
  std::array<char, 1> one{};
  BlockOn(ends.near.ReadExactly(one));
  EXPECT_EQ(one[0], 'y');
}

TEST(Stream, MuchGoesThroughBothWaysAtOnce) {
  Ends ends = MakeEnds();
  const std::string much(std::size_t{4} << 20, 'x');
  TaskGroup group;
  const auto write = [&](TcpStream& to) -> Coro<> {
    co_await to.WriteAll(much);
    to.ShutdownWrite();
  };
  const auto read = [&](TcpStream& from) -> Coro<> {
    const std::string all = co_await from.ReadAll(much.size());
    EXPECT_EQ(all, much);
  };
  for (TcpStream* const end : {&ends.near, &ends.far}) {
    group.Start(write(*end));
    group.Start(read(*end));
  }
  BlockOn(group.Wait());
}

TEST(Stream, OneReadsAtATime) {
  Ends ends = MakeEnds();
  TaskGroup group;
  Event reads;
  const auto read = [&]() -> Coro<> {
    std::array<char, 1> one{};
    reads.Set();
    // The other one may have begun first.
    for (bool has_read = false; !has_read;) {
      try {
        co_await ends.near.ReadExactly(one);
        has_read = true;
      } catch (const BadArgument&) {
        has_read = false;
      }
      co_await Yield();
    }
  };
  group.Start(read());
  BlockOn(reads.Wait());
  std::array<char, 1> one{};
  // The first may not have begun.
  while (true) {
    try {
      (void)BlockOn(ends.near.Read(one, milliseconds(1)));
    } catch (const TimeoutError&) {
      continue;
    } catch (const BadArgument&) {
      break;
    }
  }
  BlockOn(ends.far.WriteAll("a"));
  BlockOn(group.Wait());
}

// ---- the other side ---------------------------------------------------------

TEST(Stream, AResetIsAnError) {
  Ends ends = MakeEnds();
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  TcpListener door = TcpListener::Listen("127.0.0.1", 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(door.port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address),
                      sizeof address),
            0);
  TcpStream peer = BlockOn(door.Accept());
  std::array<char, 1> one{};
  TaskGroup group;
  const auto read = [&]() -> Coro<> { co_await peer.Read(one); };
  group.Start(read());
  constexpr linger kReset{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &kReset, sizeof kReset);
  ::close(fd);
  EXPECT_EQ(ErrorOf([&group] { BlockOn(group.Wait()); }),
            std::errc::connection_reset);
  // Nothing that is written arrives.
  EXPECT_EQ(ErrorOf([&peer] { BlockOn(peer.WriteAll("a")); }),
            std::errc::broken_pipe);
}

TEST(Stream, AHalfThatIsClosedLeavesTheOther) {
  Ends ends = MakeEnds();
  ends.near.ShutdownWrite();
  EXPECT_EQ(BlockOn(ends.far.ReadAll(1)), "");
  EXPECT_EQ(ErrorOf([&] { BlockOn(ends.near.WriteAll("a")); }),
            std::errc::broken_pipe);
  BlockOn(ends.far.WriteAll("still"));
  ends.far.Close();
  EXPECT_EQ(BlockOn(ends.near.ReadAll(10)), "still");
}

// One that has vanished says nothing: only a deadline ends the wait.
TEST(Stream, ASilentPeerIsLeftByDeadline) {
  Ends ends = MakeEnds();
  std::array<char, 1> one{};
  const auto read = [&]() -> Coro<> { co_await ends.near.Read(one); };
  EXPECT_THROW(BlockOn(WithTimeout(milliseconds(20), read())), TimeoutError);
  EXPECT_TRUE(ends.near.is_open());
}

TEST(Stream, CloseEndsWhatWaits) {
  Ends ends = MakeEnds();
  TcpListener door = TcpListener::Listen("127.0.0.1", 0);
  std::array<char, 1> one{};
  TaskGroup group;
  std::atomic<int> cancelled{0};
  const auto expect = [&](Coro<> what) -> Coro<> {
    try {
      co_await what;
      ADD_FAILURE();
    } catch (const NetworkError& error) {
      EXPECT_EQ(error.error(), std::errc::operation_canceled);
      cancelled.fetch_add(1);
    }
  };
  const auto read = [&]() -> Coro<> {
    while (true) co_await ends.near.Read(one);
  };
  const auto accept = [&]() -> Coro<> { (void)co_await door.Accept(); };
  group.Start(expect(read()));
  group.Start(expect(accept()));
  group.Start(expect(accept()));
  std::jthread closer([&] {
    ends.near.Close();
    door.Close();
  });
  BlockOn(group.Wait());
  EXPECT_EQ(cancelled.load(), 3);
  EXPECT_FALSE(ends.near.is_open());
  EXPECT_EQ(BlockOn(ends.far.Read(one)), 0u);
}

TEST(Stream, NoneIsBadArgument) {
  ByteStream none;
  std::array<char, 1> one{};
  EXPECT_THROW((void)BlockOn(none.Read(one)), BadArgument);
  EXPECT_THROW((void)BlockOn(TcpListener().Accept()), BadArgument);
  none.Close();
  none.ShutdownWrite();
  EXPECT_EQ(none.peer(), "");
}

// Deadlines, stops, bytes and closes at the same moment: each wait ends once,
// and no byte is lost or read twice.
TEST(Stream, EndsOnceHoweverItEnds) {
  Ends ends = MakeEnds();
  std::string sent;
  std::string got;
  for (int round = 0; round < 200; ++round) {
    const char byte = static_cast<char>('a' + round % 26);
    sent += byte;
    std::array<char, 1> one{};
    std::stop_source source;
    const auto read = [&]() -> Coro<> {
      try {
        co_await ends.near.ReadExactly(
            one, std::chrono::microseconds(50 * (round % 8) + 1));
        got += one[0];
      } catch (const Error&) {
        co_return;
      }
    };
    TaskGroup group(ScopeOptions().Stop(source.get_token()));
    std::jthread stopper([&source] { source.request_stop(); });
    group.Start(read());
    BlockOn(ends.far.WriteAll(std::string_view(&byte, 1)));
    try {
      BlockOn(group.Wait());
    } catch (const Cancelled&) {
      continue;
    }
  }
  ends.far.ShutdownWrite();
  got += BlockOn(ends.near.ReadAll(sent.size()));
  EXPECT_EQ(got, sent);
}

// ---- Unix -------------------------------------------------------------------

class UnixTest : public testing::Test {
 protected:
  UnixTest() {
    std::string name = "/tmp/mobula-io-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~UnixTest() override { ::rmdir(folder_.c_str()); }
  std::string Path() const { return folder_ + "/socket"; }
  std::string folder_;
};

TEST_F(UnixTest, ConnectsWithinTheMachine) {
  UnixListener door = UnixListener::Listen(Path());
  EXPECT_EQ(door.address(), Path());
  struct stat file{};
  ASSERT_EQ(::stat(Path().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777U, 0600U);
  UnixStream near = BlockOn(UnixStream::Connect(Path(), seconds(60)));
  UnixStream far = BlockOn(door.Accept());
  EXPECT_EQ(near.peer(), Path());
  BlockOn(near.WriteAll("hi\n"));
  EXPECT_EQ(BlockOn(far.ReadUntil("\n", 10)), "hi\n");
  door.Close();
  EXPECT_NE(::stat(Path().c_str(), &file), 0);
  EXPECT_EQ(ErrorOf([this] { (void)BlockOn(UnixStream::Connect(Path())); }),
            std::errc::no_such_file_or_directory);
}

TEST_F(UnixTest, ConnectingToOneThatAcceptsNobodyHeedsItsDeadline) {
  UnixListener door = UnixListener::Listen(Path(), ListenOptions().Backlog(1));
  std::vector<UnixStream> queued;
  EXPECT_THROW(
      {
        for (int i = 0; i < 100; ++i) {
          queued.push_back(
              BlockOn(UnixStream::Connect(Path(), milliseconds(50))));
        }
      },
      TimeoutError);
}

TEST_F(UnixTest, PathsAreChecked) {
  EXPECT_THROW((void)UnixListener::Listen(""), BadArgument);
  EXPECT_THROW((void)UnixListener::Listen("/" + std::string(107, 'x')),
               BadArgument);
  const UnixListener named =
      UnixListener::Listen("@mobula-io-test-" + std::to_string(::getpid()));
  EXPECT_EQ(named.address(), "@mobula-io-test-" + std::to_string(::getpid()));
  const UnixStream near = BlockOn(UnixStream::Connect(named.address()));
  EXPECT_TRUE(near.is_open());
}

// ---- the process ------------------------------------------------------------

TEST(Io, ItsThreadRestsWhenARuntimeShutsDown) {
  {
    const Ends ends = MakeEnds();
    detail::RestAtShutdown();
    EXPECT_TRUE(detail::HasIoThread());
  }
  detail::RestAtShutdown();
  // It may have called back about one of them, and lets go of that in a moment.
  while (detail::HasIoThread()) {
    std::this_thread::yield();
    detail::RestAtShutdown();
  }
  Ends ends = MakeEnds();
  EXPECT_TRUE(detail::HasIoThread());
  BlockOn(ends.far.WriteAll("a"));
  EXPECT_EQ(BlockOn(ends.near.ReadUntil("a", 1)), "a");
}

// tsan refuses threads in the child of a process that had several: it only
// drops what it has there.
TEST(Io, AForkedChildLeavesTheStreamsOfItsParent) {
  auto ends = std::make_unique<Ends>(MakeEnds());
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    bool is_refused = false;
    try {
      std::array<char, 1> one{};
      (void)BlockOn(ends->near.Read(one));
    } catch (const BadArgument&) {
      is_refused = true;
    }
    ends.reset();
    ::_exit(is_refused ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  BlockOn(ends->far.WriteAll("a"));
  EXPECT_EQ(BlockOn(ends->near.ReadUntil("a", 1)), "a");
}

}  // namespace
}  // namespace mobula
