// Functions of a user's shared library, for shared_library_test: an external
// one, one of its own file and a lambda.
// Threading: any thread.
#ifndef MOBULA_API_SHARED_FUNCTIONS_H_
#define MOBULA_API_SHARED_FUNCTIONS_H_

#include <mobula/mobula.h>

#include <string>

namespace shared_functions {

// The path of the module that holds this function.
std::string WhereAmI();

mobula::Ref<int> SpawnStatic(int x);  // x + 1
mobula::Ref<int> SpawnLambda(int x);  // x + 2

class Sum {
 public:
  int Add(int x);

 private:
  int sum_ = 0;
};

}  // namespace shared_functions

#endif  // MOBULA_API_SHARED_FUNCTIONS_H_
