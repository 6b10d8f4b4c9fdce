// Split makes a Ref for each of several values that one function returns.
//
//   std::tuple<Image, Report> Render(const Scene& scene);
//
//   auto [image, report] = mobula::Split(mobula::Spawn<Render>(scene));
//   mobula::Ref<int> shown = mobula::Spawn<Show>(image);
//
// Nothing waits. What it costs: a task of no cpu for each value, which reads
// the whole tuple and returns one part of it; so it is for parts that go
// different ways. Where they are wanted here, Get the tuple. If the function
// fails all parts fail alike. Threading: any. Errors: as Spawn.
#ifndef MOBULA_API_MOBULA_VERBS_SPLIT_H_
#define MOBULA_API_MOBULA_VERBS_SPLIT_H_

#include <cstddef>
#include <tuple>
#include <utility>

#include "api/mobula/options.h"
#include "api/mobula/ref.h"
#include "api/mobula/spawn.h"

namespace mobula {
namespace detail {

template <class Tuple, std::size_t kIndex>
std::tuple_element_t<kIndex, Tuple> Part(Tuple&& tuple) {
  return std::get<kIndex>(std::move(tuple));
}

template <class Tuple, std::size_t... kIndex>
auto PartsOf(const Ref<Tuple>& ref, std::index_sequence<kIndex...>) {
  const TaskOptions options = TaskOptions().Cpus(0).Name("Split");
  return std::tuple<Ref<std::tuple_element_t<kIndex, Tuple>>...>(
      Spawn<Part<Tuple, kIndex>>(options, ref)...);
}

}  // namespace detail

template <class... T>
std::tuple<Ref<T>...> Split(const Ref<std::tuple<T...>>& ref) {
  return detail::PartsOf(ref, std::index_sequence_for<T...>());
}

template <class First, class Second>
std::tuple<Ref<First>, Ref<Second>> Split(
    const Ref<std::pair<First, Second>>& ref) {
  return detail::PartsOf(ref, std::make_index_sequence<2>());
}

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_VERBS_SPLIT_H_
