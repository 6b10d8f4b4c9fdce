#include "api/mobula/io/udp_socket.h"

#include <gtest/gtest.h>

#include <chrono>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "api/mobula/coro/block_on.h"
#include "api/mobula/coro/coro.h"
#include "api/mobula/coro/scope.h"
#include "api/mobula/coro/task_group.h"
#include "api/mobula/error.h"
#include "api/mobula/io/system_error.h"

namespace mobula {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

template <class Act>
std::error_code ErrorOf(Act act) {
  try {
    act();
  } catch (const NetworkError& error) {
    EXPECT_FALSE(error.address().empty());
    return error.error();
  }
  ADD_FAILURE() << "it threw nothing";
  return {};
}

UdpAddress AddressOf(const UdpSocket& socket) {
  return BlockOn(UdpAddress::Find("127.0.0.1", socket.port()));
}

TEST(Udp, DatagramsArriveWholeAndSayWhoSentThem) {
  UdpSocket near = UdpSocket::Bind("127.0.0.1", 0);
  UdpSocket far = UdpSocket::Bind("127.0.0.1", 0);
  const auto answer = [&]() -> Coro<> {
    for (int i = 0; i < 50; ++i) {
      const Datagram question = co_await far.Receive(100, seconds(60));
      co_await far.SendTo(question.from, "got " + question.bytes);
    }
  };
  TaskGroup group;
  group.Start(answer());
  const UdpAddress to = AddressOf(far);
  EXPECT_EQ(to.ToString(), far.address());
  for (int i = 0; i < 50; ++i) {
    BlockOn(near.SendTo(to, std::to_string(i)));
    const Datagram got = BlockOn(near.Receive(100, seconds(60)));
    EXPECT_EQ(got.bytes, "got " + std::to_string(i));
    EXPECT_EQ(got.from.ToString(), far.address());
  }
  BlockOn(group.Wait());
  // An empty one is one.
  BlockOn(near.SendTo(to, ""));
  EXPECT_EQ(BlockOn(far.Receive(1)).bytes, "");
}

TEST(Udp, WhatIsTooLongIsSaid) {
  UdpSocket near = UdpSocket::Bind("127.0.0.1", 0);
  UdpSocket far = UdpSocket::Bind("127.0.0.1", 0);
  BlockOn(near.SendTo(AddressOf(far), "12345"));
  EXPECT_EQ(ErrorOf([&far] { (void)BlockOn(far.Receive(4)); }),
            std::errc::message_size);
  EXPECT_EQ(ErrorOf([&] {
              BlockOn(near.SendTo(AddressOf(far), std::string(70'000, 'x')));
            }),
            std::errc::message_size);
  EXPECT_THROW((void)BlockOn(far.Receive(0)), BadArgument);
}

TEST(Udp, WaitsEnd) {
  UdpSocket socket = UdpSocket::Bind("127.0.0.1", 0);
  EXPECT_THROW((void)BlockOn(socket.Receive(1, milliseconds(1))), TimeoutError);
  {
    std::stop_source source;
    std::jthread stopper([&source] { source.request_stop(); });
    const Scope scope(ScopeOptions().Stop(source.get_token()));
    EXPECT_THROW((void)BlockOn(socket.Receive(1, hours(1))), Cancelled);
  }
  const auto receive = [&]() -> Coro<> { (void)co_await socket.Receive(1); };
  TaskGroup group;
  group.Start(receive());
  std::jthread closer([&socket] { socket.Close(); });
  EXPECT_EQ(ErrorOf([&group] { BlockOn(group.Wait()); }),
            std::errc::operation_canceled);
}

TEST(Udp, RefusesWhatMakesNoSense) {
  const UdpSocket taken = UdpSocket::Bind("127.0.0.1", 0);
  EXPECT_EQ(
      ErrorOf([&taken] { (void)UdpSocket::Bind("127.0.0.1", taken.port()); }),
      std::errc::address_in_use);
  UdpSocket none;
  EXPECT_THROW((void)BlockOn(none.Receive(1)), BadArgument);
  UdpSocket socket = UdpSocket::Bind("127.0.0.1", 0);
  EXPECT_THROW(BlockOn(socket.SendTo(UdpAddress(), "x")), BadArgument);
}

}  // namespace
}  // namespace mobula
