// ControlLine keeps what a node has to say to the control store, and what its
// processes have asked of it, whether or not the store is there.
//
//   away --Up--> JoinNode, after as many JoinParts as all that is known takes,
//                then every call that is not answered, in the order asked;
//                RenewNode each second
//   up --Down--> away: calls wait, reports change only what will be said
// What the store has durably heard is known by NodeRenewed: it answers after
// everything that was said before it. Until then ends of jobs and actors are
// kept and said again.
// Owner: raylet::Core.   Threading: none; runs on its owner's strand.
// Invariants: (1) a call is answered once or its process is gone; (2) what is
// kept is bounded, and more calls get kLimit; (3) after Up the first things
// said are JoinParts and one JoinNode; (4) the control store is asked for
// (`need`) at most once.
// Failure: NodeRefused is the node's end, told in `leave`.
#ifndef MOBULA_RAYLET_CONTROL_CONTROL_LINE_H_
#define MOBULA_RAYLET_CONTROL_CONTROL_LINE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_message.h"
#include "base/control/control_request.h"
#include "base/control/records.h"
#include "base/failure.h"
#include "base/ids.h"

namespace mobula::raylet {

class ControlLine {
 public:
  struct Options {
    base::NodeRecord node;  // as it joins
    bool needed = false;    // from the start on: the node belongs to a cluster
    std::size_t calls_max = 20'000;
    std::size_t calls_of_process_max = 10'000;
    std::size_t call_bytes_max = std::size_t{128} << 20;  // of all calls
    std::size_t actors_max = 50'000;                      // living, reported
    std::size_t ended_max = 1'000;  // ends that the store has not heard of
    // Of jobs and actors in one message of a joining, but for a single one that
    // has more.
    std::size_t join_bytes_max = std::size_t{1} << 20;
    base::Duration renew_every = std::chrono::seconds(1);
  };
  // What is to be done; the methods append.
  struct Out {
    std::vector<base::ControlMessage> tell;    // the store
    std::vector<base::ControlAnswer> answers;  // to processes
    bool need = false;                         // the store, from now on
    std::string leave;                         // why the node must end
  };

  explicit ControlLine(Options options);

  // ---- the session
  // -----------------------------------------------------------
  void Up(base::BootTime now, Out& out);
  void Down();
  // There will be none soon: what processes have asked is answered by that.
  void Fail(const std::string& reason, Out& out);
  void Joined(const base::NodeJoined& joined);
  void Refused(const base::NodeRefused& refused, Out& out);
  void Renewed(const base::NodeRenewed& renewed);
  void Tick(base::BootTime now, Out& out);
  [[nodiscard]] base::BootTime NextDeadline() const { return renew_at_; }

  // ---- calls
  // ----------------------------------------------------------------- A
  // repeated one changes nothing.
  void Call(base::ControlCall call, Out& out);
  // The call that this answers, now forgotten; nothing if nobody waits for it.
  std::optional<base::ControlCall> Answered(const base::ControlAnswer& answer,
                                            Out& out);

  // ---- what is known
  // ---------------------------------------------------------
  void JobBegan(base::JobRecord job, Out& out);
  void JobOver(base::JobId job, const std::string& cause, Out& out);
  // An actor's state changed. `owner` is the process here whose end is its end;
  // nil for a detached actor, of which kRestarting is an end here too.
  void Report(base::ActorReport report, Out& out);
  // Remembers it for the next joining; the store knows it already.
  void Remember(base::ActorReport report);
  // The control store has stopped it, or knows of its end by itself.
  void ForgetActor(base::ActorId actor);
  // Its calls are forgotten, and its actors are dead.
  void ProcessGone(base::ProcessId process, Out& out);

  // Those of actors whose registration is not answered.
  void AddProgramsAsked(std::set<std::string>& programs) const;
  [[nodiscard]] bool up() const { return up_; }
  [[nodiscard]] bool joined() const { return joined_; }
  [[nodiscard]] std::size_t calls() const { return calls_.size(); }
  [[nodiscard]] std::size_t actors() const { return actors_.size(); }
  [[nodiscard]] std::size_t ended() const { return ended_.size(); }
  [[nodiscard]] const base::ActorReport* FindActor(base::ActorId actor) const;
  void CheckInvariants() const;

 private:
  struct Asked {
    base::ControlCall call;
    std::size_t bytes = 0;
  };
  // The end of a job or actor, kept until a renewal that was sent after it was
  // said is answered.
  struct Ended {
    std::variant<base::JobRecord, base::ActorReport> what;
    std::uint64_t said_before = 0;  // the renewal; 0: not said in this session
  };

  void Need(Out& out);
  void Refuse(const base::ControlCall& call, base::FailureCode code,
              std::string message, Out& out) const;
  [[nodiscard]] std::string WhyNot(const base::ControlCall& call,
                                   std::size_t bytes) const;
  void Forget(base::RequestId request);
  void Keep(const base::ActorReport& report);
  void NoteEnd(Ended ended);

  const Options options_;
  bool needed_ = false;
  bool up_ = false;
  bool joined_ = false;
  bool was_up_ = false;
  std::uint64_t sequence_ = 0;  // of the last renewal sent
  base::BootTime renew_at_ = base::BootTime::Never();

  std::map<std::uint64_t, Asked> calls_;  // by order of asking
  std::map<base::RequestId, std::uint64_t> order_of_;
  std::map<base::ProcessId, std::set<std::uint64_t>> calls_of_;
  std::uint64_t next_order_ = 1;
  std::size_t call_bytes_ = 0;

  std::map<base::JobId, base::JobRecord> jobs_;
  std::map<base::ActorId, base::ActorReport> actors_;
  std::map<base::ProcessId, std::set<base::ActorId>> actors_of_;
  std::deque<Ended> ended_;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_CONTROL_CONTROL_LINE_H_
