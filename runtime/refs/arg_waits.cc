#include "runtime/refs/arg_waits.h"

#include <string>
#include <utility>

#include "base/check.h"
#include "base/value.h"

namespace mobula::runtime {
namespace {

base::Failure NoSuchObject(base::ObjectId object) {
  return base::NotRun(base::FailureCode::kBadArgument,
                      "an argument refers to object " + object.ToString() +
                          ", which this process does not hold");
}

}  // namespace

std::optional<ResolvedArgs> ArgWaits::Begin(base::TaskId task,
                                            std::vector<Arg> args) {
  for (const Arg& arg : args) {
    if (arg.ref.IsNil() || refs_.NameOf(arg.ref).has_value()) continue;
    return NoSuchObject(arg.ref);
  }
  if (const base::Failure* failure = FirstFailure(args)) return *failure;
  const std::size_t missing = AwaitMissing(task, args);
  if (missing == 0) return TakeValues(args);
  const bool is_new =
      waits_.try_emplace(task, Wait{std::move(args), missing}).second;
  MOBULA_CHECK(is_new) << "call " << task << " waits already";
  return std::nullopt;
}

std::size_t ArgWaits::AwaitMissing(base::TaskId task,
                                   const std::vector<Arg>& args) {
  std::size_t missing = 0;
  for (const Arg& arg : args) {
    if (arg.ref.IsNil() || refs_.Find(arg.ref) != nullptr) continue;
    refs_.AddDependent(arg.ref, task);
    ++missing;
  }
  return missing;
}

std::optional<ResolvedArgs> ArgWaits::Wake(base::TaskId task,
                                           base::ObjectId object) {
  const auto it = waits_.find(task);
  if (it == waits_.end()) return std::nullopt;  // failed early or given up
  Wait& wait = it->second;
  MOBULA_CHECK(wait.missing > 0);
  --wait.missing;
  const base::Outcome* outcome = refs_.Find(object);
  const auto* failure =
      outcome == nullptr ? nullptr : std::get_if<base::Failure>(outcome);
  std::optional<ResolvedArgs> resolved;
  if (failure != nullptr) {
    resolved = *failure;
  } else if (wait.missing > 0) {
    return std::nullopt;
  } else if (const base::Failure* first = FirstFailure(wait.args)) {
    resolved = *first;
  } else {
    wait.missing = AwaitMissing(task, wait.args);
    if (wait.missing > 0) return std::nullopt;
    resolved = TakeValues(wait.args);
  }
  Abandon(task);
  return resolved;
}

ArgWaits::Awaited ArgWaits::Describe(const Wait& wait) const {
  for (const Arg& arg : wait.args) {
    if (arg.ref.IsNil() || refs_.Find(arg.ref) != nullptr) continue;
    return {wait.missing, arg.ref};
  }
  return {wait.missing, {}};
}

void ArgWaits::Abandon(base::TaskId task) { waits_.erase(task); }

const base::Failure* ArgWaits::FirstFailure(
    const std::vector<Arg>& args) const {
  for (const Arg& arg : args) {
    if (arg.ref.IsNil()) continue;
    const base::Outcome* outcome = refs_.Find(arg.ref);
    if (outcome == nullptr) continue;
    if (const auto* failure = std::get_if<base::Failure>(outcome)) {
      return failure;
    }
  }
  return nullptr;
}

std::vector<base::Value> ArgWaits::TakeValues(std::vector<Arg>& args) const {
  std::vector<base::Value> values;
  values.reserve(args.size());
  for (Arg& arg : args) {
    if (arg.ref.IsNil()) {
      values.push_back(std::move(arg.value));
      continue;
    }
    const base::Outcome* outcome = refs_.Find(arg.ref);
    MOBULA_CHECK(outcome != nullptr);
    values.push_back(std::get<base::Value>(*outcome));
  }
  return values;
}

}  // namespace mobula::runtime
