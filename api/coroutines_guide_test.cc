// The snippets of docs/coroutines.md, which are taken from here.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <optional>
#include <sstream>
#include <stop_token>
#include <string>
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

// ---- the page and this file say the same ------------------------------------

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
  const auto snippets = Snippets("docs/coroutines.md", true);
  EXPECT_EQ(snippets.size(), 7u);
  for (const std::string& snippet : snippets) {
    EXPECT_NE(here.find(snippet), std::string::npos) << snippet;
  }
}

}  // namespace guide
