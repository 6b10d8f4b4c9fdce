// The snippets of docs/guide/values.md.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace guide {

struct Word {
  std::string text;
  std::int64_t count = 0;
};

std::vector<Word> Commonest(const std::vector<Word>& words, std::size_t n);

std::vector<Word> Commonest(const std::vector<Word>& words, std::size_t n) {
  std::vector<Word> sorted = words;
  std::ranges::sort(sorted, std::ranges::greater(), &Word::count);
  sorted.resize(std::min(n, sorted.size()));
  return sorted;
}

class Named {
 public:
  std::string name;
};

class Job : public Named {
 public:
  Job() = default;
  Job(std::string name, int priority);
  int priority() const { return priority_; }

 private:
  int priority_ = 0;
  MOBULA_FIELDS(Job, name, priority_)
};

Job::Job(std::string name, int priority) : priority_(priority) {
  this->name = std::move(name);
}
Job Hurried(const Job& job) { return {job.name, job.priority() + 1}; }

std::vector<Word> LoadDictionary() { return {{"ray", 3}, {"sea", 9}}; }
std::size_t CountKnown(const std::vector<Word>& dictionary,
                       const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(dictionary, [&text](const Word& word) {
        return text.find(word.text) != std::string::npos;
      }));
}

double Norm(std::span<const double> numbers);  // a task that copies nothing
std::size_t Lines(std::string_view text);

double Norm(std::span<const double> numbers) {
  return std::sqrt(
      std::inner_product(numbers.begin(), numbers.end(), numbers.begin(), 0.0));
}
std::size_t Lines(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}
std::vector<double> Measure() { return {3, 4}; }

mobula::Ref<std::vector<float>> Ramp(std::size_t n) {
  mobula::Buffer<float> buffer = mobula::NewBuffer<float>(n);
  std::iota(buffer.begin(), buffer.end(), 0.0F);
  return buffer.Seal();
}

using Picture = std::vector<std::uint8_t>;

struct Album {
  std::string title;
  std::vector<mobula::Ref<Picture>> pictures;
};

std::size_t CountPixels(const Album& album) {
  std::size_t pixels = 0;
  for (const auto& picture : album.pictures) {
    pixels += mobula::GetView(picture).size();
  }
  return pixels;
}

class ValuesTest : public testing::Test {
 protected:
  mobula::Runtime runtime_ = mobula::Init(mobula::InitOptions().Cpus(2));
};

TEST_F(ValuesTest, WhatCanTravel) {
  const std::vector<Word> words = {{"a", 1}, {"b", 3}, {"c", 2}};
  const auto best = mobula::Get(mobula::Spawn<Commonest>(words, 2u));
  ASSERT_EQ(best.size(), 2u);
  EXPECT_EQ(best[0].text, "b");
  const Job job = mobula::Get(mobula::Spawn<Hurried>(Job("sweep", 4)));
  EXPECT_EQ(job.name, "sweep");
  EXPECT_EQ(job.priority(), 5);
}

TEST_F(ValuesTest, SendOnceUseOften) {
  const std::vector<std::string> texts = {"a ray", "a ray in the sea", ""};
  mobula::Ref<std::vector<Word>> dictionary = mobula::Put(LoadDictionary());
  std::vector<mobula::Ref<std::size_t>> found;
  for (const std::string& text : texts) {
    found.push_back(mobula::Spawn<CountKnown>(dictionary, text));
  }
  EXPECT_EQ(mobula::Get(found), (std::vector<std::size_t>{1, 2, 0}));
}

TEST_F(ValuesTest, ReadWithoutACopy) {
  mobula::Ref<std::vector<double>> numbers = mobula::Put(Measure());
  mobula::Ref<double> norm = mobula::Spawn<Norm>(numbers);
  const mobula::View<std::vector<double>> view = mobula::GetView(numbers);
  double largest = *std::max_element(view.begin(), view.end());
  EXPECT_EQ(largest, 4);
  EXPECT_EQ(mobula::Get(norm), 5);
  EXPECT_EQ(mobula::Get(mobula::Spawn<Lines>("a\nb\n")), 2u);
}

TEST_F(ValuesTest, WriteWithoutACopy) {
  const mobula::Ref<std::vector<float>> ramp =
      mobula::Get(mobula::Spawn<Ramp>(10'000u));
  EXPECT_EQ(mobula::GetView(ramp)[9'999], 9'999.0F);
}

TEST_F(ValuesTest, ValuesThatReferToValues) {
  const Album album{"sea",
                    {mobula::Put(Picture(10'000)), mobula::Put(Picture(5))}};
  EXPECT_EQ(mobula::Get(mobula::Spawn<CountPixels>(album)), 10'005u);
}

}  // namespace guide
