// hoarder: a driver that keeps values in every way, for tests of who holds
// what.
//
//   hoarder FIFO
//
// Makes a large value that a task borrows (it reads FIFO meanwhile), another
// that an actor keeps, one that is published, one that nothing but itself
// holds, and one with a ref of another inside. Then it prints "ready", with the
// ids of those that it has handles of, and stays until its input ends. Exit
// codes: 0 it went to the end, 4 it failed.
#include <mobula/mobula.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

// A value that can mention itself.
struct Link {
  std::string text;
  std::vector<mobula::Ref<Link>> next;
};

class Keeper {
 public:
  void Keep(mobula::Ref<std::string> value) { kept_.push_back(value); }

 private:
  std::vector<mobula::Ref<std::string>> kept_;
};

// Hands one ref on, and keeps nothing.
class Post {
 public:
  void Give(mobula::Ref<Link> link) { link_ = link; }
  std::vector<mobula::Ref<Link>> Take() {
    std::vector<mobula::Ref<Link>> taken;
    if (link_.has_value()) taken.push_back(*link_);
    link_.reset();
    return taken;
  }

 private:
  std::optional<mobula::Ref<Link>> link_;
};

// Gives a value with what is in the post inside: the ref of that very value.
Link Tie(std::string post) {
  auto actor = mobula::GetActor<Post>(post);
  Link link;
  link.text = std::string(10'000, 'l');
  while (link.next.empty()) {
    link.next = mobula::Get(actor.Call<&Post::Take>());
  }
  return link;
}

// Has the ref, and the value not, until somebody writes to the fifo.
int Borrow(mobula::Ref<std::string> value, std::string fifo) {
  std::ifstream in(fifo);
  std::string line;
  std::getline(in, line);
  return static_cast<int>(mobula::Get(value).size());
}

namespace {

void Hoard(const std::string& fifo) {
  const auto borrowed = mobula::Put(std::string(3'000'000, 'b'));
  const auto borrowing = mobula::Spawn<Borrow>(borrowed, fifo);
  auto keeper = mobula::Create<Keeper>(mobula::ActorOptions().Name("keeper"));
  {
    const auto kept = mobula::Put(std::string(2'000'000, 'k'));
    mobula::Get(keeper.Call<&Keeper::Keep>(kept));
  }
  auto post = mobula::Create<Post>(mobula::ActorOptions().Name("post"));
  {
    const auto tied = mobula::Spawn<Tie>(std::string("post"));
    mobula::Get(post.Call<&Post::Give>(tied));
    mobula::Get(tied);
  }
  const auto published = mobula::Put(std::string(1'000'000, 'p'));
  mobula::Publish("hoard", published);
  const auto inner = mobula::Put(Link{std::string(500'000, 'i'), {}});
  const auto outer = mobula::Put(Link{std::string(400'000, 'o'), {inner}});
  std::printf("ready\n");
  std::fflush(stdout);
  char c = 0;
  while (read(0, &c, 1) > 0) {
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  try {
    const mobula::Runtime runtime = mobula::Init(mobula::InitOptions());
    Hoard(argv[1]);
    return 0;
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 4;
  }
}
