// A program that gives values names and finds them:
//   publisher publish NAME BYTES [durable]
//   publisher lookup NAME        prints how many bytes, or the error
//   publisher unpublish NAME     prints 1 if there was one, else 0
#include <mobula/mobula.h>

#include <cstdio>
#include <cstdlib>
#include <string>

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string verb = argv[1];
  const std::string name = argv[2];
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions());
  try {
    if (verb == "publish" && argc >= 4) {
      const std::string bytes(std::strtoul(argv[3], nullptr, 10), 'x');
      mobula::PublishOptions options;
      if (argc > 4) options.Durable();
      mobula::Publish(name, mobula::Put(bytes), options);
    } else if (verb == "lookup") {
      const auto value = mobula::Lookup<std::string>(name);
      std::printf("%zu\n", mobula::Get(value).size());
    } else if (verb == "unpublish") {
      std::printf("%d\n", mobula::Unpublish(name) ? 1 : 0);
    } else {
      return 2;
    }
  } catch (const mobula::Error& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
  return 0;
}
