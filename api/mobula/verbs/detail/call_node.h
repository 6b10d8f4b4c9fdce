// CallNode is a call that has not been made: a function, its encoded arguments
// and options. An argument can be another call, so that a tree of them says
// what is to be computed from what. Not for users.
//
// It is encoded as a list of nodes, each behind those that it needs, so that
// one that stands in several places travels once and is made once:
//   [node, ...]      node: [[hi, lo], name, options, [argument, ...]]
//   argument:        index of a ref beside the value | [index of a node] |
//                    [bytes, [index of a ref beside, ...]]
// Owner: shared by the BoundCalls and nodes that name it; it never changes.
// Threading: any.
// Failure: BadArgument for what cannot be encoded; SpawnCall throws as Spawn.
#ifndef MOBULA_API_MOBULA_VERBS_DETAIL_CALL_NODE_H_
#define MOBULA_API_MOBULA_VERBS_DETAIL_CALL_NODE_H_

#include <memory>
#include <string>

#include "api/mobula/detail/calls.h"
#include "api/mobula/options.h"
#include "base/codec/codec.h"
#include "base/function_table.h"

namespace mobula::detail {

// A long argument is put into the store here, if there is one.
CallPtr BindCall(const base::FunctionEntry& function, Arguments arguments,
                 const TaskOptions& options);
// The same with other options.
CallPtr CallWith(const CallPtr& call, const TaskOptions& options);
const TaskOptions& OptionsOf(const CallPtr& call);
const std::string& FunctionOf(const CallPtr& call);

// Makes it, and before it, once, each call that its arguments name.
ObjectPtr SpawnCall(const CallPtr& call);

// Null is encoded as nil. Throws base::EncodeError where there are refs and the
// value cannot hold any.
void WriteCall(base::Writer& out, const CallPtr& call);
bool ReadCall(base::Reader& in, CallPtr* call);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_VERBS_DETAIL_CALL_NODE_H_
