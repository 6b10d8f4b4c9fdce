// RemoteFunctions, which Ray calls FunctionManager, knows the program's remote
// functions: what RAY_REMOTE registers, by its text, and which text belongs to
// a function that a program names in ray::Task. Programs seldom use it by
// themselves.
//
//   RAY_REMOTE(Plus, &Counter::Add);          // "Plus", "&Counter::Add"
//   RemoteFunctions::Instance().GetFunctionName(Plus);        // "Plus"
//
// Functions must be registered before main, which is where workers look them
// up: one registered later is known to this process alone (local mode).
// Threading: any.
// Failure: RayException where a name or a function is registered twice; the
// same function under the same name from the same place (a header that two
// sources include) is once.
#ifndef MOBULA_API_COMPAT_RAY_API_REMOTE_FUNCTIONS_H_
#define MOBULA_API_COMPAT_RAY_API_REMOTE_FUNCTIONS_H_

#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeindex>
#include <typeinfo>

#include "api/compat/ray/internal/invoke.h"

namespace ray::internal {

// Which function it is: its type, and its address or, of a method, the bytes
// of its pointer.
struct FunctionKey {
  std::type_index type;
  std::array<char, 2 * sizeof(void*)> bytes{};

  friend bool operator==(const FunctionKey&, const FunctionKey&) = default;
};

class RemoteFunctions {
 public:
  static RemoteFunctions& Instance();

  // Returns true, or throws.
  template <class F>
  bool RegisterRemoteFunction(const std::string& name, const F& function) {
    return RegisterAt(name, "", function);
  }
  // `place`: of the source that says so.
  template <class F>
  bool RegisterAt(const std::string& name, std::string_view place,
                  const F& function) {
    using Function = std::decay_t<F>;
    static_assert(CallTraits<Function>::kIsCallable,
                  "ray: RAY_REMOTE wants functions, static methods, "
                  "&Class::Method or lambdas without captures; of overloads "
                  "one is chosen with RAY_FUNC(function, parameter types...)");
    const Function f = function;
    RemoteEntry* const remote = Add(name, place, KeyOf(f));
    if (remote == nullptr) return true;  // it is there
    FillIn(f, remote);
    Publish(remote);
    return true;
  }

  // "" for one that is not registered.
  template <class F>
  std::string GetFunctionName(const F& function) {
    const RemoteEntry* const remote = FindBy<std::decay_t<F>>(function);
    return remote == nullptr ? "" : remote->entry.name;
  }

  // Null where there is none.
  template <class F>
  const RemoteEntry* FindBy(const F& function) {
    return FindKey(KeyOf(function));
  }
  const RemoteEntry* Find(std::string_view name);

  // "Counter" of "RAY_FUNC(Counter::FactoryCreate, int)"; "" of a function
  // that is in no class.
  static std::string GetClassNameByFuncName(const std::string& func_name);

 private:
  RemoteFunctions();

  template <class F>
  static FunctionKey KeyOf(const F& function) {
    FunctionKey key{typeid(F)};
    if constexpr (!std::is_class_v<F>) {
      static_assert(sizeof(function) <= sizeof(key.bytes));
      std::memcpy(key.bytes.data(), &function, sizeof(function));
    }
    return key;
  }

  // Null where it is there already, from the same place.
  RemoteEntry* Add(const std::string& name, std::string_view place,
                   const FunctionKey& key);
  // It is complete: workers may be asked for it.
  static void Publish(RemoteEntry* remote);
  const RemoteEntry* FindKey(const FunctionKey& key);

  struct State;
  State* const state_;  // never freed: used during static destruction too
};

typedef RemoteFunctions FunctionManager;  // NOLINT: Ray's name

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_API_REMOTE_FUNCTIONS_H_
