// What happens where descriptors run out: a task may fail, the program goes on.
//
// The whole program has few of them, and so has the node that it starts.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

namespace limits {
namespace {

using std::chrono::seconds;

constexpr rlim_t kOpenFiles = 80;

int Add(int a, int b) { return a + b; }
int SleepMs(int ms) {
  ::poll(nullptr, 0, ms);
  return ms;
}

class LimitsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const rlimit limit{kOpenFiles, kOpenFiles};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
};

TEST_F(LimitsTest, ADriverWithoutADescriptorLosesNoMoreThanALink) {
  const auto runtime = mobula::Init(mobula::InitOptions().Cpus(1));
  std::vector<int> taken;
  for (int fd = 0; fd >= 0; fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) {
    taken.push_back(fd);
  }
  const auto refused =
      mobula::Spawn<Add>(mobula::TaskOptions().Retries(0), 1, 2)
          .TryGet(seconds(60));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), mobula::ErrorCode::kWorkerDied);
  EXPECT_NE(refused.error().message().find("no free descriptor"),
            std::string::npos)
      << refused.error().message();
  EXPECT_NE(refused.error().message().find("ulimit -n"), std::string::npos);
  for (std::size_t i = 1; i < taken.size(); ++i) ::close(taken[i]);
  EXPECT_EQ(mobula::Spawn<Add>(1, 2).Get(seconds(60)), 3);
}

TEST_F(LimitsTest, ANodeWithoutDescriptorsStartsFewerWorkers) {
  const auto runtime = mobula::Init(mobula::InitOptions().Cpus(64));
  std::vector<mobula::Ref<int>> refs;
  for (int i = 0; i < 200; ++i) refs.push_back(mobula::Spawn<SleepMs>(10));
  for (const int ms : mobula::Get(refs, seconds(60))) EXPECT_EQ(ms, 10);
}

}  // namespace
}  // namespace limits
