// nested: a tree of tasks through the public API, in local mode and on workers:
// row 7 of docs/performance.md. A node spawns ten and awaits them.
//
//   nested [SECONDS]
//
// Prints tasks/s; CPU time is that of the whole process tree.
#include <mobula/mobula.h>
#include <unistd.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "tests/bench/row.h"
#include "tests/process_tree/process_tree.h"

namespace nested {

namespace bench = mobula::bench;

mobula::Coro<std::int64_t> Skynet(std::int64_t first, std::int64_t leaves) {
  if (leaves == 1) co_return first;
  std::vector<mobula::Ref<std::int64_t>> children;
  for (int i = 0; i < 10; ++i) {
    children.push_back(
        mobula::Spawn<Skynet>(first + i * (leaves / 10), leaves / 10));
  }
  std::int64_t sum = 0;
  for (const auto& child : children) sum += co_await child;
  co_return sum;
}

// Of a tree with so many leaves.
std::uint64_t Tasks(std::int64_t leaves) {
  std::uint64_t tasks = 0;
  for (std::int64_t width = 1; width <= leaves; width *= 10) {
    tasks += static_cast<std::uint64_t>(width);
  }
  return tasks;
}

std::uint64_t Run(std::int64_t leaves) {
  bench::Check(mobula::Spawn<Skynet>(0, leaves).Get() ==
               leaves * (leaves - 1) / 2);
  return Tasks(leaves);
}

}  // namespace nested

int main(int argc, char** argv) {
  const double seconds = mobula::bench::SecondsOf(argc, argv);
  {
    const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Local());
    mobula::bench::Row("skynet_local", seconds,
                       [] { return nested::Run(1'000); });
  }
  const mobula::Runtime runtime = mobula::Init(argc, argv);
  mobula::bench::Row(
      "skynet_cluster", seconds, [] { return nested::Run(1'000); },
      [] {
        return 1e-9 * static_cast<double>(mobula::test::TreeCpuNs(::getpid()));
      });
}
