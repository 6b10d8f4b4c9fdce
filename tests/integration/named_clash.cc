// A program that cannot start: two of its functions have one stable name.
#include <mobula/mobula.h>

#include <cstdio>

namespace shop {
int Add(int a, int b) { return a + b; }
int Subtract(int a, int b) { return a - b; }
}  // namespace shop

MOBULA_REMOTE("shop.add", shop::Add);
MOBULA_REMOTE("shop.add", shop::Subtract);

int main(int argc, char** argv) {
  try {
    const mobula::Runtime runtime =
        mobula::Init(argc, argv, mobula::InitOptions().Local());
  } catch (const mobula::InitError& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
  return 0;
}
