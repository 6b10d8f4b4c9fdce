// MOBULA_REMOTE(name, function) gives a function or method a stable name, and
// SpawnNamed<R>(name, args...) calls what has it: across programs that share no
// source, and from other languages.
//
//   int Add(int a, int b);
//   class Index { public: std::int64_t Lookup(const std::string& word) const;
//   }; MOBULA_REMOTE("shop.add", Add); MOBULA_REMOTE("Index.Lookup",
//   &Index::Lookup);
//
//   mobula::Ref<int> five = mobula::SpawnNamed<int>("shop.add", 2, 3);
//   auto index = mobula::GetActor<Index>("index");   // `class Index;` will do
//   auto n = index.CallNamed<std::int64_t>("Index.Lookup", "ray");
//
// MOBULA_REMOTE stands in a source file, at namespace scope. It registers the
// function beside its key (spawn.h) when the program starts; an object file of
// a static library that nothing refers to is not linked, and its names with it.
// A name is 1 to 256 bytes; "library.function" and "Class.Method" are good
// ones. Two functions with one name are refused when the program starts: Init
// throws InitError, naming both. A function may have several names. Of
// overloads one is chosen with static_cast<R (*)(P...)>(F). A task runs in a
// worker of this program, so its names are those of this program; a method in
// the program of its actor, of which the method's class must be the very class.
// Arguments travel as what they are ("text" as std::string) and are decoded as
// the function's parameters: numbers of any type that hold the value, vectors
// of the same element type, classes by their fields. What does not fit is
// DecodeError at Get, which names the function, the parameter, what came and
// what is wanted; it has not run. A Ref stands for its value; for a parameter
// of type Ref<T> give Put(ref). R is what Get decodes the result as; void takes
// any.
// Errors at Get: NoSuchFunction where nobody has the name, with names that are
// near; or where it is a method and was spawned, or is no method of the actor's
// class. Errors thrown at once: as of Spawn and Call. Local mode: the same.
// Threading: any thread.
#ifndef MOBULA_API_MOBULA_NAMED_REMOTE_H_
#define MOBULA_API_MOBULA_NAMED_REMOTE_H_

#include <string_view>
#include <utility>

#include "api/mobula/detail/calls.h"
#include "api/mobula/detail/signature.h"
#include "api/mobula/named/given.h"
#include "api/mobula/named/named_function.h"
#include "api/mobula/options.h"
#include "api/mobula/ref.h"

namespace mobula {

template <class R, class... A>
Ref<R> SpawnNamed(const TaskOptions& options, std::string_view name,
                  A&&... args) {
  detail::CheckReturn<R>();
  const base::FunctionEntry entry = detail::NamedEntry(name);
  return RefAccess::Make<R>(detail::WithGiven(
      [&](detail::Arguments arguments) {
        return detail::SpawnTask(entry, arguments, options);
      },
      std::forward<A>(args)...));
}

template <class R, class... A>
Ref<R> SpawnNamed(std::string_view name, A&&... args) {
  return SpawnNamed<R>(TaskOptions(), name, std::forward<A>(args)...);
}

}  // namespace mobula

#define MOBULA_REMOTE(name, ...) \
  MOBULA_REMOTE_AT(__COUNTER__, name, __VA_ARGS__)
#define MOBULA_REMOTE_AT(number, name, ...) \
  MOBULA_REMOTE_NUMBERED(number, name, __VA_ARGS__)
#define MOBULA_REMOTE_NUMBERED(number, name, ...)                        \
  static_assert(::mobula::detail::IsStableName(name),                    \
                "mobula: MOBULA_REMOTE wants a name of 1 to 256 bytes, " \
                "without control characters");                           \
  [[maybe_unused]] static const ::mobula::detail::NamedRegistration      \
      mobula_remote_##number =                                           \
          ::mobula::detail::RegisterNamed<(__VA_ARGS__)>(name)

#endif  // MOBULA_API_MOBULA_NAMED_REMOTE_H_
