#include "runtime/refs/cancel_requests.h"

#include "base/check.h"
#include "runtime/core/emit.h"

namespace mobula::runtime {
namespace {

void Answer(base::RequestId request, base::CancelVerdict verdict,
            Produced& out) {
  Emit(*out.effects, CancelReady{request, verdict});
}

}  // namespace

void CancelRequests::Ask(const Cancel& cancel, Produced& out) {
  const auto [it, is_new] =
      requests_.try_emplace(cancel.request, Request{cancel, false});
  MOBULA_CHECK(is_new) << "request " << cancel.request << " exists";
  if (links_.Reach(cancel.object.owner, out)) Send(it->second, out);
}

void CancelRequests::Send(Request& request, Produced& out) {
  const Cancel& cancel = request.cancel;
  request.sent = true;
  out.SendTo(cancel.object.owner,
             base::CancelObject{cancel.request, cancel.object.object,
                                cancel.force, cancel.recursive});
}

void CancelRequests::Answered(base::ProcessId from,
                              const base::ObjectCancelled& answer,
                              Produced& out) {
  const auto it = requests_.find(answer.request);
  if (it == requests_.end()) return;
  if (it->second.cancel.object.owner != from) return;
  requests_.erase(it);
  Answer(answer.request, answer.verdict, out);
}

void CancelRequests::Attached(base::ProcessId peer, Produced& out) {
  for (auto& [id, request] : requests_) {
    if (request.cancel.object.owner == peer && !request.sent) {
      Send(request, out);
    }
  }
}

void CancelRequests::Unreachable(base::ProcessId peer, Produced& out) {
  GiveUp(peer, /*sent_too=*/false, out);
}

void CancelRequests::LinkEnded(base::ProcessId peer, Produced& out) {
  GiveUp(peer, /*sent_too=*/true, out);
}

void CancelRequests::GiveUp(base::ProcessId owner, bool sent_too,
                            Produced& out) {
  std::erase_if(requests_, [&](const auto& entry) {
    if (entry.second.cancel.object.owner != owner) return false;
    if (entry.second.sent && !sent_too) return false;
    Answer(entry.first, base::CancelVerdict::kFinished, out);
    return true;
  });
}

void CancelRequests::FailAll(Produced& out) {
  for (const auto& [id, request] : requests_) {
    Answer(id, base::CancelVerdict::kFinished, out);
  }
  requests_.clear();
}

}  // namespace mobula::runtime
