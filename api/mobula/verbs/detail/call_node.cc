#include "api/mobula/verbs/detail/call_node.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "api/mobula/detail/handles.h"
#include "api/mobula/detail/session.h"
#include "api/mobula/error.h"
#include "api/mobula/nodes/placement.h"
#include "api/mobula/values/encoding.h"
#include "api/mobula/values/put_options.h"
#include "api/mobula/verbs/detail/submit_task.h"
#include "base/bytes.h"
#include "base/ids.h"
#include "base/scheduling/placement.h"
#include "base/scheduling/resource_vector.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/process/backend.h"

namespace mobula::detail {

// One of: a ref, a call, a value with the refs inside it.
struct BoundArgument {
  ObjectPtr ref;
  CallPtr call;
  base::Value value;
  std::vector<ObjectPtr> held;  // value.refs()
};

struct CallNode {
  base::FunctionId function;
  std::string name;  // for people
  std::vector<BoundArgument> arguments;
  TaskOptions options;
  std::size_t depth = 1;  // of the longest chain of calls that need one another
};

namespace {

// They are destroyed one inside the other.
constexpr std::size_t kDepthMax = 10'000;
constexpr std::size_t kNodesMax = 100'000;

const CallNode& Named(const CallPtr& call) {
  if (call == nullptr) {
    ThrowBadArgument("this BoundCall is of no function: make it with Bind");
  }
  return *call;
}

bool HasStore() {
  const std::shared_ptr<Session> session = Session::Current();
  const runtime::Backend* const backend =
      session == nullptr ? nullptr : session->backend();
  return backend != nullptr && backend->HasStore();
}

BoundArgument Bound(const Argument& argument) {
  BoundArgument bound;
  if (argument.call != nullptr) {
    (void)Named(*argument.call);
    bound.call = *argument.call;
  } else if (argument.ref != nullptr) {
    if (*argument.ref == nullptr)
      ThrowBadArgument("this Ref refers to nothing");
    bound.ref = *argument.ref;
  } else {
    Encoding encoding(argument.value);
    if (!encoding.is_short() && HasStore()) {
      bound.ref = PutValue(argument.value, kStoreTimeout);
    } else {
      bound.value = encoding.Inline();
      // What a value mentions are Refs.
      for (const std::shared_ptr<const void>& holder : encoding.holders()) {
        bound.held.push_back(
            std::static_pointer_cast<const ObjectHandle>(holder));
      }
    }
  }
  return bound;
}

void Append(BoundArgument argument, CallNode* node) {
  if (argument.call != nullptr) {
    node->depth = std::max(node->depth, argument.call->depth + 1);
  }
  node->arguments.push_back(std::move(argument));
}

// `root` and all that it needs, each once, behind what it needs itself.
std::vector<const CallNode*> InOrder(const CallNode& root) {
  struct Step {
    const CallNode* node;
    std::size_t next_argument;
  };
  std::vector<const CallNode*> order;
  std::map<const CallNode*, bool> seen;
  std::vector<Step> path = {{&root, 0}};
  while (!path.empty()) {
    Step& step = path.back();
    if (step.next_argument < step.node->arguments.size()) {
      const CallNode* const needed =
          step.node->arguments[step.next_argument++].call.get();
      if (needed != nullptr && seen.try_emplace(needed, true).second) {
        path.push_back({needed, 0});
      }
      continue;
    }
    order.push_back(step.node);
    path.pop_back();
  }
  if (order.size() > kNodesMax) {
    ThrowBadArgument("a BoundCall needs " + std::to_string(order.size()) +
                     " calls, the limit is " + std::to_string(kNodesMax));
  }
  return order;
}

using Spawned = std::map<const CallNode*, ObjectPtr>;

const ObjectHandle& Of(const Session& session, const CallNode& node,
                       const ObjectPtr& ref) {
  if (&ref->session() == &session) return *ref;
  ThrowBadArgument("an argument of " + node.name +
                   " is a Ref of a runtime that has ended");
}

ObjectPtr SpawnNode(const std::shared_ptr<Session>& session,
                    const CallNode& node, const Spawned& spawned) {
  std::vector<runtime::Arg> args;
  args.reserve(node.arguments.size());
  for (const BoundArgument& argument : node.arguments) {
    runtime::Arg& arg = args.emplace_back();
    const ObjectPtr& ref = argument.call == nullptr
                               ? argument.ref
                               : spawned.at(argument.call.get());
    if (ref != nullptr) {
      arg.ref = Of(*session, node, ref).id();
      continue;
    }
    for (const ObjectPtr& held : argument.held) (void)Of(*session, node, held);
    arg.value = argument.value;
  }
  const base::FunctionEntry* const entry =
      base::FunctionTable::Get().Find(node.function);
  const bool is_coroutine = entry != nullptr && entry->is_coroutine();
  return SubmitTask(session,
                    {node.function, node.name, /*by_name=*/false, is_coroutine},
                    std::move(args), node.options.values());
}

// ---- the codec --------------------------------------------------------------

using Nodes = std::map<const CallNode*, std::size_t>;

// As it travels. Named one by one, so that a new option is not forgotten.
struct SentOptions {
  std::map<std::string, std::int64_t> resources;
  std::optional<base::Placement> placement;
  std::int32_t retries_max = 0;
  bool retry_exceptions = false;
  std::int64_t timeout_ns = 0;
  std::int64_t window = 0;
  std::string name;
};

SentOptions Sent(const TaskOptions& options) {
  const auto& [resources, placement, retries_max, retry_exceptions, timeout,
               window, name] = options.values();
  SentOptions sent;
  sent.resources.insert(resources.units.begin(), resources.units.end());
  sent.placement = placement;
  sent.retries_max = retries_max;
  sent.retry_exceptions = retry_exceptions;
  sent.timeout_ns = timeout.nanoseconds().count();
  sent.window = window;
  sent.name = name;
  return sent;
}

// Of one that is plausible.
Placement PlacementOf(const base::Placement& sent) {
  Placement placement;
  if (sent.kind == base::PlacementKind::kSpread) placement.Spread();
  if (sent.kind == base::PlacementKind::kNode) placement.OnNode(sent.node);
  for (const auto& [key, value] : sent.labels) placement.Label(key, value);
  return placement.Soft(sent.soft);
}

bool Received(base::Reader& in, TaskOptions* options) {
  SentOptions sent;
  if (!base::ReadValue(in, &sent)) return false;
  if (sent.retries_max < -1) return in.Fail("a number of retries");
  if (sent.window < 1 || sent.window > TaskOptions::kWindowMax) {
    return in.Fail("a window");
  }
  if (sent.placement &&
      (!sent.placement->IsPlausible() || sent.placement->labels.contains(""))) {
    return in.Fail("a placement");
  }
  *options = TaskOptions();
  options->Cpus(0).Retries(sent.retries_max);
  options->Window(static_cast<int>(sent.window));
  for (const auto& [name, units] : sent.resources) {
    // Throws for what is no quantity of a resource.
    try {
      options->Resource(
          name, static_cast<double>(units) / base::ResourceVector::kUnit);
    } catch (const BadArgument&) {
      return in.Fail("a quantity of a resource");
    }
  }
  if (sent.placement) options->Place(PlacementOf(*sent.placement));
  options->RetryExceptions(sent.retry_exceptions).Name(std::move(sent.name));
  if (sent.timeout_ns != std::chrono::nanoseconds::max().count()) {
    options->Timeout(std::chrono::nanoseconds(sent.timeout_ns));
  }
  return true;
}

void WriteArgument(base::Writer& out, const BoundArgument& argument,
                   const Nodes& nodes) {
  if (argument.ref != nullptr) {
    WriteRef(out, argument.ref);
    return;
  }
  if (argument.call != nullptr) {
    out.Array(1);
    out.Uint(nodes.at(argument.call.get()));
    return;
  }
  out.Array(2);
  out.Bin(argument.value.view());
  out.Array(argument.held.size());
  for (const ObjectPtr& held : argument.held) WriteRef(out, held);
}

// Of a value, which mentions them by their place in its own list.
bool ReadRefs(base::Reader& in, std::vector<base::ObjectName>* refs,
              std::vector<ObjectPtr>* all_held) {
  std::size_t count = 0;
  if (!in.Array(&count)) return false;
  if (!in.Charge(count * (sizeof(base::ObjectName) + sizeof(ObjectPtr)))) {
    return false;
  }
  for (std::size_t i = 0; i < count; ++i) {
    ObjectPtr held;
    if (!ReadRef(in, &held)) return false;
    if (held == nullptr) return in.Fail("a Ref");
    refs->push_back(held->name());
    all_held->push_back(std::move(held));
  }
  return true;
}

bool ReadArgument(base::Reader& in, const std::vector<CallPtr>& nodes,
                  BoundArgument* argument) {
  if (!in.NextIsArray()) {
    return ReadRef(in, &argument->ref) &&
           (argument->ref != nullptr || in.Fail("a Ref"));
  }
  std::size_t parts = 0;
  if (!in.Array(&parts)) return false;
  if (parts == 1) {
    std::uint64_t index = 0;
    if (nodes.empty()) return in.Fail("no call before the first");
    if (!in.Uint(nodes.size() - 1, &index)) return false;
    argument->call = nodes[index];
    return true;
  }
  if (parts != 2) return in.Fail("a ref, a call or a value");
  std::string_view bytes;
  std::vector<base::ObjectName> refs;
  if (!in.Str(&bytes) || !in.Charge(bytes.size()) ||
      !ReadRefs(in, &refs, &argument->held)) {
    return false;
  }
  argument->value =
      base::Value(base::Bytes::Own(std::string(bytes)), std::move(refs));
  return true;
}

bool ReadNode(base::Reader& in, const std::vector<CallPtr>& nodes,
              CallNode* node) {
  constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();
  std::string_view name;
  std::size_t count = 0;
  if (!in.ArrayOf(4) || !in.ArrayOf(2) || !in.Uint(kAny, &node->function.hi) ||
      !in.Uint(kAny, &node->function.lo) || !in.Str(&name) ||
      !in.Charge(name.size()) || !Received(in, &node->options) ||
      !in.Array(&count) || !in.Charge(count * sizeof(BoundArgument))) {
    return false;
  }
  node->name = name;
  for (std::size_t i = 0; i < count; ++i) {
    BoundArgument argument;
    if (!ReadArgument(in, nodes, &argument)) return false;
    Append(std::move(argument), node);
  }
  return node->depth <= kDepthMax || in.Fail("a shorter chain of calls");
}

}  // namespace

CallPtr BindCall(const base::FunctionEntry& function, Arguments arguments,
                 const TaskOptions& options) {
  auto node = std::make_shared<CallNode>();
  node->function = function.id;
  node->name = function.name;
  node->options = options;
  node->arguments.reserve(arguments.size());
  for (const Argument& argument : arguments) {
    Append(Bound(argument), node.get());
  }
  if (node->depth > kDepthMax) {
    ThrowBadArgument("a chain of over " + std::to_string(kDepthMax) +
                     " bound calls: spawn a part of it and go on with its Ref");
  }
  return node;
}

CallPtr CallWith(const CallPtr& call, const TaskOptions& options) {
  auto node = std::make_shared<CallNode>(Named(call));
  node->options = options;
  return node;
}

const TaskOptions& OptionsOf(const CallPtr& call) {
  return Named(call).options;
}
const std::string& FunctionOf(const CallPtr& call) { return Named(call).name; }

ObjectPtr SpawnCall(const CallPtr& call) {
  const CallNode& root = Named(call);
  const std::shared_ptr<Session> session = Session::Require();
  Spawned spawned;
  for (const CallNode* const node : InOrder(root)) {
    spawned.emplace(node, SpawnNode(session, *node, spawned));
  }
  return spawned.at(&root);
}

void WriteCall(base::Writer& out, const CallPtr& call) {
  if (call == nullptr) {
    out.Nil();
    return;
  }
  Nodes nodes;
  const std::vector<const CallNode*> order = InOrder(*call);
  out.Array(order.size());
  for (const CallNode* const node : order) {
    out.Array(4);
    out.Array(2);
    out.Uint(node->function.hi);
    out.Uint(node->function.lo);
    out.Str(node->name);
    base::WriteValue(out, Sent(node->options));
    out.Array(node->arguments.size());
    for (const BoundArgument& argument : node->arguments) {
      WriteArgument(out, argument, nodes);
    }
    nodes.emplace(node, nodes.size());
  }
}

bool ReadCall(base::Reader& in, CallPtr* call) {
  call->reset();
  if (in.NextIsNil()) return in.Nil();
  std::size_t count = 0;
  if (!in.Array(&count)) return false;
  if (count == 0 || count > kNodesMax) return in.Fail("some calls");
  std::vector<CallPtr> nodes;
  while (nodes.size() < count) {
    auto node = std::make_shared<CallNode>();
    if (!in.Charge(sizeof(CallNode)) || !ReadNode(in, nodes, node.get())) {
      return false;
    }
    nodes.push_back(std::move(node));
  }
  *call = std::move(nodes.back());
  return true;
}

}  // namespace mobula::detail
