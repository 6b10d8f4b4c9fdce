#include "api/mobula/options.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "api/mobula/detail/quantities.h"
#include "api/mobula/error.h"

namespace mobula {
namespace {

constexpr std::chrono::minutes kKillGraceMax{1};

std::uint32_t CheckedWindow(int items_max) {
  if (items_max < 1 || items_max > TaskOptions::kWindowMax) {
    detail::ThrowBadArgument("Window must be 1 to 65,536, not " +
                             std::to_string(items_max));
  }
  return static_cast<std::uint32_t>(items_max);
}

}  // namespace

TaskOptions::TaskOptions() {
  values_.resources = base::ResourceVector::Cpus(1);
}

TaskOptions& TaskOptions::Cpus(double cpus) {
  detail::SetResource("cpu", cpus, &values_.resources);
  return *this;
}

TaskOptions& TaskOptions::Memory(std::int64_t bytes) {
  detail::SetResource("memory", static_cast<double>(bytes), &values_.resources);
  return *this;
}

TaskOptions& TaskOptions::Resource(std::string_view name, double quantity) {
  detail::SetResource(name, quantity, &values_.resources);
  return *this;
}

TaskOptions& TaskOptions::Place(const Placement& placement) {
  values_.placement = placement.values();
  return *this;
}

TaskOptions& TaskOptions::Retries(int retries_max) {
  values_.retries_max = detail::CheckedCount("Retries", retries_max);
  return *this;
}

TaskOptions& TaskOptions::RetryExceptions(bool retry) {
  values_.retry_exceptions = retry;
  return *this;
}

TaskOptions& TaskOptions::Timeout(mobula::Timeout timeout) {
  values_.timeout = timeout;
  return *this;
}

TaskOptions& TaskOptions::Window(int items_max) {
  values_.window = CheckedWindow(items_max);
  return *this;
}

TaskOptions& TaskOptions::Name(std::string name) {
  values_.name = std::move(name);
  return *this;
}

ActorOptions::ActorOptions() = default;

ActorOptions& ActorOptions::Name(std::string name) {
  detail::CheckName("Name", name);
  values_.name = std::move(name);
  return *this;
}

ActorOptions& ActorOptions::Namespace(std::string ns) {
  detail::CheckName("Namespace", ns);
  values_.ns = std::move(ns);
  return *this;
}

ActorOptions& ActorOptions::Detached(bool detached) {
  values_.detached = detached;
  return *this;
}

ActorOptions& ActorOptions::GetIfExists(bool get_if_exists) {
  values_.get_if_exists = get_if_exists;
  return *this;
}

ActorOptions& ActorOptions::MaxRestarts(int restarts_max) {
  values_.restarts_max = detail::CheckedCount("MaxRestarts", restarts_max);
  return *this;
}

ActorOptions& ActorOptions::Cpus(double cpus) {
  detail::SetResource("cpu", cpus, &values_.resources);
  return *this;
}

ActorOptions& ActorOptions::Memory(std::int64_t bytes) {
  detail::SetResource("memory", static_cast<double>(bytes), &values_.resources);
  return *this;
}

ActorOptions& ActorOptions::Resource(std::string_view name, double quantity) {
  detail::SetResource(name, quantity, &values_.resources);
  return *this;
}

ActorOptions& ActorOptions::Place(const Placement& placement) {
  values_.placement = placement.values();
  return *this;
}

ActorOptions& ActorOptions::Shared(bool shared) {
  values_.shared = shared;
  return *this;
}

ActorOptions& ActorOptions::KillGrace(Timeout grace) {
  if (grace.nanoseconds() > kKillGraceMax) {
    detail::ThrowBadArgument("KillGrace: at most 1 min");
  }
  values_.kill_grace = grace.nanoseconds();
  return *this;
}

ActorOptions& ActorOptions::MaxPendingCalls(int calls) {
  if (calls < 1) {
    detail::ThrowBadArgument("MaxPendingCalls(" + std::to_string(calls) +
                             "): at least 1");
  }
  values_.pending_calls_max = calls;
  return *this;
}

ActorOptions& ActorOptions::MaxConcurrency(int calls) {
  if (calls < 1 || calls > base::kConcurrentCallsMax) {
    detail::ThrowBadArgument("MaxConcurrency(" + std::to_string(calls) +
                             "): 1 to " +
                             std::to_string(base::kConcurrentCallsMax));
  }
  base::Concurrency concurrency = values_.concurrency;
  concurrency.calls_max = calls;
  SetConcurrency("MaxConcurrency(" + std::to_string(calls) + ")",
                 std::move(concurrency));
  return *this;
}

ActorOptions& ActorOptions::ConcurrencyGroup(std::string name, int calls) {
  const std::string what =
      "ConcurrencyGroup(\"" + name + "\", " + std::to_string(calls) + ")";
  if (name.empty() || name.size() > base::kGroupNameBytesMax) {
    detail::ThrowBadArgument(what + ": a name of 1 to " +
                             std::to_string(base::kGroupNameBytesMax) +
                             " bytes");
  }
  if (calls < 1 || calls > base::kConcurrentCallsMax) {
    detail::ThrowBadArgument(what + ": 1 to " +
                             std::to_string(base::kConcurrentCallsMax) +
                             " calls");
  }
  base::Concurrency concurrency = values_.concurrency;
  for (const base::ConcurrencyGroup& group : concurrency.groups) {
    if (group.name == name) {
      detail::ThrowBadArgument(what + ": this group was given already");
    }
  }
  concurrency.groups.push_back({std::move(name), calls});
  SetConcurrency(what, std::move(concurrency));
  return *this;
}

void ActorOptions::SetConcurrency(const std::string& what,
                                  base::Concurrency concurrency) {
  if (concurrency.groups.size() > base::kConcurrencyGroupsMax) {
    detail::ThrowBadArgument(what + ": an actor has at most " +
                             std::to_string(base::kConcurrencyGroupsMax) +
                             " groups");
  }
  if (concurrency.total() > base::kConcurrentCallsMax) {
    detail::ThrowBadArgument(what + ": with its groups the actor would run " +
                             std::to_string(concurrency.total()) +
                             " methods at the same time; the limit is " +
                             std::to_string(base::kConcurrentCallsMax));
  }
  values_.concurrency = std::move(concurrency);
}

CallOptions::CallOptions() = default;

CallOptions& CallOptions::Group(std::string name) {
  if (name.size() > base::kGroupNameBytesMax) {
    detail::ThrowBadArgument("Group: a name of at most " +
                             std::to_string(base::kGroupNameBytesMax) +
                             " bytes");
  }
  values_.group = std::move(name);
  return *this;
}

CallOptions& CallOptions::Retries(int retries_max) {
  values_.retries_max = detail::CheckedCount("Retries", retries_max);
  return *this;
}

CallOptions& CallOptions::Incarnation(std::int64_t incarnation) {
  if (incarnation < 1) {
    detail::ThrowBadArgument("Incarnation(" + std::to_string(incarnation) +
                             "): incarnations count from 1");
  }
  values_.incarnation = incarnation;
  return *this;
}

CallOptions& CallOptions::Timeout(mobula::Timeout timeout) {
  values_.timeout = timeout;
  return *this;
}

CallOptions& CallOptions::Window(int items_max) {
  values_.window = CheckedWindow(items_max);
  return *this;
}

CancelOptions::CancelOptions() = default;

CancelOptions& CancelOptions::Force(bool force) {
  values_.force = force;
  return *this;
}

CancelOptions& CancelOptions::Recursive(bool recursive) {
  values_.recursive = recursive;
  return *this;
}

KillOptions::KillOptions() = default;

KillOptions& KillOptions::Restart(bool restart) {
  values_.restart = restart;
  return *this;
}

KillOptions& KillOptions::Graceful(bool graceful) {
  values_.graceful = graceful;
  return *this;
}

}  // namespace mobula
