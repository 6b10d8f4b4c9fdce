// Sockets in a driver and in workers; the snippets of docs/io.md stand here.
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace io {

using namespace std::chrono_literals;

mobula::Coro<std::string> Ask(std::uint16_t port, std::string question) {
  auto connect = mobula::TcpStream::Connect("127.0.0.1", port, 2s);
  mobula::TcpStream server = co_await connect;
  co_await server.WriteAll(question + "\n", 1s);
  std::optional<std::string> answer = co_await server.ReadUntil("\n", 4096, 5s);
  co_return answer.value_or("");
}

mobula::Coro<> Talk(mobula::TcpStream peer) {
  try {
    while (auto line = co_await peer.ReadUntil("\n", 4096, 60s)) {
      co_await peer.WriteAll("you said " + *line);
    }
  } catch (const mobula::NetworkError& error) {
    std::cerr << error.what() << "\n";  // of this one; the others go on
  }
}

mobula::Coro<> Serve(mobula::TcpListener& door) {
  auto serve = [&](mobula::TaskGroup& group) -> mobula::Coro<> {
    while (true) group.Start(Talk(co_await door.Accept()));
  };
  mobula::Coro<> serving = mobula::WithGroup(serve);
  co_await serving;
}

mobula::Coro<std::string> Upper(std::string text) {
  auto run = mobula::Subprocess::Run({"tr", "a-z", "A-Z"},
                                     mobula::SubprocessOptions().Input(text));
  mobula::ProgramResult result = co_await run;
  if (!result.status.ok()) throw std::runtime_error(result.err);
  co_return result.out;
}

mobula::Coro<int> CountHangups(int upto) {
  mobula::Signals signals({SIGHUP, SIGUSR1});
  int hangups = 0;
  while (hangups < upto) {
    const int signal = co_await signals.Next(60s);
    if (signal == SIGHUP) ++hangups;
  }
  co_return hangups;
}

// Says who it is, and waits for ever.
mobula::Coro<> SleepIn(std::string path) {
  auto run = mobula::Subprocess::Run(
      {"sh", "-c", "echo $$ > " + path + "; exec sleep 1000"});
  co_await run;
}

class Server {
 public:
  std::uint16_t Open() {
    door_ = mobula::TcpListener::Listen("127.0.0.1", 0);
    return door_.port();
  }
  mobula::Coro<> Run() {
    mobula::Coro<> serve = Serve(door_);
    co_await serve;
  }

 private:
  mobula::TcpListener door_;
};

mobula::Coro<std::string> AskFromAWorker(std::uint16_t port) {
  mobula::Coro<std::string> ask = Ask(port, "a worker");
  co_return co_await ask;
}

int Connect(std::uint16_t port) {
  (void)mobula::BlockOn(mobula::TcpStream::Connect("127.0.0.1", port, 10s));
  return 0;
}

mobula::Coro<> AskOften(std::uint16_t port, int id) {
  for (int i = 0; i < 5; ++i) {
    const std::string question = std::to_string(id) + "." + std::to_string(i);
    mobula::Coro<std::string> ask = Ask(port, question);
    const std::string answer = co_await ask;
    EXPECT_EQ(answer, "you said " + question + "\n");
  }
}

void AskAll(mobula::InitOptions options) {
  const mobula::Runtime runtime = mobula::Init(options);
  mobula::Actor<Server> server = mobula::Create<Server>();
  const std::uint16_t port = mobula::Get(server.Call<&Server::Open>());
  mobula::Ref<void> running = server.Call<&Server::Run>();
  {
    mobula::TaskGroup clients;
    for (int i = 0; i < 20; ++i) clients.Start(AskOften(port, i));
    mobula::BlockOn(clients.Wait());
  }
  EXPECT_EQ(mobula::Get(mobula::Spawn<AskFromAWorker>(port)),
            "you said a worker\n");
  mobula::Cancel(running);
  EXPECT_THROW(mobula::Get(running), mobula::Cancelled);
}

TEST(Io, AnActorOnAWorkerServes) { AskAll(mobula::InitOptions().Cpus(2)); }

TEST(Io, AnActorServesInLocalMode) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Local());
  mobula::Actor<Server> server = mobula::Create<Server>();
  const std::uint16_t port = mobula::Get(server.Call<&Server::Open>());
  mobula::Ref<void> running = server.Call<&Server::Run>();
  mobula::BlockOn(AskOften(port, 1));
  mobula::Cancel(running);
  EXPECT_THROW(mobula::Get(running), mobula::Cancelled);
}

TEST(Io, ProgramsRunOnWorkers) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(2));
  EXPECT_EQ(mobula::BlockOn(Upper("here")), "HERE");
  EXPECT_EQ(mobula::Get(mobula::Spawn<Upper>("there")), "THERE");
}

// One that is cancelled leaves no program behind on its worker.
TEST(Io, ACancelledTaskEndsItsProgram) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(2));
  const std::string path =
      testing::TempDir() + "/io_test_" + std::to_string(::getpid());
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const mobula::Ref<void> sleeping = mobula::Spawn<SleepIn>(path);
  pid_t pid = 0;
  std::ifstream(path) >> pid;
  ::unlink(path.c_str());
  ASSERT_GT(pid, 0);
  const int program = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  ASSERT_GE(program, 0);
  mobula::Cancel(sleeping);
  EXPECT_THROW(mobula::Get(sleeping), mobula::Cancelled);
  pollfd ended{program, POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 60'000), 1);
  ::close(program);
}

TEST(Io, SignalsAreAwaited) {
  mobula::TaskGroup group;
  std::atomic<int> counted{0};
  const auto count = [&]() -> mobula::Coro<> {
    mobula::Coro<int> hangups = CountHangups(1);
    counted = co_await hangups;
  };
  // Who sends one too early would end this process.
  const mobula::Signals until_ended({SIGHUP});
  group.Start(count());
  while (counted == 0) {
    ::kill(::getpid(), SIGHUP);
    mobula::BlockOn(mobula::SleepFor(1ms));
  }
  mobula::BlockOn(group.Wait());
}

bool HasThread(const std::string& name) {
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "comm");
    std::string comm;
    if (std::getline(file, comm) && comm == name) return true;
  }
  return false;
}

TEST(Io, ItsThreadEndsWithTheRuntime) {
  mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Local());
  {
    const auto door = mobula::TcpListener::Listen("127.0.0.1", 0);
    EXPECT_TRUE(HasThread("mobula-io"));
  }
  runtime.Shutdown();
  EXPECT_FALSE(HasThread("mobula-io"));
}

// It travels as an exception of the function's, and as the standard class.
TEST(Io, AnErrorOfATaskTravels) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(1));
  std::uint16_t port = 0;
  {
    const auto gone = mobula::TcpListener::Listen("127.0.0.1", 0);
    port = gone.port();
  }
  const mobula::Ref<int> failed = mobula::Spawn<Connect>(port);
  try {
    mobula::Get(failed);
    FAIL();
  } catch (const mobula::TaskError& error) {
    EXPECT_EQ(error.exception_type(), "mobula::NetworkError");
    EXPECT_NE(error.message().find("cannot connect to 127.0.0.1"),
              std::string::npos);
  }
  EXPECT_THROW(mobula::Get(failed), std::runtime_error);
}

}  // namespace io
