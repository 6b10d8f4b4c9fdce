// Functions by a stable name (MOBULA_REMOTE). Not for users.
//
// The id of a name is the hash of "name:" and the name, so that any program
// that knows the name can call it.
// Threading: registration by static initialisation, before main; the rest is
// pure.
// Failure: BadArgument for a name that cannot be one.
#ifndef MOBULA_API_MOBULA_NAMED_NAMED_FUNCTION_H_
#define MOBULA_API_MOBULA_NAMED_NAMED_FUNCTION_H_

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <typeinfo>

#include "api/mobula/detail/remote_function.h"
#include "api/mobula/detail/signature.h"
#include "base/function_table.h"

namespace mobula::detail {

// 1 to 256 bytes, no control characters.
constexpr bool IsStableName(std::string_view name) {
  constexpr std::size_t kBytesMax = 256;
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') return false;
  }
  return !name.empty() && name.size() <= kBytesMax;
}

// Whoever has registered the name, as a caller sees it.
base::FunctionEntry NamedEntry(std::string_view name);

class NamedRegistration {
 public:
  NamedRegistration() = default;  // of what does not compile
  // `function`: its own name, for people. `actor_class`: null if no method.
  NamedRegistration(std::string_view name, std::string_view function,
                    base::Invoker run, const std::type_info* actor_class);
  NamedRegistration(std::string_view name, std::string_view function,
                    base::Beginner run, const std::type_info* actor_class);
};

template <auto kFunction>
constexpr void CheckNamed() {
  using S = SignatureOf<kFunction>;
  static_assert(S::kKind == Kind::kFunction || S::kKind == Kind::kMethod,
                "mobula: MOBULA_REMOTE wants a function, a static method, "
                "&Class::Method, or a lambda without captures (no '...' "
                "parameters, no generic lambda, no data member)");
  static_assert(!kYields<typename S::Result>,
                "mobula: MOBULA_REMOTE of a generator: calls by name give one "
                "value; name a function that returns a vector, or call the "
                "generator by itself (Spawn<F>)");
  if constexpr (S::kKind == Kind::kFunction || S::kKind == Kind::kMethod) {
    CheckSignature<typename S::Result>(typename S::Parameters{});
  }
}

// Registers `Target` by its key too, by mentioning that: it may not have been
// initialised yet, so nothing may be asked of it.
template <class S, class Target>
NamedRegistration RegisterTarget(std::string_view name,
                                 const std::type_info* actor_class) {
  (void)&Target::registration;
  return {name, Target::kName, Running<S, Target>::Run(), actor_class};
}

template <auto kFunction>
NamedRegistration RegisterNamed([[maybe_unused]] std::string_view name) {
  using S = SignatureOf<kFunction>;
  CheckNamed<kFunction>();
  if constexpr (!kIsRemote<S> || kYields<typename S::Result>) {
    return {};
  } else if constexpr (S::kKind == Kind::kMethod) {
    using C = typename S::Class;
    return RegisterTarget<S, RemoteMethod<C, kFunction>>(name, &typeid(C));
  } else if constexpr (S::kKind == Kind::kFunction) {
    using F = std::remove_const_t<decltype(kFunction)>;
    return RegisterTarget<S, RemoteFunction<F, kFunction>>(name, nullptr);
  } else {
    return {};
  }
}

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_NAMED_NAMED_FUNCTION_H_
