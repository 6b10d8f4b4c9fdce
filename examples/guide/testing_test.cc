// The snippets of docs/guide/testing.md.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <csignal>
#include <sstream>
#include <string>
#include <vector>

namespace guide {

int CountWords(const std::string& text) {
  std::istringstream words(text);
  int count = 0;
  for (std::string word; words >> word;) ++count;
  return count;
}

int CountAll(const std::vector<std::string>& texts) {
  std::vector<mobula::Ref<int>> counts;
  for (const std::string& text : texts) {
    counts.push_back(mobula::Spawn<CountWords>(text));
  }
  int sum = 0;
  for (const int count : mobula::Get(counts)) sum += count;
  return sum;
}

TEST(WordsTest, CountsAllTexts) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Local());
  EXPECT_EQ(CountAll({"a b", "c", ""}), 3);
}

class WordsOnWorkersTest : public testing::Test {
 protected:
  mobula::Runtime runtime_ = mobula::Init(mobula::InitOptions().Cpus(2));
};

TEST_F(WordsOnWorkersTest, CountsAllTexts) {
  EXPECT_EQ(CountAll({"a b", "c", ""}), 3);
}

class BothWaysTest : public testing::TestWithParam<bool> {
 protected:
  mobula::Runtime runtime_ =
      mobula::Init(mobula::InitOptions().Local(GetParam()).Cpus(2));
};
INSTANTIATE_TEST_SUITE_P(LocalOrNot, BothWaysTest, testing::Bool());

TEST_P(BothWaysTest, CountsAllTexts) {
  EXPECT_EQ(CountAll({"a b", "c", ""}), 3);
}

int DieOnce() {
  if (mobula::CurrentTask().attempt == 1) std::raise(SIGKILL);
  return mobula::CurrentTask().attempt;
}

class Counter {
 public:
  int Add(int n) { return sum_ += n; }
  int Value() const { return sum_; }

 private:
  int sum_ = 0;
};

TEST_F(WordsOnWorkersTest, Deaths) {
  EXPECT_EQ(mobula::Get(mobula::Spawn<DieOnce>()), 2);

  auto counter = mobula::Create<Counter>(mobula::ActorOptions().MaxRestarts(1));
  mobula::Get(counter.Call<&Counter::Add>(5));
  mobula::Kill(counter, mobula::KillOptions().Restart());
  EXPECT_EQ(mobula::Get(counter.Call<&Counter::Value>()), 0);  // born again
}

}  // namespace guide
