// CallGate says which calls of one actor may begin: how many of each group run
// at the same time.
//
//   const auto group = gate.GroupOf(call.group);   // nothing: unknown
//   if (gate.HasRoom(*group)) gate.Begin(*group);
//   gate.End(*group);
// A call counts from its beginning to its end, a coroutine that waits too.
// Group 0 is of all calls that name none. Where nothing was said of the actor's
// concurrency, there is that group alone, and who owns the gate lets one call
// at a time begin.
// Owner: Mailbox.   Threading: none; pure.
// Invariants: (1) of a group run at most as many as it has room for; (2) all
// groups together have room for `threads`.
#ifndef MOBULA_RUNTIME_ACTORS_CALL_GATE_H_
#define MOBULA_RUNTIME_ACTORS_CALL_GATE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/scheduling/concurrency.h"

namespace mobula::runtime {

class CallGate {
 public:
  CallGate() : CallGate(base::Concurrency()) {}
  // It must be plausible.
  explicit CallGate(const base::Concurrency& concurrency);

  // Whether calls may run at the same time, as was said.
  [[nodiscard]] bool is_said() const { return threads_ > 0; }
  // That may be needed; 0 where nothing was said.
  [[nodiscard]] std::int32_t threads() const { return threads_; }
  [[nodiscard]] std::size_t groups() const { return groups_.size(); }
  // The group of that name, 0 for "".
  [[nodiscard]] std::optional<std::size_t> GroupOf(std::string_view name) const;
  // Why there is none of that name, for people.
  [[nodiscard]] std::string WhyUnknown(std::string_view name) const;

  [[nodiscard]] bool HasRoom(std::size_t group) const;
  void Begin(std::size_t group);
  void End(std::size_t group);

 private:
  struct Group {
    std::string name;
    std::int32_t calls_max = 1;
    std::int32_t running = 0;
  };

  std::int32_t threads_ = 0;
  std::vector<Group> groups_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_ACTORS_CALL_GATE_H_
