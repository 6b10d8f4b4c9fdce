#include "tests/sim/process.h"

#include <algorithm>
#include <utility>

namespace mobula::sim {

Process::Process(base::ProcessId id, base::Role role, base::JobId job,
                 EventQueue& queue)
    : id_(id), role_(role), job_(job), queue_(queue) {}

std::int32_t Process::pid() const {
  return static_cast<std::int32_t>(1000 + id_.hi % 1000 * 1000 + id_.lo);
}

void Process::Turn(std::function<void()> work) {
  if (!alive_) return;
  if (paused() || !held_.empty()) {
    held_.push_back(std::move(work));
  } else {
    work();
  }
}

void Process::After(base::Duration delay, std::function<void()> work) {
  queue_.After(delay, [this, work = std::move(work)]() mutable {
    Turn(std::move(work));
  });
}

void Process::Pause(base::Duration length) {
  if (!alive_) return;
  paused_until_ = std::max(paused_until_, queue_.now() + length);
  queue_.At(paused_until_, [this] { Wake(); });
}

void Process::Wake() {
  if (paused()) return;
  // Work that a turn adds comes after what is held.
  while (alive_ && !held_.empty()) {
    const std::function<void()> work = std::move(held_.front());
    held_.front() = nullptr;
    work();
    held_.pop_front();
  }
}

void Process::End(base::Duration hold) {
  if (!alive_) return;
  alive_ = false;
  for (const auto& [peer, link] : links_) link->Close(id_, hold);
}

void Process::AddLink(base::ProcessId peer, std::shared_ptr<SimLink> link) {
  links_[peer] = std::move(link);
}

SimLink* Process::FindLink(base::ProcessId peer) const {
  const auto found = links_.find(peer);
  return found == links_.end() ? nullptr : found->second.get();
}

void Process::CloseLink(base::ProcessId peer) {
  if (SimLink* link = FindLink(peer)) link->Close(id_);
}

void Process::SendTo(base::ProcessId to, const base::Message& message) {
  if (SimLink* link = FindLink(to)) link->Send(id_, message);
}

}  // namespace mobula::sim
