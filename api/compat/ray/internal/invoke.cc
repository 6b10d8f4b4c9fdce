#include "api/compat/ray/internal/invoke.h"

#include <stdexcept>

#include "api/mobula/detail/remote_function.h"

namespace ray::internal {
namespace {

mobula::base::Failure Exited(const RemoteEntry& remote) {
  mobula::base::Failure failure = mobula::base::MakeFailure(
      mobula::base::FailureCode::kActorDied, mobula::base::Executed::kYes,
      "the actor ended itself (ray::ExitActor)");
  failure.function = remote.entry.name;
  return failure;
}

}  // namespace

mobula::base::Outcome Run(const RemoteEntry& remote,
                          mobula::base::Invocation& invocation) {
  try {
    mobula::detail::CheckArgumentCount(invocation, remote.parameter_count);
    const mobula::detail::InvocationScope scope;
    return remote.run(invocation);
  } catch (const ActorExit&) {
    return Exited(remote);
  } catch (...) {
    return mobula::detail::CaughtFailure(remote.entry.name);
  }
}

void RefuseArgument(std::size_t index, std::string_view type,
                    const std::string& why) {
  mobula::detail::RefuseArgument(index, type, why);
}

void RefuseNullActor() {
  throw std::runtime_error("the actor's factory returned no object");
}

void RefuseClass(const std::type_info& actor, std::string_view method_class) {
  throw std::invalid_argument(
      std::string("the method is one of ") + std::string(method_class) +
      ", which is no public base of the actor's class " + actor.name());
}

mobula::base::Outcome ResultOutcome(std::string_view function,
                                    const mobula::detail::Writable& result,
                                    mobula::base::Invocation& invocation) {
  return mobula::detail::OutcomeOf(function, result, invocation);
}

}  // namespace ray::internal
