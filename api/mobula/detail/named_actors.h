// Actors that the control store knows by name: registered, found, ended. Not
// for users.
// Threading: every function from any thread; they wait for the control store.
// Failure: typed errors (api/mobula/error.h).
#ifndef MOBULA_API_MOBULA_DETAIL_NAMED_ACTORS_H_
#define MOBULA_API_MOBULA_DETAIL_NAMED_ACTORS_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/mobula/detail/calls.h"
#include "api/mobula/detail/session.h"
#include "api/mobula/options.h"
#include "base/bytes.h"

namespace mobula::runtime {
struct Create;
}  // namespace mobula::runtime

namespace mobula::detail {

// An actor that this process owns, with a name. Or, with GetIfExists, the
// holder of the name.
ActorPtr CreateNamed(std::shared_ptr<Session> session, runtime::Create&& create,
                     const ActorOptions::Values& options);

// An actor that nobody owns. `args`: its constructor's, encoded.
ActorPtr CreateDetached(std::shared_ptr<Session> session,
                        const runtime::Create& create,
                        std::vector<base::Bytes> args,
                        const ActorOptions::Values& options);

// `ns` "": the program's own. `class_name` "": of any class.
ActorPtr FindActor(std::string_view class_name, const std::string& name,
                   const std::string& ns);

ActorAddress AddressOf(const ActorHandle& handle);
ActorPtr AdoptActor(const ActorAddress& address);

// A detached one; no effect if it has ended.
void EndDetached(const Session& session, base::ActorId actor, bool restart);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_DETAIL_NAMED_ACTORS_H_
