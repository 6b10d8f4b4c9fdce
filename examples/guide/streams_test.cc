// The snippets of docs/guide/streams.md.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace guide {

using namespace std::chrono_literals;

bool IsPrime(int n) {
  for (int d = 2; d * d <= n; ++d) {
    if (n % d == 0) return false;
  }
  return true;
}

mobula::Generator<int> Primes(int below) {
  for (int n = 2; n < below; ++n) {
    if (IsPrime(n)) co_yield n;
  }
}

mobula::Generator<std::string> Pages(std::string book) {
  for (int page = 1; page <= 30; ++page) {
    co_yield book + ", page " + std::to_string(page);
  }
}

mobula::Generator<std::size_t> PageLengths(std::string book) {
  mobula::RefStream<std::string> pages = mobula::Spawn<Pages>(book);
  for (const mobula::Ref<std::string>& page : pages) {
    co_yield page.Get().size();
  }
}

mobula::Coro<int> SumOf(mobula::RefStream<int> numbers) {
  int sum = 0;
  while (std::optional<mobula::Ref<int>> next = co_await numbers.Next()) {
    sum += co_await *next;
  }
  co_return sum;
}

class Journal {
 public:
  void Add(std::string entry) { entries_.push_back(std::move(entry)); }
  mobula::Generator<std::string> Entries() {
    for (std::size_t i = 0; i < entries_.size(); ++i) co_yield entries_[i];
  }

 private:
  std::vector<std::string> entries_;
};

class StreamsTest : public testing::Test {
 protected:
  mobula::Runtime runtime_ = mobula::Init(mobula::InitOptions().Cpus(2));
};

TEST_F(StreamsTest, ItemsAreRefs) {
  int sum = 0;
  mobula::RefStream<int> primes = mobula::Spawn<Primes>(100);
  for (const mobula::Ref<int>& prime : primes) sum += prime.Get();
  EXPECT_EQ(sum, 1060);
}

TEST_F(StreamsTest, StagesAreHeldBack) {
  mobula::RefStream<std::string> pages =
      mobula::Spawn<Pages>(mobula::TaskOptions().Window(2), "book.txt");
  const auto first = mobula::BlockOn(pages.Next());
  EXPECT_EQ(first->Get(), "book.txt, page 1");
  std::size_t bytes = 0;
  mobula::RefStream<std::size_t> lengths =
      mobula::Spawn<PageLengths>("book.txt");
  for (const mobula::Ref<std::size_t>& length : lengths) bytes += length.Get();
  EXPECT_EQ(bytes, 9 * 16u + 21 * 17u);  // of one digit, of two
}

TEST_F(StreamsTest, OneAtATime) {
  mobula::RefStream<int> numbers = mobula::Spawn<Primes>(10);
  std::optional<mobula::Ref<int>> first = mobula::BlockOn(numbers.Next(10s));
  EXPECT_EQ(first->Get(), 2);
  EXPECT_EQ(mobula::BlockOn(SumOf(std::move(numbers))), 3 + 5 + 7);
}

TEST_F(StreamsTest, MethodsYieldToo) {
  mobula::Actor<Journal> journal = mobula::Create<Journal>();
  journal.Call<&Journal::Add>("it rains");
  journal.Call<&Journal::Add>("it snows");
  mobula::RefStream<std::string> entries = journal.Call<&Journal::Entries>();
  std::vector<std::string> all;
  for (const mobula::Ref<std::string>& entry : entries) {
    all.push_back(entry.Get());
  }
  EXPECT_EQ(all, (std::vector<std::string>{"it rains", "it snows"}));
}

}  // namespace guide
