#include "api/shared_functions.h"

#include <dlfcn.h>

namespace shared_functions {
namespace {

int PlusOne(int x) { return x + 1; }

}  // namespace

std::string WhereAmI() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<void*>(&PlusOne), &info) == 0) return "";
  return info.dli_fname;
}

mobula::Ref<int> SpawnStatic(int x) { return mobula::Spawn<PlusOne>(x); }

mobula::Ref<int> SpawnLambda(int x) {
  return mobula::Spawn<[](int y) { return y + 2; }>(x);
}

int Sum::Add(int x) { return sum_ += x; }

}  // namespace shared_functions
