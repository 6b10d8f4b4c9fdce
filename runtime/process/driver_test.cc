#include "runtime/process/driver.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <variant>

#include "base/frames/message.h"
#include "base/unique_fd.h"
#include "runtime/transport/fake_peer.h"

namespace mobula::runtime {
namespace {

constexpr base::ProcessId kRaylet{2, 1};

// A folder with a short path: one of a socket has at most 107 bytes.
class JoiningDriverTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/raylet.sock";
  }
  void TearDown() override {
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
  }
  base::UniqueFd Listen() {
    base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path_.begin(), path_.end(), address.sun_path);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address),
                     sizeof(address)),
              0);
    EXPECT_EQ(::listen(fd.get(), 8), 0);
    return fd;
  }

  std::string WhyNot() const {
    DriverOptions options;
    options.raylet_socket = path_;
    const auto started = StartDriver(std::move(options));
    const auto* const error = std::get_if<StartError>(&started);
    return error == nullptr ? "it started" : error->message;
  }

  std::string folder_ = "/tmp/driver_test_XXXXXX";
  std::string path_;
};

TEST_F(JoiningDriverTest, ADriverRegistersAtAStartedNode) {
  const base::UniqueFd listener = Listen();
  DriverOptions options;
  options.raylet_socket = path_;
  options.ns = "blue";
  options.weight = 3;
  std::variant<std::unique_ptr<Backend>, StartError> started;
  std::thread driver([&] { started = StartDriver(std::move(options)); });
  base::UniqueFd accepted(::accept(listener.get(), nullptr, nullptr));
  FakePeer raylet(std::move(accepted), kRaylet, base::Role::kRaylet,
                  [](FakePeer& peer, const base::Message& message) {
                    base::Registered registered;
                    registered.raylet = kRaylet;
                    registered.node = {5, 5};
                    registered.ns = "blue";
                    if (std::holds_alternative<base::Register>(message)) {
                      peer.Send(registered);
                    }
                    const auto* end = std::get_if<base::EndJob>(&message);
                    if (end != nullptr) peer.Send(base::JobEnded{end->job});
                  });
  const auto whoami = raylet.Expect<base::Register>();
  EXPECT_EQ(whoami.ns, "blue");
  EXPECT_EQ(whoami.weight, 3);
  EXPECT_EQ(whoami.role, base::Role::kDriver);
  driver.join();
  ASSERT_EQ(started.index(), 0u);
  const std::unique_ptr<Backend> backend = std::get<0>(std::move(started));
  EXPECT_EQ(backend->home().raylet, kRaylet);
  EXPECT_EQ(backend->home().ns, "blue");
  EXPECT_EQ(backend->home().node, (base::NodeId{5, 5}));
  backend->Shutdown();
}

TEST_F(JoiningDriverTest, ASocketThatIsNotThereIsNamed) {
  EXPECT_NE(WhyNot().find(path_ + ": No such file"), std::string::npos);
  EXPECT_NE(WhyNot().find("mobula start"), std::string::npos);
}

TEST_F(JoiningDriverTest, ASocketThatNobodyServesIsNamed) {
  {
    const base::UniqueFd closed = Listen();
  }
  EXPECT_NE(WhyNot().find(path_ + ": Connection refused"), std::string::npos);
}

TEST_F(JoiningDriverTest, APathThatIsTooLongIsRefused) {
  path_ = std::string(200, 'a');
  EXPECT_NE(WhyNot().find("too long"), std::string::npos);
}

TEST_F(JoiningDriverTest, ARayletThatEndsIsNamed) {
  const base::UniqueFd listener = Listen();
  DriverOptions options;
  options.raylet_socket = path_;
  std::variant<std::unique_ptr<Backend>, StartError> started;
  std::thread driver([&] { started = StartDriver(std::move(options)); });
  {
    base::UniqueFd accepted(::accept(listener.get(), nullptr, nullptr));
  }
  driver.join();
  ASSERT_EQ(started.index(), 1u);
  EXPECT_NE(std::get<StartError>(started).message.find(path_),
            std::string::npos);
}

}  // namespace
}  // namespace mobula::runtime
