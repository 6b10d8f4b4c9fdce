// Concurrency says how many calls of one actor may run at the same time: of
// those that name no group, and of each group of its own.
//
// Its creator says it (ActorOptions), it travels with what makes the actor, and
// the worker where it lives keeps to it (runtime/actors/call_gate.h).
// Threading: values.
#ifndef MOBULA_BASE_SCHEDULING_CONCURRENCY_H_
#define MOBULA_BASE_SCHEDULING_CONCURRENCY_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mobula::base {

// Of one actor, all its groups together: each may need a thread.
inline constexpr std::int32_t kConcurrentCallsMax = 1'000;
inline constexpr std::size_t kConcurrencyGroupsMax = 64;
inline constexpr std::size_t kGroupNameBytesMax = 256;

struct ConcurrencyGroup {
  std::string name;
  std::int32_t calls_max = 1;

  friend bool operator==(const ConcurrencyGroup&,
                         const ConcurrencyGroup&) = default;
};

struct Concurrency {
  // Of calls that name no group; 0: it was not said.
  std::int32_t calls_max = 0;
  std::vector<ConcurrencyGroup> groups;

  // Where nothing was said, calls run one at a time, and coroutines that wait
  // stand aside.
  [[nodiscard]] bool is_said() const {
    return calls_max > 0 || !groups.empty();
  }
  // That may run at the same time; where only groups were given, one of the
  // rest. 0 where nothing was said.
  [[nodiscard]] std::int64_t total() const {
    if (!is_said()) return 0;
    std::int64_t all = std::max(calls_max, 1);
    for (const ConcurrencyGroup& group : groups) all += group.calls_max;
    return all;
  }
  // Whether it keeps to the bounds, and no group comes twice.
  [[nodiscard]] bool IsPlausible() const {
    if (calls_max < 0 || groups.size() > kConcurrencyGroupsMax) return false;
    std::vector<std::string_view> names;
    for (const ConcurrencyGroup& group : groups) {
      if (group.name.empty() || group.name.size() > kGroupNameBytesMax ||
          group.calls_max < 1 || group.calls_max > kConcurrentCallsMax) {
        return false;
      }
      names.push_back(group.name);
    }
    std::sort(names.begin(), names.end());
    const bool is_unique =
        std::adjacent_find(names.begin(), names.end()) == names.end();
    return is_unique && total() <= kConcurrentCallsMax;
  }

  friend bool operator==(const Concurrency&, const Concurrency&) = default;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SCHEDULING_CONCURRENCY_H_
