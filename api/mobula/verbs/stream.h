// Stream calls a function for one element of a range after the other, a bounded
// number at a time, and gives what came of them: for more elements than should
// be under way, or in memory, at once.
//
//   for (const mobula::Settled<Page>& page : mobula::Stream<Fetch>(urls)) {
//     Use(page.index, page.Get());              // throws where that one failed
//   }
//
//   auto pages = mobula::Stream<Fetch>(
//       mobula::StreamOptions().Window(100).Ordered(false), Urls(file));
//   while (auto page = co_await pages.Next()) Use(page->Get());
//
// The window bounds the calls that were started and not yet given: so many are
// under way, or wait to be given, at most. Ordered, each comes at its place;
// else as it is done. An error is no end: it comes where its element stands,
// from Settled::Get, and the next element comes behind it.
// Calls are started by begin, ++ and Next, in the thread or coroutine that
// asks, which also walks the range there: a container or view by reference
// where it is an lvalue, so it must outlive the stream; a Generator or another
// temporary is moved in. What follows the range is handed to each call behind
// the element. Leaving a stream early, or destroying it, cancels nothing that
// runs and starts nothing more. Threading: one thread or coroutine at a time.
// Errors: begin, ++ and Next throw TimeoutError and Cancelled as every wait;
// what Spawn throws, in which case the same element is tried again next time;
// and at once what the range throws, which ends it: what was started before is
// still given. BadArgument for a window of 0.
// The idea: multiprocessing.Pool.imap and imap_unordered of Python, with a
// bound.
#ifndef MOBULA_API_MOBULA_VERBS_STREAM_H_
#define MOBULA_API_MOBULA_VERBS_STREAM_H_

#include <cstddef>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>

#include "api/mobula/coro/detail/arrivals.h"
#include "api/mobula/options.h"
#include "api/mobula/ref.h"
#include "api/mobula/spawn.h"
#include "api/mobula/timeout.h"
#include "api/mobula/verbs/detail/settled_iterator.h"
#include "api/mobula/verbs/map.h"
#include "api/mobula/verbs/settled.h"
#include "api/mobula/verbs/stream_options.h"

namespace mobula {

// What Stream gives.
template <class T>
class [[nodiscard]] CallStream {
 public:
  // Spawns the next one; nothing at the end.
  using SpawnNext = std::function<std::optional<Ref<T>>()>;

  CallStream(const StreamOptions& options, SpawnNext spawn_next)
      : window_(options.values().window),
        spawn_next_(std::move(spawn_next)),
        watched_(options.values().ordered
                     ? detail::Arrivals::Order::kAsAdded
                     : detail::Arrivals::Order::kAsTheyCome) {}
  CallStream(CallStream&&) noexcept = default;
  CallStream& operator=(CallStream&&) = delete;
  ~CallStream() = default;

  // Starts what the window has room for. co_await what it gives, or BlockOn it:
  // the next one, nothing after the last.
  [[nodiscard]] auto Next(Timeout timeout = {}) {
    Fill();
    return NextWait(*this, timeout);
  }

  // For a thread: begin waits for the first. One loop at a time; a second one
  // goes on where the first was left.
  auto begin() { return detail::SettledIterator<CallStream>(*this); }
  std::default_sentinel_t end() const { return {}; }

  // Calls that were started and not yet given.
  [[nodiscard]] std::size_t size() const { return refs_.size(); }

 private:
  class NextWait final : public detail::TakeWait {
   public:
    NextWait(CallStream& of, Timeout timeout)
        : TakeWait(of.watched_.arrivals(), timeout), of_(of) {}
    std::optional<Settled<T>> await_resume() {
      const std::optional<std::size_t> index = TakeWait::await_resume();
      if (!index) return std::nullopt;
      return Settled<T>{*index, std::move(of_.refs_.extract(*index).mapped())};
    }

   private:
    CallStream& of_;
  };

  void Fill() {
    while (spawn_next_ != nullptr && refs_.size() < window_) {
      std::optional<Ref<T>> next = spawn_next_();
      if (!next) {
        spawn_next_ = nullptr;
        return;
      }
      watched_.arrivals().Add(RefAccess::Object(*next));
      refs_.emplace(started_++, *std::move(next));
    }
  }

  std::size_t window_;
  SpawnNext spawn_next_;  // empty at the end of the range
  std::size_t started_ = 0;
  std::map<std::size_t, Ref<T>> refs_;  // not yet given
  detail::WatchedRefs watched_;
};

namespace detail {

// Walks a range as far as it is asked to.
template <class View>
class Walk {
 public:
  explicit Walk(View view) : view_(std::move(view)) {}

  // Whether there is one to be spawned: the same one until it Passed.
  bool AtOne() {
    if (ended_) return false;
    if (!at_ || passed_) {
      ended_ = true;  // stays where the range throws
      if (at_) {
        ++*at_;
      } else {
        at_.emplace(std::ranges::begin(view_));
      }
      passed_ = false;
      ended_ = *at_ == std::ranges::end(view_);
    }
    return !ended_;
  }
  decltype(auto) One() const { return **at_; }
  void Passed() { passed_ = true; }

 private:
  View view_;
  std::optional<std::ranges::iterator_t<View>> at_;
  bool passed_ = false;
  bool ended_ = false;
};

}  // namespace detail

template <auto kFunction, class Range, class... A>
auto Stream(const StreamOptions& options, Range&& range, A... same) {
  detail::CheckOneValue<kFunction>();
  using T = detail::RefValue<typename detail::SignatureOf<kFunction>::Result>;
  detail::CheckRange<Range>();
  static_assert((std::is_copy_constructible_v<A> && ...),
                "mobula: what follows the range of a Stream is handed to each "
                "call, so it must be copyable");
  if constexpr (detail::kIsRange<Range>) {
    auto view = std::views::all(std::forward<Range>(range));
    auto walk = std::make_shared<detail::Walk<decltype(view)>>(std::move(view));
    return CallStream<T>(
        options,
        [walk = std::move(walk), task = options.values().task,
         rest =
             std::tuple<A...>(std::move(same)...)]() -> std::optional<Ref<T>> {
          if (!walk->AtOne()) return std::nullopt;
          Ref<T> ref = std::apply(
              [&](const auto&... each) {
                return Spawn<kFunction>(task, walk->One(), each...);
              },
              rest);
          walk->Passed();
          return ref;
        });
  }
}

template <auto kFunction, class Range, class... A>
  requires(!detail::kFirstIs<StreamOptions, Range>)
auto Stream(Range&& range, A... same) {
  return Stream<kFunction>(StreamOptions(), std::forward<Range>(range),
                           std::move(same)...);
}

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_VERBS_STREAM_H_
