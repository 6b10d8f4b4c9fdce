#include "tests/sim/runtime_process.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string>
#include <utility>
#include <variant>
#include <vector>

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

// Who found no room to read asks again after that.
constexpr base::Duration kReadAgain = std::chrono::milliseconds(100);

bool IsFailure(const base::Outcome& outcome, base::FailureCode code) {
  const auto* failure = std::get_if<base::Failure>(&outcome);
  return failure != nullptr && failure->code == code;
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
      tap_(options.id, world.records().ledger, world.records().truth,
           world.records().plants),
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
          [this](base::TaskId task) { Post(runtime::SetAside{task, 0}); },
          [this](const base::Value& stored, const StorePort::MapFn& then) {
            Fetch({stored.name().object, stored}, /*insists=*/false,
                  [then](const runtime::Ready& seen) { then(seen.outcome); });
          },
          [this](const base::Value& stored) { NoteMissed(stored); },
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
  const base::Value* const stored = StoredBy(event);
  if (stored != nullptr) records.truth.NoteWriter(stored->extent(), id());
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
  if (stored != nullptr) store_.Finished(stored->extent());
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
  } else if (std::holds_alternative<runtime::Remade>(effect)) {
    world_.NoteRemade();
  } else {
    // A driver is told that its runtime is over, and goes on.
    if (role() == base::Role::kWorker) world_.EndProcess(id(), {});
  }
}

void RuntimeProcess::OnReady(const runtime::Ready& ready) {
  if (IsOwn(ready.object) &&
      std::holds_alternative<base::Value>(ready.outcome)) {
    Ledger& ledger = world_.records().ledger;
    ledger.Answer(*ledger.FindByResult(ready.object), ready.incarnation);
  }
  if (TakeRemade(ready)) return;
  if (!IsOwn(ready.object) && !refs_.IsReading(ready.object)) {
    if (reported_.contains(ready.object))
      return;  // who had reported it is gone
    world_.records().verdict.Violate("I1",
                                     "an object that nobody watched is ready");
    return;
  }
  const base::Value* stored = base::StoredIn(ready.outcome);
  const auto& handles = api_.refs().all();
  const auto handle = handles.find(ready.object);
  if (stored == nullptr || handle == handles.end()) {
    // Without a handle nobody looks at what lies in the store.
    OnSeen(ready, stored == nullptr);
    return;
  }
  // Whoever waits for it has a handle meanwhile.
  api_.Take({ready.object, handle->second.owner});
  Fetch(ready, /*insists=*/true, [this](const runtime::Ready& fetched) {
    runtime::Ready seen = fetched;
    seen.outcome = Copied(fetched.outcome);
    OnSeen(seen, true);
    api_.Let(seen.object);
  });
}

bool RuntimeProcess::IsOwn(base::ObjectId object) const {
  Ledger& ledger = world_.records().ledger;
  const auto index = ledger.FindByResult(object);
  if (!index.has_value() || ledger.operation(*index).owner != id())
    return false;
  return ledger.operation(*index).watched ||
         ledger.operation(*index).outcome.has_value();
}

void RuntimeProcess::OnSeen(const runtime::Ready& ready, bool is_own_told) {
  const bool is_read = refs_.IsReading(ready.object);
  if (is_own_told && IsOwn(ready.object)) {
    OnOwnReady(*world_.records().ledger.FindByResult(ready.object), ready);
  }
  // With its raylet everything else may be gone.
  if (is_read) refs_.OnReady(ready.object, ready.outcome, !raylet_lost_);
}

void RuntimeProcess::Fetch(const runtime::Ready& ready, bool insists,
                           const SeenFn& then) {
  const base::Value* const stored = base::StoredIn(ready.outcome);
  if (stored == nullptr) return then(ready);
  store_.Map(*stored, [this, ready, insists,
                       then](const base::Outcome& mapped) {
    if (insists && IsFailure(mapped, base::FailureCode::kObjectStoreFull)) {
      // It is no outcome: user code asks again.
      After(kReadAgain, [this, ready, then] { Fetch(ready, true, then); });
      return;
    }
    if (!IsFailure(mapped, base::FailureCode::kObjectLost)) {
      runtime::Ready seen = ready;
      seen.outcome = mapped;
      then(seen);
      return;
    }
    const base::Value& lost = *base::StoredIn(ready.outcome);
    NoteMissed(lost);
    remakings_.emplace(ready.object, Remaking{lost.extent(), insists, then});
    reported_.insert(ready.object);
    if (world_.records().plants.Strikes(Plant::kUnreportedLoss, 2)) return;
    Post(runtime::ReportLost{lost.name(), lost.extent()});
  });
}

bool RuntimeProcess::TakeRemade(const runtime::Ready& ready) {
  const base::Value* const stored = base::StoredIn(ready.outcome);
  std::vector<Remaking> told;
  auto [it, end] = remakings_.equal_range(ready.object);
  while (it != end) {
    // What names the same place was under way before the report.
    const bool is_old =
        stored != nullptr && stored->extent() == it->second.lost;
    if (!is_old) told.push_back(std::move(it->second));
    it = is_old ? std::next(it) : remakings_.erase(it);
  }
  for (const Remaking& one : told) Fetch(ready, one.insists, one.then);
  return !told.empty();
}

void RuntimeProcess::NoteMissed(const base::Value& stored) {
  Surroundings::Records records = world_.records();
  const base::ObjectId object = stored.name().object;
  if (!records.truth.MayMiss(stored.name(), stored.extent())) {
    records.verdict.Violate("I15", "the bytes of object " + object.ToString() +
                                       " are missing without a reason");
  }
  if (!records.truth.NoteLost(object, stored.extent())) return;
  records.ledger.NoteBytesLost(object);
}

void RuntimeProcess::OnOwnReady(OpIndex index, const runtime::Ready& ready) {
  Ledger& ledger = world_.records().ledger;
  const bool is_first = !ledger.operation(index).outcome.has_value();
  // The store is gone with the raylet.
  if (raylet_lost_ && !is_first) return;
  ledger.Settle(index, ready.outcome, ready.incarnation, queue().now());
  if (!is_first) return;
  if (const auto* value = std::get_if<base::Value>(&ready.outcome)) {
    world_.records().truth.NoteResult(ready.object, !value->refs().empty());
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
  seat.watches = refs_.reads() + remakings_.size();
  return seat;
}

}  // namespace mobula::sim
