// rover: a driver that uses all nodes of a cluster, for tests of that.
//
//   rover WHAT [MORE]
//
// Each WHAT is one line on success, which begins with it; else the error, and
// exit code 1. Init that fails: 4.
#include <mobula/mobula.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr std::size_t kLarge = 3'000'000;

std::string Where() { return mobula::CurrentNode().ToString(); }

void Rest(int milliseconds) { poll(nullptr, 0, milliseconds); }

std::string WhereAfter(int milliseconds) {
  Rest(milliseconds);
  return Where();
}

// From there on: to whichever node that one chooses.
std::vector<std::string> WhereBelow(int depth) {
  std::vector<std::string> all = {Where()};
  if (depth == 0) return all;
  const auto below = mobula::Get(mobula::Spawn<WhereBelow>(
      mobula::TaskOptions().Place(mobula::Placement().Spread()), depth - 1));
  all.insert(all.end(), below.begin(), below.end());
  return all;
}

std::vector<std::uint8_t> Make(std::size_t size, int seed) {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * 31 + static_cast<unsigned>(seed));
  }
  return bytes;
}

std::uint64_t Sum(const std::vector<std::uint8_t>& bytes) {
  return std::accumulate(bytes.begin(), bytes.end(), std::uint64_t{0});
}

int Fail(const std::string& what) { throw std::runtime_error(what); }

int Die() {
  std::printf("about to end\n");
  std::fflush(stdout);
  _exit(7);
}

class Counter {
 public:
  int Add(int x) { return count_ += x; }
  std::string At() { return Where(); }
  int Pid() { return getpid(); }
  std::uint64_t Take(const std::vector<std::uint8_t>& bytes) {
    return Sum(bytes);
  }
  std::vector<std::uint8_t> Give(std::size_t size) { return Make(size, 5); }

 private:
  int count_ = 0;
};

int AddTo(const std::string& name, int x) {
  return mobula::Get(mobula::GetActor<Counter>(name).Call<&Counter::Add>(x));
}

std::uint64_t SumOf(
    const std::vector<mobula::Ref<std::vector<std::uint8_t>>>& refs) {
  std::uint64_t sum = 0;
  for (const auto& ref : refs) sum += Sum(mobula::Get(ref));
  return sum;
}

mobula::Generator<int> CountUp(int count) {
  for (int i = 0; i < count; ++i) co_yield i;
}

std::vector<mobula::NodeInfo> Others() {
  std::vector<mobula::NodeInfo> others;
  for (mobula::NodeInfo& node : mobula::Nodes()) {
    if (!node.is_here) others.push_back(std::move(node));
  }
  if (others.empty()) throw std::runtime_error("there is no other node");
  return others;
}

mobula::Placement On(const mobula::NodeInfo& node) {
  return mobula::Placement().OnNode(node.id);
}

mobula::TaskOptions TaskOn(const mobula::NodeInfo& node) {
  return mobula::TaskOptions().Place(On(node));
}

void Expect(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("not so: " + what);
}

// ---- what is tried ----------------------------------------------------------

std::string Tasks() {
  for (const mobula::NodeInfo& node : Others()) {
    const std::string at = mobula::Get(mobula::Spawn<Where>(TaskOn(node)));
    Expect(at == node.id.ToString(), "it runs on that node");
  }
  return "on " + std::to_string(Others().size()) + " others";
}

// More than one node holds runs on several, without being told to.
std::string Overflow() {
  std::vector<mobula::Ref<std::string>> refs;
  for (int i = 0; i < 12; ++i) refs.push_back(mobula::Spawn<WhereAfter>(200));
  std::set<std::string> nodes;
  for (const auto& ref : refs) nodes.insert(mobula::Get(ref));
  Expect(nodes.size() > 1, "several nodes");
  return std::to_string(nodes.size()) + " nodes";
}

std::string Below() {
  // Several at once: one alone may find the same node free each time.
  std::vector<mobula::Ref<std::vector<std::string>>> chains;
  for (int i = 0; i < 4; ++i) {
    chains.push_back(mobula::Spawn<WhereBelow>(
        mobula::TaskOptions().Place(mobula::Placement().Spread()), 3));
  }
  std::set<std::string> nodes;
  for (const auto& chain : chains) {
    for (const std::string& at : mobula::Get(chain)) nodes.insert(at);
  }
  Expect(nodes.size() > 1, "several nodes");
  return std::to_string(nodes.size()) + " nodes";
}

std::string Actors() {
  std::vector<mobula::Actor<Counter>> counters;
  for (const mobula::NodeInfo& node : Others()) {
    const std::string name = "counter" + std::to_string(counters.size());
    counters.push_back(mobula::Create<Counter>(
        mobula::ActorOptions().Place(On(node)).Name(name)));
    Expect(
        mobula::Get(counters.back().Call<&Counter::At>()) == node.id.ToString(),
        "it lives there");
  }
  int last = 0;
  for (int i = 1; i <= 200; ++i) {
    std::vector<mobula::Ref<int>> sums;
    for (const auto& each : counters)
      sums.push_back(each.Call<&Counter::Add>(1));
    for (const auto& sum : sums) last = mobula::Get(sum);
    Expect(last == i, "calls in order");
  }
  // By a task of another node, and of this one.
  for (const mobula::NodeInfo& node : Others()) {
    last = mobula::Get(mobula::Spawn<AddTo>(TaskOn(node), "counter0", 1));
  }
  last = mobula::Get(mobula::Spawn<AddTo>("counter0", 1));
  return std::to_string(last);
}

std::string Values() {
  const auto others = Others();
  const std::uint64_t sum = Sum(Make(kLarge, 1));
  // From here to there.
  const auto put = mobula::Put(Make(kLarge, 1));
  for (const mobula::NodeInfo& node : others) {
    Expect(mobula::Get(mobula::Spawn<Sum>(TaskOn(node), put)) == sum,
           "a value that was put here");
  }
  // From there to here, and to another one.
  const auto made =
      mobula::Spawn<Make>(TaskOn(others[0]), std::size_t{kLarge}, 1);
  Expect(Sum(mobula::Get(made)) == sum, "a value that was made there");
  Expect(mobula::Get(mobula::Spawn<Sum>(TaskOn(others.back()), made)) == sum,
         "from one to another");
  // Refs inside of a value.
  const auto many = std::vector<mobula::Ref<std::vector<std::uint8_t>>>{
      put, made, mobula::Put(Make(kLarge, 1))};
  Expect(
      mobula::Get(mobula::Spawn<SumOf>(TaskOn(others.back()), many)) == 3 * sum,
      "refs inside");
  // To and from actors.
  const auto counter =
      mobula::Create<Counter>(mobula::ActorOptions().Place(On(others[0])));
  Expect(mobula::Get(counter.Call<&Counter::Take>(put)) == sum, "to an actor");
  Expect(Sum(mobula::Get(counter.Call<&Counter::Give>(kLarge))) ==
             Sum(Make(kLarge, 5)),
         "from an actor");
  return std::to_string(sum);
}

std::string Errors() {
  const auto others = Others();
  try {
    mobula::Get(mobula::Spawn<Fail>(TaskOn(others[0]), "a reason"));
    Expect(false, "it throws");
  } catch (const std::runtime_error& error) {
    Expect(std::string(error.what()).find("a reason") != std::string::npos,
           error.what());
  }
  try {
    mobula::Get(mobula::Spawn<Die>(TaskOn(others[0]).Retries(1)));
    Expect(false, "it throws");
  } catch (const mobula::WorkerDied& error) {
    const std::string what = error.what();
    Expect(what.find("about to end") != std::string::npos, what);
  }
  try {
    mobula::Get(mobula::Spawn<Where>(mobula::TaskOptions().Cpus(1000)));
    Expect(false, "it throws");
  } catch (const mobula::Infeasible&) {
  }
  return "as here";
}

std::string Streams() {
  int sum = 0;
  auto items = mobula::Spawn<CountUp>(TaskOn(Others()[0]), 500);
  for (const mobula::Ref<int>& item : items) sum += mobula::Get(item);
  Expect(sum == 500 * 499 / 2, "all items");
  return std::to_string(sum);
}

std::string Cancels() {
  const auto ref = mobula::Spawn<WhereAfter>(TaskOn(Others()[0]), 60'000);
  Rest(300);
  mobula::Cancel(ref, mobula::CancelOptions().Force());
  try {
    mobula::Get(ref);
    Expect(false, "it throws");
  } catch (const mobula::Cancelled&) {
  }
  return "ended";
}

std::string Many(int count) {
  const auto others = Others();
  std::vector<mobula::Ref<std::uint64_t>> refs;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) {
    refs.push_back(mobula::Spawn<Sum>(
        TaskOn(others[static_cast<std::size_t>(i) % others.size()]),
        Make(100, i)));
  }
  for (int i = 0; i < count; ++i) {
    Expect(mobula::Get(refs[static_cast<std::size_t>(i)]) == Sum(Make(100, i)),
           "each its own answer");
  }
  const std::chrono::duration<double> took =
      std::chrono::steady_clock::now() - begin;
  std::fprintf(stderr, "%d tasks in %.3f s\n", count, took.count());
  const auto counter =
      mobula::Create<Counter>(mobula::ActorOptions().Place(On(others[0])));
  mobula::Get(counter.Call<&Counter::Pid>());
  const auto then = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) mobula::Get(counter.Call<&Counter::Pid>());
  const std::chrono::duration<double> calls =
      std::chrono::steady_clock::now() - then;
  std::fprintf(stderr, "%.0f us a call\n", calls.count() * 1000);
  return std::to_string(count);
}

// Until standard input ends.
bool InputEnds(int milliseconds) {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  if (poll(&input, 1, milliseconds) <= 0) return false;
  char byte = 0;
  return read(STDIN_FILENO, &byte, 1) <= 0;
}

void Say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

// A node may be killed meanwhile.
std::string Survives() {
  std::vector<mobula::Ref<std::string>> refs;
  for (int i = 0; i < 60; ++i) {
    refs.push_back(mobula::Spawn<WhereAfter>(
        mobula::TaskOptions().Place(mobula::Placement().Spread()), 200));
  }
  mobula::Get(refs[0]);
  Say("begun");
  std::set<std::string> nodes;
  for (const auto& ref : refs) nodes.insert(mobula::Get(ref));
  return std::to_string(refs.size());
}

// The control store may be killed meanwhile.
std::string Steady() {
  const auto counter =
      mobula::Create<Counter>(mobula::ActorOptions().Place(On(Others()[0])));
  int calls = mobula::Get(counter.Call<&Counter::Add>(1));
  Say("begun");
  while (!InputEnds(1)) {
    ++calls;
    Expect(mobula::Get(counter.Call<&Counter::Add>(1)) == calls, "in order");
  }
  return std::to_string(calls);
}

// Its node is killed meanwhile: it lives on elsewhere.
std::string Moves() {
  const auto counter =
      mobula::Create<Counter>(mobula::ActorOptions().MaxRestarts(-1).Place(
          mobula::Placement().OnNode(Others()[0].id).Soft()));
  const std::string first = mobula::Get(counter.Call<&Counter::At>());
  Say("at " + first);
  while (true) {
    const std::string at = mobula::Get(
        counter.Call<&Counter::At>(mobula::CallOptions().Retries(-1)));
    if (at != first) return "to another node";
    Rest(10);
  }
}

// Something runs on every node until this program is ended.
std::string Stays() {
  std::vector<mobula::Actor<Counter>> counters;
  std::vector<mobula::Ref<std::string>> refs;
  for (const mobula::NodeInfo& node : Others()) {
    counters.push_back(
        mobula::Create<Counter>(mobula::ActorOptions().Place(On(node))));
    mobula::Get(counters.back().Call<&Counter::At>());
    refs.push_back(mobula::Spawn<WhereAfter>(TaskOn(node), 600'000));
  }
  Say("ready");
  while (!InputEnds(1000)) {
  }
  return "until the end";
}

std::string Detached(const std::string& name) {
  const auto counter = mobula::Create<Counter>(mobula::ActorOptions()
                                                   .Name(name)
                                                   .Detached()
                                                   .MaxRestarts(-1)
                                                   .GetIfExists());
  return std::to_string(mobula::Get(
      counter.Call<&Counter::Add>(mobula::CallOptions().Retries(-1), 1)));
}

std::string Try(const std::string& what, const std::string& more) {
  if (what == "tasks") return Tasks();
  if (what == "overflow") return Overflow();
  if (what == "below") return Below();
  if (what == "actors") return Actors();
  if (what == "values") return Values();
  if (what == "errors") return Errors();
  if (what == "streams") return Streams();
  if (what == "cancels") return Cancels();
  if (what == "many") return Many(more.empty() ? 2000 : std::stoi(more));
  if (what == "survives") return Survives();
  if (what == "steady") return Steady();
  if (what == "moves") return Moves();
  if (what == "stays") return Stays();
  if (what == "detached") return Detached(more);
  throw std::runtime_error("there is no " + what);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "tasks";
  try {
    const mobula::Runtime runtime = mobula::Init(argc, argv);
    try {
      std::printf("%s: %s\n", what.c_str(),
                  Try(what, argc > 2 ? argv[2] : "").c_str());
      return 0;
    } catch (const std::exception& error) {
      std::printf("%s failed: %s\n", what.c_str(), error.what());
      return 1;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rover: %s\n", error.what());
    return 4;
  }
}
