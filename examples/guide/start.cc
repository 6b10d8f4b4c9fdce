#include <mobula/mobula.h>

#include <iostream>

int Square(int x) { return x * x; }

int main(int argc, char** argv) {
  mobula::Runtime runtime = mobula::Init(argc, argv);
  mobula::Ref<int> four = mobula::Spawn<Square>(2);
  mobula::Ref<int> sixteen = mobula::Spawn<Square>(four);
  std::cout << mobula::Get(sixteen) << "\n";
}
