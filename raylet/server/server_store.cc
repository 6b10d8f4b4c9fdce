// The part of Server that has to do with the memory of large values.
#include <optional>
#include <utility>
#include <variant>

#include "base/bytes.h"
#include "base/check.h"
#include "base/failure.h"
#include "base/frames/node_message.h"
#include "base/log.h"
#include "raylet/server/server.h"

namespace mobula::raylet {

using base::UniqueFd;

bool Server::CarryOutStore(const Effect& effect) {
  // A node that nobody gives large values has no thread for them.
  if (arenas_ == nullptr && std::holds_alternative<MakeArena>(effect)) {
    arenas_ = std::make_unique<ArenaShell>(strand_, options_.spill_folders,
                                           [this](Event event) {
                                             strand_.AssertHeld();
                                             Handle(std::move(event));
                                           });
  }
  if (arenas_ == nullptr) return false;
  if (const auto* part = std::get_if<SendExtentPart>(&effect)) {
    SendPart(*part);
    return true;
  }
  const auto* const send = std::get_if<SendWithArena>(&effect);
  if (send == nullptr) return arenas_->Do(effect);
  HandOver(*send);
  return true;
}

void Server::SendPart(const SendExtentPart& part) {
  std::optional<base::Bytes> bytes = arenas_->ReadPart(part);
  if (!bytes) return Handle(ExtentPartLost{part.node, part.want});
  Effect tell = TellNode{
      part.node, base::ExtentPart{part.want, part.offset, *std::move(bytes)}};
  CarryOut(tell);
}

void Server::HandOver(const SendWithArena& send) {
  std::string error;
  UniqueFd fd = arenas_->Open(send.arena, send.is_writable, &error);
  if (fd.valid()) return SendTo(send.to, send.message, std::move(fd));
  MOBULA_LOG(WARNING) << error;
  base::Failure failure = base::NotRun(
      base::FailureCode::kLimit,
      error +
          ": the node's agent has too few descriptors for its values; "
          "raise its limit of open files (ulimit -n)");
  // It hears that it has nothing; the core hears the rest: of a writer that it
  // gives the arena back, of a reader when it is asked whether it maps it.
  if (const auto* leased = std::get_if<base::ArenaLeased>(&send.message)) {
    SendTo(send.to, base::ArenaRefused{leased->request, std::move(failure)});
    Handle(Received{send.to, base::ReturnArena{send.arena}});
  } else {
    SendTo(send.to, base::ArenaLost{send.arena, std::move(failure)});
  }
}

}  // namespace mobula::raylet
