#include "tests/sim/user_api.h"

#include <string>
#include <utility>

#include "base/check.h"

namespace mobula::sim {
namespace {

// Few, so that what a core learns of a function is of use.
base::FunctionId FunctionOf(const Operation& operation) {
  return base::FunctionId{
      1, 1 + static_cast<std::uint64_t>(operation.kind) * 16 +
             static_cast<std::uint64_t>(operation.behaviour.children)};
}

}  // namespace

UserApi::UserApi(Options options, Ledger& ledger, Plants& plants,
                 const EventQueue& queue)
    : options_(std::move(options)),
      ledger_(ledger),
      plants_(plants),
      queue_(queue),
      ids_(options_.id_maker) {}

// The first argument names the operation, so that the function knows what it
// is to do; the others are refs.
std::vector<runtime::Arg> UserApi::ArgsOf(OpIndex index) {
  std::vector<runtime::Arg> args;
  args.push_back({{}, base::Bytes::Own(std::to_string(index))});
  for (const OpIndex dependency : ledger_.operation(index).dependencies) {
    args.push_back({ledger_.operation(dependency).result, {}});
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
  Post(std::move(call));
  return index;
}

OpIndex UserApi::Put() {
  Operation wish;
  wish.kind = OpKind::kPut;
  wish.owner = options_.self;
  wish.result = ids_.Next<base::ObjectId>();
  const base::Outcome value =
      base::Bytes::Own("put" + std::to_string(wish.result.lo));
  const OpIndex index = ledger_.Ask(std::move(wish), queue_.now());
  ledger_.Settle(index, value, 0, queue_.now());
  Post(runtime::Put{ledger_.operation(index).result, value});
  return index;
}

base::ActorId UserApi::Create(Behaviour constructor, std::int32_t restarts_max,
                              std::int32_t pending_calls_max) {
  Operation wish;
  wish.kind = OpKind::kConstructor;
  wish.owner = options_.self;
  wish.actor = ids_.Next<base::ActorId>();
  wish.task = ids_.Next<base::TaskId>();
  wish.behaviour = constructor;
  const base::ActorId actor = wish.actor;
  const OpIndex index = ledger_.Ask(std::move(wish), queue_.now());
  ActorRecord record;
  record.owner = options_.self;
  record.constructor = index;
  record.restarts_max = restarts_max;
  record.pending_calls_max = pending_calls_max;
  ledger_.AskActor(actor, std::move(record));
  const Operation& op = ledger_.operation(index);
  runtime::Create create;
  create.actor = actor;
  create.task = op.task;
  create.constructor = FunctionOf(op);
  create.class_name = "Log";
  create.args = ArgsOf(index);
  create.restarts_max = restarts_max;
  create.pending_calls_max = pending_calls_max;
  Post(std::move(create));
  handles_.insert(actor);
  return actor;
}

void UserApi::Adopt(base::ActorId actor, base::ProcessId owner) {
  if (!handles_.insert(actor).second) return;
  Post(runtime::Adopt{actor, owner});
}

void UserApi::Kill(base::ActorId actor, bool restart) {
  ActorRecord& record = ledger_.actor(actor);
  ++record.kills;
  if (!restart) ++record.final_kills;
  Post(runtime::Kill{actor, restart});
}

void UserApi::Watch(OpIndex index) {
  ledger_.operation(index).watched = true;
  Post(runtime::Watch{ledger_.operation(index).result});
}

void UserApi::Drop(OpIndex index) {
  Operation& op = ledger_.operation(index);
  MOBULA_CHECK(!op.dropped);
  op.dropped = true;
  if (plants_.Strikes(Plant::kLostReference)) return;
  Post(runtime::DropObject{op.result});
}

void UserApi::DropActor(base::ActorId actor) {
  MOBULA_CHECK(handles_.erase(actor) == 1);
  if (ledger_.actor(actor).owner == options_.self) {
    ledger_.actor(actor).dropped = true;
  }
  ledger_.ForgetActor(options_.self, actor);
  Post(runtime::DropActor{actor});
}

}  // namespace mobula::sim
