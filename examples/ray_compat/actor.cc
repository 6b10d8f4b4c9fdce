// Actors: state in a process of its own, calls in order, several calls at once,
// a kill and a life after it.
#include <ray/api.h>

#include <atomic>
#include <iostream>
#include <string>
#include <vector>

class Counter {
 public:
  explicit Counter(int count) : count_(count) {}
  static Counter* FactoryCreate(int count) { return new Counter(count); }
  static Counter* FactoryCreate() { return new Counter(0); }

  int Add(int x) {
    count_ += x;
    return count_;
  }
  int Count() const { return count_; }
  bool WasRestarted() { return ray::WasCurrentActorRestarted(); }

 private:
  int count_;
};
RAY_REMOTE(RAY_FUNC(Counter::FactoryCreate),
           RAY_FUNC(Counter::FactoryCreate, int), &Counter::Add,
           &Counter::Count, &Counter::WasRestarted);

class Hits {
 public:
  static Hits* Create() { return new Hits; }
  void Hit() { ++hits_; }
  int Count() { return hits_; }

 private:
  std::atomic<int> hits_{0};
};
RAY_REMOTE(Hits::Create, &Hits::Hit, &Hits::Count);

int main(int argc, char** argv) {
  ray::RayConfig config;
  ray::Init(config, argc, argv);

  ray::ActorHandle<Counter> counter =
      ray::Actor(RAY_FUNC(Counter::FactoryCreate, int)).Remote(10);
  std::cout << *counter.Task(&Counter::Add).Remote(1).Get() << std::endl;
  auto twelve = counter.Task(&Counter::Add).Remote(1);
  std::cout << *counter.Task(&Counter::Add).Remote(twelve).Get() << std::endl;

  std::vector<ray::ObjectRef<int>> counts;
  for (int i = 0; i < 5; ++i) {
    counts.push_back(counter.Task(&Counter::Add).Remote(1));
  }
  for (const auto& count : ray::Get(counts)) std::cout << *count << " ";
  std::cout << std::endl;

  auto hits = ray::Actor(Hits::Create).SetMaxConcurrency(4).Remote();
  std::vector<ray::ObjectRef<void>> done;
  for (int i = 0; i < 100; ++i) done.push_back(hits.Task(&Hits::Hit).Remote());
  for (const auto& each : done) each.Get();
  std::cout << *hits.Task(&Hits::Count).Remote().Get() << " hits" << std::endl;

  auto again =
      ray::Actor(RAY_FUNC(Counter::FactoryCreate)).SetMaxRestarts(1).Remote();
  again.Task(&Counter::Add).Remote(5).Get();
  again.Kill(false);
  std::cout << "restarted: " << std::boolalpha
            << *again.Task(&Counter::WasRestarted).Remote().Get() << ", count "
            << *again.Task(&Counter::Count).Remote().Get() << std::endl;

  counter.Kill();
  try {
    counter.Task(&Counter::Count).Remote().Get();
  } catch (const ray::internal::RayActorException&) {
    std::cout << "killed" << std::endl;
  }

  ray::Shutdown();
  return 0;
}
