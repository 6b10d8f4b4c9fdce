// Mailbox is the actor that lives in this process: whether it takes calls, and
// which call of each caller came last.
//
//   (none) --Open--> Constructing --Constructed(true)--> Alive --Close-->
//   Closed
//                                 --Constructed(false)--> Closed
// Its gate says which calls may begin.
// Links deliver in order, so a sequence that is not above the last one of its
// caller is a duplicate. A step over more than one is a caller's own affair: it
// gave those calls up when it lost its link for a while.
// Owner: runtime::Host; a process holds at most one actor in its life.
// Threading: none; pure.
// Invariants: (1) nothing is admitted for another actor or incarnation;
// (2) no call is admitted twice.
#ifndef MOBULA_RUNTIME_ACTORS_MAILBOX_H_
#define MOBULA_RUNTIME_ACTORS_MAILBOX_H_

#include <cstdint>
#include <unordered_map>

#include "base/frames/message.h"
#include "base/ids.h"
#include "runtime/actors/call_gate.h"

namespace mobula::runtime {

class Mailbox {
 public:
  enum class Verdict : std::uint8_t {
    kTake,
    kDuplicate,  // say nothing: the first one is or was answered
    kNoActor,    // it never lived here, or has ended
    kStale,      // another incarnation lives here
  };

  // False if there is, or was, an actor already.
  bool Open(base::ProcessId owner, const base::CreateActor& create);
  void Constructed(bool is_alive);
  void Close();

  // A call has arrived.
  Verdict Admit(base::ProcessId caller, const base::CallActor& call);
  // Whether a call that was admitted may still run.
  [[nodiscard]] bool alive() const { return state_ == State::kAlive; }
  [[nodiscard]] bool constructing() const {
    return state_ == State::kConstructing;
  }
  void ForgetCaller(base::ProcessId caller) { last_.erase(caller); }

  [[nodiscard]] CallGate& gate() { return gate_; }
  [[nodiscard]] const CallGate& gate() const { return gate_; }
  [[nodiscard]] base::ActorId actor() const { return actor_; }
  [[nodiscard]] base::ProcessId owner() const { return owner_; }
  [[nodiscard]] base::TaskId creation() const { return creation_; }
  [[nodiscard]] std::int64_t incarnation() const { return incarnation_; }

 private:
  enum class State : std::uint8_t { kNone, kConstructing, kAlive, kClosed };

  State state_ = State::kNone;
  base::ActorId actor_;
  base::ProcessId owner_;
  base::TaskId creation_;
  std::int64_t incarnation_ = 0;
  CallGate gate_;
  std::unordered_map<base::ProcessId, std::uint64_t> last_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_ACTORS_MAILBOX_H_
