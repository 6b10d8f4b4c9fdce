#include "api/mobula/error.h"

#include <new>
#include <stdexcept>
#include <utility>

namespace mobula {

struct Error::Story {
  base::Failure failure;
  std::string what;
};

Error::Error(base::Failure failure)
    : Error(failure, base::FailureCodeName(failure.code)) {}

Error::Error(base::Failure failure, std::string_view name) {
  auto story = std::make_shared<Story>();
  story->what = base::DescribeFailure(failure, name);
  story->failure = std::move(failure);
  story_ = std::move(story);
}

Error::~Error() = default;

ErrorCode Error::code() const noexcept { return failure().code; }
Executed Error::executed() const noexcept { return failure().executed; }
const std::string& Error::message() const noexcept { return failure().message; }
const std::string& Error::function() const noexcept {
  return failure().function;
}
const std::string& Error::node() const noexcept { return failure().node; }
int Error::pid() const noexcept { return failure().pid; }
int Error::attempt() const noexcept { return failure().attempt; }
int Error::signal() const noexcept { return failure().signal; }
int Error::exit_code() const noexcept { return failure().exit_code; }
std::int64_t Error::incarnation() const noexcept {
  return failure().incarnation;
}
const std::string& Error::exception_type() const noexcept {
  return failure().exception_type;
}
const std::vector<std::string>& Error::log_lines() const noexcept {
  return failure().log_tail;
}
const base::TraceId& Error::trace() const noexcept { return failure().trace; }
const base::Failure& Error::failure() const noexcept { return story_->failure; }
const char* Error::what() const noexcept { return story_->what.c_str(); }

InitError::InitError(base::Failure failure)
    : Error(std::move(failure), "InitError") {}

void Error::Throw() const { detail::ThrowFailure(failure()); }

// What is thrown. Short names: they are what a program prints that ends by an
// exception that nobody catches.
template <class E, class Standard>
class ThrownAs : public E, public Standard {
 public:
  explicit ThrownAs(base::Failure failure)
    requires std::is_constructible_v<Standard, const char*>
      : E(std::move(failure)), Standard("") {}
  explicit ThrownAs(base::Failure failure)
    requires(!std::is_constructible_v<Standard, const char*>)
      : E(std::move(failure)) {}

  [[nodiscard]] const char* what() const noexcept override { return E::what(); }
};

// Of an error of ours, what it is for those who know only the standard.
template <class E>
struct StandardOf {
  using Type = std::runtime_error;
};
template <>
struct StandardOf<ValueTooLarge> {
  using Type = std::length_error;
};
template <>
struct StandardOf<BadArgument> {
  using Type = std::invalid_argument;
};

template <class E>
class Thrown final : public ThrownAs<E, typename StandardOf<E>::Type> {
 public:
  using ThrownAs<E, typename StandardOf<E>::Type>::ThrownAs;
};

namespace detail {
namespace {

template <class E>
[[noreturn]] void ThrowAs(base::Failure failure) {
  throw Thrown<E>(std::move(failure));
}
template <class E, class Standard>
[[noreturn]] void ThrowAs(base::Failure failure) {
  throw ThrownAs<E, Standard>(std::move(failure));
}

[[noreturn]] void ThrowTaskError(base::Failure failure) {
  const std::string name = failure.standard_class;
  if (name == "std::bad_alloc") {
    ThrowAs<TaskError, std::bad_alloc>(std::move(failure));
  }
  if (name == "std::invalid_argument") {
    ThrowAs<TaskError, std::invalid_argument>(std::move(failure));
  }
  if (name == "std::domain_error") {
    ThrowAs<TaskError, std::domain_error>(std::move(failure));
  }
  if (name == "std::length_error") {
    ThrowAs<TaskError, std::length_error>(std::move(failure));
  }
  if (name == "std::out_of_range") {
    ThrowAs<TaskError, std::out_of_range>(std::move(failure));
  }
  if (name == "std::logic_error") {
    ThrowAs<TaskError, std::logic_error>(std::move(failure));
  }
  if (name == "std::range_error") {
    ThrowAs<TaskError, std::range_error>(std::move(failure));
  }
  if (name == "std::overflow_error") {
    ThrowAs<TaskError, std::overflow_error>(std::move(failure));
  }
  if (name == "std::underflow_error") {
    ThrowAs<TaskError, std::underflow_error>(std::move(failure));
  }
  ThrowAs<TaskError>(std::move(failure));
}

}  // namespace

void ThrowFailure(base::Failure failure) {
  switch (failure.code) {
    case ErrorCode::kUserException:
      ThrowTaskError(std::move(failure));
    case ErrorCode::kWorkerDied:
      ThrowAs<WorkerDied>(std::move(failure));
    case ErrorCode::kWorkerStart:
      ThrowAs<WorkerStartError>(std::move(failure));
    case ErrorCode::kActorDied:
      ThrowAs<ActorDied>(std::move(failure));
    case ErrorCode::kActorRestarted:
      ThrowAs<ActorRestarted>(std::move(failure));
    case ErrorCode::kTimeout:
      ThrowAs<TimeoutError>(std::move(failure));
    case ErrorCode::kCancelled:
      ThrowAs<Cancelled>(std::move(failure));
    case ErrorCode::kInfeasible:
      ThrowAs<Infeasible>(std::move(failure));
    case ErrorCode::kTooLarge:
      ThrowAs<ValueTooLarge>(std::move(failure));
    case ErrorCode::kDecode:
      ThrowAs<DecodeError>(std::move(failure));
    case ErrorCode::kNoSuchFunction:
      ThrowAs<NoSuchFunction>(std::move(failure));
    case ErrorCode::kRayletDied:
      ThrowAs<RayletDied>(std::move(failure));
    case ErrorCode::kShutdown:
      ThrowAs<RuntimeClosed>(std::move(failure));
    case ErrorCode::kLimit:
      ThrowAs<LimitError>(std::move(failure));
    case ErrorCode::kBadArgument:
      ThrowAs<BadArgument>(std::move(failure));
    case ErrorCode::kNameTaken:
      ThrowAs<NameTaken>(std::move(failure));
    case ErrorCode::kNoSuchActor:
      ThrowAs<NoSuchActor>(std::move(failure));
    case ErrorCode::kConflict:
      ThrowAs<Conflict>(std::move(failure));
    case ErrorCode::kControlAway:
      ThrowAs<ControlAway>(std::move(failure));
    case ErrorCode::kDiskFull:
      ThrowAs<DiskFull>(std::move(failure));
    case ErrorCode::kNoSuchJob:
      ThrowAs<NoSuchJob>(std::move(failure));
    case ErrorCode::kObjectStoreFull:
      ThrowAs<ObjectStoreFull>(std::move(failure));
    case ErrorCode::kObjectLost:
      ThrowAs<ObjectLost>(std::move(failure));
    case ErrorCode::kOwnerDied:
      ThrowAs<OwnerDied>(std::move(failure));
    case ErrorCode::kNoSuchObject:
      ThrowAs<NoSuchObject>(std::move(failure));
    case ErrorCode::kElsewhere:
      ThrowAs<ValueElsewhere>(std::move(failure));
    case ErrorCode::kCoHosted:
      ThrowAs<CoHosted>(std::move(failure));
  }
  ThrowAs<TaskError>(std::move(failure));  // a code of a newer peer
}

void ThrowInitError(std::string message) {
  ThrowAs<InitError>(base::NotRun(ErrorCode::kBadArgument, std::move(message)));
}

void ThrowBadArgument(std::string message) {
  ThrowFailure(base::NotRun(ErrorCode::kBadArgument, std::move(message)));
}

}  // namespace detail
}  // namespace mobula
