#include "runtime/executor/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <semaphore>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace mobula::runtime {
namespace {

struct Task : base::Work {
  explicit Task(std::function<void()> from_body) : body(std::move(from_body)) {
    run = [](base::Work* work) noexcept { static_cast<Task*>(work)->body(); };
  }
  std::function<void()> body;
};

int ThreadsNamed(const std::string& wanted) {
  int found = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(entry.path() / "comm");
    std::string name;
    std::getline(file, name);
    found += name == wanted ? 1 : 0;
  }
  return found;
}

TEST(ThreadPool, StartsThreadsOnlyForWorkAndNamesThem) {
  ThreadPool pool({.name = "a-pool", .threads_max = 2, .threads_kept = 2});
  EXPECT_EQ(pool.threads(), 0u);
  std::binary_semaphore ran(0);
  std::string name;
  Task task([&] {
    EXPECT_EQ(ThreadsNamed("a-pool"), 1);
    ran.release();
  });
  pool.Post(&task);
  ran.acquire();
  EXPECT_EQ(pool.threads(), 1u);
}

TEST(ThreadPool, RunsAllBeforeItEnds) {
  std::atomic<int> ran{0};
  std::deque<Task> tasks;
  {
    ThreadPool pool({.threads_max = 3});
    for (int i = 0; i < 5'000; ++i) {
      tasks.emplace_back([&ran] { ran.fetch_add(1); });
      if (i % 2 == 0) {
        pool.Post(&tasks.back());
      } else {
        pool.PostLast(&tasks.back());
      }
    }
  }
  EXPECT_EQ(ran.load(), 5'000);
}

// Each task posts two more, more than a thread's own deque holds.
struct Tree {
  ThreadPool& pool;
  std::atomic<int> nodes{0};
  std::atomic<int> at_once{0};
  std::atomic<int> at_once_max{0};
  std::counting_semaphore<> done{0};

  void Visit(int depth) {
    const int now = at_once.fetch_add(1) + 1;
    int seen = at_once_max.load();
    while (now > seen && !at_once_max.compare_exchange_weak(seen, now)) {
    }
    nodes.fetch_add(1);
    if (depth > 0) {
      for (int i = 0; i < 2; ++i) Post(depth - 1);
    }
    at_once.fetch_sub(1);
    done.release();
  }
  void Post(int depth) {
    struct Node : base::Work {
      Tree* tree;
      int depth;
    };
    auto* const node = new Node;
    node->tree = this;
    node->depth = depth;
    node->run = [](base::Work* work) noexcept {
      auto* const self = static_cast<Node*>(work);
      Tree* const tree = self->tree;
      const int depth = self->depth;
      delete self;
      tree->Visit(depth);
    };
    pool.Post(node);
  }
};

TEST(ThreadPool, WorkMakesWorkOnABoundedNumberOfThreads) {
  constexpr int kDepth = 12;
  ThreadPool pool({.threads_max = 3});
  Tree tree{pool};
  tree.Post(kDepth);
  for (int i = 0; i < (2 << kDepth) - 1; ++i) tree.done.acquire();
  EXPECT_EQ(tree.nodes.load(), (2 << kDepth) - 1);
  EXPECT_LE(tree.at_once_max.load(), 3);
  EXPECT_LE(pool.threads(), 3u);
}

TEST(ThreadPool, WorkThatPostsItselfStarvesNobody) {
  ThreadPool pool({.threads_max = 1});
  std::atomic<bool> go_on{true};
  std::binary_semaphore begun(0);
  std::binary_semaphore ended(0);
  Task older([&] { go_on.store(false); });
  Task* self = nullptr;
  Task greedy([&] {
    if (go_on.load()) {
      pool.Post(self);
    } else {
      ended.release();
    }
  });
  self = &greedy;
  Task first([&] {
    pool.Post(&older);  // below the greedy one, in this thread's deque
    pool.Post(&greedy);
    begun.release();
  });
  pool.Post(&first);
  begun.acquire();
  ended.acquire();
}

// Work that posts itself as long as it is told to.
struct Greedy {
  Greedy(ThreadPool* pool, std::atomic<bool>* go_on, bool last)
      : task([this, pool, go_on, last] {
          if (!go_on->load()) {
            ended.release();
          } else if (last) {
            pool->PostLast(&task);
          } else {
            pool->Post(&task);
          }
        }) {}
  Task task;
  std::binary_semaphore ended{0};
};

TEST(ThreadPool, NeitherTheSharedQueueNorOnesOwnStarvesTheOther) {
  ThreadPool pool({.threads_max = 1});
  std::atomic<bool> go_on{true};
  Greedy own(&pool, &go_on, /*last=*/false);
  Greedy shared(&pool, &go_on, /*last=*/true);
  Task older([&] { go_on.store(false); });
  Task first([&] {
    pool.PostLast(&shared.task);
    pool.Post(&older);
    pool.Post(&own.task);
  });
  pool.Post(&first);
  own.ended.acquire();
  shared.ended.acquire();
}

TEST(ThreadPool, WhatABlockedThreadPostedDoesNotStarve) {
  ThreadPool pool({.threads_max = 1});
  std::atomic<bool> go_on{true};
  std::binary_semaphore ran(0);
  std::binary_semaphore ended(0);
  Greedy greedy(&pool, &go_on, /*last=*/false);
  Task older([&] {
    go_on.store(false);
    ran.release();
  });
  Task blocks([&] {
    pool.PostLast(&greedy.task);
    pool.Post(&older);
    ThreadPool::BlockedHere(true);
    ran.acquire();
    ThreadPool::BlockedHere(false);
    ended.release();
  });
  pool.Post(&blocks);
  greedy.ended.acquire();
  ended.acquire();
}

TEST(ThreadPool, OthersRunInPlaceOfThoseThatAreBlocked) {
  constexpr int kDepth = 40;
  ThreadPool pool({.threads_max = 1, .extra_max = kDepth});
  std::deque<std::binary_semaphore> released;
  std::deque<Task> tasks;
  for (int i = 0; i <= kDepth; ++i) released.emplace_back(0);
  for (int i = 0; i < kDepth; ++i) {
    tasks.emplace_back([&, i] {
      ThreadPool::BlockedHere(true);
      released[static_cast<std::size_t>(i) + 1].acquire();  // by the next one
      ThreadPool::BlockedHere(false);
      released[static_cast<std::size_t>(i)].release();
    });
  }
  tasks.emplace_back([&] { released[kDepth].release(); });
  for (Task& task : tasks) pool.Post(&task);
  released[0].acquire();
  EXPECT_LE(pool.threads(), static_cast<std::size_t>(kDepth) + 1);
}

// Each posts the next and is then blocked until that has run: every thread that
// is started must count as soon as it can run.
struct Link : base::Work {
  ThreadPool* pool = nullptr;
  Link* inner = nullptr;  // null for the last
  std::binary_semaphore ran{0};

  void Run() {
    if (inner != nullptr) {
      pool->Post(inner);
      ThreadPool::BlockedHere(true);
      inner->ran.acquire();
      ThreadPool::BlockedHere(false);
    }
    ran.release();
  }
};

TEST(ThreadPool, AChainOfBlockedThreadsGoesOnFromItsFirstMoment) {
  constexpr std::size_t kDepth = 20;
  for (int round = 0; round < 30; ++round) {
    std::deque<Link> chain(kDepth);
    ThreadPool pool({.threads_max = 1});
    for (std::size_t i = 0; i < kDepth; ++i) {
      chain[i].pool = &pool;
      chain[i].run = [](base::Work* work) noexcept {
        static_cast<Link*>(work)->Run();
      };
      if (i + 1 < kDepth) chain[i].inner = &chain[i + 1];
    }
    pool.Post(&chain[0]);
    chain[0].ran.acquire();
  }
}

// Both are there after the first was blocked; one of them may run.
TEST(ThreadPool, OneThatGoesOnDoesNotMakeItMoreThanMayRun) {
  for (int round = 0; round < 20; ++round) {
    ThreadPool pool({.threads_max = 1});
    std::binary_semaphore go_on(0);
    std::counting_semaphore<> ended(0);
    Task second([&] { go_on.release(); });
    Task first([&] {
      pool.Post(&second);
      ThreadPool::BlockedHere(true);
      go_on.acquire();
      ThreadPool::BlockedHere(false);
      ended.release();
    });
    pool.Post(&first);
    ended.acquire();

    std::atomic<int> at_once{0};
    std::deque<Task> tasks;
    for (int i = 0; i < 8; ++i) {
      tasks.emplace_back([&at_once, &ended] {
        EXPECT_EQ(at_once.fetch_add(1), 0);
        for (int turn = 0; turn < 4; ++turn) std::this_thread::yield();
        at_once.fetch_sub(1);
        ended.release();
      });
    }
    Task poster([&] {
      for (Task& task : tasks) pool.Post(&task);
    });
    pool.Post(&poster);
    for (std::size_t i = 0; i < tasks.size(); ++i) ended.acquire();
  }
}

TEST(ThreadPool, OthersRunInPlaceOfThoseThatAreBlockedAlsoWhileItEnds) {
  for (int round = 0; round < 40; ++round) {
    Link inner;
    Link outer;
    inner.run = outer.run = [](base::Work* work) noexcept {
      static_cast<Link*>(work)->Run();
    };
    outer.inner = &inner;
    Task begin([&outer] {
      for (int turn = 0; turn < 4; ++turn) std::this_thread::yield();
      outer.Run();
    });
    ThreadPool pool({.threads_max = 1});
    outer.pool = &pool;
    pool.Post(&begin);
  }
}

// Whoever learns that the work has run may end the pool, though who posted it
// is still in Post. A sanitizer sees what is amiss.
TEST(ThreadPool, MayEndBeforePostHasReturned) {
  for (int round = 0; round < 100; ++round) {
    std::binary_semaphore ran(0);
    Task task([&ran] { ran.release(); });
    auto pool =
        std::make_unique<ThreadPool>(ThreadPool::Options{.threads_max = 2});
    std::thread poster([&task, to = pool.get()] { to->Post(&task); });
    ran.acquire();
    pool.reset();
    poster.join();
  }
}

TEST(ThreadPool, IdleThreadsEndAndNewOnesComeWhenThereIsWork) {
  ThreadPool pool({.threads_max = 2,
                   .threads_kept = 0,
                   .idle_max = std::chrono::milliseconds(1)});
  for (int round = 0; round < 3; ++round) {
    std::counting_semaphore<> ran(0);
    std::deque<Task> tasks;
    for (int i = 0; i < 4; ++i) tasks.emplace_back([&ran] { ran.release(); });
    for (Task& task : tasks) pool.Post(&task);
    for (int i = 0; i < 4; ++i) ran.acquire();
    while (pool.threads() > 0) std::this_thread::yield();
  }
}

TEST(ThreadPool, PostsFromManyThreadsAreAllRun) {
  constexpr int kThreads = 4;
  constexpr int kTasks = 2'000;
  ThreadPool pool({.threads_max = 2});
  std::counting_semaphore<> ran(0);
  std::vector<std::thread> posters;
  std::vector<std::deque<Task>> tasks(kThreads);
  for (auto& mine : tasks) {
    posters.emplace_back([&pool, &ran, &mine] {
      for (int i = 0; i < kTasks; ++i) {
        mine.emplace_back([&ran] { ran.release(); });
        pool.Post(&mine.back());
      }
    });
  }
  for (int i = 0; i < kThreads * kTasks; ++i) ran.acquire();
  for (std::thread& poster : posters) poster.join();
}

// Each round ends before the next begins: a wake that is lost is a hang.
TEST(ThreadPool, NoWakeIsLost) {
  ThreadPool pool({.threads_max = 2});
  for (int round = 0; round < 2'000; ++round) {
    std::binary_semaphore ran(0);
    Task second([&ran] { ran.release(); });
    Task first([&] { pool.Post(&second); });
    pool.Post(&first);
    ran.acquire();
  }
}

}  // namespace
}  // namespace mobula::runtime
