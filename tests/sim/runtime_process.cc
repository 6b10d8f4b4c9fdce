#include "tests/sim/runtime_process.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace mobula::sim {
namespace {

// The stored value that the event brings into the world; null if none.
const base::Value* StoredBy(const runtime::Event& event) {
  if (const auto* put = std::get_if<runtime::Put>(&event)) {
    return base::StoredIn(put->outcome);
  }
  const auto* executed = std::get_if<runtime::Executed>(&event);
  return executed == nullptr ? nullptr : base::StoredIn(executed->outcome);
}

// Of a value that lies in memory that is used anew one day.
base::Outcome Copied(const base::Outcome& outcome) {
  const auto* value = std::get_if<base::Value>(&outcome);
  if (value == nullptr || !value->is_stored()) return outcome;
  return value->WithBytes(base::Bytes::Own(std::string(value->view())));
}

}  // namespace

RuntimeProcess::RuntimeProcess(const Options& options, Surroundings& world)
    : Process(options.id, options.role, options.job, world.records().queue),
      options_(options),
      world_(world),
      tap_(options.id, world.records().ledger, world.records().plants),
      api_({options.id, options.raylet,
            (options.id.hi << 20 | options.id.lo) * 2,
            [this](runtime::Event event) { Post(std::move(event)); }},
           world.records().ledger, world.records().control,
           world.records().plants, world.records().queue),
      store_(
          base::IdSource((options.id.hi << 20 | options.id.lo) * 2 + 77),
          {[this](base::Message message) { SendTo(options_.raylet, message); },
           [this](base::Duration delay, std::function<void()> work) {
             After(delay, std::move(work));
           },
           [this] { return world_.TakeArena(id()); }}),
      refs_(world.options().refs,
            {options.id, api_, store_, world.records().ledger,
             world.records().truth},
            world.ForkRng(),
            [this](base::Duration delay, std::function<void()> work) {
              After(delay, std::move(work));
            }),
      slot_(MakeSlot(base::ActorId())) {
  if (options.role == base::Role::kDriver) {
    program_ = std::make_unique<DriverProgram>(
        world.options().workload, options.operations,
        DriverProgram::Parts{api_, world.records().ledger, refs_},
        world.ForkRng(),
        [this](base::Duration delay, std::function<void()> work) {
          After(delay, std::move(work));
        });
    control_program_ = std::make_unique<ControlProgram>(
        world.options(),
        ControlProgram::Place{options.id, options.raylet, options.node,
                              options.job},
        api_, world.records().ledger, world.ForkRng(),
        [this](base::Duration delay, std::function<void()> work) {
          After(delay, std::move(work));
        });
  }
}

RuntimeProcess::~RuntimeProcess() = default;

std::unique_ptr<SlotThread> RuntimeProcess::MakeSlot(base::ActorId actor) {
  return std::make_unique<SlotThread>(
      SlotThread::Parts{options_.id, world_.records().ledger, api_, refs_,
                        store_, world_.options().refs},
      world_.ForkRng(),
      SlotThread::Callbacks{
          [this](base::Duration delay, std::function<void()> work) {
            After(delay, std::move(work));
          },
          [this](runtime::Executed executed) {
            shared_tasks_.erase(executed.task);
            Post(std::move(executed));
          },
          [this, actor](bool blocked) {
            // A host holds no cpus to lend.
            if (!actor.IsNil()) return;
            SendTo(options_.raylet, base::TaskBlocked{blocked});
          },
          [this, actor] {
            if (!actor.IsNil()) ++world_.records().ledger.actor(actor).charged;
            world_.EndProcess(id(), Surroundings::Death{11, 0, actor});
          }});
}

SlotThread& RuntimeProcess::SlotOf(const runtime::Execute& execute) {
  if (!execute.shared) return *slot_;
  shared_tasks_[execute.task] = execute.actor;
  std::unique_ptr<SlotThread>& slot = shared_[execute.actor];
  if (slot == nullptr) slot = MakeSlot(execute.actor);
  return *slot;
}

void RuntimeProcess::StopRun(base::TaskId task) {
  const auto shared = shared_tasks_.find(task);
  if (shared == shared_tasks_.end()) {
    slot_->Stop(task);
  } else {
    shared_.at(shared->second)->Stop(task);
  }
}

// Its destructor runs on a thread; what it has set going may still come back,
// so that its slot stays.
void RuntimeProcess::EndActor(base::ActorId actor) {
  After(std::chrono::microseconds(10),
        [this, actor] { Post(runtime::ActorEnded{actor}); });
}

bool RuntimeProcess::AnySlotBusy() const {
  return slot_->busy() ||
         std::any_of(shared_.begin(), shared_.end(),
                     [](const auto& each) { return each.second->busy(); });
}

void RuntimeProcess::Begin() {
  SimLink* link = FindLink(options_.raylet);
  MOBULA_CHECK(link != nullptr);
  runtime::Core::Options options;
  options.self = id();
  options.role = role();
  options.job = job();
  core_ = std::make_unique<runtime::Core>(
      options, base::IdSource((id().hi << 20 | id().lo) * 2 + 1));
  base::Register hello;
  hello.process = id();
  hello.role = role();
  hello.job = job();
  hello.pid = pid();
  hello.program = "program";
  hello.weight = options_.weight;
  link->Open(id());
  world_.records().truth.NoteCame(id(), job());
  SendTo(options_.raylet, hello);
  if (program_ != nullptr) {
    program_->Begin();
    refs_.Begin(world_.options().refs.deeds);
    control_program_->Begin();
  }
}

void RuntimeProcess::EndJob() {
  ending_ = true;
  world_.records().truth.NoteJobOver(job());
  SendTo(options_.raylet, base::EndJob{job()});
}

void RuntimeProcess::OnMessage(base::ProcessId from,
                               const base::Message& message) {
  if (!alive()) return;
  if (from == options_.raylet) {
    if (const auto* attach = std::get_if<base::Attach>(&message)) {
      // The core sees it too: from here on it may send there.
      if (SimLink* link = FindLink(attach->peer)) link->Open(id());
    }
    if (std::holds_alternative<base::JobEnded>(message)) {
      world_.EndProcess(id(), {});
      return;
    }
    if (std::holds_alternative<base::WorkerOutput>(message)) return;
    if (store_.Take(message)) return;
  }
  if (!ending_) Post(runtime::Received{from, message});
}

void RuntimeProcess::OnLinkClosed(base::ProcessId peer) {
  if (!alive()) return;
  if (peer == options_.raylet) {
    raylet_lost_ = true;
    // A worker ends at once, in the midst of a function too.
    if (role() == base::Role::kWorker) {
      world_.EndProcess(id(), Surroundings::Death{0, 73});
      return;
    }
    store_.Close();
  }
  CloseLink(peer);
  if (!ending_) Post(runtime::PeerLost{peer});
}

void RuntimeProcess::Post(runtime::Event event) {
  for (runtime::Event& seen : tap_.OnEvent(std::move(event), queue().now())) {
    events_.push_back(std::move(seen));
  }
  Drain();
}

void RuntimeProcess::Drain() {
  if (stepping_) return;
  stepping_ = true;
  while (alive() && !events_.empty()) {
    const runtime::Event event = std::move(events_.front());
    events_.pop_front();
    Step(event);
  }
  stepping_ = false;
}

void RuntimeProcess::Step(const runtime::Event& event) {
  Surroundings::Records records = world_.records();
  records.trace.Note(queue().now(), id(), "event", event);
  runtime::Effects effects;
  core_->Step(event, queue().now(), effects);
  for (runtime::Effect& effect : effects) {
    if (world_.DiesHere(*this)) {
      world_.EndProcess(id(), Surroundings::Death{9, 0});
    }
    if (!alive()) return;
    records.trace.Note(queue().now(), id(), "effect", effect);
    if (tap_.OnEffect(effect)) CarryOut(effect);
  }
  // From here on the raylet knows of it.
  if (const base::Value* stored = StoredBy(event)) {
    store_.Finished(stored->extent());
  }
  for (runtime::Event& planted : tap_.TakePlanted()) {
    events_.push_back(std::move(planted));
  }
}

void RuntimeProcess::CarryOut(const runtime::Effect& effect) {
  if (const auto* send = std::get_if<runtime::Send>(&effect)) {
    world_.records().truth.NoteSent(id(), send->to, send->message);
    world_.records().tally.OnSend(id(), send->to, send->message);
    if (const auto* report = std::get_if<base::ActorReport>(&send->message)) {
      world_.records().ledger.SeeReport(*report);
    }
    SendTo(send->to, send->message);
  } else if (const auto* ready = std::get_if<runtime::Ready>(&effect)) {
    OnReady(*ready);
  } else if (const auto* changed =
                 std::get_if<runtime::ActorChanged>(&effect)) {
    OnActorChanged(*changed);
  } else if (const auto* execute = std::get_if<runtime::Execute>(&effect)) {
    MOBULA_CHECK(role() == base::Role::kWorker);
    SlotOf(*execute).Execute(*execute);
  } else if (const auto* stop = std::get_if<runtime::StopExecution>(&effect)) {
    StopRun(stop->task);
  } else if (const auto* end = std::get_if<runtime::EndActor>(&effect)) {
    EndActor(end->actor);
  } else if (const auto* verdict = std::get_if<runtime::CancelReady>(&effect)) {
    OnCancelReady(*verdict);
  } else if (const auto* timer = std::get_if<runtime::SetTimer>(&effect)) {
    SetTimer(timer->at);
  } else if (const auto* answer = std::get_if<runtime::ControlReady>(&effect)) {
    OnControlReady(*answer);
  } else {
    // A driver is told that its runtime is over, and goes on.
    if (role() == base::Role::kWorker) world_.EndProcess(id(), {});
  }
}

void RuntimeProcess::OnReady(const runtime::Ready& ready) {
  Surroundings::Records records = world_.records();
  const auto index = records.ledger.FindByResult(ready.object);
  const bool is_own = index.has_value() &&
                      records.ledger.operation(*index).owner == id() &&
                      (records.ledger.operation(*index).watched ||
                       records.ledger.operation(*index).outcome.has_value());
  const bool is_read = refs_.IsReading(ready.object);
  if (!is_own && !is_read) {
    records.verdict.Violate("I1", "an object that nobody watched is ready");
    return;
  }
  const base::Value* stored = base::StoredIn(ready.outcome);
  const auto& handles = api_.refs().all();
  const auto handle = handles.find(ready.object);
  if (stored == nullptr || handle == handles.end()) {
    // Without a handle nobody looks at what lies in the store.
    OnSeen(ready, is_own && stored == nullptr, is_read);
    return;
  }
  // Whoever waits for it has a handle meanwhile.
  api_.Take({ready.object, handle->second.owner});
  runtime::Ready seen = ready;
  store_.Map(*stored, [this, seen = std::move(seen), is_own,
                       is_read](const base::Outcome& mapped) mutable {
    seen.outcome = Copied(mapped);
    OnSeen(seen, is_own, is_read);
    api_.Let(seen.object);
  });
}

void RuntimeProcess::OnSeen(const runtime::Ready& ready, bool is_own,
                            bool is_read) {
  const auto index = world_.records().ledger.FindByResult(ready.object);
  if (is_own) OnOwnReady(*index, ready);
  // With its raylet everything else may be gone.
  if (is_read) refs_.OnReady(ready.object, ready.outcome, !raylet_lost_);
}

void RuntimeProcess::OnOwnReady(OpIndex index, const runtime::Ready& ready) {
  Ledger& ledger = world_.records().ledger;
  const bool is_first = !ledger.operation(index).outcome.has_value();
  // The store is gone with the raylet.
  if (raylet_lost_ && !is_first) return;
  ledger.Settle(index, ready.outcome, ready.incarnation, queue().now());
  if (!is_first) return;
  if (const auto* value = std::get_if<base::Value>(&ready.outcome)) {
    world_.records().truth.NotePut(ready.object, !value->refs().empty());
    refs_.Meet(*value);
  }
  slot_->OnSettled(index);
  for (const auto& [actor, slot] : shared_) slot->OnSettled(index);
  if (program_ != nullptr) {
    program_->OnSettled(index);
    control_program_->OnSettled(index);
  }
}

void RuntimeProcess::OnActorChanged(const runtime::ActorChanged& changed) {
  world_.records().ledger.SeeActor(id(), changed.actor, changed.incarnation,
                                   changed.dead);
  if (changed.dead) api_.OnActorDead(changed.actor);
  if (program_ != nullptr) {
    program_->OnActorChanged(changed.actor, changed.incarnation, changed.dead);
    control_program_->OnActorChanged(changed.actor, changed.dead);
  }
}

void RuntimeProcess::OnControlReady(const runtime::ControlReady& ready) {
  world_.records().control.OnAnswer(id(), ready.request, ready.reply,
                                    queue().now());
  if (program_ != nullptr) {
    control_program_->OnAnswer(ready.request, ready.reply);
  }
}

void RuntimeProcess::OnCancelReady(const runtime::CancelReady& ready) {
  const std::optional<OpIndex> index = api_.TakeCancel(ready.request);
  if (!index.has_value()) {
    world_.records().verdict.Violate("I1", "a cancel is answered twice");
    return;
  }
  if (ready.verdict == base::CancelVerdict::kCancelled) {
    world_.records().ledger.NoteCancelled(*index);
  }
}

void RuntimeProcess::SetTimer(base::BootTime at) {
  const std::uint64_t number = ++timer_;
  queue().At(at, [this, number] {
    Turn([this, number] {
      if (timer_ == number && !ending_) Post(runtime::Tick{});
    });
  });
}

std::string RuntimeProcess::Leftovers() const {
  if (core_ == nullptr) return "";
  const runtime::Core::Census census = core_->Count();
  const std::pair<const char*, std::size_t> counts[] = {
      {"objects", census.objects},   {"borrowed objects", census.borrowed},
      {"objects lent", census.lent}, {"refs for receivers", census.handed},
      {"tasks", census.tasks},       {"calls", census.calls},
      {"actors", census.actors},     {"leases", census.leases},
      {"hosted", census.hosted},     {"control calls", census.control_calls},
      {"cancels", api_.cancels()}};
  std::string text;
  for (const auto& [name, count] : counts) {
    if (count > 0)
      text += std::string(name) + ' ' + std::to_string(count) + ' ';
  }
  return text;
}

bool RuntimeProcess::idle() const {
  return program_ == nullptr
             ? !AnySlotBusy()
             : program_->over() && control_program_->over() && refs_.over();
}

void RuntimeProcess::LetAll() {
  MOBULA_CHECK(program_ != nullptr);
  program_->LetAll();
  refs_.LetAll();
}

std::optional<ownership::Scene::Seat> RuntimeProcess::Seat() const {
  if (core_ == nullptr) return std::nullopt;
  ownership::Scene::Seat seat;
  seat.core = core_.get();
  for (const auto& [object, handle] : api_.refs().all()) {
    seat.handles[object] = handle.count;
  }
  seat.held_for_actors = api_.HeldForActors();
  seat.watches = refs_.reads();
  return seat;
}

}  // namespace mobula::sim
