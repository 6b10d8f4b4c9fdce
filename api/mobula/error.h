// Errors: what Get throws and TryGet returns when there is no value.
//
//   try {
//     int n = mobula::Get(ref);
//   } catch (const mobula::WorkerDied& e) {      // a failure of the cluster
//     std::cerr << e.signal() << " " << e.what();
//   } catch (const std::invalid_argument& e) {   // what the function threw
//   } catch (const mobula::TaskError& e) {       // anything that it threw
//     std::cerr << e.exception_type() << ": " << e.message();
//   }
//
// Each class below is one cause; they have no base in common with the standard
// library, but every Error that is thrown is a std::exception too: a TaskError
// is also of the standard class that the function's exception was of or derived
// from (std::runtime_error and the rest of <stdexcept>, std::bad_alloc), a
// BadArgument is a std::invalid_argument, a ValueTooLarge a std::length_error,
// every other one a std::runtime_error.
// Threading: values; any thread. Copies share one immutable description.
#ifndef MOBULA_API_MOBULA_ERROR_H_
#define MOBULA_API_MOBULA_ERROR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.h"

namespace mobula {

using ErrorCode = base::FailureCode;
// Whether the function ran: kNo and kYes are certain, kMaybe is not.
using Executed = base::Executed;

class Error {
 public:
  explicit Error(base::Failure failure);
  virtual ~Error();
  Error(const Error&) noexcept = default;
  Error& operator=(const Error&) noexcept = default;

  [[nodiscard]] ErrorCode code() const noexcept;
  [[nodiscard]] Executed executed() const noexcept;
  // One sentence; of a TaskError, the what() of the function's exception.
  [[nodiscard]] const std::string& message() const noexcept;
  // As a person reads it: "CountWords", "Index::Add"; "" if none.
  [[nodiscard]] const std::string& function() const noexcept;
  // Host name and process that ran it; "" and 0 if none did.
  [[nodiscard]] const std::string& node() const noexcept;
  [[nodiscard]] int pid() const noexcept;
  // 1 for the first attempt, 0 if it never ran.
  [[nodiscard]] int attempt() const noexcept;
  // Signal that ended the process, 0 if none; else its exit code.
  [[nodiscard]] int signal() const noexcept;
  [[nodiscard]] int exit_code() const noexcept;
  // Of the actor, from 1; 0 for a task.
  [[nodiscard]] std::int64_t incarnation() const noexcept;
  // Class of the function's exception ("std::out_of_range"); "" if none.
  [[nodiscard]] const std::string& exception_type() const noexcept;
  // The last lines that the process wrote, oldest first.
  [[nodiscard]] const std::vector<std::string>& log_lines() const noexcept;
  // Of the scope in which the call was made (coro/scope.h); nil if it had none.
  [[nodiscard]] const base::TraceId& trace() const noexcept;
  [[nodiscard]] const base::Failure& failure() const noexcept;

  // The whole story in a few lines.
  [[nodiscard]] virtual const char* what() const noexcept;

  // Throws the class that belongs to code().
  [[noreturn]] void Throw() const;

 protected:
  // Of a class that has no code of its own: what() begins with `name`.
  Error(base::Failure failure, std::string_view name);

 private:
  struct Story;
  std::shared_ptr<const Story> story_;
};

// The function threw. Also thrown as the standard class, see above.
class TaskError : public Error {
 public:
  using Error::Error;
};

// The process that ran it ended: killed, crashed, left. Retries are used up.
class WorkerDied : public Error {
 public:
  using Error::Error;
};

// The process of a shared actor ended, and not by this actor's doing: another
// one of those that lived there crashed or did not end when it was killed, or
// somebody killed the process. The actor is restarted, and that is not counted.
class CoHosted : public WorkerDied {
 public:
  using WorkerDied::WorkerDied;
};

// No worker could be started; the message holds what it printed.
class WorkerStartError : public Error {
 public:
  using Error::Error;
};

// The actor ended for good; a call to it has no answer.
class ActorDied : public Error {
 public:
  using Error::Error;
};

// The call was bound to an incarnation of the actor that has ended.
class ActorRestarted : public Error {
 public:
  using Error::Error;
};

// A time given to Get, Wait or the options passed.
class TimeoutError : public Error {
 public:
  using Error::Error;
};

// It was cancelled, and executed() says whether it may have run; or the scope
// of the code that waits was stopped.
class Cancelled : public Error {
 public:
  using Error::Error;
};

// No node has, or will have, the resources asked for.
class Infeasible : public Error {
 public:
  using Error::Error;
};

// A value is larger than the node's store can ever hold; where there is no
// store, it or the arguments of one call together exceed 255 MiB.
class ValueTooLarge : public Error {
 public:
  using Error::Error;
};

// Bytes did not hold the type expected.
class DecodeError : public Error {
 public:
  using Error::Error;
};

// The worker's program has no such function: a library that only the driver
// loaded, or another build of the program.
class NoSuchFunction : public Error {
 public:
  using Error::Error;
};

// The node's agent is gone, and with it everything that was under way.
class RayletDied : public Error {
 public:
  using Error::Error;
};

// There is no runtime: not begun, or shut down since the ref was made.
class RuntimeClosed : public Error {
 public:
  using Error::Error;
};

// A bounded queue is full.
class LimitError : public Error {
 public:
  using Error::Error;
};

// Asked for something that makes no sense. Also a std::invalid_argument.
class BadArgument : public Error {
 public:
  using Error::Error;
};

// A living actor of the namespace has that name, or, for Publish, a value.
class NameTaken : public Error {
 public:
  using Error::Error;
};

// No living actor has that name.
class NoSuchActor : public Error {
 public:
  using Error::Error;
};

// A key is not at the version that was expected.
class Conflict : public Error {
 public:
  using Error::Error;
};

// The control store did not answer in time; what lives goes on without it.
class ControlAway : public Error {
 public:
  using Error::Error;
};

// The control store has no room to write; it goes on when there is some.
class DiskFull : public Error {
 public:
  using Error::Error;
};

// No job, node or worker has that id.
class NoSuchJob : public Error {
 public:
  using Error::Error;
};

// The node's object store had no room for a value until the deadline, be it a
// new one or one that is to come back from disk, though all that can be spilled
// was. Drop Refs and Views, or give the node a larger store.
class ObjectStoreFull : public Error {
 public:
  using Error::Error;
};

// The value's bytes are gone and its task was not run again to make them anew;
// the message says why not: it was Put, or an actor gave it, no Retries were
// left, its lineage was forgotten, or who could have done it has ended.
class ObjectLost : public Error {
 public:
  using Error::Error;
};

// The process that owned the value ended before anybody else had it.
class OwnerDied : public Error {
 public:
  using Error::Error;
};

// No value is published under that name.
class NoSuchObject : public Error {
 public:
  using Error::Error;
};

// The value lies in the store of another node, and this version reads large
// values on their own node only. The message names the node.
class ValueElsewhere : public Error {
 public:
  using Error::Error;
};

// Init failed; nothing was left behind.
class InitError : public Error {
 public:
  explicit InitError(base::Failure failure);
};

namespace detail {

// Throws the class that belongs to failure.code.
[[noreturn]] void ThrowFailure(base::Failure failure);
[[noreturn]] void ThrowBadArgument(std::string message);
[[noreturn]] void ThrowInitError(std::string message);

}  // namespace detail
}  // namespace mobula

#endif  // MOBULA_API_MOBULA_ERROR_H_
