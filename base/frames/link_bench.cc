// What a link costs: one message there and back, and many one way, between two
// strands on two threads, over a Unix socket (rings:0) or through rings of
// shared memory (rings:1).
#include <benchmark/benchmark.h>
#include <sys/socket.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/frames/link.h"
#include "base/strand.h"

namespace mobula::base {
namespace {

constexpr ProcessId kOwner{1, 1};
constexpr ProcessId kWorker{1, 2};

// A strand with one end of a link, which exist only on each other.
class Side {
 public:
  Side(ProcessId self, ProcessId peer, UniqueFd socket, bool rings)
      : strand_("bench") {
    Link::Options options;
    options.self = self;
    options.peer = peer;
    options.rings = rings;
    link_ = std::make_unique<Link>(
        strand_, std::move(socket), options,
        Link::Callbacks{nullptr,
                        [this](Message message, UniqueFd) {
                          on_message(std::move(message));
                        },
                        nullptr});
  }
  void Start() { strand_.StartThread(); }
  void End() {
    strand_.Stop();
    strand_.Join();
    link_.reset();
  }
  Strand& strand() { return strand_; }
  Link& link() { return *link_; }

  std::function<void(Message)> on_message = [](const Message&) {};

 private:
  Strand strand_;
  std::unique_ptr<Link> link_;
};

struct Pair {
  explicit Pair(bool rings) {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
      std::abort();
    }
    owner = std::make_unique<Side>(kOwner, kWorker, UniqueFd(fds[0]), rings);
    worker = std::make_unique<Side>(kWorker, kOwner, UniqueFd(fds[1]), rings);
  }
  ~Pair() {
    owner->End();
    worker->End();
  }
  std::unique_ptr<Side> owner;
  std::unique_ptr<Side> worker;
};

Message Task(std::size_t bytes) {
  RunTask task;
  task.task = TaskId{1, 1};
  task.args = {Bytes::Own(std::string(bytes, 'x'))};
  return task;
}

void PingPong(benchmark::State& state) {
  Pair pair(state.range(0) != 0);
  const Message task = Task(64);
  std::atomic<std::uint64_t> answers = 0;
  pair.worker->on_message = [&pair, &task](const Message&) {
    pair.worker->link().Send(task);
  };
  pair.owner->on_message = [&answers](const Message&) {
    answers.fetch_add(1);
    answers.notify_one();
  };
  pair.owner->Start();
  pair.worker->Start();
  std::uint64_t count = 0;
  for (auto _ : state) {
    pair.owner->strand().Post(
        [&pair, &task] { pair.owner->link().Send(task); });
    ++count;
    for (std::uint64_t seen = answers; seen < count; seen = answers) {
      answers.wait(seen);
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(count));
}
BENCHMARK(PingPong)
    ->ArgName("rings")
    ->Arg(0)
    ->Arg(1)
    ->UseRealTime()
    ->MeasureProcessCPUTime();

void OneWay(benchmark::State& state) {
  constexpr std::int64_t kBatch = 10'000;
  Pair pair(state.range(0) != 0);
  const Message task = Task(static_cast<std::size_t>(state.range(1)));
  std::int64_t got = 0;
  std::promise<void>* done = nullptr;
  pair.worker->on_message = [&got, &done](const Message&) {
    if (++got % kBatch == 0) done->set_value();
  };
  pair.owner->Start();
  pair.worker->Start();
  for (auto _ : state) {
    std::promise<void> batch_done;
    done = &batch_done;
    pair.owner->strand().Post([&pair, &task] {
      for (std::int64_t i = 0; i < kBatch; ++i) pair.owner->link().Send(task);
    });
    batch_done.get_future().wait();
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
  state.SetBytesProcessed(state.iterations() * kBatch * state.range(1));
}
BENCHMARK(OneWay)
    ->ArgNames({"rings", "bytes"})
    ->ArgsProduct({{0, 1}, {64, 4096}})
    ->UseRealTime()
    ->MeasureProcessCPUTime();

}  // namespace
}  // namespace mobula::base

BENCHMARK_MAIN();
