// asker: a driver that has asked for things which are not done, for tests of
// what is listed of them.
//
//   asker FIFO STARTED
//
// A task waits for another, which writes a line to STARTED and then reads FIFO.
// Behind those stand tasks without a slot, one that waits for the result of
// such a one, and calls of an actor that reads FIFO as well. Then it prints
// "ready" and stays until its input ends. Needs a node with one cpu. Exit
// codes: 0 it went to the end, 4 it failed.
#include <mobula/mobula.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

void ReadLine(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
}

int Inner(std::string fifo, std::string started) {
  std::ofstream(started) << "started\n";
  ReadLine(fifo);
  return 1;
}

int Outer(std::string fifo, std::string started) {
  return mobula::Get(mobula::Spawn<Inner>(fifo, started));
}

int Square(int n) { return n * n; }

int Sum(int a, int b) { return a + b; }

class Reader {
 public:
  void Read(std::string fifo) { ReadLine(fifo); }
  int Add(int n) { return sum_ += n; }

 private:
  int sum_ = 0;
};

namespace {

void AskForThings(const std::string& fifo, const std::string& started) {
  const auto outer = mobula::Spawn<Outer>(fifo, started);
  ReadLine(started);  // it has the cpu
  std::vector<mobula::Ref<int>> squares;
  for (int n = 0; n < 50; ++n) squares.push_back(mobula::Spawn<Square>(n));
  const auto sum = mobula::Spawn<Sum>(squares.back(), 1);
  auto reader = mobula::Create<Reader>();
  const auto reading = reader.Call<&Reader::Read>(fifo);
  const auto added = reader.Call<&Reader::Add>(1);
  std::printf("ready\n");
  std::fflush(stdout);
  char c = 0;
  while (::read(0, &c, 1) > 0) {
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  try {
    const mobula::Runtime runtime = mobula::Init(mobula::InitOptions());
    AskForThings(argv[1], argv[2]);
    return 0;
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 4;
  }
}
