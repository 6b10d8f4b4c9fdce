// On(pool) moves the coroutine that awaits it to the threads of another pool.
//
//   mobula::Coro<Digest> Hash(std::string path) {
//     co_await mobula::On(mobula::BlockingPool());
//     std::string bytes = ReadFile(path);      // may block as long as it likes
//     co_await mobula::On(mobula::DefaultPool());
//     co_return Sha256(bytes);
//   }
//   auto read = mobula::RunBlocking([path] { return ReadFile(path); });
//   std::string bytes = co_await read;
//
// It stays there until it moves again or ends; who awaited it goes on where it
// was. What it starts in a TaskGroup begins there too.
// The default pool has one thread for each processor that the process may use,
// the blocking one up to 64, which end when they are idle for 10 s; both start
// with the first use. A Pool of one's own keeps some work apart from the rest.
// Threading: any. A Pool ends on a thread that is not one of its own, when no
// coroutine is on it any more; all that waits in it runs first. Its threads
// take no signals, and a program that is started from one inherits that.
// A Pool is of the process that made it; a forked child makes its own. One that
// is forked in a coroutine ends by exec or _exit.
// Errors: BadArgument for a size of 0 or over 4,096, and from On in a child
// that was forked after the Pool was made.
#ifndef MOBULA_API_MOBULA_CORO_POOL_H_
#define MOBULA_API_MOBULA_CORO_POOL_H_

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "api/mobula/coro/coro.h"
#include "api/mobula/coro/detail/setting.h"
#include "base/threads/executor.h"

namespace mobula {

class PoolOptions {
 public:
  PoolOptions() = default;

  // That run at once; default 1.
  PoolOptions& Threads(std::size_t threads) {
    values_.threads = threads;
    return *this;
  }
  // Of its threads, as debuggers show them; 15 bytes. Default "mobula-pool".
  PoolOptions& Name(std::string name) {
    values_.name = std::move(name);
    return *this;
  }

  struct Values {
    std::size_t threads = 1;
    std::string name = "mobula-pool";
  };
  [[nodiscard]] const Values& values() const { return values_; }

 private:
  Values values_;
};

class Pool {
 public:
  explicit Pool(const PoolOptions& options = PoolOptions());
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  [[nodiscard]] base::Executor& executor();

 private:
  friend Pool& DefaultPool();
  friend Pool& BlockingPool();
  struct Threads;
  using FindFn = base::Executor& (*)();
  explicit Pool(FindFn find);

  std::unique_ptr<Threads> threads_;  // null: the process's
  const FindFn find_ = nullptr;       // of the process, as it is now
  const std::uint32_t made_at_fork_;
};

// Where coroutines run unless they are moved.
[[nodiscard]] Pool& DefaultPool();
// For what blocks: files, libraries that know no coroutines.
[[nodiscard]] Pool& BlockingPool();

namespace detail {

class OnAwait {
 public:
  explicit OnAwait(base::Executor& executor) : executor_(executor) {}
  [[nodiscard]] bool await_ready() const noexcept {
    return CurrentSetting().executor == &executor_;
  }
  void await_suspend(std::coroutine_handle<> moving);
  void await_resume() const noexcept {}

 private:
  struct Resumption : base::Work {
    OnAwait* self = nullptr;
  };
  base::Executor& executor_;
  std::coroutine_handle<> moving_;
  Setting setting_;
  Resumption resumption_;
};

}  // namespace detail

[[nodiscard]] inline detail::OnAwait On(Pool& pool) {
  return detail::OnAwait(pool.executor());
}

// Runs `body` on the blocking pool; gives what it returns.
template <class Body>
Coro<std::invoke_result_t<Body&>> RunBlocking(Body body) {
  co_await On(BlockingPool());
  co_return body();
}

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_CORO_POOL_H_
