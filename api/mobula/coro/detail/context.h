// Context is what a Scope is made of: a deadline, a way to be stopped, and what
// travels along. Not for users.
//
//   open --Stop | parent stopped | deadline--> stopped (final)
// Owner: a Scope, a TaskGroup or a coroutine's frame; those made inside it, and
// all that runs under it, end before it.
// Threading: every method from any thread. Invariant: the first reason stays.
#ifndef MOBULA_API_MOBULA_CORO_DETAIL_CONTEXT_H_
#define MOBULA_API_MOBULA_CORO_DETAIL_CONTEXT_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <stop_token>

#include "api/mobula/coro/scope_options.h"
#include "base/boot_time.h"
#include "base/ids.h"
#include "base/threads/executor.h"

namespace mobula::detail {

class Context {
 public:
  enum class Reason : std::uint8_t { kNone, kStopped, kTimeout };

  // `parent` may be null.
  Context(const ScopeOptions& options, Context* parent);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  void Stop(Reason reason) noexcept;

  [[nodiscard]] const std::stop_token& token() const { return token_; }
  [[nodiscard]] Reason reason() const {
    return reason_.load(std::memory_order_acquire);
  }
  [[nodiscard]] base::BootTime deadline() const { return deadline_; }
  [[nodiscard]] int priority() const { return priority_; }
  [[nodiscard]] const TraceId& trace() const { return trace_; }
  [[nodiscard]] Context* parent() const { return parent_; }

  // The remote task or call that this belongs to: what is spawned under it is
  // cancelled with it. Nil if none. Before anything runs under it.
  void SetTask(base::TaskId task) { task_ = task; }
  [[nodiscard]] base::TaskId task() const { return task_; }

 private:
  // Stops with what it follows.
  struct Follow {
    Context* self;
    const Context* followed;  // null: a token of the user's
    void operator()() const noexcept {
      self->Stop(followed == nullptr ? Reason::kStopped : followed->reason());
    }
  };
  struct DeadlineTimer : base::Timer {
    Context* self = nullptr;
  };

  Context* const parent_;
  base::BootTime deadline_ = base::BootTime::Never();
  int priority_ = 0;
  TraceId trace_;
  base::TaskId task_;
  std::stop_source source_;
  const std::stop_token token_ = source_.get_token();
  std::atomic<Reason> reason_{Reason::kNone};
  DeadlineTimer timer_;
  bool has_timer_ = false;
  std::optional<std::stop_callback<Follow>> of_parent_;
  std::optional<std::stop_callback<Follow>> of_user_;
};

// Throws what there is instead of an answer under a context that was stopped:
// TimeoutError where its deadline has passed, else Cancelled.
[[noreturn]] void ThrowStopped(Context::Reason reason);
[[noreturn]] void ThrowTimedOut();

// Makes a context current while it lives, on a thread or in a coroutine.
class Entered {
 public:
  explicit Entered(Context* context);
  ~Entered();
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;

 private:
  Context* const before_;
};

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_CORO_DETAIL_CONTEXT_H_
