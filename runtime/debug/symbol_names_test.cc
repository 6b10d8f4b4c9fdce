#include "runtime/debug/symbol_names.h"

#include <gtest/gtest.h>

#include <coroutine>
#include <cstdlib>
#include <string>

namespace mobula::runtime {
namespace {

// Not exported.
__attribute__((noinline)) int Hidden(int x) {
  asm volatile("" : "+r"(x));
  return x + 1;
}

TEST(SymbolNames, OfFunctions) {
  EXPECT_EQ(Hidden(1), 2);
  const std::string hidden =
      NameOfFunction(reinterpret_cast<const void*>(&Hidden));
  EXPECT_NE(hidden.find("Hidden(int)"), std::string::npos) << hidden;
  const std::string qsort =
      NameOfFunction(reinterpret_cast<const void*>(&std::qsort));
  EXPECT_NE(qsort.find("qsort"), std::string::npos) << qsort;
  EXPECT_EQ(NameOfFunction(nullptr), "?");
  int local = 0;
  EXPECT_FALSE(NameOfFunction(&local).empty());
}

struct Made {
  struct promise_type {
    Made get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    static std::suspend_always initial_suspend() noexcept { return {}; }
    static std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {}
  };
  std::coroutine_handle<> handle;
};

Made MakeOne(int x) {
  (void)Hidden(x);
  co_return;
}

TEST(SymbolNames, OfCoroutines) {
  const Made made = MakeOne(1);
  const std::string name = NameOfCoroutine(ResumeOf(made.handle.address()));
  EXPECT_NE(name.find("MakeOne(int)"), std::string::npos) << name;
  made.handle.resume();
  EXPECT_EQ(NameOfCoroutine(ResumeOf(made.handle.address())), "a coroutine");
  made.handle.destroy();
  const auto lambda = [](int x) -> Made {
    (void)Hidden(x);
    co_return;
  };
  const Made of_lambda = lambda(1);
  const std::string shown =
      NameOfCoroutine(ResumeOf(of_lambda.handle.address()));
  EXPECT_NE(shown.find("lambda"), std::string::npos) << shown;
  of_lambda.handle.destroy();
}

TEST(SymbolNames, OfWhatCompilersMakeOfThem) {
  EXPECT_EQ(CoroutineOfSymbol("_Z5FetchiPZ5FetchiE13_Z5Fetchi.Frame.actor"),
            "Fetch(int)");
  EXPECT_EQ(CoroutineOfSymbol("_Z5Fetchi.resume"), "Fetch(int)");
  EXPECT_EQ(CoroutineOfSymbol("_Z5Fetchi"), "Fetch(int)");
  EXPECT_EQ(CoroutineOfSymbol("main"), "main");
  EXPECT_EQ(CoroutineOfSymbol(".Frame"), ".Frame");
}

}  // namespace
}  // namespace mobula::runtime
