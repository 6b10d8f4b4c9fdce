#include "tests/integration/shared_functions.h"

#include <utility>

namespace shared_functions {
namespace {

int Hidden(int number) { return number + 1000; }

}  // namespace

int Double(int number) { return 2 * number; }

Greeter::Greeter(std::string name) : name_(std::move(name)) {}

std::string Greeter::Greet() const { return "hello, " + name_; }

mobula::Ref<int> SpawnHidden(int number) {
  return mobula::Spawn<Hidden>(number);
}

mobula::Ref<int> SpawnLambda(int number) {
  return mobula::Spawn<[](int x) { return x * x; }>(number);
}

}  // namespace shared_functions
