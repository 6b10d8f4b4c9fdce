#include "gcs/core/fake_store.h"

#include "base/check.h"

namespace mobula::gcs {

FakeStore::FakeStore(Core::Options options) : options_(options) {
  if (options_.cluster.IsNil()) options_.cluster = base::ClusterId{7, 7};
  Begin();
}

void FakeStore::Kill(base::Duration away) {
  ++options_.epoch;
  now_ = now_ + away;
  sent_.clear();
  timer_ = base::BootTime::Never();
  Begin();
}

void FakeStore::Begin() {
  core_ = std::make_unique<Core>(options_);
  for (const auto& [key, value] : log_) {
    std::string error;
    MOBULA_CHECK(core_->Restore(key, value, &error)) << error;
  }
  Effects effects;
  core_->Start(now_, effects);
  Carry(effects);
}

void FakeStore::Step(const Event& event) {
  Effects effects;
  core_->Step(event, now_, effects);
  Carry(effects);
}

void FakeStore::Carry(Effects& effects) {
  written_ = 0;
  for (Effect& effect : effects) {
    if (auto* const write = std::get_if<Write>(&effect)) {
      ++written_;
      if (write->value.has_value()) {
        log_[write->key] = *write->value;
      } else {
        log_.erase(write->key);
      }
    } else if (auto* const send = std::get_if<Send>(&effect)) {
      sent_.push_back(std::move(*send));
    } else if (const auto* const answer = std::get_if<TokenAnswer>(&effect)) {
      verdicts_[answer->call] = answer->verdict;
    } else if (const auto* const timer = std::get_if<SetTimer>(&effect)) {
      MOBULA_CHECK(timer->at != timer_, "the timer is set to what it is");
      timer_ = timer->at;
      ++timers_set_;
    }
  }
  core_->CheckInvariants();
}

void FakeStore::Pass(base::Duration duration, bool ticks) {
  const base::BootTime end = now_ + duration;
  while (ticks && timer_ <= end) {
    now_ = timer_;
    Step(Tick());
  }
  now_ = end;
}

base::ControlReply FakeStore::Call(base::ProcessId peer,
                                   base::ControlRequest body) {
  base::ControlCall call;
  call.request = base::RequestId{999, ++requests_};
  call.from = peer;
  call.body = std::move(body);
  return Call(peer, std::move(call));
}

base::ControlReply FakeStore::Call(base::ProcessId peer,
                                   base::ControlCall call) {
  const base::RequestId request = call.request;
  const std::size_t before = sent_.size();
  Say(peer, std::move(call));
  for (std::size_t i = before; i < sent_.size(); ++i) {
    const auto* const answer =
        std::get_if<base::ControlAnswer>(&sent_[i].message);
    if (answer == nullptr || answer->request != request) continue;
    MOBULA_CHECK(sent_[i].to == peer);
    return answer->body;
  }
  MOBULA_CHECK(false, "no answer");
  return base::Done();
}

void FakeStore::Join(base::ProcessId peer, base::NodeId node,
                     std::vector<base::JobRecord> jobs,
                     std::vector<base::ActorReport> actors) {
  base::JoinNode join;
  join.node.node = node;
  join.node.raylet = peer;
  join.node.total = base::ResourceVector::Cpus(4);
  join.jobs = std::move(jobs);
  join.actors = std::move(actors);
  Say(peer, std::move(join));
}

}  // namespace mobula::gcs
