#include "raylet/server/front_door.h"

#include <unistd.h>

#include <utility>

#include "base/control/control_address.h"
#include "base/log.h"
#include "base/sockets/peer.h"

namespace mobula::raylet {
namespace {

using base::ProcessId;
using base::Strand;
using base::UniqueFd;

}  // namespace

FrontDoor::FrontDoor(Strand& strand, Options options, Callbacks callbacks)
    : strand_(strand),
      options_(options),
      callbacks_(std::move(callbacks)),
      acceptor_(strand, "front door",
                {[this] {
                   strand_.AssertHeld();
                   return guests_.size() < options_.guests_max;
                 },
                 [this](UniqueFd socket, bool) {
                   strand_.AssertHeld();
                   LetIn(std::move(socket));
                 }}) {}

FrontDoor::~FrontDoor() {
  strand_.AssertHeld();
  for (auto& [number, guest] : guests_) {
    if (guest.silence != 0) strand_.Cancel(guest.silence);
  }
}

bool FrontDoor::Listen(const std::string& path, std::string* error) {
  strand_.AssertHeld();
  const auto address = base::ControlAddress::Parse("unix:" + path, error);
  base::ControlAddress bound;
  return address && acceptor_.Listen(*address, &bound, error);
}

void FrontDoor::LetIn(UniqueFd socket) {
  const auto peer = base::PeerOf(socket.get());
  if (!peer || peer->uid != ::geteuid()) {
    MOBULA_LOG(WARNING) << "a connection of another user was refused";
    return;
  }
  Open(std::move(socket), /*may_be_silent=*/false);
}

void FrontDoor::Adopt(UniqueFd socket) {
  strand_.AssertHeld();
  Open(std::move(socket), /*may_be_silent=*/true);
}

void FrontDoor::Open(UniqueFd socket, bool may_be_silent) {
  const std::uint64_t number = next_number_++;
  Guest& guest = guests_[number];
  if (!may_be_silent) {
    guest.silence =
        strand_.PostAt(strand_.Now() + options_.silence_max, [this, number] {
          strand_.AssertHeld();
          guests_.at(number).silence = 0;
          OnClosed(number, "it said nothing");
        });
  }
  base::Link::Options link;
  link.self = options_.self;
  link.role = base::Role::kRaylet;
  base::Link::Callbacks callbacks;
  callbacks.on_open = [this, number](ProcessId process, base::Role role) {
    strand_.AssertHeld();
    OnOpen(number, process, role);
  };
  callbacks.on_message = [this, number](base::Message message, UniqueFd fd) {
    strand_.AssertHeld();
    const auto found = guests_.find(number);
    if (found == guests_.end() || found->second.process.IsNil()) return;
    callbacks_.on_message(found->second.process, std::move(message),
                          std::move(fd));
  };
  callbacks.on_closed = [this, number](const std::string& reason) {
    strand_.AssertHeld();
    OnClosed(number, reason);
  };
  guest.link = std::make_unique<base::Link>(
      strand_, std::move(socket), std::move(link), std::move(callbacks));
}

void FrontDoor::OnOpen(std::uint64_t number, ProcessId process,
                       base::Role role) {
  const auto found = guests_.find(number);
  if (found == guests_.end()) return;
  if (found->second.silence != 0) strand_.Cancel(found->second.silence);
  found->second.silence = 0;
  const bool is_guest =
      role == base::Role::kDriver || role == base::Role::kTool;
  if (!is_guest || !by_process_.emplace(process, number).second) {
    OnClosed(number, "neither a driver nor a tool, or one that is here");
    return;
  }
  found->second.process = process;
  callbacks_.on_open(process, role);
}

void FrontDoor::OnClosed(std::uint64_t number, const std::string& reason) {
  const auto found = guests_.find(number);
  if (found == guests_.end()) return;
  const ProcessId process = found->second.process;
  Drop(number);
  callbacks_.on_closed(process, reason);
}

void FrontDoor::Drop(std::uint64_t number) {
  const auto found = guests_.find(number);
  if (found->second.silence != 0) strand_.Cancel(found->second.silence);
  if (!found->second.process.IsNil()) by_process_.erase(found->second.process);
  // It may be the one that is calling us.
  const std::shared_ptr<base::Link> link = std::move(found->second.link);
  guests_.erase(found);
  if (link != nullptr && !link->closed()) link->Flush();
  strand_.Post([link] {});
  acceptor_.Update();
}

base::Link* FrontDoor::Find(ProcessId guest) const {
  const auto found = by_process_.find(guest);
  return found == by_process_.end() ? nullptr
                                    : guests_.at(found->second).link.get();
}

bool FrontDoor::Has(ProcessId guest) const {
  strand_.AssertHeld();
  return by_process_.contains(guest);
}

void FrontDoor::Send(ProcessId guest, const base::Message& message,
                     UniqueFd fd) {
  strand_.AssertHeld();
  base::Link* link = Find(guest);
  if (link != nullptr) link->Send(message, std::move(fd));
}

std::size_t FrontDoor::QueuedBytes(ProcessId guest) const {
  strand_.AssertHeld();
  const base::Link* link = Find(guest);
  return link == nullptr ? 0 : link->queued_bytes();
}

void FrontDoor::Close(ProcessId guest) {
  strand_.AssertHeld();
  const auto found = by_process_.find(guest);
  if (found != by_process_.end()) Drop(found->second);
}

void FrontDoor::CloseAll() {
  strand_.AssertHeld();
  while (!guests_.empty()) Drop(guests_.begin()->first);
}

}  // namespace mobula::raylet
