// The part of Server that has to do with other nodes: lines to their raylets,
// channels to their processes, programs that are here or there.
#include <utility>
#include <variant>

#include "base/log.h"
#include "raylet/server/server.h"

namespace mobula::raylet {

using base::NodeId;
using base::UniqueFd;

Core::Options Server::OpenDoor() {
  Core::Options core = options_.core;
  if (!IsOfCluster()) return core;
  NodeLines::Callbacks callbacks;
  callbacks.on_message = [this](NodeId from, base::NodeMessage message) {
    strand_.AssertHeld();
    OnNodeMessage(from, std::move(message));
  };
  callbacks.on_lost = [this](NodeId node, const std::string& why) {
    strand_.AssertHeld();
    MOBULA_LOG(WARNING) << "the line to node " << node << " is lost: " << why;
    EndNode(node);
    Handle(NodeLost{node, why});
  };
  lines_ = std::make_unique<NodeLines>(strand_, options_.lines,
                                       std::move(callbacks));
  std::string error;
  if (!lines_->Listen(&core.door, &error)) why_ = error;
  return core;
}

Channels::Callbacks Server::ChannelCallbacks() {
  Channels::Callbacks callbacks;
  callbacks.tell = TellFn();
  callbacks.on_closed = [this](ProcessId local, ProcessId afar) {
    strand_.AssertHeld();
    Handle(ChannelClosed{local, afar});
  };
  return callbacks;
}

ProgramSender::Callbacks Server::SenderCallbacks() {
  ProgramSender::Callbacks callbacks;
  callbacks.tell = TellFn();
  callbacks.queued_bytes = [this](NodeId node) {
    strand_.AssertHeld();
    return lines_ == nullptr ? 0 : lines_->queued_bytes(node);
  };
  return callbacks;
}

std::function<void(NodeId, const base::NodeMessage&)> Server::TellFn() {
  return [this](NodeId node, const base::NodeMessage& message) {
    strand_.AssertHeld();
    if (lines_ != nullptr) lines_->Send(node, message);
  };
}

void Server::OnNodeMessage(NodeId from, base::NodeMessage message) {
  if (channels_.Take(from, message)) return;
  if (const auto* want = std::get_if<base::WantProgram>(&message)) {
    sender_.Serve(from, want->program);
  } else if (!fetch_.Take(from, message)) {
    Handle(NodeSaid{from, std::move(message)});
  }
}

void Server::EndNode(NodeId node) {
  channels_.CloseNode(node);
  fetch_.CloseNode(node);
  sender_.CloseNode(node);
}

bool Server::CarryOutNodes(const Effect& effect) {
  if (const auto* know = std::get_if<KnowNode>(&effect)) {
    if (lines_ == nullptr || know->node.door.empty()) return true;
    lines_->Knows(know->node.node, know->node.raylet, know->node.door);
  } else if (const auto* forget = std::get_if<ForgetNode>(&effect)) {
    MOBULA_LOG(INFO) << "node " << forget->node << " is dead";
    if (lines_ != nullptr) lines_->Forget(forget->node);
    EndNode(forget->node);
  } else if (const auto* tell = std::get_if<TellNode>(&effect)) {
    const auto* close = std::get_if<base::CloseChannel>(&tell->message);
    if (close != nullptr) {
      channels_.Refuse(tell->node, close->from, close->to);
    } else if (lines_ != nullptr) {
      lines_->Send(tell->node, tell->message);
    }
  } else if (const auto* make = std::get_if<MakeChannel>(&effect)) {
    OpenChannelTo(*make);
  } else {
    return false;
  }
  return true;
}

void Server::OpenChannelTo(const MakeChannel& make) {
  UniqueFd socket = channels_.Open(make.node, make.local, make.afar);
  const bool is_open = socket.valid();
  // Where there is none it is told of a link that has ended, since what is sent
  // next counts on having one.
  SendTo(make.local, base::Attach{make.afar, /*is_afar=*/true},
         std::move(socket));
  if (is_open) return;
  MOBULA_LOG(WARNING) << "no channel between " << make.local << " and "
                      << make.afar;
  channels_.Refuse(make.node, make.local, make.afar);
  Handle(ChannelClosed{make.local, make.afar});
}

// From one node after the other; `why` is said where all fail.
void Server::Bring(const StartWorker& start, std::size_t source,
                   const std::string& why) {
  if (source >= start.sources.size()) {
    ProgramStore::Opened lacking;
    lacking.is_lacking = true;
    lacking.reason = why;
    if (awaiting_program_.erase(start.process) > 0) Launch(start, lacking);
    return;
  }
  fetch_.Fetch(start.sources[source], start.program,
               [this, start, source, why](const std::string& reason) {
                 strand_.AssertHeld();
                 if (!awaiting_program_.contains(start.process)) return;
                 if (reason.empty()) {
                   OpenProgram(start, start.sources.size());
                   return;
                 }
                 MOBULA_LOG(WARNING) << reason;
                 Bring(start, source + 1, why + "; " + reason);
               });
}

void Server::OpenProgram(const StartWorker& start, std::size_t source) {
  programs_.Open(start.program,
                 [this, start, source](const ProgramStore::Opened& opened) {
                   strand_.AssertHeld();
                   if (!awaiting_program_.contains(start.process)) return;
                   if (opened.is_lacking && source < start.sources.size()) {
                     Bring(start, source, opened.reason);
                     return;
                   }
                   awaiting_program_.erase(start.process);
                   Launch(start, opened);
                 });
}

bool Server::PassOnAfar(const WorkerProcess& worker,
                        const base::WorkerOutput& output) {
  if (lines_ == nullptr || !lines_->knows(worker.driver_node)) return true;
  if (lines_->queued_bytes(worker.driver_node) > kOutputQueuedMax) {
    return false;
  }
  lines_->Send(worker.driver_node,
               base::Pass{ProcessId(), worker.driver, output});
  return true;
}

}  // namespace mobula::raylet
