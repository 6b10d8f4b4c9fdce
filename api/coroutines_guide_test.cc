// The snippets of docs/coroutines.md, docs/verbs.md and docs/scopes.md, which
// are taken from here.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <optional>
#include <sstream>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace guide {

using namespace std::chrono_literals;

int Square(int x) { return x * x; }

mobula::Coro<int> SumOfSquares(int n) {
  std::vector<mobula::Ref<int>> squares;
  for (int i = 1; i <= n; ++i) squares.push_back(mobula::Spawn<Square>(i));
  int sum = 0;
  for (const mobula::Ref<int>& square : squares) sum += co_await square;
  co_return sum;
}

TEST(Guide, Waiting) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Local());
  int sum = mobula::BlockOn(SumOfSquares(3));
  EXPECT_EQ(sum, 14);
}

class Door {
 public:
  mobula::Coro<int> Pass(int who) {
    co_await open_.Wait();
    co_return who;
  }
  void Open() { open_.Set(); }

 private:
  mobula::Event open_;
};

mobula::Coro<int> Through(int who) {
  mobula::Actor<Door> door = mobula::Create<Door>();
  mobula::Ref<int> passed = door.Call<&Door::Pass>(who);
  door.Call<&Door::Open>();
  co_return co_await passed;
}

TEST(Guide, Workers) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Local());
  EXPECT_EQ(mobula::Get(mobula::Spawn<Through>(3)), 3);
}

struct Request {
  std::string path;
  int retries = 0;
};
std::atomic<int> fetched{0};

mobula::Coro<std::string> Fetch(Request request) {
  co_await mobula::Yield();
  fetched.fetch_add(1);
  co_return request.path;
}
mobula::Coro<> Print(mobula::Coro<std::string> fetch) { co_await fetch; }

mobula::Coro<std::string> TwoStatements() {
  const Request request{.path = "/", .retries = 3};
  mobula::Coro<std::string> fetch = Fetch(request);
  std::string page = co_await fetch;
  co_return page;
}

mobula::Coro<> FetchAll(std::vector<std::string> paths) {
  mobula::TaskGroup group;
  for (const std::string& path : paths) {
    const Request request{.path = path, .retries = 0};
    group.Start(Print(Fetch(request)));
  }
  co_await group.Wait();
}

mobula::Coro<> Groups() {
  auto body = [&](mobula::TaskGroup& group) -> mobula::Coro<> {
    group.Start(FetchAll({"a", "b"}));
    group.Start(FetchAll({"c"}));
    co_return;
  };
  mobula::Coro<> both = mobula::WithGroup(body);
  co_await both;
}

TEST(Guide, TwoStatementsAndGroups) {
  fetched = 0;
  EXPECT_EQ(mobula::BlockOn(TwoStatements()), "/");
  mobula::BlockOn(FetchAll({"a", "b"}));
  mobula::BlockOn(Groups());
  EXPECT_EQ(fetched.load(), 6);
}

TEST(Guide, Scopes) {
  std::stop_source source;
  source.request_stop();
  const std::stop_token token = source.get_token();
  const mobula::Scope scope(mobula::ScopeOptions().Timeout(5s).Stop(token));
  EXPECT_THROW(mobula::BlockOn(TwoStatements()), mobula::Cancelled);
}

TEST(Guide, Channels) {
  std::size_t bytes = 0;
  mobula::Channel<std::string> pages(16);
  auto produce = [&]() -> mobula::Coro<> {
    for (int i = 0; i < 100; ++i) co_await pages.Send(std::to_string(i));
    pages.Close();
  };
  mobula::TaskGroup group;
  group.Start(produce());
  while (std::optional<std::string> page = mobula::BlockOn(pages.Receive())) {
    bytes += page->size();
  }
  mobula::BlockOn(group.Wait());
  EXPECT_EQ(bytes, 190u);
}

// ---- docs/scopes.md ---------------------------------------------------------

std::string LookUp(const std::string& key) { return "value of " + key; }
std::string Answer(const std::string& key) {
  // It has no more than what is left of the caller's time.
  return mobula::Spawn<LookUp>(key).Get();
}
std::string Ask(const std::string& key) {
  const mobula::Scope scope(mobula::ScopeOptions().Timeout(2min).Priority(5));
  return mobula::Spawn<Answer>(key).Get();  // TimeoutError after two minutes
}

TEST(Guide, ScopesThatTravel) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Local());
  EXPECT_EQ(Ask("x"), "value of x");
}

// ---- docs/verbs.md ----------------------------------------------------------

int Add(int a, int b) { return a + b; }
std::pair<int, int> Divide(int a, int b) { return {a / b, a % b}; }
std::string Text(int n) { return std::to_string(n); }
using Page = std::string;

int used = 0;
void Use(const std::string& url, const Page& page) {
  used += static_cast<int>(url.size() + page.size());
}

mobula::Coro<> Waits() {
  const std::vector<mobula::Ref<int>> refs = {mobula::Spawn<Square>(1),
                                              mobula::Spawn<Square>(2)};
  const mobula::Ref<std::string> text_ref = mobula::Spawn<Text>(1);
  const mobula::Ref<int>& number_ref = refs[1];
  std::vector<int> all = co_await mobula::WhenAll(refs);
  auto [text, number] = co_await mobula::WhenAll(text_ref, number_ref);
  mobula::Settled<int> first = co_await mobula::WhenAny(refs, 2s);
  EXPECT_EQ(all, (std::vector{1, 4}));
  EXPECT_EQ(text + std::to_string(number), "14");
  EXPECT_EQ(first.Get(), all[first.index]);
}

TEST(Guide, WaitingForSeveral) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Local());
  mobula::BlockOn(Waits());
  const std::vector<std::string> urls = {"a", "b"};
  const std::vector<mobula::Ref<Page>> fetches = {mobula::Spawn<Text>(7),
                                                  mobula::Spawn<Text>(8)};
  for (const mobula::Settled<Page>& done : mobula::AsCompleted(fetches, 10s)) {
    Use(urls[done.index], done.Get());
  }
  EXPECT_EQ(used, 4);
}

TEST(Guide, CallsThatAreMadeLater) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Local());
  mobula::BoundCall<int> add = mobula::Bind<Add>(1, 2);
  mobula::Ref<int> three = add.Spawn();
  mobula::BoundCall<int> wide = add.With(mobula::TaskOptions().Cpus(2));
  EXPECT_EQ(three.Get(), 3);
  EXPECT_TRUE(wide);
  mobula::BoundCall<int> left = mobula::Bind<Add>(1, 2);
  mobula::BoundCall<int> tree = mobula::Bind<Add>(left, left);
  int six = mobula::Get(tree.Spawn());
  EXPECT_EQ(six, 6);
  const mobula::Remote<Add> heavy_add(mobula::TaskOptions().Cpus(1));
  mobula::Ref<int> sum = heavy_add(1, 2);
  EXPECT_EQ(sum.Get(), 3);
}

mobula::Coro<int> Continued(mobula::Ref<int> three, int total) {
  mobula::Ref<int> next = mobula::Then<Add>(three, 1);
  auto plus = [total](int x) { return x + total; };
  int here = co_await mobula::Then(next, plus);
  co_return here;
}

mobula::Generator<int> Numbers(int n) {
  for (int i = 1; i <= n; ++i) co_yield i;
}

mobula::Coro<int> SumOfNumbers() {
  int total = 0;
  mobula::RefStream<int> numbers =
      mobula::Spawn<Numbers>(mobula::TaskOptions().Window(4), 100);
  while (auto number = co_await numbers.Next()) total += co_await *number;
  co_return total;
}

TEST(Guide, ManyResultsOfOneCall) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Local());
  EXPECT_EQ(mobula::BlockOn(SumOfNumbers()), 5050);
}

TEST(Guide, ManyCalls) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Local());
  const std::vector<int> numbers = {1, 2, 3};
  const std::vector<std::pair<int, int>> pairs = {{1, 2}};
  std::vector<mobula::Ref<int>> squares = mobula::Map<Square>(numbers);
  std::vector<mobula::Ref<int>> sums = mobula::Starmap<Add>(pairs);
  std::vector<mobula::Ref<std::vector<int>>> chunks =
      mobula::MapChunks<Square>(1'000, numbers);
  EXPECT_EQ(mobula::Get(squares), chunks[0].Get());
  EXPECT_EQ(sums[0].Get(), 3);
  int total = 0;
  auto stream = mobula::Stream<Square>(
      mobula::StreamOptions().Window(100).Ordered(false), numbers);
  for (const mobula::Settled<int>& each : stream) total += each.Get();
  EXPECT_EQ(total, 14);
  EXPECT_EQ(mobula::BlockOn(Continued(sums[0], 10)), 14);
  auto [quotient, remainder] = mobula::Split(mobula::Spawn<Divide>(17, 5));
  EXPECT_EQ(quotient.Get() * 10 + remainder.Get(), 32);
}

// ---- the pages and this file say the same -----------------------------------

std::string Trimmed(const std::string& line) {
  const std::size_t begin = line.find_first_not_of(' ');
  return begin == std::string::npos ? "" : line.substr(begin);
}

// The lines without their indentation; of a page only those in ```cpp.
std::vector<std::string> Snippets(const std::string& path, bool is_page) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::vector<std::string> snippets(1);
  bool inside = !is_page;
  for (std::string line; std::getline(file, line);) {
    if (is_page && line.starts_with("```")) {
      inside = line == "```cpp";
      if (inside) snippets.emplace_back();
    } else if (inside) {
      snippets.back() += Trimmed(line) + "\n";
    }
  }
  if (is_page) snippets.erase(snippets.begin());
  return snippets;
}

TEST(Guide, HasNoSnippetThatIsNotCompiled) {
  const std::string here = Snippets("api/coroutines_guide_test.cc", false)[0];
  auto snippets = Snippets("docs/coroutines.md", true);
  EXPECT_EQ(snippets.size(), 8u);
  const auto more = Snippets("docs/verbs.md", true);
  EXPECT_EQ(more.size(), 10u);
  snippets.insert(snippets.end(), more.begin(), more.end());
  const auto scopes = Snippets("docs/scopes.md", true);
  EXPECT_EQ(scopes.size(), 1u);
  snippets.insert(snippets.end(), scopes.begin(), scopes.end());
  for (const std::string& snippet : snippets) {
    EXPECT_NE(here.find(snippet), std::string::npos) << snippet;
  }
}

}  // namespace guide
