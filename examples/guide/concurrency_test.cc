// The snippets of docs/guide/concurrency.md.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace guide {

class Index {
 public:
  void Add(const std::string& word, std::int64_t n) {
    const std::lock_guard lock(mutex_);
    counts_[word] += n;
  }
  std::int64_t Count(const std::string& word) const {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(word);
    return found == counts_.end() ? 0 : found->second;
  }
  std::string Health() const { return "well"; }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::int64_t> counts_;
};

}  // namespace guide

template <>
inline constexpr std::string_view
    mobula::kConcurrencyGroup<&guide::Index::Health> = "health";

namespace guide {

TEST(ConcurrencyTest, SeveralCallsAtTheSameTime) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(2));
  const auto index = mobula::Create<Index>(
      mobula::ActorOptions().MaxConcurrency(4).ConcurrencyGroup("health", 1));
  std::vector<mobula::Ref<void>> added;
  for (int i = 0; i < 20; ++i) {
    added.push_back(index.Call<&Index::Add>("ray", 1));
  }
  std::string health = mobula::Get(
      index.Call<&Index::Health>(mobula::CallOptions().Group("health")));
  EXPECT_EQ(health, "well");
  EXPECT_EQ(mobula::Get(index.Call<&Index::Health>()), "well");
  for (const mobula::Ref<void>& ref : added) mobula::Get(ref);
  EXPECT_EQ(mobula::Get(index.Call<&Index::Count>("ray")), 20);
  mobula::Kill(index, mobula::KillOptions().Graceful());
}

}  // namespace guide
