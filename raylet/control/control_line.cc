#include "raylet/control/control_line.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/codec/codec.h"

namespace mobula::raylet {
namespace {

using base::ActorReport;
using base::ActorState;
using base::BootTime;
using base::ControlCall;
using base::FailureCode;
using base::ProcessId;

// What the vocabulary around a value takes at most.
constexpr std::size_t kAround = 4096;
// Lines of a dead worker's output that a kept report has.
constexpr std::size_t kTailLinesKept = 5;

// About what a call takes in memory and in a message.
std::size_t BytesOf(const base::ControlRequest& request) {
  std::size_t bytes = kAround;
  if (const auto* put = std::get_if<base::PutKey>(&request)) {
    bytes += put->value.size() + put->key.size();
  } else if (const auto* value = std::get_if<base::PublishValue>(&request)) {
    bytes += value->value.value.size();
  } else if (const auto* actor = std::get_if<base::RegisterActor>(&request)) {
    if (!actor->actor.spec.has_value()) return bytes;
    for (const base::Bytes& arg : actor->actor.spec->args) bytes += arg.size();
  }
  return bytes;
}

// No more is to be said of it by this node.
bool IsEnd(const ActorReport& report) {
  if (report.state == ActorState::kDead) return true;
  return report.state == ActorState::kRestarting && report.owner.IsNil();
}

// Says all that a node knows when it joins, in messages of a bounded length.
class Joining {
 public:
  Joining(const base::NodeRecord& node, std::size_t bytes_max,
          std::vector<base::ControlMessage>& tell)
      : bytes_max_(bytes_max), tell_(tell) {
    last_.node = node;
  }

  void Add(const base::JobRecord& job) {
    MakeRoom(base::Encode(job).size());
    last_.jobs.push_back(job);
  }
  void Add(const ActorReport& actor) {
    MakeRoom(base::Encode(actor).size());
    last_.actors.push_back(actor);
  }
  void Finish() { tell_.emplace_back(std::move(last_)); }

 private:
  void MakeRoom(std::size_t bytes) {
    const bool is_empty = last_.jobs.empty() && last_.actors.empty();
    if (!is_empty && bytes_ + bytes > bytes_max_) {
      base::JoinPart part;
      part.node = last_.node.node;
      part.jobs = std::exchange(last_.jobs, {});
      part.actors = std::exchange(last_.actors, {});
      tell_.emplace_back(std::move(part));
      bytes_ = 0;
    }
    bytes_ += bytes;
  }

  const std::size_t bytes_max_;
  std::vector<base::ControlMessage>& tell_;
  base::JoinNode last_;
  std::size_t bytes_ = 0;
};

}  // namespace

ControlLine::ControlLine(Options options)
    : options_(std::move(options)), needed_(options_.needed) {
  MOBULA_CHECK(!options_.node.node.IsNil());
}

void ControlLine::Up(BootTime now, Out& out) {
  MOBULA_CHECK(!up_, "a second session beside the first");
  up_ = true;
  was_up_ = true;
  joined_ = false;
  Joining joining(options_.node, options_.join_bytes_max, out.tell);
  for (const auto& [id, job] : jobs_) joining.Add(job);
  for (const auto& [id, report] : actors_) joining.Add(report);
  for (Ended& ended : ended_) {
    ended.said_before = sequence_ + 1;
    std::visit([&joining](const auto& what) { joining.Add(what); }, ended.what);
  }
  joining.Finish();
  for (const auto& [order, asked] : calls_) out.tell.emplace_back(asked.call);
  renew_at_ = now + options_.renew_every;
}

void ControlLine::Down() {
  up_ = false;
  joined_ = false;
  renew_at_ = BootTime::Never();
  for (Ended& ended : ended_) ended.said_before = 0;
}

void ControlLine::Fail(const std::string& reason, Out& out) {
  std::vector<base::RequestId> failed;
  for (const auto& [order, asked] : calls_) {
    // Our own wait for as long as it takes.
    if (asked.call.from == options_.node.raylet) continue;
    Refuse(asked.call, FailureCode::kControlAway, reason, out);
    auto& failure = std::get<base::Failure>(out.answers.back().body);
    if (was_up_) failure.executed = base::Executed::kMaybe;
    failed.push_back(asked.call.request);
  }
  for (const base::RequestId request : failed) Forget(request);
}

void ControlLine::Joined(const base::NodeJoined& /*joined*/) {
  if (up_) joined_ = true;
}

void ControlLine::Refused(const base::NodeRefused& refused, Out& out) {
  out.leave = refused.reason.empty() ? "the control store has refused this node"
                                     : refused.reason;
}

void ControlLine::Renewed(const base::NodeRenewed& renewed) {
  if (!up_) return;
  std::erase_if(ended_, [&renewed](const Ended& ended) {
    return ended.said_before != 0 && ended.said_before <= renewed.sequence;
  });
}

void ControlLine::Tick(BootTime now, Out& out) {
  if (!up_ || now < renew_at_) return;
  out.tell.emplace_back(base::RenewNode{options_.node.node, ++sequence_});
  renew_at_ = now + options_.renew_every;
}

void ControlLine::Need(Out& out) {
  if (needed_) return;
  needed_ = true;
  out.need = true;
}

void ControlLine::Refuse(const ControlCall& call, FailureCode code,
                         std::string message, Out& out) const {
  base::Failure failure = base::NotRun(code, std::move(message));
  failure.node = options_.node.name;
  out.answers.push_back({call.request, call.from, std::move(failure)});
}

std::string ControlLine::WhyNot(const ControlCall& call,
                                std::size_t bytes) const {
  // The raylet's own are as many as there are actors that somebody watches.
  if (call.from == options_.node.raylet) return "";
  const auto of = calls_of_.find(call.from);
  const std::size_t mine = of == calls_of_.end() ? 0 : of->second.size();
  if (mine >= options_.calls_of_process_max) {
    return "this process has asked the control store " + std::to_string(mine) +
           " things that are not answered yet";
  }
  if (calls_.size() >= options_.calls_max ||
      call_bytes_ + bytes > options_.call_bytes_max) {
    return "the node holds " + std::to_string(calls_.size()) +
           " requests to the control store that are not answered yet";
  }
  const auto* actor = std::get_if<base::RegisterActor>(&call.body);
  if (actor != nullptr && actors_.size() >= options_.actors_max) {
    return "the node knows " + std::to_string(actors_.size()) +
           " living actors already";
  }
  return "";
}

void ControlLine::Call(ControlCall call, Out& out) {
  if (order_of_.contains(call.request)) return;
  Need(out);
  const std::size_t bytes = BytesOf(call.body);
  if (bytes > base::kControlMessageBytesMax) {
    Refuse(call, FailureCode::kTooLarge,
           "what the control store is to keep has " + std::to_string(bytes) +
               " bytes, more than the " +
               std::to_string(base::kControlMessageBytesMax) + " of a message",
           out);
    return;
  }
  std::string why = WhyNot(call, bytes);
  if (!why.empty()) {
    Refuse(call, FailureCode::kLimit, std::move(why), out);
    return;
  }
  if (up_) out.tell.emplace_back(call);
  const std::uint64_t order = next_order_++;
  order_of_.emplace(call.request, order);
  calls_of_[call.from].insert(order);
  call_bytes_ += bytes;
  calls_.emplace(order, Asked{std::move(call), bytes});
}

void ControlLine::Forget(base::RequestId request) {
  const auto found = order_of_.find(request);
  MOBULA_CHECK(found != order_of_.end());
  const auto asked = calls_.find(found->second);
  MOBULA_CHECK(asked != calls_.end());
  const auto of = calls_of_.find(asked->second.call.from);
  of->second.erase(found->second);
  if (of->second.empty()) calls_of_.erase(of);
  call_bytes_ -= asked->second.bytes;
  calls_.erase(asked);
  order_of_.erase(found);
}

std::optional<ControlCall> ControlLine::Answered(
    const base::ControlAnswer& answer, Out& out) {
  const auto found = order_of_.find(answer.request);
  if (found == order_of_.end()) return std::nullopt;
  ControlCall call = std::move(calls_.at(found->second).call);
  Forget(answer.request);
  out.answers.push_back(answer);
  return call;
}

void ControlLine::JobBegan(base::JobRecord job, Out& out) {
  const base::JobId id = job.job;
  if (up_) out.tell.emplace_back(base::JobBegan{job});
  jobs_.insert_or_assign(id, std::move(job));
}

void ControlLine::NoteEnd(Ended ended) {
  if (up_) ended.said_before = sequence_ + 1;
  ended_.push_back(std::move(ended));
  if (ended_.size() > options_.ended_max) ended_.pop_front();
}

void ControlLine::JobOver(base::JobId job, const std::string& cause, Out& out) {
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return;
  base::JobRecord record = std::move(found->second);
  jobs_.erase(found);
  record.state = base::JobState::kEnded;
  record.cause = cause;
  if (up_) out.tell.emplace_back(base::JobOver{job, cause});
  NoteEnd({std::move(record), 0});
}

void ControlLine::Keep(const ActorReport& report) {
  if (!report.owner.IsNil()) actors_of_[report.owner].insert(report.actor);
  ActorReport kept = report;
  kept.cause.log_tail.clear();
  actors_.insert_or_assign(report.actor, std::move(kept));
}

void ControlLine::Remember(ActorReport report) {
  MOBULA_CHECK(!IsEnd(report));
  const ActorReport* known = FindActor(report.actor);
  if (known != nullptr && known->incarnation >= report.incarnation) return;
  Keep(report);
}

void ControlLine::ForgetActor(base::ActorId actor) {
  const auto found = actors_.find(actor);
  if (found == actors_.end()) return;
  const auto of = actors_of_.find(found->second.owner);
  if (of != actors_of_.end()) {
    of->second.erase(actor);
    if (of->second.empty()) actors_of_.erase(of);
  }
  actors_.erase(found);
}

void ControlLine::Report(ActorReport report, Out& out) {
  const auto known = actors_.find(report.actor);
  const bool is_known = known != actors_.end();
  if (is_known && (known->second.owner != report.owner ||
                   report.incarnation < known->second.incarnation)) {
    return;
  }
  if (IsEnd(report)) {
    ForgetActor(report.actor);
    if (up_) out.tell.emplace_back(report);
    auto& tail = report.cause.log_tail;
    if (tail.size() > kTailLinesKept) {
      tail.erase(tail.begin(), tail.end() - kTailLinesKept);
    }
    NoteEnd({std::move(report), 0});
    return;
  }
  if (!is_known && actors_.size() >= options_.actors_max) return;
  Keep(report);
  if (up_) out.tell.emplace_back(std::move(report));
}

void ControlLine::ProcessGone(ProcessId process, Out& out) {
  const auto calls = calls_of_.find(process);
  if (calls != calls_of_.end()) {
    const std::set<std::uint64_t> orders = calls->second;
    for (const std::uint64_t order : orders) {
      Forget(calls_.at(order).call.request);
    }
  }
  const auto actors = actors_of_.find(process);
  if (actors == actors_of_.end()) return;
  const std::set<base::ActorId> owned = actors->second;
  for (const base::ActorId actor : owned) {
    ActorReport report = actors_.at(actor);
    report.state = ActorState::kDead;
    report.worker = ProcessId();
    report.pid = 0;
    report.cause = base::Failure();
    report.cause.code = FailureCode::kActorDied;
    report.cause.message = "the process that owned it has ended";
    report.cause.node = options_.node.name;
    Report(std::move(report), out);
  }
}

void ControlLine::AddProgramsAsked(std::set<std::string>& programs) const {
  for (const auto& [order, asked] : calls_) {
    const auto* actor = std::get_if<base::RegisterActor>(&asked.call.body);
    if (actor == nullptr || !actor->actor.spec.has_value()) continue;
    programs.insert(actor->actor.spec->program);
  }
}

const ActorReport* ControlLine::FindActor(base::ActorId actor) const {
  const auto found = actors_.find(actor);
  return found == actors_.end() ? nullptr : &found->second;
}

void ControlLine::CheckInvariants() const {
  MOBULA_CHECK(calls_.size() == order_of_.size());
  MOBULA_CHECK(ended_.size() <= options_.ended_max);
  std::size_t calls = 0;
  for (const auto& [process, orders] : calls_of_) calls += orders.size();
  MOBULA_CHECK(calls == calls_.size());
  std::size_t bytes = 0;
  for (const auto& [order, asked] : calls_) bytes += asked.bytes;
  MOBULA_CHECK(bytes == call_bytes_);
  for (const auto& [process, owned] : actors_of_) {
    for (const base::ActorId actor : owned) {
      MOBULA_CHECK(actors_.at(actor).owner == process);
    }
  }
  MOBULA_CHECK(!joined_ || up_);
  MOBULA_CHECK(up_ == !renew_at_.IsNever());
}

}  // namespace mobula::raylet
