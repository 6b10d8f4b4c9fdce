// Sockets in a driver and in workers; the snippets of docs/io.md stand here.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <chrono>
#include <cstdint>
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
