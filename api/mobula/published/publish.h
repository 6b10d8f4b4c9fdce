// Published values: a value gets a name, under which every program of the
// cluster finds it, and outlives the program that made it.
//
//   mobula::Ref<Model> model = mobula::Spawn<Train>(data);
//   mobula::Publish("best model", model);
//
//   // In another program, maybe later:
//   mobula::Ref<Model> best = mobula::Lookup<Model>("best model");
//   mobula::Spawn<Serve>(best);
//
//   mobula::Unpublish("best model");             // nothing else takes it away
//
// Publish waits for the value, and throws what Get would; it returns when the
// name is durable. Names: 1 to 256 bytes without a slash, in a namespace
// (InitOptions::Namespace). A name is held until it is taken away or replaced;
// who has looked the value up before keeps what it found.
// A value up to 4 KiB, or one that is Durable(), is kept by the control store,
// as long as the head's folder is there. A larger one stays in the object store
// of the node on which it was published, where nothing of it is copied, until
// that node ends: then Lookup throws ObjectLost, which names the node. In this
// version it is read on that node only: elsewhere Lookup throws ValueElsewhere.
// Where a node has no object store, the control store keeps what has at most 4
// MiB. Lookup gives a Ref of which the value is there at once. In local mode
// they are in memory, and end with the runtime. Errors: NameTaken
// (PublishOptions::Replace was not set), NoSuchObject (nobody published it, or
// it was taken away), ObjectLost, ValueElsewhere, ValueTooLarge (Durable, and
// more than 4 MiB), ControlAway, DiskFull, LimitError, BadArgument (a name, or
// a value with Refs inside), RuntimeClosed; of Get: DecodeError (the value is
// of another type).
// Threading: every function from any thread, and from tasks and actors.
#ifndef MOBULA_API_MOBULA_PUBLISHED_PUBLISH_H_
#define MOBULA_API_MOBULA_PUBLISHED_PUBLISH_H_

#include <string>
#include <string_view>
#include <type_traits>

#include "api/mobula/detail/type_name.h"
#include "api/mobula/detail/value.h"
#include "api/mobula/published/publish_calls.h"
#include "api/mobula/published/publish_options.h"  // IWYU pragma: export
#include "api/mobula/ref.h"

namespace mobula {

template <class T>
void Publish(std::string_view name, const Ref<T>& ref,
             const PublishOptions& options = PublishOptions()) {
  static_assert(!std::is_void_v<T>, "mobula: a Ref<void> has no value");
  detail::PublishObject(name, RefAccess::Object(ref), detail::TypeName<T>(),
                        options);
}

// `ns`: "" for the program's own.
template <class T>
Ref<T> Lookup(std::string_view name, const std::string& ns = "") {
  detail::CheckValue<T>();
  return RefAccess::Make<T>(detail::LookupObject(name, ns));
}

// Whether a value had that name.
inline bool Unpublish(std::string_view name, const std::string& ns = "") {
  return detail::UnpublishName(name, ns);
}

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_PUBLISHED_PUBLISH_H_
