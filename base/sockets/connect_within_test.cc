#include "base/sockets/connect_within.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/clock.h"
#include "base/sockets/listener_socket.h"

namespace mobula::base {
namespace {

class ConnectWithinTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/connectXXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  static ControlAddress Parse(const std::string& text) {
    std::string error;
    const auto address = ControlAddress::Parse(text, &error);
    EXPECT_TRUE(address.has_value()) << error;
    return address.value_or(ControlAddress());
  }
  // The error number; 0 if it was connected.
  static int Failed(const ControlAddress& address) {
    int failed = 0;
    const UniqueFd socket =
        ConnectWithin(address, BootNow() + std::chrono::seconds(20), &failed);
    EXPECT_EQ(socket.valid(), failed == 0);
    return failed;
  }

  std::string folder_;
};

TEST_F(ConnectWithinTest, APathThatIsNotThereIsNobody) {
  EXPECT_EQ(Failed(Parse("unix:" + folder_ + "/s")), ENOENT);
  EXPECT_EQ(Failed(Parse("unix:" + folder_ + "/no/s")), ENOENT);
  EXPECT_TRUE(IsNobody(ENOENT));
  EXPECT_TRUE(IsNobody(ECONNREFUSED));
  EXPECT_FALSE(IsNobody(EACCES));
  EXPECT_FALSE(IsNobody(ETIMEDOUT));
  EXPECT_FALSE(IsNobody(0));
}

TEST_F(ConnectWithinTest, WhoListensIsFoundAndWhoHasEndedRefuses) {
  for (const std::string& text :
       {"unix:" + folder_ + "/s", std::string("127.0.0.1:0")}) {
    SCOPED_TRACE(text);
    ControlAddress bound;
    {
      std::string error;
      const auto listener = ListenerSocket::Open(Parse(text), &bound, &error);
      ASSERT_TRUE(listener.has_value()) << error;
      EXPECT_EQ(Failed(bound), 0);
    }
    EXPECT_TRUE(IsNobody(Failed(bound)));
  }
}

}  // namespace
}  // namespace mobula::base
