// Map, Starmap and MapChunks spawn a function for each element of a range, and
// give the Refs in the same order.
//
//   std::vector<mobula::Ref<Page>> pages = mobula::Map<Fetch>(urls);
//   auto images = mobula::Map<Render>(mobula::TaskOptions().Cpus(2), frames,
//                                     scene);         // Render(frame, scene)
//   auto sums = mobula::Starmap<Add>(pairs);          // Add(first, second)
//   std::vector<mobula::Ref<std::vector<int>>> chunks =
//       mobula::MapChunks<Square>(1'000, numbers);    // 1,000 in each task
//
// A range is a container, a view or a Generator. Elements are arguments as
// Spawn takes them, Refs too; of Starmap they are tuples, pairs or arrays of
// arguments. What follows the range is handed to each call behind the element;
// it is encoded for each: what is long should be a Ref (Put). MapChunks is for
// functions that take less time than a task costs: it calls F for up to so many
// elements in one task, gives one Ref for each chunk (a Ref of a vector has one
// place in the store and one outcome), and where F throws for an element its
// chunk fails. All are spawned at once; Stream (stream.h) bounds how many.
// Threading: any thread, any coroutine; nothing waits, but for a full store.
// Errors: as Spawn: what was spawned before goes on. BadArgument for chunks of
// 0. What a task throws comes from its Ref.
// The idea: multiprocessing.Pool.map and starmap of Python.
#ifndef MOBULA_API_MOBULA_VERBS_MAP_H_
#define MOBULA_API_MOBULA_VERBS_MAP_H_

#include <cstddef>
#include <ranges>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/mobula/detail/signature.h"
#include "api/mobula/detail/type_name.h"
#include "api/mobula/error.h"
#include "api/mobula/options.h"
#include "api/mobula/ref.h"
#include "api/mobula/spawn.h"

namespace mobula {
namespace detail {

template <class Range>
constexpr void CheckRange() {
  static_assert(std::ranges::input_range<Range>,
                "mobula: Map, Starmap and Stream want a range of elements: a "
                "container, a view or a Generator (not an AsyncGenerator)");
}

template <class Range>
inline constexpr bool kIsRange = std::ranges::input_range<Range>;

template <class Refs, class Range>
void ReserveFor(const Range& range, Refs* refs) {
  if constexpr (std::ranges::sized_range<const Range>) {
    refs->reserve(std::ranges::size(range));
  }
}

template <class E>
concept TupleLike =
    requires { std::tuple_size<std::remove_cvref_t<E>>::value; };

// Spawns F with the parts of the element, and `same` behind them.
template <auto kFunction, class E, class... A>
SpawnRef<kFunction> SpawnWithParts(const TaskOptions& options, E&& element,
                                   const A&... same) {
  static_assert(TupleLike<E>,
                "mobula: Starmap wants a range of tuples, pairs or arrays of "
                "arguments; where the function takes one, use Map");
  if constexpr (TupleLike<E>) {
    return std::apply(
        [&](auto&&... parts) {
          return Spawn<kFunction>(
              options, std::forward<decltype(parts)>(parts)..., same...);
        },
        std::forward<E>(element));
  } else {
    return {};
  }
}

// What runs in a task of MapChunks.
template <auto kFunction, class R, class P>
struct Chunk {
  using Results = std::conditional_t<
      std::is_void_v<R>, void,
      std::vector<std::conditional_t<std::is_void_v<R>, int, RefValue<R>>>>;
  using Element = ValueOf<P>;

  static Results Run(std::vector<Element> elements) {
    if constexpr (std::is_void_v<R>) {
      for (auto&& each : elements) Call(Element(std::move(each)));
    } else {
      Results results;
      results.reserve(elements.size());
      for (auto&& each : elements) {
        results.push_back(Call(Element(std::move(each))));
      }
      return results;
    }
  }
  static R Call(Element element) { return kFunction(std::move(element)); }
};

template <auto kFunction, class Signature>
struct ChunkOf;
template <auto kFunction, class R, class P>
struct ChunkOf<kFunction, R(P)> : Chunk<kFunction, R, P> {};

template <class S>
constexpr bool IsOfOne() {
  if constexpr (S::kKind == Kind::kFunction) {
    return std::tuple_size_v<std::remove_pointer_t<typename S::Parameters>> ==
           1;
  } else {
    return false;
  }
}
template <auto kFunction>
inline constexpr bool kTakesOne = IsOfOne<SignatureOf<kFunction>>();

}  // namespace detail

template <auto kFunction, class Range, class... A>
std::vector<detail::SpawnRef<kFunction>> Map(const TaskOptions& options,
                                             Range&& range, const A&... same) {
  detail::CheckRange<Range>();
  std::vector<detail::SpawnRef<kFunction>> refs;
  if constexpr (detail::kIsRange<Range>) {
    detail::ReserveFor(range, &refs);
    for (auto&& element : range) {
      refs.push_back(Spawn<kFunction>(
          options, std::forward<decltype(element)>(element), same...));
    }
  }
  return refs;
}

template <auto kFunction, class Range, class... A>
  requires(!detail::kFirstIs<TaskOptions, Range>)
std::vector<detail::SpawnRef<kFunction>> Map(Range&& range, const A&... same) {
  return Map<kFunction>(TaskOptions(), std::forward<Range>(range), same...);
}

template <auto kFunction, class Range, class... A>
std::vector<detail::SpawnRef<kFunction>> Starmap(const TaskOptions& options,
                                                 Range&& range,
                                                 const A&... same) {
  detail::CheckRange<Range>();
  std::vector<detail::SpawnRef<kFunction>> refs;
  if constexpr (detail::kIsRange<Range>) {
    detail::ReserveFor(range, &refs);
    for (auto&& element : range) {
      refs.push_back(detail::SpawnWithParts<kFunction>(
          options, std::forward<decltype(element)>(element), same...));
    }
  }
  return refs;
}

template <auto kFunction, class Range, class... A>
  requires(!detail::kFirstIs<TaskOptions, Range>)
std::vector<detail::SpawnRef<kFunction>> Starmap(Range&& range,
                                                 const A&... same) {
  return Starmap<kFunction>(TaskOptions(), std::forward<Range>(range), same...);
}

// Up to `chunk_size` elements a task; Refs of vectors of results, and Ref<void>
// where F returns nothing.
template <auto kFunction, class Range>
auto MapChunks(const TaskOptions& options, std::size_t chunk_size,
               Range&& range) {
  detail::CheckRange<Range>();
  detail::CheckOneValue<kFunction>();
  static_assert(detail::kTakesOne<kFunction>,
                "mobula: MapChunks wants a function of one parameter");
  if constexpr (detail::kTakesOne<kFunction> && detail::kIsRange<Range> &&
                !detail::kYields<
                    typename detail::SignatureOf<kFunction>::Result>) {
    using Chunk =
        detail::ChunkOf<kFunction,
                        typename detail::SignatureOf<kFunction>::Function>;
    if (chunk_size == 0) detail::ThrowBadArgument("MapChunks with chunks of 0");
    TaskOptions named = options;
    if (named.values().name.empty()) {
      named.Name(std::string(detail::FunctionName<kFunction>()));
    }
    std::vector<detail::SpawnRef<&Chunk::Run>> refs;
    std::vector<typename Chunk::Element> chunk;
    for (auto&& element : range) {
      if (chunk.size() == chunk_size) {
        refs.push_back(Spawn<&Chunk::Run>(named, chunk));
        chunk.clear();
      }
      chunk.emplace_back(std::forward<decltype(element)>(element));
    }
    if (!chunk.empty()) refs.push_back(Spawn<&Chunk::Run>(named, chunk));
    return refs;
  }
}

template <auto kFunction, class Range>
auto MapChunks(std::size_t chunk_size, Range&& range) {
  return MapChunks<kFunction>(TaskOptions(), chunk_size,
                              std::forward<Range>(range));
}

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_VERBS_MAP_H_
