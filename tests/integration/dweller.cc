// dweller: a driver with one named actor, for tools to look at and to end.
//
//   dweller NAME
//
// Prints "pid N" when the actor lives in a process that it has not lived in
// before, and "dead" when it is gone for good; then it ends. The actor writes
// "I live in N" to its own output. Exit codes: 0 the actor is dead, 3 the
// runtime was lost, 4 Init failed.
#include <mobula/mobula.h>
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

class Dweller {
 public:
  Dweller() { std::printf("I live in %d\n", getpid()), std::fflush(stdout); }
  int Pid() { return getpid(); }
};

namespace {

int Watch(const char* name) {
  mobula::Actor<Dweller> dweller = mobula::Create<Dweller>(
      mobula::ActorOptions().Name(name).MaxRestarts(-1));
  int last = 0;
  try {
    while (true) {
      const int pid = mobula::Get(
          dweller.Call<&Dweller::Pid>(mobula::CallOptions().Retries(-1)));
      if (pid != last) std::printf("pid %d\n", pid), std::fflush(stdout);
      last = pid;
      poll(nullptr, 0, 10);
    }
  } catch (const mobula::ActorDied&) {
    std::printf("dead\n");
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 3;
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const mobula::Runtime runtime = mobula::Init(argc, argv);
    return Watch(argc > 1 ? argv[1] : "dweller");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 4;
  }
}
