// Context is what a Scope is made of: a deadline, a way to be stopped, and what
// travels along. Not for users.
//
//   open --Stop | parent stopped | deadline--> stopped (final)
// The runtime knows it by its SpawnId once something remote was spawned under
// it: that is cancelled when it is stopped, and belongs to the scope around it
// when it ends. What is spawned under the deadline carries that itself.
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
#include "base/scheduling/call_scope.h"
#include "base/threads/executor.h"

namespace mobula::detail {

class Context {
 public:
  enum class Reason : std::uint8_t {
    kNone,
    kStopped,
    kTimeout,
    // The remote task that it belongs to was: what that has spawned has been
    // seen to.
    kCancelled
  };
  // Of a run of what may have come from another process.
  struct Origin {
    base::TaskId task;
    const base::CallScope* scope = nullptr;             // null: a usual one
    base::BootTime deadline = base::BootTime::Never();  // of that
    std::stop_token stop;  // says that it was cancelled
  };

  // `parent` may be null.
  Context(const ScopeOptions& options, Context* parent);
  // `parent`: in local mode that of who called it; else null.
  Context(const Origin& origin, Context* parent);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  void Stop(Reason reason) noexcept;

  [[nodiscard]] const std::stop_token& token() const { return token_; }
  [[nodiscard]] Reason reason() const { return reason_.load(); }
  [[nodiscard]] base::BootTime deadline() const { return deadline_; }
  [[nodiscard]] int priority() const { return priority_; }
  [[nodiscard]] const TraceId& trace() const { return trace_; }

  // The remote task or call that this belongs to: what is spawned under it is
  // cancelled with it. Nil if none.
  [[nodiscard]] base::TaskId task() const { return task_; }
  // By which the runtime knows what is spawned under it; 0 where it is that of
  // a task itself, by which that is known.
  [[nodiscard]] std::uint64_t SpawnId();
  // Something was spawned under that id: if it was stopped meanwhile, it is
  // cancelled.
  void Spawned() {
    if (reason() == Reason::kStopped) CancelSpawned();
  }

 private:
  // Stops with what it follows.
  struct Follow {
    Context* self;
    const Context* followed;  // null: a token
    Reason reason = Reason::kStopped;
    void operator()() const noexcept {
      self->Stop(followed == nullptr ? reason : followed->reason());
    }
  };
  struct DeadlineTimer : base::Timer {
    Context* self = nullptr;
  };

  void SetDeadline(base::BootTime deadline);
  // What it is told last, when all else is there.
  void Begin(std::stop_token stop, Reason reason);
  void CancelSpawned() noexcept;

  Context* const followed_;  // null: none; it stops with that
  const bool is_run_;        // of a task that came from another process
  base::BootTime deadline_ = base::BootTime::Never();
  int priority_ = 0;
  TraceId trace_;
  base::TaskId task_;
  std::stop_source source_;
  const std::stop_token token_ = source_.get_token();
  std::atomic<Reason> reason_{Reason::kNone};
  std::atomic<std::uint64_t> spawn_id_{0};
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
