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
  std::size_t missing = 0;
  for (const Arg& arg : args) {
    if (arg.ref.IsNil()) continue;
    if (!refs_.NameOf(arg.ref).has_value()) return NoSuchObject(arg.ref);
    if (refs_.Find(arg.ref) == nullptr) ++missing;
  }
  if (const base::Failure* failure = FirstFailure(args)) return *failure;
  if (missing == 0) return TakeValues(args);
  for (const Arg& arg : args) {
    if (arg.ref.IsNil() || refs_.Find(arg.ref) != nullptr) continue;
    refs_.AddDependent(arg.ref, task);
  }
  const bool is_new =
      waits_.try_emplace(task, Wait{std::move(args), missing}).second;
  MOBULA_CHECK(is_new) << "call " << task << " waits already";
  return std::nullopt;
}

std::optional<ResolvedArgs> ArgWaits::Wake(base::TaskId task,
                                           base::ObjectId object) {
  const auto it = waits_.find(task);
  if (it == waits_.end()) return std::nullopt;  // failed early or given up
  Wait& wait = it->second;
  MOBULA_CHECK(wait.missing > 0);
  --wait.missing;
  const base::Outcome* outcome = refs_.Find(object);
  MOBULA_CHECK(outcome != nullptr);
  std::optional<ResolvedArgs> resolved;
  if (const auto* failure = std::get_if<base::Failure>(outcome)) {
    resolved = *failure;
  } else if (wait.missing == 0) {
    resolved = TakeValues(wait.args);
  } else {
    return std::nullopt;
  }
  Abandon(task);
  return resolved;
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
