// An actor is an object that lives in a worker process of its own; Actor<C> is
// a handle to it, and calls to it run one at a time, in the order in which this
// process made them, or, where ActorOptions say so, several at the same time.
//
//   class Index {
//    public:
//     explicit Index(int shard);
//     void Add(const std::vector<Count>& counts);
//     std::int64_t Lookup(const std::string& word) const;
//   };
//
//   mobula::Actor<Index> index =
//       mobula::Create<Index>(mobula::ActorOptions().MaxRestarts(-1), 0);
//   index.Call<&Index::Add>(counts);              // a Ref for a value
//   std::int64_t n = mobula::Get(index.Call<&Index::Lookup>("ray"));
//
// Create returns at once; if the constructor throws, the actor is dead and
// every call throws that TaskError (executed() is kNo). When the process dies
// and MaxRestarts allows, the constructor runs again in a new one: its
// incarnation grows by one, and what was called since is lost unless it is
// called again. Every answer tells its incarnation (Ref::Incarnation), and a
// call can be bound to one (CallOptions). A call runs at most once by default;
// if the process dies meanwhile it fails with WorkerDied, or with ActorDied
// where no restart is left; executed() says whether it ran.
// The actor ends when its last handle is gone, by Kill or by ExitActor; in the
// first and last case its destructor runs.
// With ActorOptions().Shared() thousands of actors live in one process, and
// share its fate (options.h): Get throws CoHosted for a call that was under way
// in one when another ended it.
// An actor with a name (ActorOptions::Name) is found by other processes and
// programs of the cluster:
//
//   auto index = mobula::Create<Index>(
//       mobula::ActorOptions().Name("index").Detached().GetIfExists(), 0);
//   mobula::Actor<Index> same = mobula::GetActor<Index>("index");
//
// A detached one lives on without handles and after its program, in a process
// of that program's executable, until Kill or ExitActor; when it dies, the
// cluster restarts it as MaxRestarts says. Arguments that are Refs are awaited
// by Create.
// With ActorOptions().MaxConcurrency(n) up to n of its methods run at the same
// time; groups keep what must always answer from waiting behind the rest:
//
//   template <>                                  // for all calls of it
//   inline constexpr std::string_view
//       mobula::kConcurrencyGroup<&Index::Health> = "health";
//
//   auto index = mobula::Create<Index>(
//       mobula::ActorOptions().MaxConcurrency(4).ConcurrencyGroup("health", 1),
//       0);
//   index.Call<&Index::Health>();
//   index.Call<&Index::Lookup>(mobula::CallOptions().Group("health"), "ray");
//
// Its destructor runs when all of its methods have ended, on the thread of its
// constructor.
// Arguments and results: as of Spawn; a method that is a generator lets other
// calls begin where it yields. Of overloaded methods one is chosen with
// static_cast<R (C::*)(P...)>(&C::M).
// Errors thrown by Create and Call: RuntimeClosed, ValueTooLarge, BadArgument,
// ObjectStoreFull; all others come from Get. Create with a name throws also
// NameTaken, ControlAway, DiskFull, and Infeasible if detached. Threading: a
// handle is a value like std::shared_ptr: each thread its own copy. Calls of
// one thread keep their order. The idea: Hewitt, Bishop and Steiger, "A
// Universal Modular ACTOR Formalism" (1973); incarnations as in Orleans and
// Ray.
#ifndef MOBULA_API_MOBULA_ACTOR_H_
#define MOBULA_API_MOBULA_ACTOR_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "api/mobula/detail/calls.h"
#include "api/mobula/detail/remote_function.h"
#include "api/mobula/detail/signature.h"
#include "api/mobula/named/given.h"
#include "api/mobula/named/named_function.h"
#include "api/mobula/options.h"
#include "api/mobula/ref.h"
#include "api/mobula/spawn.h"
#include "api/mobula/values/view.h"
#include "base/codec/codec.h"

namespace mobula {
namespace detail {

// Whether a constructor can be called with arguments of these types.
template <class C, class List, class... Rest>
struct Fit;
// The first that can, else the last.
template <class One, class... More>
struct FirstFit : std::conditional_t<One::kFits, One, FirstFit<More...>> {};
template <class One>
struct FirstFit<One> : One {};

template <class C, class... Chosen>
struct Fit<C, base::TypeList<Chosen...>> {
  static constexpr bool kFits = std::is_constructible_v<C, Chosen...>;
  using Target = RemoteConstructor<C, Chosen...>;
};
template <class C, class... Chosen, class... Choices, class... Rest>
struct Fit<C, base::TypeList<Chosen...>, base::TypeList<Choices...>, Rest...>
    : FirstFit<Fit<C, base::TypeList<Chosen..., Choices>, Rest...>...> {};

// What a constructor's parameter may be for an argument of some type, in the
// order in which it is tried.
template <class T>
struct ChoicesOf {
  using Types = base::TypeList<T>;
};
template <class T>
  requires kIsViewable<T>
struct ChoicesOf<T> {
  using Types = base::TypeList<T, View<T>>;
};
template <class T>
struct ChoicesOf<View<T>> {
  using Types = base::TypeList<View<T>, T>;
};
template <class T>
struct ChoicesOf<Ref<T>> {
  using Types = base::TypeList<T, Ref<T>>;
};
template <class T>
  requires kIsViewable<T>
struct ChoicesOf<Ref<T>> {
  using Types = base::TypeList<T, View<T>, Ref<T>>;
};

template <class C>
inline constexpr bool kIsActorClass =
    std::is_class_v<C> && !std::is_const_v<C> && !std::is_abstract_v<C> &&
    std::is_destructible_v<C>;

template <class C>
constexpr void CheckActorClass() {
  static_assert(std::is_class_v<C> && !std::is_const_v<C>,
                "mobula: Create wants a class: Create<Index>(...)");
  static_assert(!std::is_class_v<C> || !std::is_abstract_v<C>,
                "mobula: Create of an abstract class: it has pure virtual "
                "methods, so there can be no object of it");
  static_assert(!std::is_class_v<C> || std::is_destructible_v<C>,
                "mobula: Create of a class whose destructor is not public");
}

template <class C, auto kMethod>
constexpr void CheckMethod() {
  using S = SignatureOf<kMethod>;
  static_assert(S::kKind != Kind::kFunction,
                "mobula: Call of a static method or plain function: it needs "
                "no actor; use Spawn<...>(...)");
  static_assert(S::kKind != Kind::kDataMember,
                "mobula: Call of a data member: name a method that returns it");
  static_assert(S::kKind != Kind::kGeneric && S::kKind != Kind::kOther,
                "mobula: Call wants a method of the actor's class, as "
                "&Class::Method (not volatile, not &&, no '...')");
  if constexpr (S::kKind == Kind::kMethod) {
    static_assert(std::is_base_of_v<typename S::Class, C>,
                  "mobula: Call of a method of another class: the actor's "
                  "class is not derived from it");
    CheckSignature<typename S::Result>(typename S::Parameters{});
  }
}

template <class C, auto kMethod>
constexpr bool IsCallable() {
  using S = SignatureOf<kMethod>;
  if constexpr (S::kKind == Kind::kMethod) {
    return std::is_base_of_v<typename S::Class, C> && kIsRemote<S>;
  } else {
    return false;
  }
}

}  // namespace detail

// The concurrency group of a method; specialised, it is that of all calls of it
// that name none; a call by a stable name (CallNamed) is of no group unless its
// options name one. The specialisation stands behind the class, before the
// first call of the method, at global scope or in namespace mobula.
template <auto kMethod>
inline constexpr std::string_view kConcurrencyGroup = "";

template <class C>
class Actor {
 public:
  using Class = C;

  // A handle to nothing; all it does is throw BadArgument.
  Actor() = default;

  template <auto kMethod, class... A>
  detail::SpawnRef<kMethod> Call(const CallOptions& options,
                                 A&&... args) const {
    using S = detail::SignatureOf<kMethod>;
    detail::CheckMethod<C, kMethod>();
    if constexpr (detail::IsCallable<C, kMethod>()) {
      using Target = detail::RemoteMethod<C, kMethod>;
      return detail::MakeGiven<typename S::Result>(detail::WithArguments(
          typename S::Parameters{},
          [this, &options](detail::Arguments arguments) {
            return detail::CallActor(actor_, Target::registration.entry(),
                                     arguments, options,
                                     kConcurrencyGroup<kMethod>);
          },
          std::forward<A>(args)...));
    } else {
      return {};
    }
  }

  template <auto kMethod, class... A>
    requires(!detail::kFirstIs<CallOptions, A...>)
  detail::SpawnRef<kMethod> Call(A&&... args) const {
    return Call<kMethod>(CallOptions(), std::forward<A>(args)...);
  }

  // The method that has this name in the actor's own program (MOBULA_REMOTE,
  // remote.h); C need not be complete here.
  template <class R, class... A>
  Ref<R> CallNamed(const CallOptions& options, std::string_view name,
                   A&&... args) const {
    detail::CheckReturn<R>();
    const base::FunctionEntry entry = detail::NamedEntry(name);
    return RefAccess::Make<R>(detail::WithGiven(
        [&](detail::Arguments arguments) {
          return detail::CallActor(actor_, entry, arguments, options);
        },
        std::forward<A>(args)...));
  }

  template <class R, class... A>
  Ref<R> CallNamed(std::string_view name, A&&... args) const {
    return CallNamed<R>(CallOptions(), name, std::forward<A>(args)...);
  }

  // Names the actor among all of the cluster; the same for all incarnations.
  [[nodiscard]] base::ActorId Id() const { return detail::IdOf(actor_); }
  // Of which this process knows last, from 1; 0 while the first one begins.
  [[nodiscard]] std::int64_t Incarnation() const {
    return detail::IncarnationOf(actor_);
  }
  // Whether it is known to have ended for good.
  [[nodiscard]] bool Dead() const { return detail::IsDead(actor_); }
  // Whether this handle names an actor.
  explicit operator bool() const { return actor_ != nullptr; }

  // An Actor inside a value does not compile; see CheckValue.
  void MobulaEncode(base::Writer&) const { detail::CheckValue<Actor>(); }
  bool MobulaDecode(base::Reader&) {
    return detail::CheckValue<Actor>(), false;
  }

 private:
  template <class D, class... A>
  friend Actor<D> Create(const ActorOptions& options, A&&... args);
  template <class D>
  friend Actor<D> GetActor(const std::string& name, const std::string& ns);
  template <class D>
  friend void Kill(const Actor<D>& actor, const KillOptions& options);
  explicit Actor(detail::ActorPtr actor) : actor_(std::move(actor)) {}

  detail::ActorPtr actor_;
};

// Begins an actor of class C, whose constructor gets `args`: values of just the
// types given ("text" as std::string), or Refs, of which it gets the values or,
// where it takes only Refs, the Refs themselves.
template <class C, class... A>
Actor<C> Create(const ActorOptions& options, A&&... args) {
  detail::CheckActorClass<C>();
  (detail::CheckValue<detail::GivenValue<A>>(), ...);
  if constexpr (detail::kIsActorClass<C> &&
                (detail::kIsValue<detail::GivenValue<A>> && ...)) {
    using Fit =
        detail::Fit<C, base::TypeList<>,
                    typename detail::ChoicesOf<detail::Given<A>>::Types...>;
    constexpr bool kFits = Fit::kFits;
    static_assert(kFits,
                  "mobula: the actor's class has no public constructor that "
                  "takes these arguments by value (see "
                  "'Create<class, arguments>' in this message)");
    if constexpr (kFits) {
      using Target = typename Fit::Target;
      return Actor<C>(detail::WithArguments(
          typename Target::S::Parameters{},
          [&options](detail::Arguments arguments) {
            return detail::CreateActor(Target::registration.entry(),
                                       detail::TypeName<C>(), arguments,
                                       options);
          },
          std::forward<A>(args)...));
    }
  }
  return Actor<C>();
}

template <class C, class... A>
  requires(!detail::kFirstIs<ActorOptions, A...>)
Actor<C> Create(A&&... args) {
  return Create<C>(ActorOptions(), std::forward<A>(args)...);
}

// A handle of the living actor of that name; `ns` "" is the program's own
// namespace (InitOptions::Namespace). The actor may still be starting: calls
// wait for it. Its class must be C by name; the program need not be the same.
// Throws NoSuchActor; BadArgument if it is of another class, naming both;
// ControlAway; RuntimeClosed.
template <class C>
Actor<C> GetActor(const std::string& name, const std::string& ns = "") {
  static_assert(
      std::is_class_v<C> && !std::is_const_v<C>,
      "mobula: GetActor wants the actor's class: GetActor<Index>(name)");
  if constexpr (std::is_class_v<C>) {
    return Actor<C>(detail::GetActor(detail::TypeName<C>(), name, ns));
  }
  return Actor<C>();
}

// Ends the actor's process without running its destructor, or, if
// KillOptions().Graceful() is given, with it; of a shared actor its methods are
// told to stop in any case, and only if that is not enough (KillGrace) the
// process ends; else its destructor runs. Calls that have not
// been answered fail with ActorDied, or wait for the next incarnation if
// KillOptions().Restart() is given and MaxRestarts allows one. Anyone with a
// handle may. Of a detached actor it returns when its end is durable, and
// throws ControlAway where the control store does not answer.
template <class C>
void Kill(const Actor<C>& actor, const KillOptions& options = KillOptions()) {
  detail::KillActor(actor.actor_, options);
}

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_ACTOR_H_
