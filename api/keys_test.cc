// Each function has a key and id of its own, also where it is only mentioned.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "api/mobula/actor.h"
#include "api/mobula/detail/function_key.h"
#include "api/mobula/detail/remote_function.h"
#include "api/mobula/spawn.h"
#include "base/function_table.h"

namespace keys {

int Overloaded(int x) { return x; }
int Overloaded(double x) { return static_cast<int>(x); }
int Alike(int x) { return x; }
template <class T, int kNumber>
T Template(T x) {
  return x;
}
class Class {
 public:
  int Method(int x) { return x; }
  int Method(int x) const { return x; }
  int Quiet() noexcept { return 1; }
  static int Static(int x) { return x; }
};
class Derived : public Class {};

int NeverRun(int x) { return x; }

namespace {

using mobula::base::FunctionEntry;
using mobula::base::FunctionTable;
using mobula::detail::RemoteConstructor;
using mobula::detail::RemoteFunction;
using mobula::detail::RemoteMethod;

int OfThisFile(int x) { return x; }

template <auto kFunction>
const FunctionEntry* Of() {
  return &RemoteFunction<std::remove_const_t<decltype(kFunction)>,
                         kFunction>::registration.entry();
}
template <class C, auto kMethod>
const FunctionEntry* Of() {
  return &RemoteMethod<C, kMethod>::registration.entry();
}

std::vector<const FunctionEntry*> All() {
  using Const = int (Class::*)(int) const;
  using Plain = int (Class::*)(int);
  return {
      Of<static_cast<int (*)(int)>(Overloaded)>(),
      Of<static_cast<int (*)(double)>(Overloaded)>(),
      Of<&Alike>(),
      Of<&Template<int, 1>>(),
      Of<&Template<int, 2>>(),
      Of<&Template<long, 1>>(),
      Of<&Class::Static>(),
      Of<&OfThisFile>(),
      Of<[](int x) { return x; }>(),
      Of<[](int x) { return x; }>(),
      Of<Class, static_cast<Const>(&Class::Method)>(),
      Of<Class, static_cast<Plain>(&Class::Method)>(),
      Of<Derived, static_cast<Plain>(&Class::Method)>(),
      Of<Class, &Class::Quiet>(),
      &RemoteConstructor<Class>::registration.entry(),
      &RemoteConstructor<Class, Class>::registration.entry(),
      &RemoteConstructor<Derived>::registration.entry(),
  };
}

TEST(KeysTest, EachFunctionHasItsOwn) {
  std::set<std::string> keys;
  std::set<mobula::base::FunctionId> ids;
  for (const FunctionEntry* entry : All()) {
    EXPECT_TRUE(keys.insert(entry->key).second) << entry->key;
    EXPECT_TRUE(ids.insert(entry->id).second) << entry->key;
    EXPECT_EQ(FunctionTable::Get().Find(entry->id), entry) << entry->name;
  }
  EXPECT_TRUE(FunctionTable::Get().Clashes().empty());
}

TEST(KeysTest, NamesOfOthersAreMangledAndTheRestArePlaces) {
  EXPECT_NE(Of<&Alike>()->key.find("N4keys5AlikeEi"), std::string::npos);
  EXPECT_EQ(Of<&OfThisFile>()->key.find("OfThisFile"), std::string::npos);
  EXPECT_NE(Of<&OfThisFile>()->key.find('+'), std::string::npos);
}

TEST(KeysTest, NamesAreThoseThatPeopleWrite) {
  EXPECT_EQ(Of<&Alike>()->name, "keys::Alike");
  EXPECT_EQ(Of<&Class::Static>()->name, "keys::Class::Static");
  EXPECT_EQ((Of<Class, &Class::Quiet>()->name), "keys::Class::Quiet");
  EXPECT_EQ(Of<&OfThisFile>()->name, "OfThisFile");
  EXPECT_EQ(Of<[](int x) { return x; }>()->name, "lambda");
  EXPECT_EQ(RemoteConstructor<Class>::registration.entry().name, "keys::Class");
}

// A call that is compiled but never executed, and a lookup that does not
// mention it.
[[maybe_unused]] void NeverCalled() { (void)mobula::Spawn<NeverRun>(1); }

TEST(KeysTest, MentioningIsEnough) {
  const bool never = ::getenv("NO SUCH VARIABLE") != nullptr;
  if (never) NeverCalled();
  const std::string key =
      "N6mobula6detail14RemoteFunctionIPFiiEXadL_ZN4keys8NeverRunEiEEEE|FiiE";
  const FunctionEntry* const entry =
      FunctionTable::Get().Find(mobula::detail::HashKey(key));
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->key, key);
  EXPECT_EQ(entry->name, "keys::NeverRun");
}

}  // namespace
}  // namespace keys
