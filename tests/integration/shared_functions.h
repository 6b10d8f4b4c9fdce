// Functions of a user's shared library, for shared_library_test.
#ifndef MOBULA_TESTS_INTEGRATION_SHARED_FUNCTIONS_H_
#define MOBULA_TESTS_INTEGRATION_SHARED_FUNCTIONS_H_

#include <mobula/mobula.h>

#include <string>

namespace shared_functions {

int Double(int number);

class Greeter {
 public:
  explicit Greeter(std::string name);
  [[nodiscard]] std::string Greet() const;

 private:
  std::string name_;
};

// These call the API inside the library: the registry entry, and for the lambda
// its key, lie in the library's own module.
mobula::Ref<int> SpawnHidden(int number);
mobula::Ref<int> SpawnLambda(int number);

}  // namespace shared_functions

#endif  // MOBULA_TESTS_INTEGRATION_SHARED_FUNCTIONS_H_
