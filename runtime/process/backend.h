// Backend is what the API stands on: the runtime of this process, be it a
// driver's, a worker's or the one-thread local mode.
//
// Owner: api (the current runtime) in a driver, the worker's main in a worker.
// Threading: every method from any thread.
// Failure: after Shutdown, or when the raylet is gone, every object settles
// with a Failure (kShutdown, kRayletDied); nothing waits for ever.
#ifndef MOBULA_RUNTIME_PROCESS_BACKEND_H_
#define MOBULA_RUNTIME_PROCESS_BACKEND_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/control/control_request.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/scheduling/resource_vector.h"
#include "base/shm/room.h"
#include "base/threads/outcome_watch.h"
#include "base/value.h"
#include "runtime/core/events.h"

namespace mobula::runtime {

class Backend {
 public:
  struct Settled {
    base::Outcome outcome;
    std::int64_t incarnation = 0;  // of the actor that gave it, 0 otherwise
  };
  struct ActorView {
    std::int64_t incarnation = 0;  // 0 before the first one lives
    bool dead = false;
  };
  struct Node {
    std::string name;
    base::ResourceVector total;
  };
  // For a value in the node's store. It can be written until a Value that is
  // stored there is handed to Post (Put, Executed), or it is given back
  // (Discard).
  using Room = base::Room;
  // Where this process is at home.
  struct Home {
    base::ProcessId raylet;  // for this process the owner of detached actors
    base::NodeId node;
    base::JobId job;
    std::string ns;  // namespace of its actors' names and its keys
    // Of the cluster, for others to join or use it; "" where that cannot be.
    std::string address;
    bool is_local = false;   // all runs in this process
    bool is_worker = false;  // it runs what others ask for
  };

  explicit Backend(std::uint64_t id_maker) : id_maker_(id_maker) {}
  virtual ~Backend() = default;

  template <class AnId>
  AnId NewId() {
    return AnId{id_maker_, next_id_.fetch_add(1, std::memory_order_relaxed)};
  }

  // Hands an API event (Submit ... Kill) to the core. Never blocks on others'
  // work, except that a bounded queue that is full makes it wait.
  virtual void Post(Event event) = 0;

  // Waits until the object has its outcome; nothing if the deadline comes
  // first. A deadline in the past only looks.
  virtual std::optional<Settled> Await(base::ObjectId object,
                                       base::BootTime deadline) = 0;
  // Waits until `count` of the objects are settled or the deadline comes; says
  // for each whether it is.
  virtual std::vector<bool> AwaitSome(std::span<const base::ObjectId> objects,
                                      std::size_t count,
                                      base::BootTime deadline) = 0;
  // Cancels the task or call that is to give the object's outcome, whoever owns
  // it; nothing if its owner has not answered by the deadline.
  virtual std::optional<base::CancelVerdict> Cancel(
      const base::ObjectName& object, bool force, bool recursive,
      base::BootTime deadline) = 0;

  // The outcome, without a thread that waits for it. True if there is nothing
  // to wait for: it is there and in `watch`, or the watch was given up. Else,
  // if it is to `join`, it is kept until it is ready or given up.
  virtual bool StartWatch(base::ObjectId object, base::OutcomeWatch* watch,
                          bool join) = 0;
  // Gives up, unless it is ready; from here on it does not become so. Gives
  // what it was before.
  virtual base::OutcomeWatch::State StopWatch(base::ObjectId object,
                                              base::OutcomeWatch* watch) = 0;

  // The calling thread is blocked by something else from here on, or goes on:
  // the slot that it may hold is lent meanwhile.
  virtual void Blocked(bool /*is_blocked*/) {}

  // Asks the control store and waits for the answer, kControlAway if there is
  // none after `timeout`.
  virtual base::ControlReply Ask(base::ControlRequest request,
                                 base::Duration timeout) = 0;

  // Whether there is a store; where there is none, every value is inline and
  // the next three have nothing to do.
  [[nodiscard]] virtual bool HasStore() const { return false; }
  // Waits while the store is full; kObjectStoreFull at the deadline, kTooLarge
  // where it can never hold so many bytes.
  virtual std::variant<Room, base::Failure> Allocate(
      std::uint64_t /*byte_count*/, base::BootTime /*deadline*/) {
    return base::NotRun(base::FailureCode::kTooLarge,
                        "this process has no store");
  }
  virtual void Discard(const base::Extent& /*extent*/) {}
  // Who filled it may have kept a pointer: the pages of a long value cannot be
  // written from now on.
  virtual void Seal(const base::Extent& /*extent*/) {}
  // The bytes of a stored value, read-only, mapped while they are held;
  // kObjectLost, kTimeout.
  virtual std::variant<base::Bytes, base::Failure> Map(
      const base::Value& /*stored*/, base::BootTime /*deadline*/) {
    return base::NotRun(base::FailureCode::kObjectLost,
                        "this process has no store");
  }

  // The stored value with its bytes; where they are lost, what the object holds
  // instead once its task has run again: another value, not always a stored
  // one. The object must be referred to until then. kObjectLost where it cannot
  // be made again; kTimeout.
  virtual std::variant<base::Value, base::Failure> Fetch(
      const base::Value& stored, base::BootTime deadline) {
    auto mapped = Map(stored, deadline);
    if (auto* const failure = std::get_if<base::Failure>(&mapped)) {
      return std::move(*failure);
    }
    return stored.WithBytes(std::get<base::Bytes>(std::move(mapped)));
  }

  [[nodiscard]] virtual ActorView ViewActor(base::ActorId actor) = 0;
  [[nodiscard]] virtual base::ProcessId self() const = 0;
  [[nodiscard]] virtual Node node() const = 0;
  [[nodiscard]] virtual Home home() const = 0;
  [[nodiscard]] virtual base::BootTime Now() const = 0;

  // Ends the job (driver); settles everything that is not. Twice is once.
  virtual void Shutdown() = 0;

 private:
  const std::uint64_t id_maker_;
  std::atomic<std::uint64_t> next_id_{1};
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_PROCESS_BACKEND_H_
