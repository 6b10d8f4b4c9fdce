// ControlCalls carries what this process asks of the control store to its
// raylet, which relays it, and the answer back.
//
//   Asked --raylet known--> Sent --Answered--> (gone)
//   Asked, Sent --deadline--> Given up --Answered--> (gone)
//   any --the raylet is lost--> (gone) with a Failure
// A request gets an id of its own on the way out, which only grows: the store
// knows a repeated request by it. `done_below` lets the store forget what this
// process has heard; a request that was given up holds it back until its answer
// comes, for the raylet may still send it again.
// Owner: runtime::Core.   Threading: none; pure.
// Invariants: (1) one ControlReady for each Ask; (2) done_below never passes a
// request whose answer has not come; (3) at most kPendingMax requests, those
// given up too; (4) executed = no is said only of what was never sent, or of
// a question.
// Failure: kLimit, kControlAway at the deadline, that of RayletLost.
#ifndef MOBULA_RUNTIME_CONTROL_CONTROL_CALLS_H_
#define MOBULA_RUNTIME_CONTROL_CONTROL_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "base/boot_time.h"
#include "base/control/control_request.h"
#include "base/failure.h"
#include "base/ids.h"
#include "runtime/core/events.h"
#include "runtime/core/timer_set.h"

namespace mobula::runtime {

class ControlCalls {
 public:
  static constexpr std::size_t kPendingMax = 10'000;

  ControlCalls(base::ProcessId self, base::IdSource& ids)
      : self_(self), ids_(ids) {}

  // What was asked before is sent now.
  void Joined(base::ProcessId raylet, Effects& effects);
  void Ask(AskControl ask, base::BootTime now, Effects& effects);
  void Answered(base::ControlAnswer answer, Effects& effects);
  void Tick(base::BootTime now, Effects& effects);
  [[nodiscard]] base::BootTime Next() const { return deadlines_.Next(); }
  // Everything, now and later, fails.
  void RayletLost(const base::Failure& failure, Effects& effects);

  // Requests that somebody waits for.
  [[nodiscard]] std::size_t waiting() const { return waiting_; }
  [[nodiscard]] std::size_t given_up() const {
    return entries_.size() - waiting_;
  }

 private:
  // Of a request's own id.
  using Number = std::uint64_t;
  struct Entry {
    base::RequestId asked;  // the id by which the asker knows it
    base::RequestId request;
    std::optional<base::ControlRequest> unsent;
    base::Duration timeout;
    base::BootTime deadline;
    bool is_question = false;
    bool given_up = false;
  };

  void SendOut(Entry& entry, Effects& effects);
  void Fail(const Entry& entry, base::Failure failure, Effects& effects) const;

  const base::ProcessId self_;
  base::IdSource& ids_;
  base::ProcessId raylet_;
  std::optional<base::Failure> raylet_lost_;
  std::map<Number, Entry> entries_;
  std::size_t waiting_ = 0;
  TimerSet<Number> deadlines_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_CONTROL_CONTROL_CALLS_H_
