// Refs as parameters, in containers, in classes, in results and in actors.
// Ray's own C++ API can do this in local mode alone.
#include <ray/api.h>

#include <iostream>
#include <string>
#include <vector>

struct Block {
  int index = 0;
  ray::ObjectRef<std::vector<double>> numbers;
  MSGPACK_DEFINE(index, numbers);
};

std::vector<double> Make(int index, int count) {
  return std::vector<double>(count, index);
}
std::vector<Block> MakeBlocks(int blocks, int count);
double SumOf(const Block& block) {
  double sum = 0;
  for (double number : *block.numbers.Get()) sum += number;
  return sum;
}
// Gets refs, of which not all need have a value yet.
double SumAll(const std::vector<ray::ObjectRef<double>>& parts) {
  double sum = 0;
  for (const auto& part : ray::Get(parts)) sum += *part;
  return sum;
}
int Length(ray::ObjectRef<std::vector<double>> ref) {
  return static_cast<int>(ref.Get()->size());
}
RAY_REMOTE(Make, MakeBlocks, SumOf, SumAll, Length);

std::vector<Block> MakeBlocks(int blocks, int count) {
  std::vector<Block> made;
  for (int i = 0; i < blocks; ++i) {
    made.push_back(Block{i, ray::Task(Make).Remote(i, count)});
  }
  return made;
}

class Shelf {
 public:
  static Shelf* Create() { return new Shelf; }
  int Add(const Block& block) {
    blocks_.push_back(block);
    return static_cast<int>(blocks_.size());
  }
  Block At(int index) { return blocks_.at(index); }

 private:
  std::vector<Block> blocks_;
};
RAY_REMOTE(Shelf::Create, &Shelf::Add, &Shelf::At);

int main(int argc, char** argv) {
  ray::RayConfig config;
  ray::Init(config, argc, argv);

  auto shelf = ray::Actor(Shelf::Create).Remote();
  {
    auto blocks = ray::Task(MakeBlocks).Remote(4, 10000).Get();
    std::vector<ray::ObjectRef<double>> sums;
    for (const Block& block : *blocks) {
      sums.push_back(ray::Task(SumOf).Remote(block));
      shelf.Task(&Shelf::Add).Remote(block).Get();
    }
    std::cout << "sum " << *ray::Task(SumAll).Remote(sums).Get() << std::endl;
  }
  // No ref is left here: the actor's keep the blocks.
  auto block = shelf.Task(&Shelf::At).Remote(3).Get();
  std::cout << "block " << block->index << " has "
            << *ray::Task(Length).Remote(block->numbers).Get()
            << " numbers, sum " << *ray::Task(SumOf).Remote(*block).Get()
            << std::endl;

  ray::Shutdown();
  return 0;
}
