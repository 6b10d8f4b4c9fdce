#include "base/control/control_address.h"

#include <gtest/gtest.h>

namespace mobula::base {
namespace {

struct Good {
  const char* text;
  const char* shown;
};

TEST(ControlAddress, ReadsWhatItWrites) {
  const Good cases[] = {
      {"unix:/run/mobula/control.sock", "unix:/run/mobula/control.sock"},
      {"127.0.0.1:6380", "127.0.0.1:6380"},
      {"localhost:1", "127.0.0.1:1"},
      {"[::1]:65535", "[::1]:65535"},
      {"127.0.0.1:0", "127.0.0.1:0"},
      {"tls:127.0.0.1:0", "tls:127.0.0.1:0"},
      {"tls:localhost:7", "tls:127.0.0.1:7"},
      {"tls:[::1]:7", "tls:[::1]:7"},
      {"10.0.0.1:6380", "tls:10.0.0.1:6380"},
      {"tls:0.0.0.0:6380", "tls:0.0.0.0:6380"},
      {"[fd00::7]:6380", "tls:[fd00::7]:6380"},
      {"127.0.0.2:6380", "tls:127.0.0.2:6380"},
  };
  for (const Good& good : cases) {
    std::string error;
    const auto address = ControlAddress::Parse(good.text, &error);
    ASSERT_TRUE(address.has_value()) << good.text << ": " << error;
    EXPECT_EQ(address->ToString(), good.shown);
    const auto again = ControlAddress::Parse(address->ToString(), &error);
    ASSERT_TRUE(again.has_value()) << good.text;
    EXPECT_EQ(*again, *address);
  }
}

TEST(ControlAddress, SaysWhatIsWrong) {
  const Good cases[] = {
      {"", "no address"},
      {"6380", "no address"},
      {"127.0.0.1", "no address"},
      {"127.0.0.1:", "no address"},
      {"127.0.0.1:65536", "no address"},
      {"127.0.0.1:-1", "no address"},
      {"127.0.0.1:80x", "no address"},
      {"unix:", "not absolute"},
      {"unix:control.sock", "not absolute"},
      {"unix:/a\nb", "end of a line"},
      {"head.example.com:6380", "no number"},
      {"tls:head.example.com:6380", "no number"},
      {"tls:10.0.0.1", "no address"},
      {"tls:", "no address"},
      {"tls:tls:10.0.0.1:6380", "no number"},
      {"tls:unix:/a:1", "no number"},
      {"10.0.0.256:6380", "no number"},
      {"[10.0.0.1]:6380", "no number"},
      {"fd00::7:6380", "no number"},
      {"::1:6380", "no number"},
  };
  for (const Good& bad : cases) {
    std::string error;
    EXPECT_FALSE(ControlAddress::Parse(bad.text, &error).has_value())
        << bad.text;
    EXPECT_NE(error.find(bad.shown), std::string::npos)
        << bad.text << ": " << error;
  }
}

TEST(ControlAddress, PathsHaveAtMost107Bytes) {
  std::string error;
  const std::string longest = "unix:/" + std::string(106, 'x');
  EXPECT_TRUE(ControlAddress::Parse(longest, &error).has_value()) << error;
  EXPECT_FALSE(ControlAddress::Parse(longest + "x", &error).has_value());
  EXPECT_NE(error.find("108 bytes"), std::string::npos) << error;
}

}  // namespace
}  // namespace mobula::base
