#include "runtime/core/core.h"

#include <utility>
#include <variant>

#include "base/check.h"

namespace mobula::runtime {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

}  // namespace

Core::Core(const Options& options, base::IdSource ids)
    : options_(options),
      ids_(ids),
      owner_({options.self, options.job, options.seed, options.tasks_max},
             ids_),
      host_(options.role == base::Role::kWorker) {
  MOBULA_CHECK(!options.self.IsNil());
  MOBULA_CHECK(options.role != base::Role::kRaylet);
}

void Core::Step(Event event, base::BootTime now, Effects& effects) {
  owner_.Begin(now, effects);
  if (armed_ <= now) armed_ = base::BootTime::Never();
  Take(std::move(event), effects);
  owner_.End();
  ExitIfDone(effects);
  Arm(effects);
}

void Core::Take(Event event, Effects& effects) {
  std::visit(
      Overloaded{
          [this, &effects](Received& received) {
            Receive(received.from, std::move(received.message), effects);
          },
          [this, &effects](PeerLost& lost) { LosePeer(lost.process, effects); },
          [this, &effects](Executed& executed) {
            host_.Finish(std::move(executed), effects);
          },
          [](Create&) { MOBULA_CHECK(false, "no actors yet"); },
          [](Call&) { MOBULA_CHECK(false, "no actors yet"); },
          [](Adopt&) { MOBULA_CHECK(false, "no actors yet"); },
          [](DropActor&) { MOBULA_CHECK(false, "no actors yet"); },
          [](Kill&) { MOBULA_CHECK(false, "no actors yet"); },
          [this](auto& api) { owner_.On(std::move(api)); },
      },
      event);
}

void Core::Receive(base::ProcessId from, base::Message message,
                   Effects& effects) {
  std::visit(Overloaded{
                 [this, from](base::Registered& registered) {
                   MOBULA_CHECK(raylet_.IsNil(), "registered twice");
                   raylet_ = from;
                   owner_.On(registered);
                 },
                 [this](base::LeaseGranted& granted) { owner_.On(granted); },
                 [this](base::LeaseRefused& refused) { owner_.On(refused); },
                 [this](base::LeaseLost& lost) { owner_.On(lost); },
                 [this, &effects](base::Retire&) {
                   retired_ = true;
                   host_.Retire(effects);
                 },
                 [this, from, &effects](base::RunTask& run) {
                   host_.Run(from, std::move(run), effects);
                 },
                 [this, from, &effects](base::CreateActor& create) {
                   host_.Construct(from, std::move(create), effects);
                 },
                 [this, from, &effects](base::CallActor& call) {
                   host_.Call(from, std::move(call), effects);
                 },
                 [this, from, &effects](base::CancelTask& cancel) {
                   host_.Cancel(from, cancel.task, effects);
                 },
                 [this, from](base::TaskDone& done) {
                   owner_.Done(from, std::move(done));
                 },
                 [](auto&) {},  // the shell's own, or another role's
             },
             message);
}

void Core::LosePeer(base::ProcessId process, Effects& effects) {
  // Before it has registered this process there is no other link.
  if (raylet_.IsNil() || process == raylet_) {
    owner_.RayletLost();
    if (options_.role == base::Role::kWorker && !exited_) {
      exited_ = true;
      effects.push_back(Exit{"the node's agent is gone"});
    }
    return;
  }
  owner_.PeerLost(process);
  host_.PeerLost(process);
}

void Core::ExitIfDone(Effects& effects) {
  if (!retired_ || exited_) return;
  if (!host_.idle() || owner_.HasPendingWork()) return;
  exited_ = true;
  effects.push_back(Exit{"retired"});
}

void Core::Arm(Effects& effects) {
  // A timer that comes too early does no harm; moving it for each event would.
  const base::BootTime next = owner_.Next();
  if (next >= armed_) return;
  armed_ = next;
  effects.push_back(SetTimer{next});
}

Core::Census Core::Count() const {
  return {owner_.objects(), owner_.tasks(), owner_.leases(), host_.queued()};
}

}  // namespace mobula::runtime
