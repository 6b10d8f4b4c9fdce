// voyager: a driver that uses all machines of a cluster, for tests of that.
//
//   voyager WHAT [MORE]
//
// Each WHAT ends with one line on success, which begins with it; else the
// error, and exit code 1. Init that fails: 4. Every answer is compared with
// what it must be.
#include <mobula/mobula.h>
#include <poll.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <deque>
#include <exception>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kInFlight = 16;

void Rest(int milliseconds) { poll(nullptr, 0, milliseconds); }

std::string Here() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  return name;
}

Bytes Make(std::size_t size, int seed) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * 31 + (i >> 8) +
                                         static_cast<unsigned>(seed));
  }
  return bytes;
}

std::uint64_t Sum(const Bytes& bytes) {
  std::uint64_t sum = 0;
  for (const std::uint8_t byte : bytes) sum = sum * 1'099'511'628'211u + byte;
  return sum;
}

struct Seen {
  std::string machine;
  std::uint64_t sum = 0;
};

Seen See(const Bytes& bytes) { return {Here(), Sum(bytes)}; }

std::uint64_t Slowly(const Bytes& bytes, int milliseconds) {
  Rest(milliseconds);
  return Sum(bytes);
}

class Counter {
 public:
  int Add(int x) { return count_ += x; }
  int Square(int x) { return x * x; }
  std::string At() { return Here(); }

 private:
  int count_ = 0;
};

void Expect(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("not so: " + what);
}

void Say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

// Until standard input ends.
bool InputEnds(int milliseconds) {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  if (poll(&input, 1, milliseconds) <= 0) return false;
  char byte = 0;
  return read(STDIN_FILENO, &byte, 1) <= 0;
}

mobula::NodeInfo NodeAt(const std::string& machine) {
  for (mobula::NodeInfo& node : mobula::Nodes()) {
    if (node.name == machine) return std::move(node);
  }
  throw std::runtime_error("there is no node on " + machine);
}

mobula::TaskOptions TaskOn(const mobula::NodeInfo& node) {
  return mobula::TaskOptions().Place(mobula::Placement().OnNode(node.id));
}

mobula::TaskOptions SpreadTask() {
  return mobula::TaskOptions()
      .Place(mobula::Placement().Spread())
      .Retries(1000);
}

// ---- what is tried ----------------------------------------------------------

std::string Everywhere() {
  std::vector<std::pair<std::string, mobula::Ref<Seen>>> seen;
  std::set<std::string> machines;
  for (const mobula::NodeInfo& node : mobula::Nodes()) {
    seen.emplace_back(node.name,
                      mobula::Spawn<See>(TaskOn(node), Make(1000, 1)));
  }
  for (const auto& [machine, ref] : seen) {
    const Seen one = mobula::Get(ref);
    Expect(one.machine == machine, "it runs on " + machine);
    Expect(one.sum == Sum(Make(1000, 1)), "the right sum of " + machine);
    machines.insert(machine);
  }
  return std::to_string(machines.size()) + " nodes";
}

// One value, read on each node.
std::string Broadcast(int megabytes) {
  const std::size_t size = static_cast<std::size_t>(megabytes) << 20;
  const Bytes bytes = Make(size, 3);
  const auto value = mobula::Put(bytes);
  std::vector<mobula::Ref<Seen>> refs;
  const auto nodes = mobula::Nodes();
  for (const mobula::NodeInfo& node : nodes) {
    // Two readers a node share one copy.
    for (int i = 0; i < 2; ++i) {
      refs.push_back(mobula::Spawn<See>(TaskOn(node), value));
    }
  }
  std::set<std::string> machines;
  for (const auto& ref : refs) {
    const Seen seen = mobula::Get(ref);
    Expect(seen.sum == Sum(bytes), "the same bytes at " + seen.machine);
    machines.insert(seen.machine);
  }
  return std::to_string(machines.size()) + " machines";
}

// Tasks on all nodes and calls to an actor, until input ends; machines may
// come and go meanwhile.
std::string Load() {
  const auto counter =
      mobula::Create<Counter>(mobula::ActorOptions().MaxRestarts(-1).Place(
          mobula::Placement().Spread()));
  std::deque<std::pair<int, mobula::Ref<std::uint64_t>>> tasks;
  int answers = 0;
  int next = 0;
  const auto take = [&] {
    const auto& [seed, ref] = tasks.front();
    Expect(mobula::Get(ref) == Sum(Make(5000, seed)), "the right sum");
    tasks.pop_front();
    if (++answers == 1) Say("begun");
  };
  while (!InputEnds(0)) {
    while (tasks.size() < kInFlight) {
      tasks.emplace_back(
          next, mobula::Spawn<Slowly>(SpreadTask(), Make(5000, next), 20));
      ++next;
    }
    take();
    const int square = mobula::Get(counter.Call<&Counter::Square>(
        mobula::CallOptions().Retries(-1), answers % 1000));
    Expect(square == (answers % 1000) * (answers % 1000), "the right square");
  }
  while (!tasks.empty()) take();
  return std::to_string(answers) + " answers";
}

// So many calls in order to an actor on a machine, each run once.
std::string Calls(const std::string& machine, int count) {
  const auto counter = mobula::Create<Counter>(mobula::ActorOptions().Place(
      mobula::Placement().OnNode(NodeAt(machine).id)));
  std::deque<mobula::Ref<int>> calls;
  int answers = 0;
  int sent = 0;
  while (answers < count) {
    while (calls.size() < kInFlight && sent < count) {
      calls.push_back(counter.Call<&Counter::Add>(1));
      ++sent;
    }
    ++answers;
    Expect(mobula::Get(calls.front()) == answers, "each call once, in order");
    calls.pop_front();
  }
  return std::to_string(answers) + " answers";
}

// The machine of the actor ends meanwhile: it lives on elsewhere, and is
// called.
std::string Moves(const std::string& machine) {
  const auto counter = mobula::Create<Counter>(
      mobula::ActorOptions().Name("mover").MaxRestarts(-1).Place(
          mobula::Placement().OnNode(NodeAt(machine).id).Soft()));
  const auto retried = mobula::CallOptions().Retries(-1);
  Say("at " + mobula::Get(counter.Call<&Counter::At>()));
  std::string at = machine;
  for (; at == machine; Rest(10)) {
    at = mobula::Get(counter.Call<&Counter::At>(retried));
  }
  for (int i = 1; i <= 100; ++i) {
    Expect(mobula::Get(counter.Call<&Counter::Add>(1)) == i,
           "calls in order there");
  }
  Expect(mobula::Get(mobula::GetActor<Counter>("mover").Call<&Counter::At>()) ==
             at,
         "it is found by its name");
  return "from " + machine + " to another";
}

std::string Try(const std::string& what, int argc, char** argv) {
  const std::string more = argc > 2 ? argv[2] : "";
  if (what == "everywhere") return Everywhere();
  if (what == "broadcast") return Broadcast(std::stoi(more));
  if (what == "load") return Load();
  if (what == "calls") return Calls(more, std::stoi(argv[3]));
  if (what == "moves") return Moves(more);
  throw std::runtime_error("there is no " + what);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "everywhere";
  try {
    const mobula::Runtime runtime = mobula::Init(argc, argv);
    try {
      std::printf("%s: %s\n", what.c_str(), Try(what, argc, argv).c_str());
      return 0;
    } catch (const std::exception& error) {
      std::printf("%s failed: %s\n", what.c_str(), error.what());
      return 1;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "voyager: %s\n", error.what());
    return 4;
  }
}
