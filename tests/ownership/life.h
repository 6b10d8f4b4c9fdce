// Life is one run of a node: its drivers work, it comes to rest and is audited,
// some times, and at the end every program drops all it has.
//
//   const Life life = Live(OptionsFor(seed, /*kills=*/true));
//   EXPECT_TRUE(life.wrongs.empty());
// Threading: a pure function of its options.
#ifndef MOBULA_TESTS_OWNERSHIP_LIFE_H_
#define MOBULA_TESTS_OWNERSHIP_LIFE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/ownership/node.h"

namespace mobula::ownership {

struct Life {
  std::vector<std::string> wrongs;
  std::uint64_t trace = 0;
  std::uint64_t reads = 0;
  std::uint64_t losses = 0;  // reads of failures
  std::uint64_t kills = 0;
  std::uint64_t cancels = 0;
  std::uint64_t stops = 0;  // of what ran elsewhere
  std::uint64_t lost_places = 0;
  std::uint64_t remade = 0;  // results whose bytes were lost
  std::uint64_t delivered = 0;
  // Messages of some kinds.
  std::uint64_t claims = 0;
  std::uint64_t stays = 0;
  std::uint64_t taken = 0;
  std::uint64_t wants = 0;
};

// One to three drivers, one to four cpus.
Node::Options OptionsFor(std::uint64_t seed, bool kills, bool losses = false);

Life Live(const Node::Options& options);

}  // namespace mobula::ownership

#endif  // MOBULA_TESTS_OWNERSHIP_LIFE_H_
