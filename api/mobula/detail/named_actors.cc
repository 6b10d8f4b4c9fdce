#include "api/mobula/detail/named_actors.h"

#include <cstdint>
#include <utility>

#include "api/mobula/detail/ask_control.h"
#include "api/mobula/detail/handles.h"
#include "api/mobula/error.h"
#include "base/control/control_message.h"
#include "base/control/control_request.h"
#include "base/control/records.h"
#include "base/failure.h"
#include "runtime/core/events.h"
#include "runtime/process/backend.h"

namespace mobula::detail {
namespace {

// Less room for all that goes with them.
constexpr std::uint64_t kSpecBytesMax =
    base::kControlMessageBytesMax - (std::uint64_t{1} << 20);

base::RegisterActor Registration(const runtime::Backend& backend,
                                 const runtime::Create& create,
                                 const ActorOptions::Values& options) {
  const runtime::Backend::Home home = backend.home();
  base::RegisterActor request;
  request.get_if_exists = options.get_if_exists;
  base::ActorRecord& actor = request.actor;
  actor.actor = create.actor;
  actor.job = home.job;
  actor.owner_node = home.node;
  actor.ns = options.ns.empty() ? home.ns : options.ns;
  actor.name = options.name;
  actor.class_name = create.class_name;
  actor.restarts_max = options.restarts_max;
  actor.shared = options.shared;
  if (options.detached) {
    actor.detached = true;
  } else {
    actor.owner = backend.self();
  }
  return request;
}

base::ActorRecord Register(runtime::Backend& backend,
                           base::RegisterActor request) {
  const base::ActorId id = request.actor.actor;
  base::ControlReply reply = backend.Ask(std::move(request), kControlPatience);
  if (auto* const failure = std::get_if<base::Failure>(&reply)) {
    if (failure->executed != base::Executed::kNo) {
      // If it was registered all the same, its name must not be held for ever.
      runtime::AskControl end;
      end.request = backend.NewId<base::RequestId>();
      end.body = base::EndActor{id};
      backend.Post(std::move(end));
    }
    if (failure->code == base::FailureCode::kNameTaken) {
      failure->message +=
          "; GetActor finds it, and ActorOptions().GetIfExists() asks for it "
          "or a new one";
    }
  }
  return Answered<base::ActorAnswer>(std::move(reply)).actor;
}

// `owner` nil: this node's raylet stands for it.
ActorPtr AdoptAt(std::shared_ptr<Session> session,
                 const ActorAddress& address) {
  runtime::Backend& backend = session->OpenBackend();
  backend.Post(runtime::Adopt{address.actor, address.owner.IsNil()
                                                 ? backend.home().raylet
                                                 : address.owner});
  return std::make_shared<ActorHandle>(std::move(session), address.actor,
                                       address.is_detached, address.owner);
}

ActorPtr Adopt(std::shared_ptr<Session> session, const base::ActorRecord& actor,
               std::string_view class_name) {
  if (!class_name.empty() && actor.class_name != class_name) {
    ThrowBadArgument("the actor '" + actor.name + "' of namespace '" +
                     actor.ns + "' is of class " + actor.class_name +
                     ", not of " + std::string(class_name));
  }
  const bool is_owned = !actor.detached && !actor.owner.IsNil();
  return AdoptAt(std::move(session),
                 {actor.actor, is_owned ? actor.owner : base::ProcessId(),
                  actor.detached});
}

}  // namespace

ActorPtr CreateNamed(std::shared_ptr<Session> session, runtime::Create&& create,
                     const ActorOptions::Values& options) {
  runtime::Backend& backend = session->OpenBackend();
  base::RegisterActor request = Registration(backend, create, options);
  const base::ActorId id = create.actor;
  const std::string class_name = create.class_name;
  // It is there before its name is: who finds it by the name finds it here.
  create.held = true;
  backend.Post(std::move(create));
  auto handle = std::make_shared<ActorHandle>(session, id);
  const base::ActorRecord actor = Register(backend, std::move(request));
  if (actor.actor != id) return Adopt(std::move(session), actor, class_name);
  backend.Post(runtime::StartActor{id});
  return handle;
}

ActorPtr CreateDetached(std::shared_ptr<Session> session,
                        const runtime::Create& create,
                        std::vector<base::Bytes> args,
                        const ActorOptions::Values& options) {
  runtime::Backend& backend = session->OpenBackend();
  std::uint64_t bytes = 0;
  for (const base::Bytes& arg : args) bytes += arg.size();
  if (bytes > kSpecBytesMax) {
    base::Failure failure = base::NotRun(
        base::FailureCode::kTooLarge,
        "the arguments of a detached actor have " + std::to_string(bytes) +
            " bytes together, the limit is " + std::to_string(kSpecBytesMax) +
            ": hand large values over in a call");
    failure.function = create.class_name;
    ThrowFailure(std::move(failure));
  }
  base::RegisterActor request = Registration(backend, create, options);
  base::ActorSpec& spec = request.actor.spec.emplace();
  spec.constructor = create.constructor;
  spec.args = std::move(args);
  spec.resources = create.resources;
  spec.concurrency = create.concurrency;
  // Its raylet knows the executable, and fills spec.program in.
  const base::ActorRecord actor = Register(backend, std::move(request));
  return Adopt(std::move(session), actor, create.class_name);
}

ActorPtr FindActor(std::string_view class_name, const std::string& name,
                   const std::string& ns) {
  std::shared_ptr<Session> session = Session::Require();
  runtime::Backend& backend = session->OpenBackend();
  base::FindActor find;
  find.name = name;
  find.ns = ns.empty() ? backend.home().ns : ns;
  if (name.empty()) ThrowBadArgument("GetActor wants a name");
  const auto answer = AskControl<base::ActorAnswer>(backend, std::move(find));
  return Adopt(std::move(session), answer.actor, class_name);
}

ActorAddress AddressOf(const ActorHandle& handle) {
  ActorAddress address{handle.id(), handle.owner(), handle.detached()};
  if (address.owner.IsNil() && !address.is_detached) {
    address.owner = handle.session()->OpenBackend().self();
  }
  return address;
}

ActorPtr AdoptActor(const ActorAddress& address) {
  return AdoptAt(Session::Require(), address);
}

void EndDetached(const Session& session, base::ActorId actor, bool restart) {
  base::ControlReply reply = session.OpenBackend().Ask(
      base::EndActor{actor, restart}, kControlPatience);
  const auto* const failure = std::get_if<base::Failure>(&reply);
  if (failure != nullptr && failure->code == base::FailureCode::kNoSuchActor) {
    return;  // it has ended
  }
  Answered<base::Done>(std::move(reply));
}

}  // namespace mobula::detail
