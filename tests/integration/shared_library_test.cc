// Functions and classes that live in a user's shared library work like those of
// the executable: called from outside it, and from inside by hidden linkage and
// lambda.
#include <gtest/gtest.h>

#include "tests/integration/shared_functions.h"

namespace {

TEST(SharedLibrary, FunctionsActorsHiddenOnesAndLambdas) {
  mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(2));
  EXPECT_EQ(mobula::Get(mobula::Spawn<shared_functions::Double>(21)), 42);
  mobula::Actor<shared_functions::Greeter> greeter =
      mobula::Create<shared_functions::Greeter>(std::string("library"));
  EXPECT_EQ(mobula::Get(greeter.Call<&shared_functions::Greeter::Greet>()),
            "hello, library");
  EXPECT_EQ(mobula::Get(shared_functions::SpawnHidden(1)), 1001);
  EXPECT_EQ(mobula::Get(shared_functions::SpawnLambda(9)), 81);
}

}  // namespace
