// A program that makes a detached actor whose methods have stable names, for
// programs that do not know its class (named_caller). Prints the address of its
// cluster.
#include <mobula/mobula.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

class Index {
 public:
  void Add(const std::vector<std::string>& words) {
    for (const std::string& word : words) ++counts_[word];
  }
  std::int64_t Lookup(const std::string& word) const {
    const auto found = counts_.find(word);
    return found == counts_.end() ? 0 : found->second;
  }
  std::int64_t Token() const { return mobula::CurrentTask().fencing_token; }

 private:
  std::map<std::string, std::int64_t> counts_;
};

MOBULA_REMOTE("Index.Add", &Index::Add);
MOBULA_REMOTE("Index.Lookup", &Index::Lookup);
MOBULA_REMOTE("Index.Token", &Index::Token);

int main(int argc, char** argv) {
  const mobula::Runtime runtime = mobula::Init(argc, argv);
  const auto index = mobula::Create<Index>(
      mobula::ActorOptions().Name("index").Detached().MaxRestarts(-1));
  index.CallNamed<void>("Index.Add", std::vector<std::string>{"ray"}).Get();
  std::printf("%s\n", mobula::CurrentAddress().c_str());
  return 0;
}
