#include "api/mobula/coro/pool.h"

#include "api/mobula/coro/detail/process_executor.h"
#include "api/mobula/error.h"
#include "runtime/executor/thread_pool.h"

namespace mobula {
namespace {

constexpr std::size_t kThreadsMax = 4'096;

const PoolOptions::Values& Checked(const PoolOptions& options) {
  const std::size_t threads = options.values().threads;
  if (threads == 0 || threads > kThreadsMax) {
    detail::ThrowBadArgument("a Pool has 1 to " + std::to_string(kThreadsMax) +
                             " threads, not " + std::to_string(threads));
  }
  return options.values();
}

}  // namespace

struct Pool::Threads {
  explicit Threads(const PoolOptions::Values& values)
      : pool({.name = values.name,
              .threads_max = values.threads,
              .threads_kept = values.threads,
              .may_block = true}) {}
  runtime::ThreadPool pool;
};

Pool::Pool(const PoolOptions& options)
    : threads_(std::make_unique<Threads>(Checked(options))),
      made_at_fork_(detail::ForkCount()) {}
Pool::Pool(FindFn find) : find_(find), made_at_fork_(detail::ForkCount()) {}

Pool::~Pool() {
  // Its threads are the parent's: there is nobody to wait for.
  if (made_at_fork_ != detail::ForkCount()) (void)threads_.release();
}

base::Executor& Pool::executor() {
  if (threads_ == nullptr) return find_();
  if (made_at_fork_ != detail::ForkCount()) {
    detail::ThrowBadArgument(
        "this Pool is of the process that forked: make one in the child");
  }
  return threads_->pool;
}

Pool& DefaultPool() {
  static Pool pool(&detail::DefaultExecutor);
  return pool;
}

Pool& BlockingPool() {
  static Pool pool(&detail::BlockingExecutor);
  return pool;
}

namespace detail {

void OnAwait::await_suspend(std::coroutine_handle<> moving) {
  moving_ = moving;
  setting_ = CurrentSetting();
  setting_.executor = &executor_;
  resumption_.self = this;
  resumption_.run = [](base::Work* work) noexcept {
    const OnAwait* const self = static_cast<Resumption*>(work)->self;
    Drive(self->moving_, self->setting_);
  };
  executor_.Post(&resumption_);
}

}  // namespace detail
}  // namespace mobula
