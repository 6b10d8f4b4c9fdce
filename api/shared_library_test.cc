// Functions and classes of a user's shared library run on workers.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <string>

#include "api/shared_functions.h"

namespace mobula {
namespace {

TEST(SharedLibraryTest, ItsFunctionsRunOnWorkers) {
  const Runtime runtime = Init(InitOptions().Cpus(1));
  const std::string where = Spawn<shared_functions::WhereAmI>().Get();
  EXPECT_NE(where.find("libuser_functions.so"), std::string::npos) << where;
  EXPECT_EQ(shared_functions::SpawnStatic(1).Get(), 2);
  EXPECT_EQ(shared_functions::SpawnLambda(1).Get(), 3);
  auto sum = Create<shared_functions::Sum>();
  sum.Call<&shared_functions::Sum::Add>(2);
  EXPECT_EQ(sum.Call<&shared_functions::Sum::Add>(3).Get(), 5);
}

}  // namespace
}  // namespace mobula
