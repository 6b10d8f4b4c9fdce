#include "runtime/process/process.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <thread>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/strand.h"
#include "runtime/executor/host_threads.h"
#include "runtime/executor/shared_slots.h"
#include "runtime/executor/slot_thread.h"
#include "runtime/executor/thread_pool.h"
#include "runtime/memory/cancel_waits.h"
#include "runtime/memory/lent_wait.h"
#include "runtime/memory/remade_waits.h"
#include "runtime/memory/store_memory.h"
#include "runtime/process/control_waits.h"
#include "runtime/process/core_loop.h"
#include "runtime/process/head_output.h"
#include "runtime/process/inbox.h"
#include "runtime/process/object_waits.h"
#include "runtime/process/worker_exit.h"
#include "runtime/process/worker_output.h"

namespace mobula::runtime {
namespace {

using base::BootTime;
using base::Duration;
using base::Failure;
using base::FailureCode;

constexpr std::size_t kInboxItemsMax = 65'536;
// Batches taken in one turn of the strand, so that links get their turn.
constexpr int kBatchesATurn = 4;
constexpr Duration kJobEndPatience = std::chrono::seconds(2);
constexpr Duration kHeadEndPatience = std::chrono::seconds(5);

// An event for the core, or a message that is the shell's own affair.
using Item = std::variant<Event, base::Message>;

std::atomic<std::uint32_t> forks{0};

// How often this process's line has forked: a child sees another number.
std::uint32_t ForkGeneration() {
  static const int registered = ::pthread_atfork(
      nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
  MOBULA_CHECK(registered == 0);
  return forks.load(std::memory_order_relaxed);
}

// Where the value lies that the event brings into the world.
std::optional<base::Extent> StoredBy(const Event& event) {
  if (const auto* yielded = std::get_if<Yielded>(&event)) {
    if (!yielded->value.is_stored()) return std::nullopt;
    return yielded->value.extent();
  }
  const base::Outcome* outcome = nullptr;
  if (const auto* put = std::get_if<Put>(&event)) outcome = &put->outcome;
  if (const auto* executed = std::get_if<Executed>(&event)) {
    outcome = &executed->outcome;
  }
  const base::Value* value =
      outcome != nullptr ? base::StoredIn(*outcome) : nullptr;
  if (value == nullptr) return std::nullopt;
  return value->extent();
}

Failure NoRuntime() {
  return base::MakeFailure(FailureCode::kShutdown, base::Executed::kMaybe,
                           "a forked child has no runtime");
}

}  // namespace

struct Process::State final : CoreLoop::Sink {
  enum class Phase { kRunning, kEnding, kEnded };
  // An actor of which there are handles.
  struct Viewed {
    ActorView view;
    int handles = 0;
  };

  explicit State(Options from_options);

  bool Forked() const { return ForkGeneration() != generation; }
  bool HasStore() const MOBULA_EXCLUDES(mutex);
  // What the calling thread tells of while it waits: it may hold a slot, or be
  // of a pool.
  LentWait::BlockedFn Lends() const {
    if (HostThreads::IsHere()) return &HostThreads::BlockedHere;
    const LentWait::BlockedFn of_slot = LendsSlot();
    if (!ThreadPool::IsHere()) return of_slot;
    return [of_slot](bool is_blocked) {
      ThreadPool::BlockedHere(is_blocked);
      if (of_slot) of_slot(is_blocked);
    };
  }
  // Of the slot's own threads: coroutines carry what is current to others too.
  LentWait::BlockedFn LendsSlot() const {
    if (HostThreads::IsHere()) return &HostThreads::BlockedHere;
    return slot != nullptr && slot->IsHere() ? blocked : LentWait::BlockedFn();
  }
  bool IsWorker() const { return slot != nullptr; }
  void MakeShared();

  std::optional<StartError> Start(BootTime deadline);
  StartError WhyNotStarted(bool timed_out);
  void Post(Event event);
  void PostNow(Item item);
  std::variant<base::Value, Failure> MapValue(const base::Value& stored,
                                              BootTime deadline,
                                              const LentWait::BlockedFn& lends);
  std::variant<base::Value, Failure> Fetch(const base::Value& stored,
                                           BootTime deadline,
                                           const LentWait::BlockedFn& lends);
  void Drain();
  void StepBatch();
  void ReadHeadOutput();
  void AskForEnd() MOBULA_EXCLUDES(mutex);
  void End(bool ask, Duration head_patience) MOBULA_EXCLUDES(mutex);
  void StopStrand();

  // CoreLoop::Sink, on the strand.
  void StepPosted() override;
  void OnRegistered(const base::Registered& from_raylet) override;
  void OnReady(Ready ready) override;
  void OnActorChanged(const ActorChanged& changed) override;
  void OnControlReady(ControlReady ready) override;
  void OnExecute(Execute execute) override;
  void OnStopExecution(base::TaskId task) override;
  void OnEndActor(base::ActorId actor) override;
  void OnGiveCredit(const GiveCredit& give) override;
  void OnCancelReady(const CancelReady& ready) override;
  void OnExit(const std::string& reason) override;
  void OnOutput(const base::WorkerOutput& output) override;
  void OnJobEnded() override;
  bool OnStoreMessage(const base::Message& message,
                      const base::UniqueFd& fd) override;
  void OnRayletLost(const std::string& reason, const Failure& failure) override;

  Options options;
  const std::uint32_t generation = ForkGeneration();
  base::Strand strand;
  Inbox<Item> inbox;
  ObjectWaits waits;
  ControlWaits control_waits;
  CancelWaits cancel_waits;
  RemadeWaits remade_waits;
  StoreMemory memory;
  std::unique_ptr<SlotThread> slot;     // worker only
  std::unique_ptr<SharedSlots> shared;  // the same
  HeadOutput head_output;
  LentWait::BlockedFn blocked;

  std::unique_ptr<CoreLoop> loop MOBULA_GUARDED_BY(strand);
  std::vector<Item> batch MOBULA_GUARDED_BY(strand);

  mutable base::Mutex mutex;
  base::CondVar changed;
  Phase phase MOBULA_GUARDED_BY(mutex) = Phase::kRunning;
  bool started MOBULA_GUARDED_BY(mutex) = false;
  bool exiting MOBULA_GUARDED_BY(mutex) = false;
  bool job_ended MOBULA_GUARDED_BY(mutex) = false;
  bool raylet_lost MOBULA_GUARDED_BY(mutex) = false;
  std::string lost_reason MOBULA_GUARDED_BY(mutex);
  std::optional<base::Registered> registered MOBULA_GUARDED_BY(mutex);
  std::map<base::ActorId, Viewed> actors MOBULA_GUARDED_BY(mutex);
};

Process::State::State(Options from_options)
    : options(std::move(from_options)),
      strand("mobula"),
      inbox(kInboxItemsMax, [this] { strand.Post([this] { Drain(); }); }),
      waits([this](base::ObjectId object) { Post(Watch{object}); },
            [this](const std::function<bool()>& done, BootTime deadline) {
              return strand.Drive(done, deadline, /*takes=*/true);
            }),
      control_waits([this](AskControl ask) { Post(std::move(ask)); }),
      cancel_waits([this](runtime::Cancel cancel) { Post(std::move(cancel)); }),
      remade_waits([this](ReportLost report) { Post(report); }),
      memory(base::IdSource(base::RandomBits()),
             [this](base::Message message) { PostNow(std::move(message)); }),
      head_output(options.head != nullptr ? options.head->TakeOutput()
                                          : base::UniqueFd()) {
  if (options.whoami.role != base::Role::kWorker) return;
  MOBULA_CHECK(options.functions != nullptr);
  blocked = [this](bool is_blocked) { slot->Blocked(is_blocked); };
  slot = std::make_unique<SlotThread>(
      *options.functions, options.page,
      SlotThread::Hooks{
          .done =
              [this](Executed executed) {
                PostNow(Event(std::move(executed)));
              },
          .aside = [this](SetAside aside) { PostNow(Event(aside)); },
          .map =
              [this](const base::Value& stored, bool remade,
                     base::Duration patience) {
                const BootTime deadline = base::BootNow() + patience;
                return remade ? Fetch(stored, deadline, blocked)
                              : MapValue(stored, deadline, blocked);
              },
          .remake =
              [this](const base::Value& lost, RemadeWaits::ToldFn told) {
                remade_waits.Watch(lost, std::move(told));
              },
          .lend =
              [this](bool lends) {
                PostNow(base::Message(base::TaskBlocked{lends}));
              },
          .streams = {options.whoami.process,
                      [this](StreamBegun begun) { PostNow(Event(begun)); },
                      [this](Yielded yielded) {
                        PostNow(Event(std::move(yielded)));
                      }},
          .drive =
              [this](const std::function<bool()>& done, BootTime deadline,
                     bool takes) {
                return strand.Drive(done, deadline, takes);
              },
          .stir = [this] { strand.Post([] {}); }});
  MakeShared();
}

void Process::State::MakeShared() {
  HostThreads::Options threads;
  threads.threads_max = std::max(2u, std::thread::hardware_concurrency());
  threads.page = options.page;
  SlotThread::Hooks hooks;
  hooks.done = [this](Executed executed) {
    PostNow(Event(std::move(executed)));
  };
  hooks.aside = [this](SetAside aside) { PostNow(Event(aside)); };
  hooks.map = [this](const base::Value& stored, bool remade,
                     base::Duration patience) {
    const BootTime deadline = base::BootNow() + patience;
    return remade ? Fetch(stored, deadline, Lends())
                  : MapValue(stored, deadline, Lends());
  };
  hooks.remake = [this](const base::Value& lost, RemadeWaits::ToldFn told) {
    remade_waits.Watch(lost, std::move(told));
  };
  shared = std::make_unique<SharedSlots>(SharedSlots::Options{
      *options.functions, options.page, std::move(hooks),
      [this](base::ActorId actor) { PostNow(Event(ActorEnded{actor})); },
      slot->running(), threads, &slot->streams()});
}

// ---- start ------------------------------------------------------------------

std::optional<StartError> Process::State::Start(BootTime deadline) {
  MOBULA_CHECK(options.raylet_socket.valid());
  strand.Post([this] {
    strand.AssertHeld();
    if (head_output.fd() >= 0) {
      strand.Watch(head_output.fd(), base::Strand::kReadable,
                   [this](std::uint32_t) { ReadHeadOutput(); });
    }
    loop = std::make_unique<CoreLoop>(strand, options.whoami, *this,
                                      options.lineage_bytes);
    loop->Connect(std::move(options.raylet_socket), options.raylet,
                  std::move(options.program));
  });
  strand.StartThread();
  bool timed_out = false;
  {
    base::MutexLock lock(mutex);
    MOBULA_CHECK(!started, "a process starts once");
    started = true;
    while (!registered && !raylet_lost && !timed_out) {
      const BootTime now = base::BootNow();
      timed_out = now >= deadline;
      if (!timed_out) changed.WaitFor(mutex, deadline - now);
    }
    if (registered) return std::nullopt;
  }
  End(/*ask=*/false, std::chrono::seconds(1));
  return WhyNotStarted(timed_out);
}

StartError Process::State::WhyNotStarted(bool timed_out) {
  std::string reason;
  {
    base::MutexLock lock(mutex);
    reason = lost_reason;
  }
  const std::string head =
      options.head != nullptr ? options.head->program() : options.raylet_name;
  StartError error;
  if (timed_out) {
    error.code = StartError::Code::kTimeout;
    error.message = head + " did not get ready in time";
  } else if (reason.find("version") != std::string::npos) {
    error.code = StartError::Code::kVersion;
    error.message = head + " and " + options.whoami.program +
                    " are different versions of Mobula: " + reason;
  } else {
    error.code = StartError::Code::kHeadFailed;
    error.message = head + " ended before it was ready (" + reason + ")";
  }
  head_output.Read();
  const std::string tail = head_output.Tail();
  if (!tail.empty()) error.message += "; it printed:\n" + tail;
  return error;
}

void Process::State::ReadHeadOutput() {
  strand.AssertHeld();
  if (!head_output.Read()) strand.Unwatch(head_output.fd());
}

// ---- the way in -------------------------------------------------------------

void Process::State::Post(Event event) {
  if (strand.IsHere()) {
    PostNow(std::move(event));
  } else {
    inbox.Push(std::move(event));
  }
}

void Process::State::PostNow(Item item) { inbox.PushNow(std::move(item)); }

void Process::State::Drain() {
  strand.AssertHeld();
  for (int i = 0; i < kBatchesATurn; ++i) {
    if (!inbox.Take(&batch)) return;
    StepBatch();
  }
  strand.Post([this] { Drain(); });
}

void Process::State::StepPosted() {
  strand.AssertHeld();
  if (inbox.TakeEarly(&batch)) StepBatch();
}

void Process::State::StepBatch() {
  strand.AssertHeld();
  for (Item& item : batch) {
    if (const auto* message = std::get_if<base::Message>(&item)) {
      loop->TellRaylet(*message);
      if (std::holds_alternative<base::EndJob>(*message)) loop->SetEnding();
      continue;
    }
    Event& event = std::get<Event>(item);
    const auto* watch = std::get_if<Watch>(&event);
    const std::optional<base::ObjectId> watched =
        watch != nullptr ? std::optional(watch->object) : std::nullopt;
    const std::optional<base::Extent> stored = StoredBy(event);
    const auto* executed = std::get_if<Executed>(&event);
    const base::TaskId ended =
        executed != nullptr ? executed->task : base::TaskId();
    loop->Step(std::move(event));
    // The core stops it no more.
    if (!ended.IsNil()) slot->ForgetRun(ended);
    if (watched) waits.Looked(*watched);
    // From here on the raylet knows of it.
    if (stored) memory.Finished(*stored);
  }
}

std::variant<base::Value, Failure> Process::State::MapValue(
    const base::Value& stored, BootTime deadline,
    const LentWait::BlockedFn& lends) {
  auto mapped = memory.Map(stored, deadline, lends);
  if (auto* const failure = std::get_if<Failure>(&mapped)) {
    return std::move(*failure);
  }
  return stored.WithBytes(std::get<base::Bytes>(std::move(mapped)));
}

// Ends: each round costs a retry of the task, or is the last.
std::variant<base::Value, Failure> Process::State::Fetch(
    const base::Value& stored, BootTime deadline,
    const LentWait::BlockedFn& lends) {
  base::Value value = stored;
  for (;;) {
    auto mapped = MapValue(value, deadline, lends);
    const auto* const failure = std::get_if<Failure>(&mapped);
    if (failure == nullptr || failure->code != FailureCode::kObjectLost) {
      return mapped;
    }
    base::Outcome outcome = remade_waits.Await(value, deadline, lends);
    if (auto* const why = std::get_if<Failure>(&outcome)) {
      return std::move(*why);
    }
    value = std::get<base::Value>(std::move(outcome));
    if (!value.is_stored()) return value;
  }
}

// ---- what the core and the raylet say ---------------------------------------

void Process::State::OnRegistered(const base::Registered& from_raylet) {
  if (slot != nullptr) slot->SetNode(from_raylet.node_name);
  if (shared != nullptr) shared->SetNode(from_raylet.node_name);
  memory.SetMaker(from_raylet.maker);
  base::MutexLock lock(mutex);
  registered = from_raylet;
  changed.NotifyAll();
}

void Process::State::OnReady(Ready ready) {
  remade_waits.Settle(ready.object, ready.outcome);
  waits.Settle(ready.object, std::move(ready.outcome), ready.incarnation);
}

void Process::State::OnActorChanged(const ActorChanged& actor) {
  base::MutexLock lock(mutex);
  const auto found = actors.find(actor.actor);
  if (found == actors.end()) return;  // its last handle is gone
  found->second.view = ActorView{actor.incarnation, actor.dead};
}

void Process::State::OnControlReady(ControlReady ready) {
  control_waits.Settle(std::move(ready));
}

void Process::State::OnExecute(Execute execute) {
  MOBULA_CHECK(slot != nullptr, "only workers run functions");
  if (execute.shared) {
    shared->Push(std::move(execute));
  } else {
    slot->Push(std::move(execute));
  }
}

void Process::State::OnEndActor(base::ActorId actor) {
  MOBULA_CHECK(shared != nullptr, "only workers run functions");
  shared->End(actor);
}

void Process::State::OnStopExecution(base::TaskId task) {
  MOBULA_CHECK(slot != nullptr, "only workers run functions");
  slot->StopRun(task);
}

void Process::State::OnGiveCredit(const GiveCredit& give) {
  MOBULA_CHECK(slot != nullptr, "only workers run functions");
  slot->Grant(give.credit);
}

void Process::State::OnCancelReady(const CancelReady& ready) {
  cancel_waits.Settle(ready);
}

void Process::State::OnExit(const std::string& reason) {
  MOBULA_CHECK(slot != nullptr, "only workers are told to end");
  MOBULA_LOG(DEBUG) << "the worker ends: " << reason;
  {
    base::MutexLock lock(mutex);
    exiting = true;
  }
  slot->Stop();
  shared->Stop();
}

bool Process::State::OnStoreMessage(const base::Message& message,
                                    const base::UniqueFd& fd) {
  return memory.Take(message, fd);
}

bool Process::State::HasStore() const {
  base::MutexLock lock(mutex);
  return registered && registered->store_bytes > 0;
}

void Process::State::OnOutput(const base::WorkerOutput& output) {
  if (options.on_output) {
    options.on_output(output);
  } else {
    PrintWorkerOutput(output);
  }
}

void Process::State::OnJobEnded() {
  base::MutexLock lock(mutex);
  job_ended = true;
  changed.NotifyAll();
}

void Process::State::OnRayletLost(const std::string& reason,
                                  const Failure& failure) {
  bool is_early = false;
  {
    base::MutexLock lock(mutex);
    // Whatever the user's code is doing: nobody will take its result.
    if (IsWorker() && !exiting) ::_exit(kWorkerRayletGone);
    raylet_lost = true;
    lost_reason = reason;
    is_early = !registered || phase != Phase::kRunning;
    changed.NotifyAll();
  }
  memory.Close(
      base::MakeFailure(failure.code, base::Executed::kMaybe, failure.message));
  if (is_early) return;
  if (failure.code == FailureCode::kShutdown) {
    MOBULA_LOG(ERROR) << failure.message;
    return;
  }
  const std::string tail = head_output.Tail();
  MOBULA_LOG(ERROR) << "the raylet is gone: " << reason
                    << (tail.empty() ? "" : "; it printed:\n") << tail;
}

// ---- end --------------------------------------------------------------------

void Process::State::AskForEnd() {
  PostNow(base::Message(base::EndJob{options.whoami.job}));
  const BootTime deadline = base::BootNow() + kJobEndPatience;
  base::MutexLock lock(mutex);
  while (!job_ended && !raylet_lost) {
    const BootTime now = base::BootNow();
    if (now >= deadline) return;
    changed.WaitFor(mutex, deadline - now);
  }
}

void Process::State::End(bool ask, Duration head_patience) {
  MOBULA_CHECK(!strand.IsHere(), "a process cannot end itself on its strand");
  {
    base::MutexLock lock(mutex);
    while (phase == Phase::kEnding) changed.Wait(mutex);
    if (phase == Phase::kEnded) return;
    phase = Phase::kEnding;
    ask = ask && registered && !raylet_lost;
  }
  if (ask) AskForEnd();
  inbox.Close();
  waits.Close(base::MakeFailure(FailureCode::kShutdown, base::Executed::kMaybe,
                                "the runtime was shut down before there was a "
                                "result"));
  cancel_waits.Close();
  control_waits.Close(base::MakeFailure(FailureCode::kShutdown,
                                        base::Executed::kMaybe,
                                        "the runtime was shut down before the "
                                        "control store answered"));
  const Failure shut =
      base::MakeFailure(FailureCode::kShutdown, base::Executed::kMaybe,
                        "the runtime was shut down");
  memory.Close(shut);
  remade_waits.Close(shut);
  StopStrand();
  if (options.head != nullptr) options.head->WaitEnd(head_patience);
  base::MutexLock lock(mutex);
  phase = Phase::kEnded;
  changed.NotifyAll();
}

void Process::State::StopStrand() {
  {
    base::MutexLock lock(mutex);
    if (!started) return;
  }
  strand.Post([this] {
    strand.AssertHeld();
    if (head_output.fd() >= 0) strand.Unwatch(head_output.fd());
    loop->Close();
    loop.reset();
    strand.Stop();
  });
  strand.Join();
}

// ---- Process ----------------------------------------------------------------

Process::Process(Options options)
    : Backend(base::RandomBits()),
      state_(std::make_unique<State>(std::move(options))) {}

Process::~Process() {
  if (state_->Forked()) {
    // Its threads are the parent's; there is nothing here to join or free.
    (void)state_.release();
    return;
  }
  state_->End(/*ask=*/!state_->IsWorker(), kHeadEndPatience);
}

std::optional<StartError> Process::Start(BootTime deadline) {
  return state_->Start(deadline);
}

void Process::Serve() {
  MOBULA_CHECK(state_->IsWorker(), "a driver serves nobody");
  state_->slot->Run();
  state_->shared->Join();
}

void Process::Post(Event event) {
  if (state_->Forked()) return;
  State& state = *state_;
  if (const auto* create = std::get_if<Create>(&event)) {
    base::MutexLock lock(state.mutex);
    ++state.actors[create->actor].handles;
  } else if (const auto* adopt = std::get_if<Adopt>(&event)) {
    base::MutexLock lock(state.mutex);
    ++state.actors[adopt->actor].handles;
  } else if (const auto* gone = std::get_if<DropActor>(&event)) {
    base::MutexLock lock(state.mutex);
    const auto found = state.actors.find(gone->actor);
    if (found != state.actors.end() && --found->second.handles == 0) {
      state.actors.erase(found);
    }
  } else if (const auto* call = std::get_if<Call>(&event)) {
    if (state.shared) state.shared->NoteCall(call->result, call->actor);
  } else if (const auto* put = std::get_if<Put>(&event)) {
    // A Get of it takes no trip to the strand.
    state.waits.Know(put->object, put->outcome);
  } else if (const auto* drop = std::get_if<DropObject>(&event)) {
    state.waits.Drop(drop->object);
    if (state.shared) state.shared->ForgetCall(drop->object);
  }
  state.Post(std::move(event));
}

std::optional<Backend::Settled> Process::Await(base::ObjectId object,
                                               BootTime deadline) {
  if (state_->Forked()) return Settled{NoRuntime(), 0};
  MOBULA_CHECK(!state_->strand.IsHere(), "the strand must not wait");
  return state_->waits.Await(object, deadline, state_->Lends());
}

std::vector<bool> Process::AwaitSome(std::span<const base::ObjectId> objects,
                                     std::size_t count, BootTime deadline) {
  if (state_->Forked()) return std::vector<bool>(objects.size(), true);
  MOBULA_CHECK(!state_->strand.IsHere(), "the strand must not wait");
  return state_->waits.AwaitSome(objects, count, deadline, state_->Lends());
}

std::optional<base::CancelVerdict> Process::Cancel(
    const base::ObjectName& object, bool force, bool recursive,
    BootTime deadline) {
  if (state_->Forked()) return base::CancelVerdict::kFinished;
  MOBULA_CHECK(!state_->strand.IsHere(), "the strand must not wait");
  runtime::Cancel cancel;
  cancel.request = NewId<base::RequestId>();
  cancel.object = object;
  cancel.force = force;
  cancel.recursive = recursive;
  return state_->cancel_waits.Ask(std::move(cancel), deadline, state_->Lends());
}

bool Process::StartWatch(base::ObjectId object, base::OutcomeWatch* watch,
                         bool join) {
  if (state_->Forked()) {
    watch->outcome = NoRuntime();
    watch->state = base::OutcomeWatch::State::kReady;
    return true;
  }
  return state_->waits.StartWatch(object, watch, join);
}

base::OutcomeWatch::State Process::StopWatch(base::ObjectId object,
                                             base::OutcomeWatch* watch) {
  if (state_->Forked()) {
    // The strand is the parent's: nobody else is here to touch it.
    using State = base::OutcomeWatch::State;
    const State before = watch->state;
    if (before != State::kReady) watch->state = State::kGivenUp;
    return before;
  }
  return state_->waits.StopWatch(object, watch);
}

void Process::Blocked(bool is_blocked) {
  if (state_->Forked()) return;
  const LentWait::BlockedFn lends = state_->LendsSlot();
  if (lends) lends(is_blocked);
}

base::ControlReply Process::Ask(base::ControlRequest request,
                                base::Duration timeout) {
  if (state_->Forked()) return NoRuntime();
  MOBULA_CHECK(!state_->strand.IsHere(), "the strand must not wait");
  AskControl ask;
  ask.request = NewId<base::RequestId>();
  ask.body = std::move(request);
  ask.timeout = timeout;
  return state_->control_waits.Ask(std::move(ask), state_->Lends());
}

bool Process::HasStore() const {
  return !state_->Forked() && state_->HasStore();
}

std::variant<Backend::Room, Failure> Process::Allocate(std::uint64_t byte_count,
                                                       BootTime deadline) {
  if (!HasStore()) return Backend::Allocate(byte_count, deadline);
  MOBULA_CHECK(!state_->strand.IsHere(), "the strand must not wait");
  return state_->memory.Allocate(byte_count, deadline, state_->Lends());
}

void Process::Seal(const base::Extent& extent) {
  if (!state_->Forked()) state_->memory.Seal(extent);
}

void Process::Discard(const base::Extent& extent) {
  if (!state_->Forked()) state_->memory.Discard(extent);
}

std::variant<base::Bytes, Failure> Process::Map(const base::Value& stored,
                                                BootTime deadline) {
  if (state_->Forked()) return NoRuntime();
  MOBULA_CHECK(!state_->strand.IsHere(), "the strand must not wait");
  return state_->memory.Map(stored, deadline, state_->Lends());
}

std::variant<base::Value, Failure> Process::Fetch(const base::Value& stored,
                                                  BootTime deadline) {
  if (state_->Forked()) return NoRuntime();
  MOBULA_CHECK(!state_->strand.IsHere(), "the strand must not wait");
  return state_->Fetch(stored, deadline, state_->Lends());
}

Backend::ActorView Process::ViewActor(base::ActorId actor) {
  if (state_->Forked()) return ActorView{0, true};
  base::MutexLock lock(state_->mutex);
  const auto found = state_->actors.find(actor);
  return found == state_->actors.end() ? ActorView() : found->second.view;
}

base::ProcessId Process::self() const { return state_->options.whoami.process; }

Backend::Node Process::node() const {
  base::MutexLock lock(state_->mutex);
  if (!state_->registered) return Node();
  return Node{state_->registered->node_name, state_->registered->total};
}

Backend::Home Process::home() const {
  Home home;
  home.job = state_->options.whoami.job;
  home.ns = state_->options.whoami.ns;
  home.is_worker = state_->IsWorker();
  base::MutexLock lock(state_->mutex);
  if (!state_->registered) return home;
  home.raylet = state_->registered->raylet;
  home.node = state_->registered->node;
  home.address = state_->registered->address;
  if (!state_->registered->ns.empty()) home.ns = state_->registered->ns;
  return home;
}

BootTime Process::Now() const { return base::BootNow(); }

void Process::Shutdown() {
  if (state_->Forked() || state_->IsWorker()) return;
  state_->End(/*ask=*/true, kHeadEndPatience);
}

}  // namespace mobula::runtime
