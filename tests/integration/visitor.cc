// visitor: a driver of a cluster, for tests of drivers that have no node of it
// on their machine.
//
//   visitor make NAME     makes a detached actor of that name, and calls it
//   visitor visit [NAME]  tries what a driver can do, and calls that actor
//   visitor stay          tries nothing, says "ready" and stays
//
// Each try is a line: what came of it, or the error. Exit codes: 0 it went to
// the end, 4 Init failed.
#include <mobula/mobula.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <string>

class Guest {
 public:
  int Count() { return ++count_; }

 private:
  int count_ = 0;
};

namespace {

int Seven() { return 7; }

void Try(const char* what, const std::function<std::string()>& attempt) {
  std::string came;
  try {
    came = attempt();
  } catch (const std::exception& error) {
    came = error.what();
  }
  std::printf("%s: %s\n", what, came.c_str());
  std::fflush(stdout);
}

std::string CountAt(const mobula::Actor<Guest>& guest) {
  return std::to_string(mobula::Get(guest.Call<&Guest::Count>()));
}

void Make(const std::string& name) {
  Try("detached", [&name] {
    return CountAt(mobula::Create<Guest>(
        mobula::ActorOptions().Name(name).Detached().MaxRestarts(-1)));
  });
}

void Visit(const std::string& far) {
  Try("key", [] {
    mobula::KvPut("visitor", std::int64_t{42});
    return std::to_string(mobula::KvGet<std::int64_t>("visitor")->value);
  });
  Try("named", [] {
    const auto guest =
        mobula::Create<Guest>(mobula::ActorOptions().Name("visitor"));
    CountAt(guest);
    return CountAt(mobula::GetActor<Guest>("visitor"));
  });
  Try("free task", [] {
    return std::to_string(
        mobula::Get(mobula::Spawn<Seven>(mobula::TaskOptions().Cpus(0))));
  });
  Try("task",
      [] { return std::to_string(mobula::Get(mobula::Spawn<Seven>())); });
  Try("large task", [] {
    return std::to_string(
        mobula::Get(mobula::Spawn<Seven>(mobula::TaskOptions().Cpus(1000))));
  });
  Make("visitor's own");
  if (far.empty()) return;
  Try("far", [&far] { return CountAt(mobula::GetActor<Guest>(far)); });
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const mobula::Runtime runtime = mobula::Init(argc, argv);
    const std::string what = argc > 1 ? argv[1] : "visit";
    std::printf("cpus %g\n", runtime.Cpus());
    if (what == "make") Make(argv[2]);
    if (what == "visit") Visit(argc > 2 ? argv[2] : "");
    std::printf("ready\n");
    std::fflush(stdout);
    while (what == "stay") pause();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "visitor: %s\n", error.what());
    return 4;
  }
}
