// Remote<F> is F with its options, as an object that is called like F itself,
// for what is spawned in many places.
//
//   const mobula::Remote<Render> render(mobula::TaskOptions().Cpus(2));
//   mobula::Ref<Image> left = render(scene, 1);      // Spawn<Render>(options,
//   ...) mobula::Ref<Image> right = render(scene, 2); mobula::BoundCall<Image>
//   later = render.Bind(scene, 3);
//
// A declaration, rather than a chain of calls on one, because it is read where
// options belong: once, beside the function's name, with a name for the two.
// It can be handed to algorithms (std::transform(frames, ..., render)).
// Threading: a value; may be called from any thread.
// Errors: as Spawn and Bind.
#ifndef MOBULA_API_MOBULA_VERBS_REMOTE_H_
#define MOBULA_API_MOBULA_VERBS_REMOTE_H_

#include <utility>

#include "api/mobula/options.h"
#include "api/mobula/spawn.h"
#include "api/mobula/verbs/bound_call.h"

namespace mobula {

template <auto kFunction>
class Remote {
 public:
  Remote() = default;
  explicit Remote(TaskOptions options) : options_(std::move(options)) {}

  template <class... A>
  detail::SpawnRef<kFunction> operator()(A&&... args) const {
    return Spawn<kFunction>(options_, std::forward<A>(args)...);
  }
  template <class... A>
  detail::BindCallOf<kFunction> Bind(A&&... args) const {
    return mobula::Bind<kFunction>(options_, std::forward<A>(args)...);
  }
  [[nodiscard]] const TaskOptions& options() const { return options_; }

 private:
  TaskOptions options_;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_VERBS_REMOTE_H_
