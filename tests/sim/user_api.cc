#include "tests/sim/user_api.h"

#include <string>
#include <utility>

#include "base/check.h"
#include "tests/ownership/truth.h"

namespace mobula::sim {
namespace {

// Few, so that what a core learns of a function is of use.
base::FunctionId FunctionOf(const Operation& operation) {
  return base::FunctionId{
      1, 1 + static_cast<std::uint64_t>(operation.kind) * 16 +
             static_cast<std::uint64_t>(operation.behaviour.children)};
}

}  // namespace

UserApi::UserApi(Options options, Ledger& ledger, ControlLedger& control,
                 Plants& plants, const EventQueue& queue)
    : options_(std::move(options)),
      ledger_(ledger),
      control_(control),
      plants_(plants),
      queue_(queue),
      ids_(options_.id_maker),
      refs_([this](runtime::Event event) { Post(std::move(event)); }) {}

// The first argument names the operation, so that the function knows what it
// is to do; the others are refs.
std::vector<runtime::Arg> UserApi::ArgsOf(OpIndex index) {
  const Operation& op = ledger_.operation(index);
  std::vector<runtime::Arg> args;
  const base::Bytes name =
      ownership::Truth::Label({}, std::to_string(index), op.mentioned);
  args.push_back({{}, base::Value(name, op.mentioned)});
  for (const OpIndex dependency : op.dependencies) {
    args.push_back({ledger_.operation(dependency).result, {}});
  }
  for (const base::ObjectName& passed : op.passed) {
    args.push_back({passed.object, {}});
  }
  return args;
}

OpIndex UserApi::Submit(Operation wish, const base::ResourceVector& resources) {
  wish.kind = OpKind::kTask;
  wish.owner = options_.self;
  wish.task = ids_.Next<base::TaskId>();
  wish.result = ids_.Next<base::ObjectId>();
  const OpIndex index = ledger_.Ask(std::move(wish), queue_.now());
  const Operation& op = ledger_.operation(index);
  runtime::Submit submit;
  submit.task = op.task;
  submit.result = op.result;
  submit.function = FunctionOf(op);
  submit.function_name = "Task";
  submit.args = ArgsOf(index);
  submit.resources = resources;
  submit.retries_max = op.retries_max;
  if (op.retries_max >= 0 && plants_.Strikes(Plant::kExtraRetry, 2)) {
    ++submit.retries_max;
  }
  submit.retry_exceptions = op.retry_exceptions;
  submit.timeout = op.timeout;
  submit.parent = op.parent;
  refs_.Made({op.result, options_.self});
  Post(std::move(submit));
  return index;
}

OpIndex UserApi::Call(base::ActorId actor, Operation wish) {
  wish.kind = OpKind::kCall;
  wish.owner = options_.self;
  wish.actor = actor;
  wish.task = ids_.Next<base::TaskId>();
  wish.result = ids_.Next<base::ObjectId>();
  const OpIndex index = ledger_.Ask(std::move(wish), queue_.now());
  const Operation& op = ledger_.operation(index);
  runtime::Call call;
  call.actor = actor;
  call.task = op.task;
  call.result = op.result;
  call.method = FunctionOf(op);
  call.method_name = "Log::Append";
  call.args = ArgsOf(index);
  call.retries_max = op.retries_max;
  call.bound_incarnation = op.bound_incarnation;
  call.timeout = op.timeout;
  call.parent = op.parent;
  refs_.Made({op.result, options_.self});
  Post(std::move(call));
  return index;
}

OpIndex UserApi::Put() {
  const base::ObjectId object = NewObject();
  const base::Bytes bytes = ownership::Truth::Label(object, "put", {});
  return PutValue(object, bytes, bytes, 0);
}

OpIndex UserApi::PutValue(base::ObjectId object, base::Value value,
                          const base::Bytes& bytes, std::uint64_t rank) {
  Operation wish;
  wish.kind = OpKind::kPut;
  wish.owner = options_.self;
  wish.result = object;
  wish.rank = rank;
  const OpIndex index = ledger_.Ask(std::move(wish), queue_.now());
  ledger_.Settle(index, value.WithBytes(bytes), 0, queue_.now());
  refs_.Made({object, options_.self});
  Post(runtime::Put{object, std::move(value)});
  return index;
}

base::ActorId UserApi::Create(Operation constructor, std::int32_t restarts_max,
                              std::int32_t pending_calls_max, bool shared) {
  const base::ActorId actor = ids_.Next<base::ActorId>();
  NoteActor(actor, options_.self, std::move(constructor), restarts_max);
  ledger_.actor(actor).shared = shared;
  ledger_.actor(actor).pending_calls_max = pending_calls_max;
  PostCreate(actor, /*held=*/false);
  return actor;
}

// The ledger hears of it before the core does.
void UserApi::NoteActor(base::ActorId actor, base::ProcessId owner,
                        Operation wish, std::int32_t restarts_max) {
  wish.kind = OpKind::kConstructor;
  wish.owner = owner;
  wish.actor = actor;
  wish.task = ids_.Next<base::TaskId>();
  ActorRecord record;
  record.owner = owner;
  record.constructor = ledger_.Ask(std::move(wish), queue_.now());
  record.restarts_max = restarts_max;
  ledger_.AskActor(actor, std::move(record));
}

void UserApi::PostCreate(base::ActorId actor, bool held) {
  const ActorRecord& record = ledger_.actor(actor);
  const Operation& op = ledger_.operation(record.constructor);
  runtime::Create create;
  create.actor = actor;
  create.task = op.task;
  create.constructor = FunctionOf(op);
  create.class_name = "Log";
  create.shared = record.shared;
  create.held = held;
  create.args = ArgsOf(record.constructor);
  create.restarts_max = record.restarts_max;
  create.pending_calls_max = record.pending_calls_max;
  NoteHeld(actor, op);
  Post(std::move(create));
  handles_.insert(actor);
}

void UserApi::NoteHeld(base::ActorId actor, const Operation& constructor) {
  std::vector<base::ObjectName>& held = held_[actor];
  held = constructor.mentioned;
  held.insert(held.end(), constructor.passed.begin(), constructor.passed.end());
  for (const OpIndex dependency : constructor.dependencies) {
    held.push_back({ledger_.operation(dependency).result, options_.self});
  }
}

std::vector<base::ObjectName> UserApi::HeldForActors() const {
  std::vector<base::ObjectName> all;
  for (const auto& [actor, held] : held_) {
    all.insert(all.end(), held.begin(), held.end());
  }
  return all;
}

base::RegisterActor UserApi::PrepareActor(const NamedActor& wish) {
  const base::ActorId actor = ids_.Next<base::ActorId>();
  const base::ProcessId owner =
      wish.detached ? base::ProcessId() : options_.self;
  Operation made;
  made.behaviour = wish.constructor;
  NoteActor(actor, owner, std::move(made), wish.restarts_max);
  ledger_.actor(actor).detached = wish.detached;
  const OpIndex constructor = ledger_.actor(actor).constructor;
  base::RegisterActor request;
  request.get_if_exists = wish.get_if_exists;
  base::ActorRecord& record = request.actor;
  record.actor = actor;
  record.job = wish.job;
  record.owner = owner;
  record.owner_node = wish.node;
  record.ns = wish.ns;
  record.name = wish.name;
  record.class_name = "Log";
  record.detached = wish.detached;
  record.restarts_max = wish.restarts_max;
  if (wish.detached) {
    base::ActorSpec spec;
    spec.constructor = FunctionOf(ledger_.operation(constructor));
    for (const runtime::Arg& arg : ArgsOf(constructor)) {
      spec.args.push_back(arg.value.bytes());
    }
    record.spec = std::move(spec);
  } else {
    // It is there before its name is.
    PostCreate(actor, /*held=*/true);
  }
  return request;
}

void UserApi::StartPrepared(base::ActorId actor) {
  Post(runtime::StartActor{actor});
}

bool UserApi::MayBeRegistered(const base::ControlReply& reply) {
  const auto* failure = std::get_if<base::Failure>(&reply);
  return failure != nullptr && failure->executed != base::Executed::kNo;
}

void UserApi::AskControl(base::RequestId request, base::ControlRequest body,
                         base::Duration timeout) {
  Ask ask;
  ask.process = options_.self;
  ask.raylet = options_.raylet;
  ask.body = body;
  ask.timeout = timeout;
  ask.asked_at = queue_.now();
  control_.OnAsk(request, std::move(ask));
  const auto* end = std::get_if<base::EndActor>(&body);
  if (end != nullptr) NoteKill(end->actor, end->restart);
  Post(runtime::AskControl{request, std::move(body), timeout});
}

void UserApi::NoteKill(base::ActorId actor, bool restart) {
  ActorRecord& record = ledger_.actor(actor);
  ++record.kills;
  if (!restart) ++record.final_kills;
  control_.OnEndWished(actor);
}

void UserApi::Adopt(base::ActorId actor, base::ProcessId owner) {
  if (!handles_.insert(actor).second) return;
  // An owner hears of its actors without a handle too.
  ledger_.ForgetActor(options_.self, actor);
  Post(runtime::Adopt{actor, owner});
}

void UserApi::Kill(base::ActorId actor, bool restart) {
  NoteKill(actor, restart);
  Post(runtime::Kill{actor, restart});
}

void UserApi::Cancel(OpIndex index, bool force, bool recursive) {
  Operation& op = ledger_.operation(index);
  ++op.cancels;
  if (recursive) ++op.recursive_cancels;
  runtime::Cancel cancel;
  cancel.request = ids_.Next<base::RequestId>();
  cancel.object = {op.result, options_.self};
  cancel.force = force;
  cancel.recursive = recursive;
  cancels_.emplace(cancel.request, index);
  Post(cancel);
}

std::optional<OpIndex> UserApi::TakeCancel(base::RequestId request) {
  const auto found = cancels_.find(request);
  if (found == cancels_.end()) return std::nullopt;
  const OpIndex index = found->second;
  cancels_.erase(found);
  return index;
}

void UserApi::Watch(OpIndex index) {
  ledger_.operation(index).watched = true;
  Post(runtime::Watch{ledger_.operation(index).result});
}

void UserApi::Drop(OpIndex index) {
  Operation& op = ledger_.operation(index);
  MOBULA_CHECK(!op.dropped);
  op.dropped = true;
  if (plants_.Strikes(Plant::kKeptReference)) {
    refs_.Forget(op.result);
  } else {
    refs_.Let(op.result);
  }
}

void UserApi::DropActor(base::ActorId actor) {
  MOBULA_CHECK(handles_.erase(actor) == 1);
  held_.erase(actor);
  if (ledger_.actor(actor).owner == options_.self) {
    ledger_.actor(actor).dropped = true;
  }
  ledger_.ForgetActor(options_.self, actor);
  Post(runtime::DropActor{actor});
}

}  // namespace mobula::sim
