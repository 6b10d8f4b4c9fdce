// A program for `mobula cluster run`: uses the cluster, says what it was given,
// and ends as it was told: "exit N", or "wait" for SIGINT.
#include <mobula/mobula.h>
#include <signal.h>

#include <cstdlib>
#include <iostream>
#include <string>

namespace {

int Twice(int number) { return 2 * number; }

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  mobula::Runtime runtime = mobula::Init(1, argv);
  std::cout << "twice 21 is " << mobula::Get(mobula::Spawn<Twice>(21))
            << std::endl;
  std::string line;
  if (std::getline(std::cin, line)) std::cout << "read " << line << std::endl;
  std::cerr << "given " << argv[1] << " " << argv[2] << std::endl;
  if (argv[1] == std::string("exit")) return std::atoi(argv[2]);
  int signal = 0;
  sigwait(&signals, &signal);
  std::cout << "interrupted" << std::endl;
  return 5;
}
