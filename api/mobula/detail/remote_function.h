// RemoteFunction is one function, method or constructor that workers can run:
// it registers itself in base::FunctionTable by static initialisation, because
// a call to it was compiled, executed or not. Not for users.
//
// The entry is writable data on purpose: linkers fold functions with equal code
// into one, never data that can be written, and its place in its module names
// functions that have no name of their own (lambdas, static functions).
// Keys: see function_key.h.
// Threading: Invoke on the thread that runs the function; of a coroutine, its
// executor's.
// Failure: Invoke never throws; what the function throws becomes a Failure.
#ifndef MOBULA_API_MOBULA_DETAIL_REMOTE_FUNCTION_H_
#define MOBULA_API_MOBULA_DETAIL_REMOTE_FUNCTION_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "api/mobula/coro/coro.h"
#include "api/mobula/coro/detail/context.h"
#include "api/mobula/coro/detail/remote_run.h"
#include "api/mobula/coro/detail/room_wait.h"
#include "api/mobula/coro/generator.h"
#include "api/mobula/coro/sleep.h"
#include "api/mobula/detail/calls.h"
#include "api/mobula/detail/signature.h"
#include "api/mobula/detail/type_name.h"
#include "api/mobula/detail/value.h"
#include "api/mobula/values/view.h"
#include "api/mobula/values/writable.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "base/function_table.h"
#include "base/threads/coroutine_run.h"
#include "base/value.h"

namespace mobula::detail {

// How a generator runs.
struct GeneratorRun {
  base::Beginner begin = nullptr;
  bool holds_slot = false;  // as of base::FunctionEntry
};

class Registration {
 public:
  // `function` and `signature` are the types whose mangled names make the key;
  // `run` is how it runs.
  Registration(const std::type_info& function, const std::type_info& signature,
               std::string_view name, base::Invoker run,
               const std::type_info* actor_class = nullptr);
  Registration(const std::type_info& function, const std::type_info& signature,
               std::string_view name, base::Beginner run,
               const std::type_info* actor_class = nullptr);
  Registration(const std::type_info& function, const std::type_info& signature,
               std::string_view name, const GeneratorRun& run,
               const std::type_info* actor_class = nullptr);

  [[nodiscard]] const base::FunctionEntry& entry() const { return *entry_; }

 private:
  base::FunctionEntry* const entry_;  // never freed: exit may still look it up
};

// Around one run of a function that is no coroutine: that of the scope in which
// it was called which travels, stopped when the task or call is cancelled.
class InvocationScope {
 public:
  InvocationScope();
  InvocationScope(const InvocationScope&) = delete;
  InvocationScope& operator=(const InvocationScope&) = delete;

 private:
  Context context_;
  const Entered entered_;
};

// Throws unless there are `expected` arguments.
void CheckArgumentCount(const base::Invocation& invocation,
                        std::size_t expected);
// Throws; for an argument that did not decode.
[[noreturn]] void RefuseArgument(std::size_t index, std::string_view type,
                                 const std::string& why);
// The failure for the exception that is being handled.
base::Failure CaughtFailure(std::string_view function);
// The value that the function returned: inline, or in the node's store as the
// object that is to hold it. kTooLarge, kObjectStoreFull: then, perhaps,
// Invocation::place_later.
base::Outcome OutcomeOf(std::string_view function, const Writable& result,
                        base::Invocation& invocation);
// The first half of a generator's run: says that it has begun.
void OpenItems(base::Invocation& invocation);
// Hands an item on, unless the caller has it already. Why that cannot be, where
// it cannot: kTooLarge, kObjectStoreFull.
std::optional<base::Failure> GiveItem(std::string_view function,
                                      const Writable& item, std::uint64_t index,
                                      base::Invocation& invocation);
// Why the generator is to end though it could go on, if so.
std::optional<base::Failure> WhyNoItems(const base::Invocation& invocation);
// A handle of the object that the argument is, null where it is none.
ObjectPtr HoldArgument(const base::Value& argument);

template <class P>
Storage<P> DecodeArgument(const base::Invocation& invocation,
                          std::size_t index) {
  const base::Value& argument = invocation.args[index];
  Storage<P> value{};
  std::string why;
  bool is_read = false;
  if constexpr (kIsView<Storage<P>>) {
    is_read = ViewAccess::Read(argument, HoldArgument(argument), &value, &why);
  } else {
    is_read = ReadValueOf(argument, &value, &why);
  }
  if (!is_read) RefuseArgument(index, TypeName<ValueOf<P>>(), why);
  return value;
}

// Calls `call` with the decoded arguments as P... and encodes what it returns.
template <class R, class... P, class Call, std::size_t... kIndex>
base::Outcome CallWith(base::Invocation& invocation, std::string_view function,
                       Call call, std::tuple<P...>*,
                       std::index_sequence<kIndex...>) {
  CheckArgumentCount(invocation, sizeof...(P));
  // Braces: decoded from left to right.
  std::tuple<Storage<P>...> values{DecodeArgument<P>(invocation, kIndex)...};
  const InvocationScope scope;
  if constexpr (std::is_void_v<R>) {
    call(static_cast<P&&>(std::get<kIndex>(values))...);
    return base::Bytes();
  } else {
    const std::remove_cv_t<R> result =
        call(static_cast<P&&>(std::get<kIndex>(values))...);
    return OutcomeOf(function, WritableOf(result), invocation);
  }
}

template <class S, class Call>
base::Outcome Guarded(base::Invocation& invocation, std::string_view function,
                      Call call) {
  using Parameters = typename S::Parameters;
  constexpr std::size_t kCount =
      std::tuple_size_v<std::remove_pointer_t<Parameters>>;
  try {
    return CallWith<typename S::Result>(invocation, function, call,
                                        Parameters{},
                                        std::make_index_sequence<kCount>());
  } catch (...) {
    return CaughtFailure(function);
  }
}

// The same of a coroutine: the arguments stay until it has ended.
template <class T, class... P, class Call, std::size_t... kIndex>
Coro<base::Outcome> AwaitWith(base::Invocation& invocation,
                              std::string_view function, Call call,
                              std::tuple<P...>*,
                              std::index_sequence<kIndex...>) {
  try {
    CheckArgumentCount(invocation, sizeof...(P));
    std::tuple<Storage<P>...> values{DecodeArgument<P>(invocation, kIndex)...};
    const Coro<T> coro = call(static_cast<P&&>(std::get<kIndex>(values))...);
    if constexpr (std::is_void_v<T>) {
      co_await coro;
      co_return base::Outcome(base::Bytes());
    } else {
      const std::remove_cv_t<T> result = co_await coro;
      co_return OutcomeOf(function, WritableOf(result), invocation);
    }
  } catch (...) {
    co_return base::Outcome(CaughtFailure(function));
  }
}

// What a generator gives next; null at its end.
template <class T>
class ItemWalk {
 public:
  explicit ItemWalk(Generator<T>& generator) : generator_(generator) {}
  T* Next() {
    if (at_.has_value()) {
      ++*at_;
    } else {
      at_.emplace(generator_.begin());
    }
    return *at_ == std::default_sentinel ? nullptr : &**at_;
  }

 private:
  Generator<T>& generator_;
  std::optional<typename Generator<T>::Iterator> at_;
};

// Hands the items of a generator on, each when it has leave to be made.
template <class T>
Coro<base::Outcome> YieldAll(Generator<T>& generator,
                             base::Invocation& invocation,
                             std::string_view function) {
  ItemWalk<T> walk(generator);
  for (std::uint64_t index = 0;; ++index) {
    co_await RoomWait(*invocation.items, index);
    std::optional<base::Failure> why = WhyNoItems(invocation);
    if (why.has_value()) co_return base::Outcome(*std::move(why));
    T* const item = walk.Next();
    if (item == nullptr) co_return base::Outcome(base::Bytes());
    why = GiveItem(function, WritableOf(*item), index, invocation);
    if (why.has_value()) co_return base::Outcome(*std::move(why));
    // An actor's others must get their turn, however fast items are taken.
    if (invocation.instance != nullptr) co_await Yield();
  }
}
template <class T>
Coro<base::Outcome> YieldAll(AsyncGenerator<T>& generator,
                             base::Invocation& invocation,
                             std::string_view function) {
  for (std::uint64_t index = 0;; ++index) {
    co_await RoomWait(*invocation.items, index);
    std::optional<base::Failure> why = WhyNoItems(invocation);
    if (why.has_value()) co_return base::Outcome(*std::move(why));
    const std::optional<T> item = co_await generator.Next();
    if (!item.has_value()) co_return base::Outcome(base::Bytes());
    why = GiveItem(function, WritableOf(*item), index, invocation);
    if (why.has_value()) co_return base::Outcome(*std::move(why));
    co_await Yield();
  }
}

template <class G, class... P, class Call, std::size_t... kIndex>
Coro<base::Outcome> YieldWith(base::Invocation& invocation,
                              std::string_view function, Call call,
                              std::tuple<P...>*,
                              std::index_sequence<kIndex...>) {
  try {
    CheckArgumentCount(invocation, sizeof...(P));
    std::tuple<Storage<P>...> values{DecodeArgument<P>(invocation, kIndex)...};
    G generator = call(static_cast<P&&>(std::get<kIndex>(values))...);
    OpenItems(invocation);
    const Coro<base::Outcome> all = YieldAll(generator, invocation, function);
    co_return co_await all;
  } catch (...) {
    co_return base::Outcome(CaughtFailure(function));
  }
}

// Whether a generator may block its thread: it cannot await anything.
template <class G>
inline constexpr bool kHoldsSlot = false;
template <class T>
inline constexpr bool kHoldsSlot<Generator<T>> = true;

// How a Target runs, of which Call(invocation) can be called with the
// arguments.
template <class S, class Target>
struct Running {
  using R = typename S::Result;
  static constexpr std::size_t kCount =
      std::tuple_size_v<std::remove_pointer_t<typename S::Parameters>>;

  static base::Outcome Invoke(base::Invocation& invocation) {
    return Guarded<S>(invocation, Target::kName, Target::Call(invocation));
  }
  static std::shared_ptr<base::CoroutineRun> Begin(
      base::Invocation& invocation, base::Executor* executor,
      base::CoroutineRun::Owner& owner) {
    return PrepareRun(
        AwaitWith<ResultGiven<R>>(
            invocation, Target::kName, Target::Call(invocation),
            typename S::Parameters{}, std::make_index_sequence<kCount>()),
        executor, owner);
  }
  static std::shared_ptr<base::CoroutineRun> BeginToYield(
      base::Invocation& invocation, base::Executor* executor,
      base::CoroutineRun::Owner& owner) {
    return PrepareRun(
        YieldWith<std::remove_cv_t<R>>(
            invocation, Target::kName, Target::Call(invocation),
            typename S::Parameters{}, std::make_index_sequence<kCount>()),
        executor, owner);
  }
  static constexpr auto Run() {
    if constexpr (kYields<R>) {
      return GeneratorRun{&BeginToYield, kHoldsSlot<std::remove_cv_t<R>>};
    } else if constexpr (kIsCoroutine<R>) {
      return &Begin;
    } else {
      return &Invoke;
    }
  }
};

// A function or lambda. F is a parameter of its own so that a function of an
// unnamed namespace makes a class of that namespace.
template <class F, auto kFunction>
struct RemoteFunction {
  static constexpr std::string_view kName = FunctionName<kFunction>();
  static auto Call(base::Invocation&) {
    return [](auto&&... args) -> decltype(auto) {
      return kFunction(std::forward<decltype(args)>(args)...);
    };
  }
  inline static Registration registration{
      typeid(RemoteFunction), typeid(typename Signature<F>::Function), kName,
      Running<Signature<F>, RemoteFunction>::Run()};
};

// A method, called on an actor of class C, which may be derived from the
// method's.
template <class C, auto kMethod>
struct RemoteMethod {
  using S = SignatureOf<kMethod>;
  static constexpr std::string_view kName = FunctionName<kMethod>();
  static auto Call(base::Invocation& invocation) {
    C* const self = static_cast<C*>(invocation.instance->get());
    return [self](auto&&... args) -> decltype(auto) {
      return (self->*kMethod)(std::forward<decltype(args)>(args)...);
    };
  }
  inline static Registration registration{
      typeid(RemoteMethod), typeid(typename S::Function), kName,
      Running<S, RemoteMethod>::Run(), &typeid(C)};
};

// The constructor of C that takes A..., each a Storage type.
template <class C, class... A>
struct RemoteConstructor {
  using S = FunctionSignature<void, A...>;
  static constexpr std::string_view kName = TypeName<C>();
  static base::Outcome Invoke(base::Invocation& invocation) {
    std::shared_ptr<void>* const instance = invocation.instance;
    return Guarded<S>(invocation, kName, [instance](auto&&... args) {
      *instance = std::make_shared<C>(std::forward<decltype(args)>(args)...);
    });
  }
  inline static Registration registration{typeid(RemoteConstructor),
                                          typeid(typename S::Function), kName,
                                          &Invoke, &typeid(C)};
};

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_DETAIL_REMOTE_FUNCTION_H_
