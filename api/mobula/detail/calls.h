// What the templates of the public headers stand on: calls on the current
// runtime, without types. Not for users.
//
// Handles count references: an object or actor is dropped at its runtime when
// the last handle goes; after the runtime is closed they are inert.
// Owner: Ref and Actor hold the handles.   Threading: every function from any
// thread. Failure: typed errors (api/mobula/error.h); RuntimeClosed if there is
// no runtime, or a handle is of another one.
#ifndef MOBULA_API_MOBULA_DETAIL_CALLS_H_
#define MOBULA_API_MOBULA_DETAIL_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/mobula/options.h"
#include "api/mobula/timeout.h"
#include "api/mobula/values/writable.h"
#include "base/codec/codec.h"
#include "base/failure.h"
#include "base/function_table.h"
#include "base/ids.h"
#include "base/value.h"

namespace mobula::detail {

class ObjectHandle;
class ActorHandle;
struct CallNode;
using ObjectPtr = std::shared_ptr<const ObjectHandle>;
using ActorPtr = std::shared_ptr<const ActorHandle>;
using CallPtr = std::shared_ptr<const CallNode>;

// One argument, borrowed for the length of the call: a ref whose value takes
// its place, a call not made yet whose value does, or a value.
struct Argument {
  const ObjectPtr* ref = nullptr;
  const CallPtr* call = nullptr;
  ObjectPtr (*spawn)(const CallPtr& call) = nullptr;  // makes `call`
  Writable value;  // if there is no ref and no call
};
using Arguments = std::span<const Argument>;

ObjectPtr SpawnTask(const base::FunctionEntry& function, Arguments arguments,
                    const TaskOptions& options);
ActorPtr CreateActor(const base::FunctionEntry& constructor,
                     std::string_view class_name, Arguments arguments,
                     const ActorOptions& options);
// `group`: the method's own, where the options name none.
ObjectPtr CallActor(const ActorPtr& actor, const base::FunctionEntry& method,
                    Arguments arguments, const CallOptions& options,
                    std::string_view group = "");
// `class_name` "": of any class.
ActorPtr GetActor(std::string_view class_name, const std::string& name,
                  const std::string& ns);
void KillActor(const ActorPtr& actor, const KillOptions& options);
// False if it had another outcome.
bool CancelTaskOf(const ObjectPtr& object, const CancelOptions& options);
// By which another process gets a handle of the actor: who decides over it is
// not looked up. Nobody counts an address; the actor lives as long as handles.
struct ActorAddress {
  base::ActorId actor;
  base::ProcessId owner;  // nil where nobody owns it
  bool is_detached = false;
};
ActorAddress AddressOf(const ActorPtr& actor);
// A handle also where the actor has ended: calls of it then say so.
ActorPtr AdoptActorAt(const ActorAddress& address);
base::ActorId IdOf(const ActorPtr& actor);
std::int64_t IncarnationOf(const ActorPtr& actor);
bool IsDead(const ActorPtr& actor);

// Waits while the store is full.
ObjectPtr PutValue(const Writable& value, Timeout timeout);
// The encoded value, with its bytes wherever they lie; else throws. The handle
// must be kept while they are used.
base::Value AwaitValue(const ObjectPtr& object, Timeout timeout);
// The same of an outcome that there is.
base::Value OutcomeValue(const ObjectPtr& object, base::Outcome outcome,
                         Timeout timeout);
// The same without bringing its bytes in; a failure is returned.
base::Outcome AwaitOutcome(const ObjectPtr& object, Timeout timeout);
// So that waiting for one after the other takes one trip for all.
void AskForAll(std::span<const ObjectPtr> objects);
// For each object whether it is settled, once `count` of them are or time is
// up. Throws BadArgument if there are fewer than `count`.
std::vector<bool> AwaitSome(std::span<const ObjectPtr> objects,
                            std::size_t count, Timeout timeout);
// 0 where it is not settled, or no actor gave it.
std::int64_t IncarnationOf(const ObjectPtr& object);
bool IsReady(const ObjectPtr& object);

// A Ref inside a value that is written or read. Throws base::EncodeError where
// a value cannot hold any.
void WriteRef(base::Writer& out, const ObjectPtr& object);
bool ReadRef(base::Reader& in, ObjectPtr* object);
// One more handle, of an object that this process refers to at this moment, or
// that its owner may yet lend it.
ObjectPtr HoldObject(const base::ObjectName& name);

// The failure of a value that did not decode.
base::Failure DecodeFailure(std::string_view type, std::string_view why);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_DETAIL_CALLS_H_
