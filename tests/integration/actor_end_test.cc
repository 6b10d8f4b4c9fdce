// How actors end: with the last handle and by ExitActor the destructor runs, by
// Kill it does not.
#include <gtest/gtest.h>
#include <mobula/mobula.h>
#include <poll.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

namespace {

// Leaves a file when it is destroyed.
class Witness {
 public:
  explicit Witness(std::string path) : path_(std::move(path)) {}
  ~Witness() { std::ofstream(path_) << "destroyed"; }
  [[nodiscard]] int Look() const { return 1; }
  void Leave() { mobula::ExitActor(); }

 private:
  std::string path_;
};

bool AppearsIn(const std::string& path, std::chrono::seconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    if (std::filesystem::exists(path)) return true;
    poll(nullptr, 0, 5);
  }
  return false;
}

std::string PathFor(const char* name) {
  return testing::TempDir() + "/" + name;
}

TEST(ActorEnd, TheLastHandleDestroysIt) {
  const std::string path = PathFor("dropped");
  mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(1));
  {
    auto witness = mobula::Create<Witness>(path);
    EXPECT_EQ(mobula::Get(witness.Call<&Witness::Look>()), 1);
    EXPECT_FALSE(std::filesystem::exists(path));
  }
  EXPECT_TRUE(AppearsIn(path, std::chrono::seconds(10)));
}

TEST(ActorEnd, ExitActorDestroysIt) {
  const std::string path = PathFor("exited");
  mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(1));
  auto witness = mobula::Create<Witness>(path);
  mobula::Get(witness.Call<&Witness::Leave>());
  EXPECT_TRUE(AppearsIn(path, std::chrono::seconds(10)));
  EXPECT_THROW(mobula::Get(witness.Call<&Witness::Look>()), mobula::ActorDied);
}

TEST(ActorEnd, TheEndOfTheJobDestroysIt) {
  const std::string path = PathFor("job");
  mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(1));
  auto witness = mobula::Create<Witness>(path);
  mobula::Get(witness.Call<&Witness::Look>());
  runtime.Shutdown();  // returns when every worker has ended
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(ActorEnd, KillDoesNot) {
  const std::string path = PathFor("killed");
  mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(1));
  auto witness = mobula::Create<Witness>(path);
  mobula::Get(witness.Call<&Witness::Look>());
  mobula::Kill(witness);
  runtime.Shutdown();
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
