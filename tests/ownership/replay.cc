// Runs one seed of the ownership test and prints every message.
//
//   bazel run //tests/ownership:replay -- SEED KILLS LOSSES
// KILLS and LOSSES are 0 or 1. The exit code is 1 if something was wrong.
#include <cstdlib>
#include <iostream>
#include <string>

#include "tests/ownership/life.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: replay SEED KILLS LOSSES\n";
    return 2;
  }
  mobula::ownership::Node::Options options = mobula::ownership::OptionsFor(
      std::strtoull(argv[1], nullptr, 10), std::string(argv[2]) == "1",
      std::string(argv[3]) == "1");
  options.log = &std::cout;
  const mobula::ownership::Life life = mobula::ownership::Live(options);
  for (const std::string& wrong : life.wrongs) std::cout << wrong << "\n";
  return life.wrongs.empty() ? 0 : 1;
}
