// The part of Core that has to do with other nodes: their raylets, the guests
// from there, channels, and what they are told of jobs.
#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "raylet/core/core.h"

namespace mobula::raylet {

using base::Failure;
using base::NodeId;

namespace {

// A guest asks of this raylet what has to do with leases, and frees what its
// tasks stored here; all else it asks of its own.
bool IsForGuests(const base::Message& message) {
  return std::holds_alternative<base::RequestLease>(message) ||
         std::holds_alternative<base::CancelLease>(message) ||
         std::holds_alternative<base::ReturnLease>(message) ||
         std::holds_alternative<base::FreeObjects>(message);
}

}  // namespace

bool Core::OnNodeEvent(const Event& event) {
  if (const auto* said = std::get_if<NodeSaid>(&event)) {
    OnNodeSaid(said->node, said->message);
  } else if (const auto* lost = std::get_if<NodeLost>(&event)) {
    const base::NodeRecord* const found = view_.Find(lost->node);
    if (found == nullptr) return true;  // that was told already
    const base::NodeRecord record = *found;
    LoseNode(record.node, record.name, lost->reason);
    effects_->emplace_back(KnowNode{record});  // for what comes next
  } else if (const auto* closed = std::get_if<ChannelClosed>(&event)) {
    OnChannelClosed(*closed);
  } else {
    return false;
  }
  return true;
}

void Core::OnNodeSaid(NodeId node, const base::NodeMessage& message) {
  if (view_.Find(node) == nullptr) return;  // it has died meanwhile
  if (const auto* m = std::get_if<base::Introduce>(&message)) {
    OnIntroduce(node, *m);
  } else if (const auto* m = std::get_if<base::ProcessLeft>(&message)) {
    const auto guest = peers_.find(m->process);
    if (guest != peers_.end() && guest->second.node == node) {
      LoseGuest(m->process, m->job_over);
    }
  } else if (const auto* m = std::get_if<base::Pass>(&message)) {
    OnPass(node, *m);
  } else if (const auto* m = std::get_if<base::OpenChannel>(&message)) {
    OnOpenChannel(node, *m);
  } else if (!OnJobMessage(node, message)) {
    // The bytes of channels and programs are the shell's.
    store_.ReceivedFrom(node, message, now_, *effects_);
  }
}

void Core::TellFreedAfar() {
  using Freed = std::map<std::pair<NodeId, ProcessId>, base::FreeObjects>;
  Freed all;
  for (const FreedAfar& one : store_.TakeAfar()) {
    if (!one.freed.extent.arena.IsNil()) {
      const NodeId node = view_.OfMaker(one.freed.extent.arena.hi);
      if (node.IsNil()) continue;  // it went with its node
      IntroduceTo(node, one.owner);
      all[{node, one.owner}].objects.push_back(one.freed);
      continue;
    }
    const auto known = guest_at_.find(one.owner);
    if (known == guest_at_.end()) continue;
    for (const auto& [node, has_program] : known->second) {
      all[{node, one.owner}].objects.push_back(one.freed);
    }
  }
  for (auto& [key, freed] : all) {
    Tell(key.first, base::Pass{key.second, ProcessId(), std::move(freed)});
  }
}

// ---- guests -----------------------------------------------------------------

bool Core::IsGuest(ProcessId process) const {
  const auto peer = peers_.find(process);
  return peer != peers_.end() && !peer->second.node.IsNil();
}

std::size_t Core::guests() const {
  return static_cast<std::size_t>(std::count_if(
      peers_.begin(), peers_.end(),
      [](const auto& peer) { return !peer.second.node.IsNil(); }));
}

NodeId Core::NodeOf(ProcessId process) const {
  const auto peer = peers_.find(process);
  if (peer != peers_.end()) return peer->second.node;
  const auto linked = afar_nodes_.find(process);
  if (linked != afar_nodes_.end()) return linked->second;
  const NodeId maker = view_.OfMaker(process.hi);
  if (!maker.IsNil()) return maker;
  for (const auto& [id, job] : jobs_) {
    if (job.driver != process || job.home.IsNil()) continue;
    if (view_.Find(job.home) != nullptr) return job.home;
  }
  return NodeId();
}

void Core::Tell(NodeId node, base::NodeMessage message) {
  // Filled in place: GCC 12 takes a moved-in string for uninitialised.
  auto& tell =
      std::get<TellNode>(effects_->emplace_back(std::in_place_type<TellNode>));
  tell.node = node;
  tell.message = std::move(message);
}

void Core::IntroduceTo(NodeId node, ProcessId process) {
  const auto peer = peers_.find(process);
  if (peer == peers_.end() || !peer->second.node.IsNil()) return;
  const Job& job = jobs_.at(peer->second.job);
  const bool has_program = !job.program.empty();
  auto& known = guest_at_[process];
  const auto [at, is_new] = known.emplace(node, has_program);
  if (!is_new && (at->second || !has_program)) return;
  at->second = has_program;
  base::Introduce introduce;
  introduce.process = process;
  introduce.role = peer->second.role;
  introduce.pid = peer->second.pid;
  introduce.name = peer->second.program;
  introduce.job = peer->second.job;
  introduce.home = job.home.IsNil() ? options_.node : job.home;
  introduce.driver = job.driver;
  introduce.ns = job.ns;
  introduce.weight = job.weight;
  introduce.program = job.program;
  Tell(node, std::move(introduce));
}

void Core::LeaveNodes(ProcessId process, bool job_over) {
  const auto known = guest_at_.find(process);
  if (known == guest_at_.end()) return;
  const std::map<NodeId, bool> nodes = std::move(known->second);
  guest_at_.erase(known);
  for (const auto& [node, has_program] : nodes) {
    Tell(node, base::ProcessLeft{process, job_over});
  }
}

bool Core::MeetJob(NodeId node, const base::Introduce& message) {
  const auto known = jobs_.find(message.job);
  if (known != jobs_.end()) {
    Job& job = known->second;
    if (job.program.empty() && !job.home.IsNil()) {
      job.program = message.program;
      sweep_.Note(job.program);
    }
    return true;
  }
  if (message.home == options_.node || view_.IsDead(message.home)) {
    Tell(node, base::EndJobThere{message.job});
    return false;
  }
  Job& job = jobs_[message.job];
  job.driver = message.driver;
  job.ns = message.ns;
  job.weight = std::max(message.weight, 1);
  job.output = message.job;
  job.program = message.program;
  job.home = message.home;
  sweep_.Note(job.program);
  queue_.AddJob(message.job, job.weight);
  workers_.AddJob(message.job, /*pool=*/0);
  Tell(message.home, base::HostsJob{message.job});
  return true;
}

void Core::OnIntroduce(NodeId node, const base::Introduce& message) {
  const auto known = peers_.find(message.process);
  if (known != peers_.end() && known->second.node != node) return;
  if (!MeetJob(node, message) || known != peers_.end()) return;
  Peer peer{message.role, message.job, message.pid, message.name, node};
  store_.GuestCame(message.process, message.job,
                   message.name.substr(message.name.rfind('/') + 1) + ", pid " +
                       std::to_string(message.pid) + " on node " +
                       view_.Find(node)->name);
  peers_.emplace(message.process, std::move(peer));
}

void Core::LoseGuest(ProcessId guest, bool job_over) {
  const auto found = peers_.find(guest);
  MOBULA_CHECK(found != peers_.end() && !found->second.node.IsNil());
  const JobId job = found->second.job;
  peers_.erase(found);
  ForgetProcess(guest, job_over || jobs_.at(job).ending);
  ReleaseOwner(guest);
  Unlink(guest, ProcessId());
  afar_nodes_.erase(guest);
}

void Core::LoseGuestsOfJob(JobId job) {
  std::vector<ProcessId> guests;
  for (const auto& [process, peer] : peers_) {
    if (peer.job == job && !peer.node.IsNil()) guests.push_back(process);
  }
  for (const ProcessId guest : guests) LoseGuest(guest, /*job_over=*/true);
}

// ---- what processes of two nodes say to raylets -----------------------------

void Core::OnPass(NodeId node, const base::Pass& pass) {
  if (!pass.to.IsNil()) {
    OnPassToProcess(node, pass);
  } else if (!pass.from.IsNil()) {
    OnPassFromGuest(node, pass);
  } else if (const auto* m = std::get_if<base::LeaseRefused>(&pass.message)) {
    // It has no room after all, or does not know the process any more, which
    // is introduced again with what it asks for next.
    if (!afar_.NotNow(m->lease, node)) return;
    placing_due_ = true;
    const auto known = guest_at_.find(afar_.Find(m->lease)->owner);
    if (known != guest_at_.end() && known->second.contains(node)) {
      known->second[node] = false;
    }
  }
}

void Core::OnPassFromGuest(NodeId node, const base::Pass& pass) {
  const auto guest = peers_.find(pass.from);
  if (guest == peers_.end() || guest->second.node != node) {
    // Its job has ended here, and goes on there.
    const auto* m = std::get_if<base::RequestLease>(&pass.message);
    if (m == nullptr) return;
    load_doubted_ = true;
    Tell(node, base::Pass{ProcessId(), ProcessId(),
                          base::LeaseRefused{m->lease, Failure()}});
    return;
  }
  if (!IsForGuests(pass.message)) return;
  if (OnLeaseMessage(pass.from, pass.message)) return;
  store_.Received(pass.from, pass.message, now_, *effects_);
}

bool Core::TakeAfar(LeaseId id, NodeId node) {
  const AfarLeases::Lease* const lease = afar_.Find(id);
  if (lease == nullptr || lease->node != node) return false;
  afar_.Take(id);
  return true;
}

void Core::OnPassToProcess(NodeId node, const base::Pass& pass) {
  const auto to = peers_.find(pass.to);
  const bool is_here = to != peers_.end() && to->second.node.IsNil();
  if (const auto* m = std::get_if<base::LeaseGranted>(&pass.message)) {
    const AfarLeases::Lease* const lease =
        afar_.Granted(m->lease, node, m->worker);
    if (lease == nullptr || lease->owner != pass.to || !is_here) {
      // Taken back meanwhile.
      Tell(node, base::Pass{pass.to, ProcessId(), base::ReturnLease{m->lease}});
      return;
    }
    LinkAfar(pass.to, m->worker, node);
  } else if (const auto* m = std::get_if<base::LeaseLost>(&pass.message)) {
    if (!TakeAfar(m->lease, node)) return;
  } else if (const auto* m = std::get_if<base::LeaseRefused>(&pass.message)) {
    if (!TakeAfar(m->lease, node)) return;
    ledger_.RememberEnded(pass.to, m->lease);
  }
  if (is_here) SendTo(pass.to, pass.message);
}

void Core::PassToGuests(std::size_t begin) {
  if (view_.size() == 0) return;
  for (std::size_t i = begin; i < effects_->size(); ++i) {
    auto* const send = std::get_if<Send>(&(*effects_)[i]);
    if (send == nullptr || !IsGuest(send->to)) continue;
    const NodeId node = peers_.at(send->to).node;
    base::Pass pass{ProcessId(), send->to, std::move(send->message)};
    (*effects_)[i] = TellNode{node, std::move(pass)};
  }
}

// ---- channels ---------------------------------------------------------------

void Core::LinkAfar(ProcessId local, ProcessId afar, NodeId node) {
  if (!links_[local].insert(afar).second) return;
  links_[afar].insert(local);
  afar_nodes_[afar] = node;
  IntroduceTo(node, local);
  effects_->emplace_back(MakeChannel{node, local, afar});
  Tell(node, base::OpenChannel{local, afar});
}

void Core::OnOpenChannel(NodeId node, const base::OpenChannel& open) {
  const auto from = peers_.find(open.from);
  const auto to = peers_.find(open.to);
  const bool is_known = from != peers_.end() && from->second.node == node;
  const bool is_there =
      to != peers_.end() && to->second.node.IsNil() && IsReachable(open.to);
  if (!is_known || !is_there) {
    Tell(node, base::CloseChannel{open.to, open.from});
    return;
  }
  // Where both have opened it at once it is there.
  if (!links_[open.to].insert(open.from).second) return;
  links_[open.from].insert(open.to);
  afar_nodes_[open.from] = node;
  IntroduceTo(node, open.to);
  effects_->emplace_back(MakeChannel{node, open.to, open.from});
}

void Core::OnChannelClosed(const ChannelClosed& closed) {
  const auto links = links_.find(closed.local);
  if (links == links_.end() || links->second.erase(closed.afar) == 0) return;
  if (links->second.empty()) links_.erase(links);
  const auto back = links_.find(closed.afar);
  back->second.erase(closed.local);
  if (back->second.empty()) {
    links_.erase(back);
    afar_nodes_.erase(closed.afar);
  }
  // It never was there; of the end of a guest its raylet tells.
  if (!IsGuest(closed.afar)) SendTo(closed.local, base::PeerGone{closed.afar});
}

// ---- jobs -------------------------------------------------------------------

bool Core::OnJobMessage(NodeId node, const base::NodeMessage& message) {
  if (const auto* m = std::get_if<base::HostsJob>(&message)) {
    const auto job = jobs_.find(m->job);
    const bool is_ours = job != jobs_.end() && job->second.home.IsNil();
    if (!is_ours || job->second.ended) {
      Tell(node, base::EndJobThere{m->job});
      return true;
    }
    job->second.hosts.insert(node);
    if (job->second.ending) Tell(node, base::EndJobThere{m->job});
  } else if (const auto* m = std::get_if<base::EndJobThere>(&message)) {
    OnEndJobThere(node, m->job);
  } else if (const auto* m = std::get_if<base::JobLeft>(&message)) {
    const auto job = jobs_.find(m->job);
    if (job == jobs_.end() || job->second.hosts.erase(node) == 0) return true;
    FinishJobIfEmpty(m->job);
  } else {
    return false;
  }
  return true;
}

void Core::OnEndJobThere(NodeId node, JobId job) {
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) {
    Tell(node, base::JobLeft{job});
    return;
  }
  if (found->second.home.IsNil() || found->second.driver_lost) return;
  found->second.driver_lost = true;
  EndWorkersOf(job, /*at_once=*/true);
  FinishJobIfEmpty(job);
}

// ---- their end --------------------------------------------------------------

void Core::LoseNode(NodeId node, const std::string& name,
                    const std::string& why) {
  // It counts what it sent as taken here, whether that has come or not.
  load_doubted_ = true;
  for (const AfarLeases::Lease& lease : afar_.LoseNode(node)) {
    Failure failure;
    failure.code = base::FailureCode::kWorkerDied;
    failure.node = name;
    failure.message = "its node " + name + " is lost: " + why;
    SendTo(lease.owner, base::LeaseLost{lease.request.lease, lease.worker,
                                        std::move(failure)});
  }
  placing_due_ = true;
  std::vector<ProcessId> guests;
  for (const auto& [process, peer] : peers_) {
    if (peer.node == node) guests.push_back(process);
  }
  for (const ProcessId guest : guests) LoseGuest(guest, /*job_over=*/false);
  // Those that never were introduced.
  std::vector<ProcessId> linked;
  for (const auto& [process, at] : afar_nodes_) {
    if (at == node) linked.push_back(process);
  }
  for (const ProcessId process : linked) {
    Unlink(process, ProcessId());
    afar_nodes_.erase(process);
  }
  store_.NodeGone(node, now_, *effects_);
  for (auto& [process, nodes] : guest_at_) nodes.erase(node);
  std::erase_if(guest_at_, [](const auto& at) { return at.second.empty(); });
  LoseJobsOf(node);
}

void Core::LoseJobsOf(NodeId node) {
  std::vector<JobId> lost;
  for (auto& [id, job] : jobs_) {
    const bool was_host = job.hosts.erase(node) > 0;
    if (was_host || job.home == node) lost.push_back(id);
  }
  for (const JobId id : lost) {
    Job& job = jobs_.at(id);
    if (job.home == node && !job.driver_lost) {
      job.driver_lost = true;
      EndWorkersOf(id, /*at_once=*/true);
    }
    FinishJobIfEmpty(id);
  }
}

void Core::Flush(NodeView::Out& out) {
  for (base::FollowTable& follow : out.follow) {
    effects_->emplace_back(TellControl{std::move(follow)});
  }
  for (base::NodeRecord& node : out.came) {
    const NodeId id = node.node;
    effects_->emplace_back(KnowNode{std::move(node)});
    // It may not have been known when it was to be told.
    for (const auto& [job, its] : jobs_) {
      if (its.home == id) Tell(id, base::HostsJob{job});
    }
  }
  for (const base::NodeRecord& node : out.died) {
    effects_->emplace_back(ForgetNode{node.node});
    LoseNode(node.node, node.name, "it was declared dead");
  }
  // Homes that died before this node heard that they lived.
  std::set<NodeId> unseen;
  for (const auto& [id, job] : jobs_) {
    if (!job.driver_lost && view_.IsDead(job.home)) unseen.insert(job.home);
  }
  for (const NodeId home : unseen) LoseJobsOf(home);
  if (out.freed) {
    afar_.Relent();
    placing_due_ = true;
  }
  out = NodeView::Out();
}

}  // namespace mobula::raylet
