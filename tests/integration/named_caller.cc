// A program that knows of an actor (named_host) only how it and its methods are
// called:
//   named_caller NAME [WORD...]      prints the result, or the error
#include <mobula/mobula.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

class Index;

int main(int argc, char** argv) {
  const mobula::Runtime runtime = mobula::Init(argc, argv);
  if (argc < 2) return 2;
  const std::string name = argv[1];
  const std::vector<std::string> words(argv + 2, argv + argc);
  const auto index = mobula::GetActor<Index>("index");
  try {
    if (name == "restart") {
      mobula::Kill(index, mobula::KillOptions().Restart());
    } else if (name == "Index.Add") {
      index.CallNamed<void>(name, words).Get();
    } else if (words.empty()) {
      std::printf("%lld\n", static_cast<long long>(
                                index.CallNamed<std::int64_t>(name).Get()));
    } else {
      std::printf(
          "%lld\n",
          static_cast<long long>(
              index.CallNamed<std::int64_t>(name, words.front()).Get()));
    }
  } catch (const mobula::Error& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
  return 0;
}
