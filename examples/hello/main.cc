// hello: remote functions and an actor in one page. It writes three small
// files, counts their words on worker processes, and keeps the counts in an
// actor that has a process of its own.
#include <mobula/mobula.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

// A plain struct travels as it is: no macro, no serializer.
struct Count {
  std::string word;
  std::int64_t n = 0;
};

// Runs on a worker.
std::vector<Count> CountWords(const std::string& path) {
  std::cout << "counting " << path << std::endl;  // appears at the driver
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path);
  std::map<std::string, std::int64_t> counts;
  for (std::string word; file >> word;) ++counts[word];
  std::vector<Count> result;
  for (const auto& [word, n] : counts) result.push_back({word, n});
  return result;
}

int WhoAmI() { return ::getpid(); }

// An actor: an ordinary class whose object lives in a worker.
class Index {
 public:
  explicit Index(int shard) : shard_(shard) {}

  void Add(const std::vector<Count>& counts) {
    for (const Count& count : counts) totals_[count.word] += count.n;
  }
  std::int64_t Lookup(const std::string& word) const {
    const auto found = totals_.find(word);
    return found == totals_.end() ? 0 : found->second;
  }
  std::string Describe() const {
    return "shard " + std::to_string(shard_) + " holds " +
           std::to_string(totals_.size()) + " words in process " +
           std::to_string(::getpid());
  }

 private:
  int shard_;
  std::map<std::string, std::int64_t> totals_;
};

namespace {

// A folder with three texts, removed at the end.
class Texts {
 public:
  Texts()
      : folder_(std::filesystem::temp_directory_path() /
                ("mobula-hello-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
    Write("a.txt", "a manta ray is a ray");
    Write("b.txt", "mobula is a genus of ray");
    Write("c.txt", "they leap");
  }
  ~Texts() { std::filesystem::remove_all(folder_); }
  Texts(const Texts&) = delete;
  Texts& operator=(const Texts&) = delete;

  [[nodiscard]] const std::vector<std::string>& paths() const { return paths_; }

 private:
  void Write(const std::string& name, const std::string& text) {
    paths_.push_back(folder_ / name);
    std::ofstream(paths_.back()) << text << "\n";
  }

  const std::filesystem::path folder_;
  std::vector<std::string> paths_;
};

void Run() {
  const Texts texts;
  const int worker = mobula::Get(mobula::Spawn<WhoAmI>());
  std::cout << "this is process " << ::getpid() << "; a task ran in process "
            << worker << std::endl;

  mobula::Actor<Index> index = mobula::Create<Index>(
      mobula::ActorOptions().Name("index").MaxRestarts(-1), 0);
  for (const std::string& path : texts.paths()) {
    mobula::Ref<std::vector<Count>> counts = mobula::Spawn<CountWords>(path);
    index.Call<&Index::Add>(counts);  // a Ref goes wherever a T is wanted
  }
  const std::int64_t rays = mobula::Get(index.Call<&Index::Lookup>("ray"));
  std::cout << "\"ray\" occurs " << rays << " times\n";
  std::cout << mobula::Get(index.Call<&Index::Describe>()) << std::endl;

  const auto seven = mobula::Spawn<[](int x) { return x + 1; }>(6);
  std::cout << "a lambda says " << mobula::Get(seven) << "\n";

  try {
    mobula::Get(mobula::Spawn<CountWords>("no such file"));
  } catch (const std::runtime_error& e) {
    std::cout << "and an error arrives as an exception:\n" << e.what() << "\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    mobula::Runtime runtime = mobula::Init(argc, argv);
    Run();
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "hello: %s\n", e.what());
    return 1;
  }
}
